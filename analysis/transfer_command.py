"""python -m analysis transfer   # effective data of every experiment, and Hernandez's law of it"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from tqdm import tqdm

from analysis import io, transfer_io
from analysis.allocate_io import coefficients, fitted_laws
from analysis.document import plain, table
from analysis.fit import CONVERGED, huber
from analysis.io import Key, Written
from analysis.laws import laws
from analysis.problem import AnalysisError
from analysis.profile import IDENTIFIED
from analysis.refit import Request, refit
from analysis.transfer import TransferredLaw, closed_form_multiplier, transferred_law
from warehouse.provenance import provenance

Row = dict[str, object]
FEW = 10  # checkpoints; with fewer, cluster-robust intervals are known to be too narrow
OPTIONS: Mapping[str, object] = {"method": "least squares of logarithms", "cluster": "checkpoint"}


@dataclass(frozen=True)
class Hernandez:
    """The law of D_T over a study's models on one dataset by one method, or the line that says why not.

    left_out: how many experiments it is not fitted to, by reason.
    """

    key: Key
    law: TransferredLaw | None
    reason: str | None
    left_out: Mapping[str, int]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The subcommand's own options."""
    command = commands.add_parser(
        "transfer", help="effective data transferred: fit the from-scratch curves and Hernandez's law"
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "--replicates", type=int, default=1000, help="of the curves' bootstrap; default: %(default)s"
    )
    command.add_argument("--seed", type=int, default=0, help="of the bootstrap; default: %(default)s")
    return command


def _run(options: argparse.Namespace) -> int:
    if options.replicates < 2:
        raise AnalysisError("--replicates must be at least 2")
    curves = transfer_io.scratch_curves(options.warehouse, options.study)
    # A curve has one checkpoint, the random initialisation: its rows are what can be resampled.
    request = Request(laws["power-floor"], replicates=options.replicates, resample="rows", seed=options.seed)
    with tqdm(total=len(curves) * request.replicates, unit="replicate", file=sys.stderr, leave=False) as bar:

        def progress(key: str, done: int) -> None:
            bar.set_description(key, refresh=False)
            bar.update(done)

        outcomes = refit(options.warehouse, request, curves, progress)
    experiments = transfer_io.data_transferred(options.warehouse, options.study)
    _add_closed_form(experiments, options.warehouse, options.study)
    found = [_hernandez(*one) for one in _by_models(experiments).items()]
    for one in found:
        if one.law:
            _write(options.warehouse, one, one.law)
    failed = [outcome for outcome in outcomes if outcome.error]
    if options.json:
        curve_rows = [dict(vars(o.key)) | {"fit_id": o.fit_id, "error": o.error} for o in outcomes]
        document = {
            "curves": curve_rows,
            "experiments": experiments,
            "laws": [_described(one) for one in found],
        }
        print(json.dumps(plain(document), indent=2, ensure_ascii=False))
    else:
        print("\n".join([*_multipliers(experiments), *map(_text, found)]))
    for outcome in failed:
        print(f"error: {outcome.key}: the from-scratch curve: {outcome.error}", file=sys.stderr)
    return 2 if failed else 0


def _add_closed_form(experiments: Sequence[Row], url: str, study: str | None) -> None:
    """Add what the transfer law itself extrapolates to; none where it is not fitted."""
    fitted = {law.key: coefficients(law.estimate) for law in fitted_laws(url, study)}
    for row in experiments:
        law = fitted.get(_key(row))
        multiplier = float(closed_form_multiplier(law, cast(int, row["pretrain_steps"]))) if law else None
        row["extrapolated_by_transfer_law"] = multiplier


def _key(row: Row) -> Key:
    return Key(*(str(row[name]) for name in ("study", "dataset", "model", "method")))


def _by_models(experiments: Sequence[Row]) -> dict[Key, list[Row]]:
    """Rows by study, dataset and method; the key's model names all models."""
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for row in experiments:
        key = _key(row)
        grouped.setdefault((key.study, key.dataset, key.method), []).append(row)
    return {
        Key(study, dataset, ", ".join(sorted({str(row["model"]) for row in rows})), method): rows
        for (study, dataset, method), rows in grouped.items()
    }


