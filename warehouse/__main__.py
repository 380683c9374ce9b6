r"""The command line of the warehouse.

python -m warehouse status          # rows of every table, schema version, what waits in the spool
python -m warehouse drain           # append what waits in the spool
python -m warehouse migrate         # bring the schema up to date, a copy made first; makes an empty warehouse
python -m warehouse verify          # check what must be true of its rows
python -m warehouse export FOLDER   # every table as a Parquet file
python -m warehouse copy URL        # add the rows of another warehouse that this one lacks
python -m warehouse import FILE --study NAME --map p=steps f=examples loss=val_loss --set dataset=code \
    context=256                     # runs that another tool made

--warehouse is a DuckDB file, or a lake: ducklake:postgres:dbname=laws host=db.example data_path=/shared/laws
"""

import argparse
import sys
from pathlib import Path

from warehouse import migrations, spool
from warehouse.imports import FIELDS, import_file
from warehouse.lake import snapshot
from warehouse.place import place
from warehouse.store import WarehouseError, as_it_is, connect, default_url, drain
from warehouse.transfer import copy, export
from warehouse.verify import broken


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except WarehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m warehouse", description="The results store.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for run, name, described in (
        (_status, "status", "rows of every table, schema version, what waits in the spool"),
        (_drain, "drain", "append what waits in the spool"),
        (_migrate, "migrate", "bring the schema up to date, after a copy; makes an empty warehouse"),
        (_verify, "verify", "check what must be true of its rows"),
        (_export, "export", "write every table as a Parquet file"),
        (_copy, "copy", "add the rows of another warehouse that this one lacks"),
        (_import, "import", "make a study's runs of a table that another tool wrote"),
    ):
        command = commands.add_parser(name, help=described, description=described)
        command.add_argument("--warehouse", metavar="URL", default=default_url(), help="default: %(default)s")
        command.set_defaults(run=run)
    commands.choices["export"].add_argument("folder", type=Path, help="made, so not there yet")
    commands.choices["copy"].add_argument("source", metavar="URL", help="the warehouse to copy from")
    importing = commands.choices["import"]
    importing.add_argument("file", type=Path, help=".csv, .tsv, .json, .jsonl or .parquet")
    importing.add_argument("--study", required=True, help="the study that the runs become, or are added to")
    importing.add_argument(
        "--map", nargs="+", default=[], metavar="FIELD=COLUMN", help=f"fields: {', '.join(FIELDS)}"
    )
    importing.add_argument(
        "--set", nargs="+", default=[], metavar="FIELD=VALUE", help="the same for all rows"
    )
    importing.add_argument(
        "--fit-min-steps", type=int, default=1, help="steps from which to fit (default: 1)"
    )
    return parser


def _status(options: argparse.Namespace) -> int:
    where = place(options.warehouse)
    with as_it_is(where, read_only=True) as connection:
        version = f"schema version {migrations.applied(connection)}"
        print(f"{where.name}: {version}" + ("" if where.file else f", snapshot {snapshot(connection)}"))
        for table in migrations.catalogue():
            row = connection.execute(f"select count(*) from {table}").fetchone()
            print(f"  {table:<22}{row[0] if row else 0:>12,} rows")
    print(f"{where.spool}: {len(spool.names(where.spool))} records waiting", end="")
    print(f", {len(spool.names(where.spool / 'corrupt'))} set aside in corrupt/")
    return 0


def _drain(options: argparse.Namespace) -> int:
    print(f"{place(options.warehouse).name}: {drain(options.warehouse)} records appended")
    return 0


def _migrate(options: argparse.Namespace) -> int:
    where = place(options.warehouse)
    before = set(where.file.parent.glob(f"{where.file.name}.*.backup")) if where.file else set()
    with connect(options.warehouse) as connection:
        print(f"{where.name}: schema version {migrations.applied(connection)}")
    if where.file:
        for copied in sorted(set(where.file.parent.glob(f"{where.file.name}.*.backup")) - before):
            print(f"as it was before: {copied}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    where = place(options.warehouse)
    with connect(options.warehouse, read_only=True) as connection:
        found = broken(connection)
    for one in found:
        print(f"broken: {one.invariant}: {one.rows:,} rows, the first {one.first}")
    aside = spool.names(where.spool / "corrupt")
    if aside:
        print(f"set aside: {len(aside)} records in {where.spool / 'corrupt'}, each with its reason")
    if not found and not aside:
        print(f"{where.name}: every invariant holds")
    return 1 if found or aside else 0


def _export(options: argparse.Namespace) -> int:
    for table, rows in export(options.warehouse, options.folder).items():
        print(f"  {table:<40}{rows:>12,} rows")
    print(f"{options.folder}")
    return 0


def _copy(options: argparse.Namespace) -> int:
    for table, rows in copy(options.source, options.warehouse).items():
        print(f"  {table:<22}{rows:>12,} rows added")
    return 0


def _import(options: argparse.Namespace) -> int:
    done = import_file(
        options.warehouse,
        options.file,
        options.study,
        _pairs("--map", options.map),
        _pairs("--set", options.set),
        options.fit_min_steps,
    )
    running = f", {done.running} of runs that have not ended" if done.running else ""
    print(f"{options.study}: {done.rows} rows{running}, {done.new} new runs")
    return 0


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value) or name in pairs:
            raise WarehouseError(f"{option}: {text!r} is not FIELD=…, or its field is given twice")
        pairs[name] = value
    return pairs


if __name__ == "__main__":
    sys.exit(main())
