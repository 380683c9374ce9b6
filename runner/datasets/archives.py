"""Files in folders and archives, read as a stream: nothing is unpacked, no name or size is trusted."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from runner.datasets.document import DatasetError

MEMBER_BYTES = 64 * 2**20
_NAME_BYTES = 2**20  # of a tar's extended header, which tarfile reads into memory whole
_COMPRESSED: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_HEADERS = frozenset(
    {
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    }
)


def members(path: Path, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files in a folder, a tar (compressed or not) or a zip, or of the one at `path`.

    Only files whose name is `wanted` are read; links and devices are passed over. One member is in memory at
    a time. Raises DatasetError where the archive is damaged, a name leads out of it or a wanted file is
    larger than `MEMBER_BYTES`.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path).as_posix()
            if file.is_file() and not file.is_symlink() and wanted(name):
                with file.open("rb") as stream:
                    yield name, content(stream, f"{path}: {name}")
        return
    with path.open("rb") as raw:
        yield from members_of(raw, str(path), path.name, wanted)


def members_of(
    raw: BinaryIO, where: str, name: str, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, bytes]]:
    """As `members`, of an open file called `name`; `where` it is begins the text of an error."""
    if zipfile.is_zipfile(raw):
        yield from _zip_members(raw, where, wanted)
        return
    raw.seek(0)
    with readable(where), decompressed(raw) as stream:
        if _is_tar(stream):
            yield from _tar_members(stream, where, wanted)
        else:
            name = name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")
            if wanted(name):
                yield name, content(stream, where)


@contextmanager
def decompressed(raw: Any) -> Iterator[io.BufferedReader]:
    """The binary stream `raw` as it is, or what gzip, bzip2 or xz packed in it."""
    stream = io.BufferedReader(raw, 2**16)
    try:
        start = stream.peek(6)
        opener = next((opener for magic, opener in _COMPRESSED if start.startswith(magic)), None)
        if opener is None:
            yield stream
        else:
            with opener(stream) as unpacked, io.BufferedReader(unpacked, 2**16) as buffered:
                yield buffered
    finally:
        stream.detach()


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Damage to compressed data or an archive is a DatasetError."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{where}: truncated or damaged ({error or 'it ends early'})") from None
    except OSError as error:
        if error.errno is None:  # so gzip and bz2 say what their data lacks
            raise DatasetError(f"{where}: truncated or damaged ({error})") from None
        raise


def content(stream: Any, where: str, limit: int = MEMBER_BYTES) -> bytes:
    """All that is left of the stream. Raises DatasetError where that is more than `limit` bytes."""
    read: bytes = stream.read(limit + 1)
    if len(read) > limit:
        raise _too_large(where, None)
    return read


class _CheckedInfo(tarfile.TarInfo):
    """A tar header whose extension is of a size that may be read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_CheckedInfo":
        info = super().frombuf(buf, encoding, errors)
        if info.type in _HEADERS and info.size > _NAME_BYTES:
            raise tarfile.ReadError(f"a header that claims {info.size:,} bytes")
        return info


def _is_tar(stream: io.BufferedReader) -> bool:
    start = stream.peek(tarfile.BLOCKSIZE)[: tarfile.BLOCKSIZE]
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # a block of zeros: a tar without members
        return True
    except tarfile.HeaderError:
        return False
    return True


def _tar_members(
    stream: io.BufferedReader, where: str, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_CheckedInfo) as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would remember the headers of half a million mails
            _check_name(where, member.name)
            if member.isfile() and not member.issparse() and wanted(member.name):
                if member.size > MEMBER_BYTES:
                    raise _too_large(f"{where}: {member.name}", member.size)
                packed = tar.extractfile(member)
                assert packed is not None
                read = packed.read()
                if len(read) < member.size:
                    raise DatasetError(f"{where}: truncated or damaged ({member.name} ends early)")
                yield member.name, read
    while stream.read(2**20):
        pass  # to its end, where gzip keeps a checksum


def _zip_members(raw: BinaryIO, where: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with readable(where), zipfile.ZipFile(raw) as archive:
        for member in archive.infolist():
            _check_name(where, member.filename)
            if not member.is_dir() and wanted(member.filename):
                if member.file_size > MEMBER_BYTES:
                    raise _too_large(f"{where}: {member.filename}", member.file_size)
                try:
                    with archive.open(member) as packed:
                        yield member.filename, content(packed, f"{where}: {member.filename}")
                except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed unusually
                    raise DatasetError(f"{where}: {member.filename}: {error}") from None


def _check_name(where: str, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise DatasetError(f"{where}: it holds {name!r}, a path that leads out of it; not read")


def _too_large(where: str, size: int | None) -> DatasetError:
    said = "it is" if size is None else f"it says it is {size:,} bytes,"
    return DatasetError(f"{where}: {said} more than the {MEMBER_BYTES:,} bytes that one file may have")
