"""A finished run is a file first and a row later, so that nothing is lost while the database is busy.

A record is one line of JSON in a file of the spool's folder, written under a hidden name, fsynced and
renamed: a file with a record's name is whole. The line begins with a digest of its rest, so that what was
checked when it was written need not be checked again. What cannot be appended is moved to `corrupt/`, its
reason beside it.
"""

import fcntl
import hashlib
import json
import math
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from numbers import Integral, Real
from pathlib import Path

from warehouse.migrations import WarehouseError, catalogue, latest

_DIGEST = b'{"digest": "'
_REST = len(_DIGEST) + 32 + len(b'", ')
_BLOCK = 1 << 16  # of most records the whole
_EVERY_S = 60.0
_INTEGERS = {"INTEGER": 2**31, "BIGINT": 2**63}


@dataclass(frozen=True)
class Record:
    """Rows that are appended together or not at all.

    `record_id` is the caller's name for them: a record is appended once, however often it is written.
    `rows` are keyed by table ("raw.runs"), each a mapping from column to value. A column left out is null.
    Timestamps are aware datetimes; JSON columns take a mapping, a list or JSON text; numbers are finite
    (what was not measured is None).
    """

    record_id: str
    rows: Mapping[str, Sequence[Mapping[str, object]]]


def checked(record: Record) -> Record:
    """The record with its values as JSON has them, doubles exact, timestamps in ISO 8601 with their offset.

    Raises WarehouseError for an unknown table or column, a missing value, one of another type, or a number
    that is not finite: the database knows none of NaN's meanings, so a caller says None where it has none.
    """
    if not isinstance(record.record_id, str) or not record.record_id:
        raise WarehouseError("a record without a record_id")
    rows: dict[str, list[dict[str, object]]] = {}
    for table, given in record.rows.items():
        columns = catalogue().get(table)
        if columns is None:
            known = ", ".join(catalogue())
            raise WarehouseError(f"record {record.record_id}: unknown table {table!r}; known are {known}")
        rows[table] = [_row(f"record {record.record_id}: {table}", columns, row) for row in given]
    return Record(record.record_id, rows)


def _row(where: str, columns: Mapping[str, tuple[str, bool]], row: Mapping[str, object]) -> dict[str, object]:
    if unknown := [name for name in row if name not in columns]:
        raise WarehouseError(f"{where}: unknown column {unknown[0]!r}; known are {', '.join(columns)}")
    values: dict[str, object] = {}
    for name, (kind, nullable) in columns.items():
        value = row.get(name)
        if value is not None:
            values[name] = _value(f"{where}.{name}", kind, value)
        elif nullable:
            values[name] = None
        else:
            raise WarehouseError(f"{where}.{name}: missing")
    return values


