"""The results store: a DuckDB file that many read or one writes, and that nobody holds for long; or a lake.

    append(Record(run_id, {"raw.runs": [row], "raw.epochs": rows}))
    with connect(read_only=True) as connection: ...

A record is a file in the spool first (warehouse/spool.py). Whoever opens the warehouse next appends what
waits there, exactly once; an append does so itself once a minute.
"""

import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import duckdb

from warehouse import lake, migrations, spool
from warehouse.drain import append_files, first_line
from warehouse.migrations import WarehouseError
from warehouse.place import MissingError, Place, default_url, place
from warehouse.spool import Record

__all__ = ["Record", "WarehouseError", "append", "connect", "default_url", "drain", "exists", "state"]

_CONFLICT = re.compile(r"[Cc]onflict|could not serialize|deadlock")
_TRIES = 8


def exists(url: str | None = None) -> bool:
    """Whether there is a warehouse to read. Raises WarehouseError where a lake's server does not answer."""
    where = place(url)
    if where.file is not None:
        return where.file.exists() or bool(spool.pending(where.spool))
    try:
        with as_it_is(where, read_only=True, wait_s=0.0):
            return True
    except MissingError:
        return bool(spool.pending(where.spool))


@contextmanager
def connect(
    url: str | None = None, *, read_only: bool = False, wait_s: float = 60.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a warehouse of this code's schema; writing makes and migrates it.

    What waits in the spool is appended first, where nobody else has the database. A lock that another process
    holds is waited for, `wait_s` seconds at most, and so is a lake's server. A read-only connection to a lake
    is one transaction, so it reads one state. Raises WarehouseError where the warehouse is missing
    (read-only), of a newer schema, still locked, or no warehouse, and where a lake's server goes away.
    """
    where = place(url)
    if where.snapshot is None and spool.names(where.spool):
        with suppress(WarehouseError):  # which the connection itself meets, if it is the database's
            _drain(where, wait_s=0.0)
    try:
        with as_it_is(where, read_only=read_only, wait_s=wait_s) as connection:
            yield connection
    except duckdb.Error as error:
        if where.file is None and isinstance(told := lake.told(where, error), lake.UnreachableError):
            raise told from None  # it went away in the midst of a query
        raise


def append(record: Record, url: str | None = None) -> None:
    """Append a record, exactly once; it is safe on disk when this returns.

    It then waits in the spool for whoever opens the warehouse next, this very append if nobody did for a
    minute. What is wrong with the database is said on stderr and is no error of the record. Raises
    WarehouseError where the record is not valid or the folder cannot be written.
    """
    where = place(url)
    if where.snapshot is not None:
        raise WarehouseError(f"{where.name} is read and not written")
    spool.write(where.spool, spool.checked(record))
    if spool.due(where.spool):
        try:
            _drain(where, wait_s=0.0)
        except WarehouseError as error:
            print(f"warehouse: {error}; what is in the spool stays there", file=sys.stderr)


def drain(url: str | None = None, *, wait_s: float = 60.0) -> int:
    """Append what is in the spool, waiting for locks and servers; return the number of records appended."""
    where = place(url)
    if where.snapshot is not None:
        raise WarehouseError(f"{where.name} is read and not written")
    if not where.spool.exists():
        return 0
    drained = _drain(where, wait_s)
    if drained is None:
        raise WarehouseError(
            f"{where.name}: still locked after {wait_s:g} s; what is in the spool stays there"
        )
    return drained


def state(connection: duckdb.DuckDBPyConnection) -> str:
    """Which state of the warehouse a connection reads, so that what is made of it can say so."""
    moment = "strftime(max({}) at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC')"
    row = connection.execute(
        f"select (select (count(*), {moment.format('drained_at')}) from raw.spool_records),"
        f" (select (count(*), {moment.format('made_at')}) from analysis.fits)"
    ).fetchone()
    assert row is not None
    parts = [
        f"{count:,} {what}{'' if count == 1 else 's'}" + (f" (last {at})" if at else "")
        for (count, at), what in zip(row, ("record", "fit"), strict=True)
    ]
    if _is_lake(connection):
        parts.insert(0, f"snapshot {lake.snapshot(connection)}")
    return ", ".join(parts)


@contextmanager
def changing(url: str | None = None, *, wait_s: float = 60.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in one transaction that nobody drains or copies beside, after what waited was appended.

    Committed at its end, and rolled back by an exception. Raises WarehouseError as `connect` and `drain` do.
    """
    where = place(url)
    with as_it_is(where, read_only=False, wait_s=wait_s):
        pass  # made, and its folder with it
    where.spool.mkdir(exist_ok=True)
    drain(url, wait_s=wait_s)
    with spool.exclusive(where.spool, wait_s) as mine:
        if not mine:
            raise LockedError(f"{where.spool}: locked by another process, still after {wait_s:g} s")
        with as_it_is(where, read_only=False, wait_s=wait_s) as connection, _alone(where, connection):
            connection.begin()
            try:
                yield connection
                connection.commit()
            except duckdb.Error as error:
                raise _told(where, error) from error


class LockedError(WarehouseError):
    """The database is locked by another process, or by this one."""


@contextmanager
def as_it_is(where: Place, *, read_only: bool, wait_s: float = 60.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `connect`, without appending what waits in the spool."""
    if where.snapshot is not None and not read_only:
        raise WarehouseError(f"{where.name} is read and not written")
    if where.file is not None and not where.file.exists():
        if read_only:
            raise MissingError(where)
        _create(where.file)
    connection = _opened(where, read_only, wait_s)
    try:
        connection.execute("set TimeZone = 'UTC'")
        _to_this_schema(where, connection, read_only)
        if read_only and where.file is None:
            connection.begin()
        yield connection
    finally:
        lake.close(connection)


def _drain(where: Place, wait_s: float) -> int | None:
    """The number of records appended, or None where another process has the spool or the database."""
    deadline = time.monotonic() + wait_s
    with spool.exclusive(where.spool, wait_s) as mine:
        if not mine:
            return None
        appended, seen, tries = 0, set[str](), 0
        # Again, until nothing has arrived meanwhile: its writer may have met our lock and left.
        while arrived := [name for name in spool.names(where.spool) if name not in seen]:
            try:
                left = max(0.0, deadline - time.monotonic())
                with as_it_is(where, read_only=False, wait_s=left) as connection, _alone(where, connection):
                    for new in append_files(connection, where.spool, arrived):
                        appended += new
            except LockedError:
                return None
            except duckdb.Error as error:
                tries += 1
                if not _passes(where, error) or tries == _TRIES:
                    raise _told(where, error) from error
                time.sleep(min(0.05 * 2**tries, 2.0))
                continue
            seen.update(arrived)
    return appended


def _alone(where: Place, connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """Exclusion between machines; a file's own lock is one."""
    return lake.alone(connection) if where.file is None else nullcontext()


def _passes(where: Place, error: duckdb.Error) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    if where.file is not None:
        return False
    return bool(_CONFLICT.search(str(error))) or isinstance(lake.told(where, error), lake.UnreachableError)


def _told(where: Place, error: duckdb.Error) -> WarehouseError:
    return (
        lake.told(where, error)
        if where.file is None
        else WarehouseError(f"{where.name}: {first_line(error)}")
    )


def _is_lake(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("select current_database()").fetchone() == (lake.NAME,)


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


def _opened(where: Place, read_only: bool, wait_s: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return (
                _open_file(where.file, read_only, wait_s) if where.file else lake.open_lake(where, read_only)
            )
        except (LockedError, lake.UnreachableError):
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05 if where.file else 0.5)


def _open_file(path: Path, read_only: bool, wait_s: float) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=read_only)
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        # DuckDB tells a lock by words only: another process's, or this one's in the other mode.
        if not re.search(r"Could not set lock|different configuration", str(error)):
            raise WarehouseError(f"{path}: cannot be opened: {_reason(path, error)}") from None
        holder = re.search(r"\(PID \d+\)", str(error))
        raise LockedError(
            f"{path}: locked by another process {holder.group() if holder else ''}".rstrip()
            + f", still after {wait_s:g} s"
        ) from None


def _to_this_schema(where: Place, connection: duckdb.DuckDBPyConnection, read_only: bool) -> None:
    try:
        version = migrations.applied(connection)
        if not read_only and version < migrations.latest():
            if where.file is not None and version > 0:
                back_up(where.file, connection, version)
            with _alone(where, connection):
                version = migrations.migrate(connection)
    except WarehouseError as error:
        raise type(error)(f"{where.name}: {error}") from None
    if version != migrations.latest():
        older = version < migrations.latest()
        raise WarehouseError(
            f"{where.name}: schema version {version}, but this code reads version {migrations.latest()}: "
            + ("run `python -m warehouse migrate`" if older else "update transfer-laws")
        )


def back_up(path: Path, connection: duckdb.DuckDBPyConnection, version: int) -> Path:
    """Copy a database file that `connection` has open and nobody else can change; returns the copy's path."""
    copy = path.with_name(f"{path.name}.version{version}.backup")
    unfinished = copy.with_name(f".{copy.name}")
    try:
        connection.execute("force checkpoint")
        shutil.copyfile(path, unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
    except (OSError, duckdb.Error) as error:
        unfinished.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else first_line(error)
        raise WarehouseError(f"not migrated, since no backup can be made: {reason}") from None
    return copy


def _reason(path: Path, error: duckdb.Error) -> str:
    if not path.parent.is_dir():
        return f"{path.parent} is no folder"
    return first_line(error)
