"""python -m analysis cv        # every split × regularisation × law of p and f, Table 5's five among them
python -m analysis compare   # the forms' errors, Table 5's beside them
"""

import argparse
import json
import sys

from tqdm import tqdm

from analysis import crossval_io, io
from analysis.crossval import PENALTIES, cross_validate
from analysis.document import plain
from analysis.io import Experiments
from analysis.laws import laws
from analysis.problem import AnalysisError

FORMS = tuple(law.name for law in laws.values() if {v.symbol for v in law.variables} == {"p", "f"})


def add_cv(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The options of `cv`."""
    command = commands.add_parser("cv", help="cross-validate every law of p and f over dbt's splits")
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
                current = done.get((one.key, law, options.delta, one.fingerprint))
                entry: dict[str, object] = {
                    **vars(one.key),
                    "law": law,
                    "splits": len(at.split),
                    "splits_fitted": current,
                    "skipped": current is not None,
                    "error": None,
                }
                if current is None:
                    try:
                        entry["splits_fitted"] = _score(options.warehouse, one, law, options.delta, at)
                    except AnalysisError as error:
                        entry["error"] = str(error)
                report.append(entry)
                bar.update()
    if options.json:
        print(json.dumps([plain(entry) for entry in report], indent=2, ensure_ascii=False))
    else:
        for entry in report:
            state = "current" if entry["skipped"] else f"{len(PENALTIES)} regularisations"
            if not entry["error"]:
                heading = f"{entry['study']} · {entry['dataset']} · {entry['law']}"
                print(f"{heading}: {entry['splits_fitted']} of {entry['splits']} splits fitted, {state}")
    for entry in report:
        if entry["error"]:
            print(f"error: {entry['dataset']} · {entry['law']}: {entry['error']}", file=sys.stderr)
    return 2 if any(entry["error"] for entry in report) else 0


def _score(url: str, one: Experiments, law: str, delta: float, at: crossval_io.Splits) -> int:
    """Score a law on a key and write it; returns the number of splits that it could be fitted to."""
    if not at.split:
        raise AnalysisError(
            "no split: cross-validation needs at least two steps or two sizes inside the fit window"
        )
    variables = {symbol: one.variables[symbol] for symbol in ("p", "f")}
    scores = cross_validate(laws[law], variables, one.loss, at.max_steps, at.max_data_points, delta=delta)
    crossval_io.write(url, one.key, law, delta, one.fingerprint, at, scores)
    return int(scores.fitted.sum())


def _compare(options: argparse.Namespace) -> int:
    rows = crossval_io.forms(options.warehouse, options.study)
    if not rows:
        raise AnalysisError("no cross-validation scores: run `python -m analysis cv` first")
    if options.json:
        print(json.dumps([plain(row) for row in rows], indent=2, ensure_ascii=False))
        return 0
    print(
        "lowest errors over regularisations, nats, pooled over the tests of the splits that every form fits;"
    )
    print("extrapolated: mean absolute error beyond the medians of p and f, fitted at or below both;")
    print("published: Barnett's, on a text that is not these")
    print(
        f"{'':<34}{'law':<18}{'splits':>8}{'RMSE':>10}{'MAE':>10}{'extrapolated':>14}"
        f"{'published RMSE':>16}{'MAE':>10}"
    )
    for row in rows:
        numbers = "".join(
            _number(row[name], width)
            for name, width in (
                ("rmse", 10),
                ("mae", 10),
                ("mae_extrapolated", 14),
                ("published_rmse", 16),
                ("published_mae", 10),
            )
        )
        heading = f"{row['study']} · {row['dataset']}{' (stale)' if row['stale'] else ''}"
        splits = f"{row['splits']}/{row['splits_fitted']}"
        print(f"{heading:<34}{row['law']!s:<18}{splits:>8}{numbers}")
    return 0


def _number(value: object, width: int) -> str:
    return f"{value:>{width}.4f}" if isinstance(value, float) else f"{'–':>{width}}"
