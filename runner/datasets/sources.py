"""Texts that are not made here: brought once, kept in the cache with a manifest, and read from there.

    .cache/data/enron/enron_mail_20150507.tar.gz
    .cache/data/enron/manifest.json                where it came from, checksum, licence, date

A source is one file: a folder that a user names is packed into a tar. It appears under its name when it is
whole and its documents have been read once, or not at all.
"""

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tqdm import tqdm

from runner.datasets.document import Dataset, DatasetError, Document, Fetch, NotFetchedError
from runner.datasets.download import download
from runner.datasets.sample import CHARACTERS, sampled


@dataclass(frozen=True)
class Source:
    """A source as it lies in the cache: what its manifest says."""

    dataset: str
    address: str
    file: str
    bytes: int
    sha256: str
    licence: str
    documents: int
    characters: int
    fetched_at: str


def cache_folder() -> Path:
    """Where all that can be made or brought again is kept: TRANSFER_LAWS_CACHE, or .cache here."""
    return Path(os.environ.get("TRANSFER_LAWS_CACHE", ".cache")).absolute()


def fetched_dataset(
    name: str,
    source: str,
    licence: str,
    read: Callable[[Path], Iterator[Document]],
    obtain: Callable[[Path | None, Path], tuple[Path, str]],
    *,
    letters: bool = False,
    characters: int = CHARACTERS,
) -> Dataset:
    """A dataset whose documents `read` finds in a source that `obtain` brings, a sample of `characters`."""
    return Dataset(
        name=name,
        source=source,
        licence=licence,
        documents=partial(_documents, name, read, characters),
        letters=letters,
        origin=partial(_origin, name),
        address=partial(_address, name),
        fetch=Fetch(obtain, read),
    )


def source_of(name: str) -> Source | None:
    """The source of that dataset in the cache, or None."""
    manifest = _folder(name) / "manifest.json"
    return Source(**json.loads(manifest.read_text())) if manifest.is_file() else None


def fetch(dataset: Dataset, given: Path | None = None) -> Source:
    """Bring the dataset's source into the cache, from the path `given` or its own address; read it once.

    What is there already stays, unless a path is given. Raises DatasetError where it cannot be had or read;
    what was there before then stays as it was.
    """
    if dataset.fetch is None:
        raise DatasetError(f"{dataset.name} needs no fetching: it is {dataset.source}")
    there = source_of(dataset.name)
    if there is not None and given is None:
        return there
    if given is not None and not given.exists():
        raise DatasetError(f"{given}: no such file or folder")
    folder = _folder(dataset.name)
    work = folder.with_name(f"{dataset.name}.partial")
    work.mkdir(parents=True, exist_ok=True)
    try:
        file, address = dataset.fetch.obtain(given, work)  # what an earlier attempt brought is gone on with
    except BaseException:
        if not any(work.iterdir()):
            work.rmdir()
        raise
    try:
        documents, characters = _counted(dataset.fetch.read(file), str(given or address))
    except DatasetError as error:
        shutil.rmtree(work)
        raise DatasetError(str(error).replace(str(file), str(given or address))) from None
    made = folder.with_name(f"{dataset.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    found = Source(
        dataset=dataset.name,
        address=address,
        file=file.name,
        bytes=file.stat().st_size,
        sha256=checksum(file),
        licence=dataset.licence,
        documents=documents,
        characters=characters,
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    file.rename(made / file.name)
    (made / "manifest.json").write_text(json.dumps(asdict(found), indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    shutil.rmtree(work)
    return found


def _counted(documents: Iterator[Document], where: str) -> tuple[int, int]:
    """How many there are and how many characters they have."""
    number = characters = 0
    with tqdm(desc=f"reading {where}", unit=" documents", leave=False, disable=None) as bar:
        for document in documents:
            number, characters = number + 1, characters + len(document.text)
            bar.update()
    if not number:
        raise DatasetError(f"{where}: nothing of this dataset is in it")
    return number, characters


def checksum(file: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def obtain_from(
    given: Path | None, folder: Path, *, url: str | None = None, sha256: str | None = None
) -> tuple[Path, str]:
    """A copy of the file or folder `given`, or else the download of `url`, whose checksum may be known.

    Raises DatasetError where there is neither or the checksum is another.
    """
    if given is not None:
        return _copied(given, folder), str(given.absolute())
    if url is None:
        raise DatasetError("it has no address of its own: say where it is with --from")
    file = folder / url.rsplit("/", 1)[-1]
    if not file.is_file():
        download(url, file)
    if sha256 is not None and (found := checksum(file)) != sha256:
        file.unlink()
        raise DatasetError(f"{url}: what came has the SHA-256 {found}, not {sha256}; it is not kept")
    return file, url


def packed(folder: Path, tar: Path) -> Path:
    """The folder's files in one tar, the same bytes for the same files."""
    with tarfile.open(tar, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                info = tarfile.TarInfo(file.relative_to(folder).as_posix())
                info.size = file.stat().st_size
                with file.open("rb") as stream:
                    archive.addfile(info, stream)
    return tar


def _copied(given: Path, folder: Path) -> Path:
    files = given.rglob("*") if given.is_dir() else [given]
    size = sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())
    if (free := shutil.disk_usage(folder).free) < size:
        raise DatasetError(f"{given}: {size:,} bytes do not fit on the disk of {folder}, which has {free:,}")
    copy = folder / ("source.tar" if given.is_dir() else given.name)
    try:
        return packed(given, copy) if given.is_dir() else Path(shutil.copyfile(given, copy))
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _folder(name: str) -> Path:
    return cache_folder() / "data" / name


def _address(name: str) -> str | None:
    source = source_of(name)
    return source.address if source else None


def _origin(name: str) -> str:
    return _here(name).sha256


def _documents(name: str, read: Callable[[Path], Iterator[Document]], characters: int) -> Iterator[Document]:
    yield from sampled(read(_folder(name) / _here(name).file), characters)


def _here(name: str) -> Source:
    source = source_of(name)
    if source is None:
        raise NotFetchedError(f"dataset {name} is not on this machine: python -m runner data fetch {name}")
    return source
