"""What every dataset is: a name, where its text comes from, and a stream of documents."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


class DatasetError(Exception):
    """A dataset that cannot be had: one line that says which, why, and what is known or to be done."""


@dataclass(frozen=True)
class Document:
    """A text that is split as a whole: no part of it is in training when another part is held out."""

    id: str
    text: str


@dataclass(frozen=True)
class Dataset:
    """A named source of documents.

    `documents()` streams the same documents with the same text in the same order on every call, as long as
    the installed packages it reads stay the same. Near-duplicates are still in it: `deduplicate` drops them.
    """

    name: str
    source: str
    licence: str
    documents: Callable[[], Iterator[Document]]
    packages: tuple[str, ...] = ()

    def version(self) -> str:
        """Identity of the text without reading it: this package's code, Python, and the packages it reads.

        Raises DatasetError where one of those is not installed.
        """
        try:
            read = [f"{name} {version(name)}" for name in self.packages]
        except PackageNotFoundError as error:
            raise DatasetError(
                f"dataset {self.name} is the documentation of {error.name}, which is not installed: "
                f"pip install {error.name}"
            ) from None
        return "; ".join([self.name, _code(), f"Python {platform.python_version()}", *read])


@cache
def _code() -> str:
    """Digest of this package's source, as this process runs it."""
    code = sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()
