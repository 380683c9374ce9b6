"""The results store: a DuckDB file that many read or one writes, and that nobody holds for long.

    append(Record(run_id, {"raw.runs": [row], "raw.epochs": rows}))
    with connect(read_only=True) as connection: ...

A row that meets a locked database stays in the spool (warehouse/spool.py) and is appended exactly once by the
next append or drain.
"""

import json
import os
import re
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from warehouse import migrations, spool
from warehouse.migrations import WarehouseError, catalogue
from warehouse.spool import Record

__all__ = ["Record", "WarehouseError", "append", "connect", "default_url", "drain", "exists"]

_TOGETHER = 2_000  # records in one transaction: enough to be quick, few enough for a small memory
_NOT_OF_A_RECORD = (duckdb.OperationalError, duckdb.InternalError)
_TYPES = {"JSON": "VARCHAR"}  # JSON arrives as text, which the cast to the column then parses


def default_url() -> str:
    """The warehouse that is meant where none is named."""
    return os.environ.get("TRANSFER_LAWS_WAREHOUSE") or "warehouse.duckdb"


def exists(url: str | None = None) -> bool:
    """Whether there is a warehouse to read."""
    return _path(url).exists()


@contextmanager
def connect(
    url: str | None = None, *, read_only: bool = False, wait_s: float = 60.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a warehouse of this code's schema; writing makes and migrates it.

    A lock that another process holds is waited for, `wait_s` seconds at most. Raises WarehouseError where the
    warehouse is missing (read-only), of a newer schema, still locked, or no warehouse.
    """
    path = _path(url)
    if not path.exists():
        if read_only:
            raise WarehouseError(
                f"{path}: no such warehouse: `python -m runner sweep` makes one with runs in it, "
                "`python -m warehouse migrate` an empty one"
            )
        _create(path)
    connection = _open(path, read_only, wait_s)
    try:
        connection.execute("set TimeZone = 'UTC'")
        _to_this_schema(path, connection, read_only)
        yield connection
    finally:
        connection.close()


def append(record: Record, url: str | None = None) -> None:
    """Append a record, exactly once; it is safe on disk when this returns.

    Returns at once where the database is locked: the record is then in the spool, for the next append or
    drain. Raises WarehouseError where the record is not valid or the folder cannot be written.
    """
    path = _path(url)
    spool.write(spool.folder(path), spool.checked(record))
    _drain(path, wait_s=0.0)


def drain(url: str | None = None) -> int:
    """Append what is in the spool, waiting for locks, and return the number of records appended."""
    path = _path(url)
    if not spool.folder(path).exists():
        return 0
    drained = _drain(path, wait_s=60.0)
    if drained is None:
        raise WarehouseError(f"{path}: still locked after 60 s; what is in the spool stays there")
    return drained


class _LockedError(WarehouseError):
    """The database is locked by another process, or by this one."""


def _drain(path: Path, wait_s: float) -> int | None:
    """The number of records appended, or None where another process has the spool or the database."""
    with spool.exclusive(spool.folder(path), wait_s) as mine:
        if not mine:
            return None
        appended, seen = 0, set[Path]()
        # Again, until nothing has arrived meanwhile: its writer may have met our lock and left.
        while arrived := [file for file in spool.pending(spool.folder(path)) if file not in seen]:
            seen.update(arrived)
            try:
                with connect(str(path), wait_s=wait_s) as connection:
                    for start in range(0, len(arrived), _TOGETHER):
                        records = _readable(arrived[start : start + _TOGETHER])
                        appended += _append_together(connection, records)
            except _LockedError:
                return None
            except duckdb.Error as error:
                raise WarehouseError(f"{path}: {_first_line(error)}") from error
    return appended


def _readable(files: Sequence[Path]) -> list[tuple[Path, Record]]:
    records = []
    for file in files:
        try:
            records.append((file, spool.read(file)))
        except OSError as error:
            print(f"warehouse: left {file}: {error.strerror}", file=sys.stderr)
        except WarehouseError as error:
            spool.set_aside(file, str(error))
    return records


def _append_together(connection: duckdb.DuckDBPyConnection, records: Sequence[tuple[Path, Record]]) -> int:
    """Append records in one transaction and remove their files; return how many were new.

    A record that the database refuses is found by halving, and set aside.
    """
    if not records:
        return 0
    connection.begin()
    try:
        appended = _insert(connection, {record.record_id: record for _, record in records})
        connection.commit()
    except _NOT_OF_A_RECORD:
        raise
    except duckdb.Error as error:
        connection.rollback()
        if len(records) == 1:
            spool.set_aside(records[0][0], _first_line(error))
            return 0
        half = len(records) // 2
        return _append_together(connection, records[:half]) + _append_together(connection, records[half:])
    for file, _ in records:
        file.unlink(missing_ok=True)
    return appended


def _insert(connection: duckdb.DuckDBPyConnection, records: dict[str, Record]) -> int:
    # Killed between commit and unlink, a file outlives its rows: its id is what tells.
    found = connection.execute(
        "select record_id from raw.spool_records where record_id in (select unnest(?::varchar[]))",
        [list(records)],
    ).fetchall()
    known = {record_id for (record_id,) in found}
    new = [record for record_id, record in records.items() if record_id not in known]
    rows: dict[str, list[object]] = {}
    for record in new:
        for table, of_record in record.rows.items():
            rows.setdefault(table, []).extend(of_record)
    for table, given in rows.items():
        names = ", ".join(catalogue()[table])
        structure = json.dumps([{n: _TYPES.get(kind, kind) for n, (kind, _) in catalogue()[table].items()}])
        connection.execute(
            f"insert into {table} ({names}) select {names}"
            f" from (select unnest(from_json_strict(?, '{structure}'), recursive := true))",
            [json.dumps(given, allow_nan=False)],
        )
    connection.execute(
        "insert into raw.spool_records select unnest(?::varchar[]), now()",
        [[record.record_id for record in new]],
    )
    return len(new)


def _path(url: str | None) -> Path:
    return Path(url or default_url()).absolute()


def _create(path: Path) -> None:
    """Make an empty warehouse under another name and link it: the file is never there without its tables."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with duckdb.connect(unfinished) as connection:
            migrations.migrate(connection)
        # Not a rename, which would replace a warehouse that another process has made meanwhile.
        os.link(unfinished, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise WarehouseError(f"{path}: cannot be made: {error.strerror}") from None
    except duckdb.IOException as error:
        raise WarehouseError(f"{path}: cannot be made: {_reason(path, error)}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _open(path: Path, read_only: bool, wait_s: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(path, read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            # DuckDB tells a lock by words only: another process's, or this one's in the other mode.
            locked = re.search(r"Could not set lock|different configuration", str(error))
            if not locked:
                raise WarehouseError(f"{path}: cannot be opened: {_reason(path, error)}") from None
            if time.monotonic() >= deadline:
                holder = re.search(r"\(PID \d+\)", str(error))
                raise _LockedError(
                    f"{path}: locked by another process {holder.group() if holder else ''}".rstrip()
                    + f", still after {wait_s:g} s"
                ) from None
            time.sleep(0.05)


def _to_this_schema(path: Path, connection: duckdb.DuckDBPyConnection, read_only: bool) -> None:
    try:
        version = migrations.applied(connection) if read_only else migrations.migrate(connection)
    except WarehouseError as error:
        raise WarehouseError(f"{path}: {error}") from None
    if version != migrations.latest():
        older = version < migrations.latest()
        raise WarehouseError(
            f"{path}: schema version {version}, but this code reads version {migrations.latest()}: "
            + ("run `python -m warehouse migrate`" if older else "update transfer-laws")
        )


def _reason(path: Path, error: duckdb.Error) -> str:
    if not path.parent.is_dir():
        return f"{path.parent} is no folder"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