def _hernandez(key: Key, rows: Sequence[Row]) -> Hernandez:
    """Only what was read from measured curves is fitted: an extrapolated D_E is another law's."""
    inside = [row for row in rows if row["reading"] == "interpolated"]
    usable = [row for row in inside if cast(float, row["transferred_tokens"]) > 0]
    left_out = {
        "outside the from-scratch curve": len(rows) - len(inside),
        "nothing transferred (ossified)": len(inside) - len(usable),
    }
    if not usable:
        reason = "no experiment transfers data inside the measured from-scratch curve"
        return Hernandez(key, None, reason, left_out)
    try:
        law = transferred_law(
            tokens=_column(usable, "tokens"),
            transferred=_column(usable, "transferred_tokens"),
            size=_column(usable, "n_params_non_embedding"),
            steps=_column(usable, "pretrain_steps"),
            cluster=[f"{row['model']} at {row['pretrain_steps']}" for row in usable],
        )
    except AnalysisError as error:
        return Hernandez(key, None, str(error), left_out)
    return Hernandez(key, law, None, left_out)


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _write(url: str, one: Hernandez, law: TransferredLaw) -> None:
    """To analysis.fits and analysis.parameters, unless the same law stands there."""
    estimates = [(e.value, e.standard_error, e.lower, e.upper) for e in law.parameters.values()]
    fingerprint = hashlib.md5(repr((law.n, law.steps, estimates)).encode()).hexdigest()
    made = [fit for fit in io.stored_fits(url) if (fit.key, fit.law) == (one.key, "effective-data")]
    if any(fit.fingerprint == fingerprint for fit in made):
        return
    columns = zip(*estimates, strict=True)
    names = ("estimate", "standard_error", "lower", "upper")
    parameters = {"parameter": list(law.parameters)} | dict(zip(names, map(list, columns), strict=True))
    count = len(law.parameters)
    written = Written(
        key=one.key,
        law="effective-data",
        options=OPTIONS,
        n=law.n,
        objective=float(huber(law.residuals, np.inf).sum()),
        mean_absolute_error=law.mean_absolute_error,
        mean_relative_error=float(np.abs(np.expm1(law.residuals)).mean()),
        status=CONVERGED,
        credentials={
            "r_squared": law.r_squared,
            "clusters": law.clusters,
            "steps_of_k": law.steps,
            "left_out": dict(one.left_out),
        },
        fingerprint=fingerprint,
        provenance=provenance(),
        parameters=parameters
        | {
            "interval_method": ["cluster-robust"] * count,
            "status": [IDENTIFIED] * count,
            "bound": [None] * count,
        },
        bootstrap={"replicate": [], "parameter": [], "value": []},
        predictions={name: [] for name in ("pretrain_steps", "data_points", "loss", "lower", "upper")},
    )
    io.write(url, written, replaces=[fit.fit_id for fit in made])


def _described(one: Hernandez) -> Row:
    document: Row = {**vars(one.key), "law": laws["effective-data"].formula, "reason": one.reason}
    if one.law:
        document |= {
            "n": one.law.n,
            "clusters": one.law.clusters,
            "few_clusters": one.law.clusters < FEW,
            "r_squared": one.law.r_squared,
            "steps_of_k": one.law.steps,
            "parameters": {symbol: vars(estimate) for symbol, estimate in one.law.parameters.items()},
        }
    return document | {"left_out": dict(one.left_out)}


def _text(one: Hernandez) -> str:
    heading = f"{one.key}: D_T = {laws['effective-data'].formula}"
    if not one.law:
        return f"{heading}: not fitted: {one.reason}"
    size = "" if "beta" in one.law.parameters else ", one model size: N^beta is part of k"
    rows = [
        {
            "parameter": symbol,
            "estimate": e.value,
            "standard_error": e.standard_error,
            "lower": e.lower,
            "upper": e.upper,
            "status": IDENTIFIED,
        }
        for symbol, e in one.law.parameters.items()
    ]
    counts = f"{one.law.n} experiments, {one.law.clusters} checkpoints, k at {one.law.steps} steps{size}"
    few = f"\n  fewer than {FEW} checkpoints: the intervals are likely too narrow"
    return table(f"{heading}: {counts}", rows) + (few if one.law.clusters < FEW else "")


def _multipliers(experiments: Sequence[Row]) -> list[str]:
    """One line for each key and number of steps: the multiplier over the data points, and how it was read."""
    lines = []
    heads: dict[Key, dict[object, list[Row]]] = {}
    for row in experiments:
        heads.setdefault(_key(row), {}).setdefault(row["pretrain_steps"], []).append(row)
    for key, by_steps in heads.items():
        lines.append(f"{key}: effective data / data, by pre-training steps")
        for steps, rows in by_steps.items():
            known = [cast(float, row["multiplier"]) for row in rows if row["multiplier"] is not None]
            span = f"{min(known):.3g} to {max(known):.3g}" if known else "-"
            marks = {str(row["reading"]) for row in rows}
            counts = [f"{sum(row['reading'] == mark for row in rows)} {mark}" for mark in sorted(marks)]
            hurt = sum(row["ossified"] is True for row in rows)
            lines.append(
                f"  {steps!s:>8}  {span:<20} {', '.join(counts)}{f'; {hurt} ossified' if hurt else ''}"
            )
    return lines
