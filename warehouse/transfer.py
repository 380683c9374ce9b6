"""A warehouse as Parquet files, and one warehouse's rows into another."""

import uuid
from pathlib import Path

import duckdb

from warehouse import drain, migrations
from warehouse.lake import NAME, attach_statement, load_extensions, quoted, told
from warehouse.migrations import WarehouseError
from warehouse.place import Place, place
from warehouse.store import changing, connect

# What names a row; of the other tables all columns do. Both sides may have imported one run, at two times.
_IDENTITY = {"raw.runs": ("run_id",), "raw.epochs": ("run_id", "epoch"), "raw.spool_records": ("record_id",)}
_SCHEMAS = ("raw", "analysis", "experiments", "cross_validation", "report", "published")


def export(url: str, folder: Path) -> dict[str, int]:
    """Write every table, and every view of the report, as folder/schema/table.parquet; rows by table.

    Raises WarehouseError where the folder exists or cannot be written: there is never half an export.
    """
    if folder.exists():
        raise WarehouseError(f"{folder}: exists already")
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    written: dict[str, int] = {}
    with connect(url, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
            " union all select schema_name, view_name from duckdb_views()"
            " where database_name = current_database() and not internal order by all"
        ).fetchall()
        try:
            for schema, table in tables:
                if schema in _SCHEMAS:
                    (unfinished / schema).mkdir(parents=True, exist_ok=True)
                    target = quoted(str(unfinished / schema / f"{table}.parquet"))
                    row = connection.execute(
                        f'copy (from "{schema}"."{table}") to {target} (format parquet)'
                    ).fetchone()
                    written[f"{schema}.{table}"] = row[0] if row else 0
            unfinished.rename(folder)
        except OSError as error:
            raise WarehouseError(f"{folder}: cannot be written: {error.strerror}") from None
        except duckdb.IOException as error:
            raise WarehouseError(f"{folder}: cannot be written: {drain.first_line(error)}") from None
    return written


def copy(source_url: str, target_url: str) -> dict[str, int]:
    """Add to one warehouse the raw and analysis rows that it lacks of another, all or none; rows by table.

    Raises WarehouseError where either cannot be opened, or the source's spool cannot be drained first.
    """
    source, target = place(source_url), place(target_url)
    if source == target:
        raise WarehouseError(f"{target.name}: a warehouse is not copied into itself")
    with connect(source_url, read_only=True):
        pass  # of this code's schema, its spool drained
    if source.snapshot is None and source.spool.exists() and any(source.spool.glob("[!.]*.json")):
        raise WarehouseError(
            f"{source.spool}: records wait there still: run `python -m warehouse drain` first"
        )
    with changing(target_url) as connection:
        _attach(connection, source)
        added = {}
        for table in (*migrations.catalogue(), "raw.spool_records"):
            columns = (
                ", ".join(migrations.catalogue()[table])
                if table in migrations.catalogue()
                else "record_id, drained_at"
            )
            lacking = f"select {columns} from copied.{table}"
            if identity := _IDENTITY.get(table):
                lacking += f" anti join {table} using ({', '.join(identity)})"
            else:
                lacking += f" except select {columns} from {table}"
            row = connection.execute(f"insert into {table} ({columns}) {lacking}").fetchone()
            added[table] = int(row[0]) if row else 0
    return added


def _attach(connection: duckdb.DuckDBPyConnection, source: Place) -> None:
    try:
        if source.file is None:
            load_extensions(connection, source.data)
            connection.execute(
                attach_statement(source, read_only=True).replace(f" as {NAME} ", " as copied ", 1)
            )
        else:
            connection.execute(f"attach {quoted(str(source.file))} as copied (read_only)")
    except duckdb.Error as error:
        if source.file is None:
            raise told(source, error) from None
        raise WarehouseError(f"{source.name}: cannot be opened: {drain.first_line(error)}") from None