def _value(where: str, kind: str, value: object) -> object:
    if kind == "VARCHAR" and isinstance(value, str) and _is_unicode(value):
        return value
    if kind in _INTEGERS and isinstance(value, int | Integral) and not isinstance(value, bool):
        if -_INTEGERS[kind] <= int(value) < _INTEGERS[kind]:
            return int(value)
    elif kind == "DOUBLE" and isinstance(value, float | Real) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
    elif kind == "BOOLEAN" and isinstance(value, bool):
        return value
    elif kind == "TIMESTAMP WITH TIME ZONE":
        with suppress(ValueError):
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(moment, datetime) and moment.tzinfo is not None:
                return moment.isoformat()
    elif kind == "JSON":
        with suppress(ValueError, TypeError, RecursionError):
            if isinstance(value, str):
                json.loads(value, parse_constant=_reject_constant)
                return value
            if isinstance(value, Mapping | list):
                return json.dumps(value, allow_nan=False)
    shown = repr(value)
    raise WarehouseError(f"{where}: not a valid {kind}: {shown if len(shown) < 80 else shown[:77] + '…'}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, from bytes that were never UTF-8
        return False
    return True


def _reject_constant(name: str) -> None:
    raise ValueError(name)


def write(spool: Path, record: Record) -> Path:
    """Put a checked record into the spool; it is on disk when this returns. Raises WarehouseError."""
    content = encoded(record)
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex}.json"
    unfinished = spool / f".{name}"
    try:
        spool.mkdir(exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(spool / name)
        finally:
            unfinished.unlink(missing_ok=True)
        _fsync_folder(spool)
    except OSError as error:
        raise WarehouseError(f"{spool}: cannot be written: {error.strerror}") from None
    return spool / name


def encoded(record: Record) -> bytes:
    """A checked record as the line that is written."""
    content = {"tables": " ".join(record.rows), "record_id": record.record_id, "rows": record.rows}
    rest = this_schema() + json.dumps(content, allow_nan=False)[1:].encode()
    return _DIGEST + _digest(rest) + b'", ' + rest


def _digest(rest: bytes) -> bytes:
    return hashlib.blake2b(rest, digest_size=16).hexdigest().encode()


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LaterError(WarehouseError):
    """A record of a newer schema, which this code must leave for newer code."""


def this_schema() -> bytes:
    """How the rest of a line that this code wrote begins, behind its digest."""
    return f'"schema": {latest()}, '.encode()


def line(file: str, this_schema: bytes) -> bytes:
    """The record in a file of the spool, as a line as this code writes it, of values that are checked.

    Raises LaterError where the record is of a newer schema, WarehouseError where it is no record, OSError
    where it cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY)
    try:
        content = os.read(descriptor, _BLOCK)
        if len(content) == _BLOCK:
            with open(descriptor, "rb", closefd=False) as rest:
                content += rest.read()
    finally:
        os.close(descriptor)
    if content.startswith(_DIGEST):
        if content[len(_DIGEST) : _REST - 3] != _digest(content[_REST:]):
            raise WarehouseError("not a whole record: it does not match its digest")
        if content.startswith(this_schema, _REST):
            return content
    return encoded(_parsed(content))


def tables(line: bytes, this_schema: bytes) -> bytes:
    """Names of the tables that a line has rows for, separated by spaces."""
    start = _REST + len(this_schema) + len(b'"tables": "')
    return line[start : line.index(b'"', start)]


def _parsed(text: bytes) -> Record:
    try:
        content = json.loads(text.decode("utf-8"))
        if content.get("schema", 0) > latest():
            raise LaterError(f"it is of schema version {content['schema']}, this code's is {latest()}")
        return checked(Record(content["record_id"], content["rows"]))
    except (ValueError, RecursionError) as error:
        raise WarehouseError(f"not a whole record: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise WarehouseError("not a record: expected {record_id, rows: {table: [row, …]}}") from None


def pending(spool: Path) -> list[Path]:
    """Files of whole records, oldest first."""
    return [spool / name for name in names(spool)]


def names(spool: Path) -> list[str]:
    """Names of those files: of a million, a million paths take long to make."""
    try:
        found = os.listdir(spool)  # noqa: PTH208  # Path.iterdir makes them
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if name.endswith(".json") and not name.startswith("."))


def due(spool: Path) -> bool:
    """Whether it is a minute since anybody tried to drain, so that most appends cost their own file alone."""
    try:
        tried = (spool / ".lock").stat().st_mtime
    except OSError:
        return True
    return abs(time.time() - tried) >= _EVERY_S  # a clock that was set back is no reason to wait an hour


def set_aside(path: Path, reason: str) -> None:
    """Move a record that cannot be appended to `corrupt/`, write down why, and say so on stderr."""
    corrupt = path.parent / "corrupt"
    try:
        corrupt.mkdir(exist_ok=True)
        (corrupt / f"{path.name}.reason").write_text(reason + "\n", encoding="utf-8")
        moved = path.rename(corrupt / path.name)
    except OSError as error:
        raise WarehouseError(f"{corrupt}: cannot be written: {error.strerror}") from None
    print(f"warehouse: set aside {moved}: {reason}", file=sys.stderr)


@contextmanager
def exclusive(spool: Path, wait_s: float) -> Iterator[bool]:
    """Hold the spool alone: yields False where another process still has it after `wait_s` seconds."""
    try:
        descriptor = os.open(spool / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise WarehouseError(f"{spool}: cannot be written: {error.strerror}") from None
    try:
        with suppress(OSError):
            os.utime(descriptor)
        yield _flock(descriptor, time.monotonic() + wait_s)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True
