"""A DuckLake on PostgreSQL: tables in Parquet files that many machines share, their catalogue in a database.

PostgreSQL's password comes from PGPASSWORD or ~/.pgpass, as libpq finds it, and an object store's keys from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as DuckDB's httpfs does; this code never sees them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import duckdb

from warehouse.migrations import WarehouseError
from warehouse.place import LAKE, MissingError, Place

NAME = "lake"
_CATALOGUE = f"__ducklake_metadata_{NAME}"
_LOCK = 0x7472616E73666572  # PostgreSQL's advisory lock of those who drain or copy into a lake
PATIENCE = "set ducklake_max_retry_count = 50"  # of a commit that meets another's
_UNREACHABLE = re.compile(
    r"Connection refused|No such file or directory|timeout expired|could not translate host|starting up|"
    r"shutting down|terminating connection|server closed the connection|No route to host|"
    r"Network is unreachable|connection to server .* lost|too many clients|"
    r"remaining connection slots|not yet accepting connections"
)


class UnreachableError(WarehouseError):
    """PostgreSQL does not answer now, and may later."""


def load_extensions(connection: duckdb.DuckDBPyConnection, data: str = "") -> None:
    """Load what DuckDB needs for a lake, and where its data files are at an address (s3://…) for these.

    From a wheel if there is one, else from DuckDB's own folder or site. Raises WarehouseError where it cannot
    be had.
    """
    for statement in _checked_extensions("://" in data):
        connection.execute(statement)


@cache
def _checked_extensions(remote: bool) -> tuple[str, ...]:
    """The statements that load them, after DuckDB has checked their signatures, which takes half a second."""
    statements = []
    with duckdb.connect(":memory:") as connection:
        for name in ("postgres_scanner", "ducklake", *(["httpfs"] if remote else [])):
            wheel = find_spec(f"duckdb_extension_{name}")
            files = [
                Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
                for folder in (wheel.submodule_search_locations or [] if wheel else [])
            ]
            found = [file for file in files if file.is_file()]
            statements.append(f"load {quoted(str(found[0])) if found else name}")
            try:
                if not found:
                    connection.execute(f"install {name}")
                connection.execute(statements[-1])
            except duckdb.Error:
                raise WarehouseError(
                    f"DuckDB's extension {name} cannot be had: pip install "
                    f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}, or "
                    f"`install {name}` in DuckDB"
                ) from None
    return tuple(statements)


def source(place: Place) -> str:
    """What DuckDB attaches, without its options."""
    return LAKE + place.catalogue


def attach_statement(place: Place, read_only: bool) -> str:
    """The statement that attaches a lake under its name."""
    options = [f"data_path {quoted(place.data)}"]
    if place.snapshot is not None:
        options.append(f"snapshot_version {place.snapshot}")
    elif read_only:
        options.append("read_only")
    return f"attach {quoted(source(place))} as {NAME} ({', '.join(options)})"


def open_lake(place: Place, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection whose database is the lake; writing makes one where there is none.

    Raises UnreachableError where the server does not answer, WarehouseError for anything else.
    """
    statements = _checked_extensions("://" in place.data)
    # Not to check again, at every opening, the signatures of files that this process has checked.
    connection = duckdb.connect(":memory:", config={"allow_unsigned_extensions": True})
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(PATIENCE)
        connection.execute(attach_statement(place, read_only))
        connection.execute(f"use {NAME}")
    except duckdb.Error as error:
        connection.close()
        raise told(place, error) from None
    return connection


def told(place: Place, error: duckdb.Error) -> WarehouseError:
    """DuckDB's error without the connection string that it repeats."""
    text = " ".join(
        re.sub(r'^.*Unable to connect to Postgres at "[^"]*": ', "", str(error), flags=re.S).split()
    )
    if "creating a new DuckLake is explicitly disabled" in text:
        return MissingError(place)
    if "does not match existing data path" in text:
        return WarehouseError(f"{place.name}: its data files are in another data_path than {place.data}")
    for part in re.findall(r"'([^']*)'", place.catalogue):
        if "/" in part or "=" in part:
            text = text.replace(part, "…")
    if _UNREACHABLE.search(text):
        return UnreachableError(f"{place.name}: PostgreSQL does not answer: {text}")
    return WarehouseError(f"{place.name}: cannot be opened: {text}")


@contextmanager
def alone(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Hold the lake's lock: on any machine one at a time drains or copies, others wait.

    Two transactions that insert the same record would both commit: DuckLake knows no unique key. The lock
    ends with the connection to PostgreSQL, so one whose holder was killed is free.
    """
    holder = connection.cursor()
    try:
        holder.begin()
        holder.execute(
            f"from postgres_query('{_CATALOGUE}', 'select pg_advisory_xact_lock({_LOCK})::varchar')"
        )
        holder.fetchall()
        yield
    finally:
        close(holder)


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection or a cursor, whatever has become of the server.

    Where a transaction is open and the server is gone, DuckDB's own closing would end this very process.
    """
    with suppress(duckdb.Error):
        connection.rollback()
    connection.close()


def snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the snapshot that the connection's transaction reads."""
    row = connection.execute(f"select id from ducklake_current_snapshot('{NAME}')").fetchone()
    assert row is not None
    return int(row[0])


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
