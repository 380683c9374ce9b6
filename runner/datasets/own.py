"""A study's own data, as its file declares them: text files, or a dataset of the Hugging Face hub."""

import glob
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.datasets.archives import MEMBER_BYTES, decompressed, members, readable
from runner.datasets.document import Dataset, DatasetError, Document
from runner.datasets.sample import CHARACTERS, sampled

if TYPE_CHECKING:
    from runner.study import OwnData

HUB_CHARACTERS = 10 * CHARACTERS  # read of a split of the hub, which may be a crawl of the web
_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.bz2", ".jsonl.xz")


@cache
def own_dataset(data: "OwnData") -> Dataset:
    """The dataset that an entry of a study's `datasets` declares."""
    if data.huggingface is not None:
        place = ", ".join(filter(None, (data.huggingface, data.config, data.split)))
        return Dataset(
            name=data.name,
            source=f"{place} (Hugging Face)",
            licence=data.licence,
            documents=partial(_sampled, partial(_of_hub, data)),
            origin=lambda: f"{data}",
        )
    patterns = data.text or ()
    return Dataset(
        name=data.name,
        source=f"text files: {', '.join(Path(pattern).name for pattern in patterns)}",
        licence=data.licence,
        documents=partial(_sampled, partial(_of_files, patterns, data.field)),
        origin=partial(_origin, patterns, data.field),
    )


def files_of(patterns: Iterable[str]) -> list[Path]:
    """The files that paths, folders and patterns such as `notes/**/*.md` mean, each once.

    Raises DatasetError where one means none.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        roots = [Path(pattern)]
        if not roots[0].exists():
            matched = glob.glob(pattern, recursive=True)  # noqa: PTH207  Path.glob takes no absolute pattern
            roots = [Path(path) for path in sorted(matched)]
        files = [file for root in roots for file in (sorted(root.rglob("*")) if root.is_dir() else [root])]
        files = [file for file in files if file.is_file()]
        if not files:
            raise DatasetError(f"no file at {pattern}")
        found |= dict.fromkeys(files)
    return list(found)


def _sampled(documents: partial[Iterator[Document]]) -> Iterator[Document]:
    yield from sampled(documents())


def _origin(patterns: tuple[str, ...], field: str | None) -> str:
    """What changes when a file does, without reading it: names, sizes and times."""
    known = hashlib.sha256(f"{field}".encode())
    for file in files_of(patterns):
        stat = file.stat()
        known.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return known.hexdigest()


def _of_files(patterns: tuple[str, ...], field: str | None) -> Iterator[Document]:
    files = files_of(patterns)
    # Splits go by ids: these are the same wherever the files lie.
    above = os.path.commonpath([file.parent for file in files])
    for file in files:
        label = file.relative_to(above).as_posix()
        if file.name.endswith(_LINES):
            yield from _of_lines(file, label, field or "text")
            continue
        for name, content in members(file):
            text = _text(content)
            if text is not None and text.strip():
                yield Document(label if file.name.startswith(name) else f"{label}: {name}", text)


def _of_lines(file: Path, label: str, field: str) -> Iterator[Document]:
    with file.open("rb") as raw, readable(str(file)), decompressed(raw) as stream:
        number = 0
        while line := stream.readline(MEMBER_BYTES):
            number += 1
            if line.strip():
                yield Document(f"{label}:{number}", _field_of(line, field, f"{file}: line {number}"))


def _field_of(line: bytes, field: str, where: str) -> str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not a line of JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get(field), str):
        has = ", ".join(map(str, row)) if isinstance(row, dict) else type(row).__name__
        raise DatasetError(f"{where}: no text under the field {field!r}; it has {has[:200]}")
    return str(row[field])


def _text(content: bytes) -> str | None:
    """Text in UTF-8, or None where the file is something else."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _of_hub(data: "OwnData") -> Iterator[Document]:
    """Rows of a split, streamed. Raises DatasetError where the hub or its library says no."""
    try:
        import datasets as hub
    except ImportError:
        raise DatasetError(
            f"dataset {data.name} is on the Hugging Face hub: pip install 'transfer-laws[huggingface]'"
        ) from None
    hub.disable_progress_bars()
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.ERROR)  # each attempt to reach the hub would be a warning
    field = data.field or "text"
    where = f"dataset {data.name}: {data.huggingface}"
    read = 0
    try:
        rows = hub.load_dataset(
            data.huggingface, data.config, split=data.split, revision=data.revision, streaming=True
        )
        for number, row in enumerate(rows):
            text = row.get(field)
            if not isinstance(text, str):
                raise DatasetError(f"{where}: no text under the field {field!r}; a row has {', '.join(row)}")
            yield Document(f"{data.name}:{number}", text)
            read += len(text)
            if read >= HUB_CHARACTERS:
                return
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
        # Whatever the library raises of a name, a split or a connection that is not there.
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatasetError(f"{where}: {said}") from None
