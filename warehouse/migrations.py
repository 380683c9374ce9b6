"""The numbered SQL files in warehouse/schema/, and the tables they make: no others are ever appended to."""

from functools import cache
from pathlib import Path

import duckdb

SCHEMA = Path(__file__).parent / "schema"


class WarehouseError(Exception):
    """What is wrong with the warehouse or with a record for it, in one line that names the file."""


def latest() -> int:
    """The schema version that this code writes and reads."""
    return max(_files())


def applied(connection: duckdb.DuckDBPyConnection) -> int:
    """The schema version of a database, 0 where it is empty. Raises WarehouseError for any other database."""
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = current_database()"
    ).fetchall()
    if ("raw.schema_versions",) in tables:
        row = connection.execute("select coalesce(max(version), 0) from raw.schema_versions").fetchone()
        return int(row[0]) if row else 0
    if tables:
        raise WarehouseError(f"a database with other tables ({tables[0][0]}, …), not a warehouse")
    return 0


def migrate(connection: duckdb.DuckDBPyConnection) -> int:
    """Apply what is missing, each file in one transaction, and return the version the database is then of.

    A database of a newer schema is left as it is.
    """
    version = applied(connection)
    for number in sorted(number for number in _files() if number > version):
        connection.begin()
        try:
            connection.execute(_files()[number].read_text(encoding="utf-8"))
            connection.execute("insert into raw.schema_versions values (?, now())", [number])
        except duckdb.Error:
            connection.rollback()
            raise
        connection.commit()
        version = number
    return version


@cache
def catalogue() -> dict[str, dict[str, tuple[str, bool]]]:
    """Of every table that a record may fill, the columns in order: name → (DuckDB type, nullable)."""
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    with duckdb.connect(":memory:") as connection:
        migrate(connection)
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type, is_nullable"
            " from duckdb_columns() where schema_name in ('raw', 'analysis')"
            " and table_name not in ('schema_versions', 'spool_records')"
            " order by schema_name, table_name, column_index"
        ).fetchall()
    for table, column, kind, nullable in columns:
        tables.setdefault(table, {})[column] = (kind, nullable)
    return tables


def _files() -> dict[int, Path]:
    return {int(path.name.split("_")[0]): path for path in SCHEMA.glob("[0-9]*_*.sql")}
