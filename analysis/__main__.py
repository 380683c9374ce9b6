"""The command line of the analysis.

python -m analysis fit          # the transfer law on every dataset of every study; skips what is current
python -m analysis fit --study demo --replicates 4000 --json
python -m analysis fit --csv FILE --law chinchilla --columns N=size D=tokens loss=loss --cluster run --json
python -m analysis cv           # every split, regularisation and form; then `compare`: Table 5
python -m analysis transfer     # effective data transferred, after `dbt build`
python -m analysis allocate --budget 1e6 --cost-step 1 --cost-point 100    # or --loss, the least cost of it
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tqdm import tqdm

from analysis import allocate_command, allocations, crossval_command, io, refit, transfer_command
from analysis.document import document, plain, table
from analysis.fit import fit
from analysis.laws import Law, laws
from analysis.problem import AnalysisError
from analysis.refit import RESAMPLED, Outcome, Request
from warehouse.store import WarehouseError, default_url


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (AnalysisError, WarehouseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="Fit scaling laws of transfer.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fit", help="fit a law to every dataset, and write the results back")
    _of_studies(command)
    command.set_defaults(run=_fit)
    command.add_argument("--law", default="transfer", help="default: %(default)s")
    command.add_argument(
        "--delta", type=float, default=1e-3, help="Huber's δ of log residuals; default: %(default)s"
    )
    command.add_argument(
        "--replicates", type=_count, default=1000, help="of the bootstrap; default: %(default)s"
    )
    command.add_argument("--seed", type=int, default=0, help="of the bootstrap; default: %(default)s")
    command.add_argument(
        "--resample", choices=sorted(RESAMPLED), help=f"the unit, in a study; default: {Request.resample}"
    )
    table = command.add_argument_group("any table instead of a warehouse")
    table.add_argument("--csv", type=Path, metavar="FILE", help="CSV, JSON lines or Parquet")
    table.add_argument(
        "--columns", nargs="+", metavar="SYMBOL=COLUMN", help="of the law's variables and the loss"
    )
    table.add_argument("--where", metavar="SQL", help="a condition on the table's columns")
    table.add_argument("--cluster", metavar="COLUMN", help="resample the rows that share its value together")
    for add in (
        crossval_command.add_cv,
        crossval_command.add_compare,
        transfer_command.add,
        allocate_command.add,
    ):
        _of_studies(add(commands))
    return parser


def _of_studies(command: argparse.ArgumentParser) -> None:
    command.add_argument("--warehouse", metavar="URL", default=default_url(), help="default: %(default)s")
    command.add_argument("--study", help="this study only; default: all")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _law(name: str) -> Law:
    if name not in laws:
        raise AnalysisError(f"unknown law {name!r}; known: {', '.join(laws)}")
    return laws[name]


def _count(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2 replicates")
    return value


def _fit(options: argparse.Namespace) -> int:
    law = _law(options.law)
    if options.csv:
        return _fit_table(options, law)
    for name in ("columns", "where", "cluster"):
        if getattr(options, name):
            raise AnalysisError(f"--{name} goes with --csv FILE")
    if {variable.symbol for variable in law.variables} != {"p", "f"}:
        needs = ", ".join(variable.symbol for variable in law.variables)
        raise AnalysisError(
            f"law {law.name} needs {needs}; a study's experiments are fitted by laws of p and f"
        )
    request = Request(
        law, options.delta, options.replicates, options.resample or Request.resample, options.seed
    )
    found = io.experiments(options.warehouse, options.study)
    with tqdm(total=len(found) * request.replicates, unit="replicate", file=sys.stderr, leave=False) as bar:

        def progress(key: str, done: int) -> None:
            bar.set_description(key, refresh=False)
            bar.update(done)

        outcomes = refit.refit(options.warehouse, request, found, progress)
    allocations.answer_unanswered(options.warehouse, options.study)
    if options.json:
        print(json.dumps(_document(options.warehouse, outcomes), indent=2, ensure_ascii=False))
    else:
        print(_tables(options.warehouse, outcomes))
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        print(f"error: {outcome.key}: {outcome.error}", file=sys.stderr)
    return 2 if failed else 0


def _fit_table(options: argparse.Namespace, law: Law) -> int:
    if options.study or options.resample:
        raise AnalysisError("--study and --resample go with a warehouse, not with --csv")
    columns = _columns(options.columns or [], law)
    arrays, cluster = io.table(options.csv, columns, options.where, options.cluster)
    loss = arrays.pop("loss")
    result = fit(law, arrays, loss, delta=options.delta)
    with tqdm(total=options.replicates, unit="replicate", file=sys.stderr, leave=False) as bar:
        resampled = result.bootstrap(
            options.replicates, cluster=cluster, seed=options.seed, progress=bar.update
        )
    described = document(result, resampled, result.calibrated_profiles(cluster=cluster, seed=options.seed))
    if options.json:
        print(json.dumps(described, indent=2, ensure_ascii=False))
        return 0
    rows = cast(list[dict[str, object]], described["parameters"])
    print(table(f"{options.csv}: {law.formula}, {described['status']}", rows))
    return 0


def _columns(given: Sequence[str], law: Law) -> dict[str, str]:
    """The file's column for each of the law's variables and the loss, from SYMBOL=COLUMN."""
    wanted = [*(variable.symbol for variable in law.variables), "loss"]
    columns = {}
    for one in given:
        symbol, equals, column = one.partition("=")
        if not equals or not column or symbol not in wanted:
            raise AnalysisError(f"--columns {one}: give SYMBOL=COLUMN for {', '.join(wanted)}")
        columns[symbol] = column
    missing = [symbol for symbol in wanted if symbol not in columns]
    if missing:
        raise AnalysisError(f"--columns lacks {', '.join(missing)}: law {law.name} needs {', '.join(wanted)}")
    return columns


def _document(url: str, outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    stored = {one.fit_id: one for one in io.stored_fits(url)}
    entries: list[dict[str, object]] = []
    for outcome in outcomes:
        entry: dict[str, object] = dict(vars(outcome.key)) | {
            "error": outcome.error,
            "skipped": outcome.skipped,
        }
        if outcome.fit_id:
            one = stored[outcome.fit_id]
            entry |= {
                "fit_id": one.fit_id,
                "law": one.law,
                "options": one.options,
                "objective": one.objective,
                "status": one.status,
                "credentials": one.credentials,
                "parameters": io.stored_parameters(url, one.fit_id),
            }
        entries.append(plain(entry))
    return entries


def _tables(url: str, outcomes: Sequence[Outcome]) -> str:
    stored = {one.fit_id: one for one in io.stored_fits(url)}
    parts = []
    for outcome in outcomes:
        if outcome.fit_id:
            one = stored[outcome.fit_id]
            state = ", current" if outcome.skipped else ""
            rows = io.stored_parameters(url, one.fit_id)
            parts.append(
                table(
                    f"{outcome.key}: {laws[one.law].formula}, {one.status}{state}",
                    [row for row in rows if row["interval_method"] == "percentile"],
                )
            )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
