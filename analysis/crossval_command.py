"""python -m analysis cv        # every split × regularisation × form of Table 5
python -m analysis compare   # the forms' errors, Table 5's beside them
"""

import argparse
import json
import sys

from tqdm import tqdm

from analysis import crossval_io, io
from analysis.crossval import PENALTIES, cross_validate, extrapolate
from analysis.document import plain
from analysis.io import Experiments
from analysis.laws import laws
from analysis.problem import AnalysisError

FORMS = {"transfer": 1, "table5-2": 2, "table5-3": 3, "table5-4": 4, "table5-5": 5}
# Barnett 2024, Table 5: fictional encyclopedia, lowest RMSE and MAE over regularisations.
PUBLISHED = {
    "transfer": (0.126391, 0.106308),
    "table5-2": (0.124945, 0.110253),
    "table5-3": (0.615465, 0.612981),
    "table5-4": (0.534095, 0.529382),
    "table5-5": (0.126392, 0.106309),
}


def add_cv(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The options of `cv`."""
    command = commands.add_parser("cv", help="cross-validate the forms of Table 5 over dbt's splits")
    command.set_defaults(run=_cross_validate)
    command.add_argument("--delta", type=float, default=1e-3, help="Huber's δ; default: %(default)s")
    return command


def add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The options of `compare`."""
    command = commands.add_parser("compare", help="the forms' errors in cross-validation, and extrapolated")
    command.set_defaults(run=_compare)
    return command


def _cross_validate(options: argparse.Namespace) -> int:
    found = io.experiments(options.warehouse, options.study)
    done = crossval_io.scored(options.warehouse)
    report: list[dict[str, object]] = []
    with tqdm(total=len(found) * len(FORMS), unit="form", file=sys.stderr, leave=False) as bar:
        for one in found:
            at = crossval_io.splits(options.warehouse, one.key)
            for law in FORMS:
                bar.set_description(f"{one.key.dataset} {law}", refresh=True)
                entry: dict[str, object] = {
                    **vars(one.key),
                    "law": law,
                    "splits": len(at.split),
                    "error": None,
                }
                entry["skipped"] = (one.key, law, options.delta, one.fingerprint) in done
                if not entry["skipped"]:
                    entry["error"] = _scored(options.warehouse, one, law, options.delta, at)
                report.append(entry)
                bar.update()
    if options.json:
        print(json.dumps([plain(entry) for entry in report], indent=2, ensure_ascii=False))
    else:
        for entry in report:
            state = "current" if entry["skipped"] else f"{len(PENALTIES)} regularisations"
            if not entry["error"]:
                heading = f"{entry['study']} · {entry['dataset']} · {entry['law']}"
                print(f"{heading}: {entry['splits']} splits, {state}")
    for entry in report:
        if entry["error"]:
            print(f"error: {entry['dataset']} · {entry['law']}: {entry['error']}", file=sys.stderr)
    return 1 if any(entry["error"] for entry in report) else 0


def _scored(url: str, one: Experiments, law: str, delta: float, at: crossval_io.Splits) -> str | None:
    """Score a law on a key and write it; the line that says why not, where it cannot be."""
    if not at.split:
        return "no split: cross-validation needs at least two steps or two sizes inside the fit window"
    variables = {symbol: one.variables[symbol] for symbol in ("p", "f")}
    try:
        scores = cross_validate(laws[law], variables, one.loss, at.max_steps, at.max_data_points, delta=delta)
    except AnalysisError as error:
        return str(error)
    crossval_io.write(url, one.key, law, delta, one.fingerprint, at, scores)
    return None


def _compare(options: argparse.Namespace) -> int:
    rows = crossval_io.pooled(options.warehouse, options.study)
    found = io.experiments(options.warehouse, options.study)
    if not rows:
        raise AnalysisError("no cross-validation scores: run `python -m analysis cv` first")
    rows.sort(
        key=lambda row: (row["study"], row["dataset"], row["model"], row["method"], FORMS[str(row["law"])])
    )
    of_key = {tuple(vars(one.key).values()): one for one in found}
    for row in rows:
        one = of_key.get((row["study"], row["dataset"], row["model"], row["method"]))
        row |= {"extrapolation": _extrapolated(one, str(row["law"])) if one else None}
        row |= dict(zip(("published_rmse", "published_mae"), PUBLISHED[str(row["law"])], strict=True))
    if options.json:
        print(json.dumps([plain(row) for row in rows], indent=2, ensure_ascii=False))
        return 0
    print("lowest pooled error over regularisations, nats; published: Barnett's, on a text that is not these")
    print(f"{'':<34}{'form':>5}{'RMSE':>10}{'MAE':>10}{'extrapolated':>14}{'published RMSE':>16}{'MAE':>10}")
    for row in rows:
        rmse, mae = (_number(row[name], 10) for name in ("rmse", "mae"))
        heading = f"{row['study']} · {row['dataset']}"
        print(
            f"{heading:<34}{FORMS[str(row['law'])]:>5}{rmse}{mae}{_number(row['extrapolation'], 14)}"
            f"{row['published_rmse']:>16}{row['published_mae']:>10}"
        )
    return 0


def _extrapolated(one: Experiments, law: str) -> float | None:
    """The error, nats, of the law fitted to the smaller half of p and f at the largest of both."""
    variables = {symbol: one.variables[symbol] for symbol in ("p", "f")}
    try:
        result = extrapolate(laws[law], variables, one.loss)
    except AnalysisError:
        return None
    return result.predicted - result.measured


def _number(value: object, width: int) -> str:
    return f"{value:>{width}.4f}" if isinstance(value, float) else f"{'–':>{width}}"
