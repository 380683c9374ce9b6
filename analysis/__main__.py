"""The command line of the analysis.

python -m analysis fit                  # the transfer law on every dataset of every study; skips what is
current python -m analysis fit --study demo --replicates 4000 --json
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from tqdm import tqdm

from analysis import io, refit
from analysis.laws import laws
from analysis.problem import AnalysisError
from analysis.refit import RESAMPLED, Outcome, Request
from warehouse.store import WarehouseError, default_url


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="Fit scaling laws of transfer.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fit", help="fit a law to every dataset, and write the results back")
    command.add_argument("--warehouse", metavar="URL", default=default_url(), help="default: %(default)s")
    command.add_argument("--study", help="this study only; default: all")
    command.add_argument("--law", default="transfer", help="a law of p and f; default: %(default)s")
    command.add_argument(
        "--delta", type=float, default=1e-3, help="Huber's δ on log residuals; default: %(default)s"
    )
    command.add_argument(
        "--replicates", type=_count, default=1000, help="of the bootstrap; default: %(default)s"
    )
    command.add_argument("--resample", choices=sorted(RESAMPLED), default="rows", help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0, help="of the bootstrap; default: %(default)s")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        return _fit(options)
    except (AnalysisError, WarehouseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _count(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2 replicates")
    return value


def _fit(options: argparse.Namespace) -> int:
    if options.law not in laws:
        raise AnalysisError(f"unknown law {options.law!r}; known: {', '.join(laws)}")
    law = laws[options.law]
    if {variable.symbol for variable in law.variables} != {"p", "f"}:
        needs = ", ".join(variable.symbol for variable in law.variables)
        raise AnalysisError(
            f"law {law.name} needs {needs}; a study's experiments are fitted by laws of p and f"
        )
    request = Request(law, options.delta, options.replicates, options.resample, options.seed)
    keys = [one.key for one in io.experiments(options.warehouse, options.study)]
    with tqdm(total=len(keys) * request.replicates, unit="replicate", file=sys.stderr, leave=False) as bar:

        def progress(key: str, done: int) -> None:
            bar.set_description(key, refresh=False)
            bar.update(done)

        outcomes = refit.refit(options.warehouse, request, options.study, progress)
    if options.json:
        print(json.dumps(_document(options.warehouse, outcomes), indent=2, ensure_ascii=False))
    else:
        print(_table(options.warehouse, outcomes))
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        print(f"error: {outcome.key}: {outcome.error}", file=sys.stderr)
    return 1 if failed else 0


def _document(url: str, outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    stored = {one.fit_id: one for one in io.stored_fits(url)}
    document: list[dict[str, object]] = []
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
                "parameters": io.stored_parameters(url, one.fit_id),
            }
        document.append(entry)
    return document


def _table(url: str, outcomes: Sequence[Outcome]) -> str:
    stored = {one.fit_id: one for one in io.stored_fits(url)}
    lines = []
    for outcome in outcomes:
        if not outcome.fit_id:
            continue
        one = stored[outcome.fit_id]
        state = ", current" if outcome.skipped else ""
        lines.append(f"{outcome.key}: {laws[one.law].formula}, {one.status}{state}")
        lines.append(f"  {'':<8}{'estimate':>12}{'std. error':>12}   95 % interval")
        for row in io.stored_parameters(url, one.fit_id):
            if row["interval_method"] != "percentile":
                continue
            low, high = f"{row['lower']:.4g}", f"{row['upper']:.4g}"
            mark = "" if row["status"] == "identified" else f"  {row['status']}{_bound(row)}"
            lines.append(
                f"  {row['parameter']:<8}{row['estimate']:>12.4g}{row['standard_error']:>12.2g}"
                f"   [{low}, {high}]{mark}"
            )
    return "\n".join(lines)


def _bound(row: Mapping[str, object]) -> str:
    """The end that the data do give, from the profile."""
    bound, estimate = row["bound"], row["estimate"]
    if not isinstance(bound, float) or not isinstance(estimate, float):
        return ""
    return f", at {'most' if bound >= estimate else 'least'} {bound:.4g}"


if __name__ == "__main__":
    sys.exit(main())
