"""`statistics`: documentation of statistical routines: statsmodels, scipy.stats, the standard library's."""

import sysconfig
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from runner.datasets.docstrings import file_docstrings, package_docstrings
from runner.datasets.document import Dataset, Document


def documents() -> Iterator[Document]:
    """Docstrings of statsmodels, of scipy.stats and of the standard library's module statistics."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    return chain(
        package_docstrings("statsmodels"),
        package_docstrings("scipy", folder="stats"),
        file_docstrings(stdlib / "statistics.py", "statistics"),
    )


DATASET = Dataset(
    name="statistics",
    source="docstrings of statsmodels, scipy.stats and the standard library's statistics, as installed",
    licence="BSD-3-Clause (statsmodels, SciPy), PSF-2.0 (Python)",
    documents=documents,
    packages=("scipy", "statsmodels"),
)
