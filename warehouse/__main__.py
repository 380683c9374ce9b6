"""The command line of the warehouse.

python -m warehouse status    # rows of every table, schema version, what waits in the spool
python -m warehouse drain     # append what waits in the spool
python -m warehouse migrate   # bring the schema up to date; makes an empty warehouse where there is none
"""

import argparse
import sys

from warehouse import migrations, spool
from warehouse.place import place
from warehouse.store import WarehouseError, as_it_is, connect, default_url, drain


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m warehouse", description="The results store.")
    parser.add_argument("command", choices=["status", "drain", "migrate"])
    parser.add_argument("--warehouse", metavar="URL", default=default_url(), help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        {"status": _status, "drain": _drain, "migrate": _migrate}[options.command](options.warehouse)
    except WarehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _status(url: str) -> None:
    where = place(url)
    with as_it_is(where, read_only=True) as connection:
        print(f"{where.name}: schema version {migrations.applied(connection)}")
        for table in migrations.catalogue():
            row = connection.execute(f"select count(*) from {table}").fetchone()
            print(f"  {table:<22}{row[0] if row else 0:>12,} rows")
    print(f"{where.spool}: {len(spool.pending(where.spool))} records waiting", end="")
    print(f", {len(spool.pending(where.spool / 'corrupt'))} set aside in corrupt/")


def _drain(url: str) -> None:
    print(f"{place(url).name}: {drain(url)} records appended")


def _migrate(url: str) -> None:
    with connect(url) as connection:
        print(f"{place(url).name}: schema version {migrations.applied(connection)}")


if __name__ == "__main__":
    sys.exit(main())
