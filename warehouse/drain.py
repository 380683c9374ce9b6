"""The spool into the database: many small files in one pass, each record exactly once."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from warehouse import spool
from warehouse.migrations import WarehouseError, catalogue

_RECORDS, _BYTES = 10_000, 1 << 26  # in one transaction: enough to be quick, few enough for a small memory
# What a record can be to blame for; all else is the database's, and leaves the records in the spool.
_OF_A_RECORD = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
_TYPES = {"JSON": "VARCHAR"}  # JSON arrives as text, which the cast to the column then parses
_Line = tuple[str, bytes]


def append_files(connection: duckdb.DuckDBPyConnection, folder: Path, names: Sequence[str]) -> Iterator[int]:
    """Append the records in files of a spool, remove the files, and yield how many records were new.

    What is no record is set aside. Raises duckdb.Error where the trouble is the database's.
    """
    batches = _batches(folder, names)
    with ThreadPoolExecutor(1) as reader:  # reads the next files while the database has these
        ahead = reader.submit(next, batches, None)
        while (lines := ahead.result()) is not None:
            ahead = reader.submit(next, batches, None)
            yield _append_together(connection, lines)


def _batches(folder: Path, names: Sequence[str]) -> Iterator[list[_Line]]:
    this_schema = spool.this_schema()
    lines: list[_Line] = []
    size = 0
    for name in names:
        file = f"{folder}/{name}"
        try:
            line = spool.line(file, this_schema)
        except (OSError, spool.LaterError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            print(f"warehouse: left {file}: {reason}", file=sys.stderr)
            continue
        except WarehouseError as error:
            spool.set_aside(Path(file), str(error))
            continue
        if lines and (len(lines) == _RECORDS or size + len(line) > _BYTES):
            yield lines
            lines, size = [], 0
        lines.append((file, line))
        size += len(line)
    if lines:
        yield lines


def _append_together(connection: duckdb.DuckDBPyConnection, lines: Sequence[_Line]) -> int:
    """Append records in one transaction. One that the database refuses is found by halving, and set aside."""
    connection.begin()
    try:
        appended = insert(connection, [line for _, line in lines], Path(lines[0][0]).parent)
        connection.commit()
    except _OF_A_RECORD as error:
        connection.rollback()
        if len(lines) == 1:
            spool.set_aside(Path(lines[0][0]), first_line(error))
            return 0
        half = len(lines) // 2
        return _append_together(connection, lines[:half]) + _append_together(connection, lines[half:])
    for file, _ in lines:
        os.unlink(file)  # noqa: PTH108  # a path for each of a million takes long
    return appended


def insert(connection: duckdb.DuckDBPyConnection, lines: Sequence[bytes], folder: Path) -> int:
    """Insert records, as lines of the spool, in the transaction that is under way; how many were new.

    What reads them is a file in the folder while this lasts.
    """
    this_schema = spool.this_schema()
    named = {spool.tables(line, this_schema) for line in lines}
    tables = sorted({table for some in named for table in some.decode().split()})
    rows = ", ".join(f'"{table}" {_structure(table)}[]' for table in tables) or '"none" INTEGER'
    longest = max(*map(len, lines), 1 << 21) + 1  # DuckDB reads in blocks of it
    with tempfile.NamedTemporaryFile(prefix=".", suffix=".batch", dir=folder) as batch:
        batch.write(b"\n".join(lines))
        batch.flush()
        # Killed between commit and unlink, a file outlives its rows: its id is what tells.
        connection.execute(
            "create or replace temp table spooled as"
            " select record_id, rows from read_json(?, format = 'newline_delimited',"
            f" columns = {{record_id: 'VARCHAR', rows: 'STRUCT({rows})'}}, maximum_object_size = {longest})"
            " anti join raw.spool_records using (record_id)",
            [batch.name],
        )
    # Not by `distinct on`, which makes 0.0 of -0.0 inside a list.
    connection.execute(
        "delete from spooled where rowid not in (select min(rowid) from spooled group by record_id)"
    )
    for table in tables:
        names = ", ".join(catalogue()[table])
        connection.execute(
            f"insert into {table} ({names}) select {names}"
            f' from (select unnest(rows."{table}", recursive := true) from spooled)'
        )
    connection.execute("insert into raw.spool_records select record_id, now() from spooled")
    found = connection.execute("select count(*) from spooled").fetchone()
    connection.execute("drop table spooled")
    return int(found[0]) if found else 0


def _structure(table: str) -> str:
    columns = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, (kind, _) in catalogue()[table].items())
    return f"STRUCT({columns})"


def first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
