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


class NotFetchedError(DatasetError):
    """A dataset whose source is not on this machine yet."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is split as a whole: no part of it is in training when another part is held out."""

    id: str
    text: str


@dataclass(frozen=True)
class Fetch:
    """How the source of a dataset comes to this machine, and how it is read there.

    `obtain(given, folder)` puts the source's one file into `folder` and returns it and where it came from:
    `given` is a path that the user names, or None for the source's own address. What is in `folder` from an
    attempt that broke off is gone on with. `read(file)` streams its documents.
    """

    obtain: Callable[[Path | None, Path], tuple[Path, str]]
    read: Callable[[Path], Iterator[Document]]


@dataclass(frozen=True)
class Dataset:
    """A named source of documents.

    `documents()` streams the same documents with the same text in the same order on every call, as long as
    the installed packages and the files that it reads stay the same. Near-duplicates are still in it:
    `deduplicate` drops them, told by runs of words, or by runs of letters where the text has no words.
    `origin()` identifies the files that it reads, `address()` says where they came from if they are here;
    `fetch` says how their source comes to this machine.
    """

    name: str
    source: str
    licence: str
    documents: Callable[[], Iterator[Document]]
    packages: tuple[str, ...] = ()
    letters: bool = False
    origin: Callable[[], str] | None = None
    address: Callable[[], str | None] | None = None
    fetch: Fetch | None = None

    def provenance(self) -> str:
        """The source, with the address that it was fetched from."""
        address = self.address() if self.address else None
        return f"{self.source}, from {address}" if address else self.source

    def version(self) -> str:
        """Identity of the text without reading it: this package's code, Python, packages and files it reads.

        Raises DatasetError where a package is not installed, NotFetchedError where the source is not here.
        """
        try:
            read = [f"{name} {version(name)}" for name in self.packages]
        except PackageNotFoundError as error:
            raise DatasetError(
                f"dataset {self.name} is the documentation of {error.name}, which is not installed: "
                f"pip install {error.name}"
            ) from None
        read += [self.origin()] if self.origin else []
        return "; ".join([self.name, _code(), f"Python {platform.python_version()}", *read])


@cache
def _code() -> str:
    """Digest of this package's source, as this process runs it."""
    code = sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()
