"""`documentation`: English to pre-train on, from Python's manual and the docstrings of installed packages."""

from collections.abc import Iterator
from itertools import chain

from runner.datasets import python, statistics
from runner.datasets.docstrings import clean, file_docstrings, package_docstrings
from runner.datasets.document import Dataset, Document
from runner.datasets.duplicates import unlike
from runner.datasets.stdlib import source_files

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "networkx")


def documents() -> Iterator[Document]:
    """Topics of Python's manual and docstrings, none near a document that models are fine-tuned on."""
    candidates = chain(
        _topics(), _stdlib(), *(package_docstrings(name, without=_HELD_OUT) for name in PACKAGES)
    )
    return unlike(candidates, chain(statistics.documents(), python.documents()))


_HELD_OUT = frozenset({"stats"})


def _topics() -> Iterator[Document]:
    from pydoc_data.topics import topics  # half a megabyte, needed only here

    for name in sorted(topics):
        yield Document(f"pydoc_data.topics.{name}", clean(topics[name]))


def _stdlib() -> Iterator[Document]:
    for module, file in source_files():
        if module != "statistics":
            yield from file_docstrings(file, module)


DATASET = Dataset(
    name="documentation",
    source=f"Python's manual and docstrings of the standard library, {', '.join(PACKAGES)}, as installed",
    licence="PSF-2.0 (Python, Matplotlib), BSD-3-Clause (NumPy, SciPy, pandas, NetworkX)",
    documents=documents,
    packages=(*PACKAGES, *statistics.DATASET.packages),
)
