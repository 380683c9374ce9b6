"""Fit a law to every dataset of a study and write the results back, leaving alone what is current."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite

import numpy as np

from analysis import io
from analysis.bootstrap import Bootstrap
from analysis.diagnostics_rows import diagnosed
from analysis.fit import Fit, fit, status_of
from analysis.io import Experiments, Key, Stored, Written
from analysis.kernel import Floats
from analysis.laws import Law
from analysis.predict import predict
from analysis.problem import AnalysisError
from analysis.profile import IDENTIFIED, Profile
from warehouse.provenance import provenance

GRID = 40  # log-spaced values of each variable that predictions are written for, besides the study's own
RESAMPLED = {"rows": None, "checkpoints": "p"}


@dataclass(frozen=True)
class Request:
    """How datasets are to be fitted; `resample` names the resampled unit (RESAMPLED).

    Runs of one checkpoint share what is particular to it. Where they do, resampled rows give intervals that
    hold A and alpha in seven of ten cases instead of 95 %; resampled checkpoints hold them either way
    (docs/measured.md).
    """

    law: Law
    delta: float = 1e-3
    replicates: int = 1000
    resample: str = "checkpoints"
    seed: int = 0

    @property
    def options(self) -> dict[str, object]:
        return {
            "delta": self.delta,
            "replicates": self.replicates,
            "resample": self.resample,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Outcome:
    """What became of one key: a fit that was made or was current, or the line that says why there is none."""

    key: Key
    fit_id: str | None
    skipped: bool
    error: str | None


def refit(
    url: str | None,
    request: Request,
    found: Sequence[Experiments],
    progress: Callable[[str, int], object],
) -> list[Outcome]:
    """Fit each of those that were found; `progress` is told the key and the replicates done.

    A key that cannot be fitted becomes an Outcome with its error, and the others go on.
    """
    made = io.stored_fits(url)
    outcomes = []
    for one in found:
        of_key = [old for old in made if old.key == one.key and old.law == request.law.name]
        same = [old for old in of_key if old.options == request.options]
        current = [old for old in same if old.fingerprint == one.fingerprint and _limits_seen(old, one)]
        if current:
            progress(str(one.key), request.replicates)
            outcomes.append(Outcome(one.key, current[-1].fit_id, skipped=True, error=None))
            continue
        try:
            written = _fitted(one, request, partial(progress, str(one.key)))
        except AnalysisError as error:
            outcomes.append(Outcome(one.key, None, skipped=False, error=str(error)))
            continue
        fit_id = io.write(url, written, replaces=[old.fit_id for old in of_key])
        outcomes.append(Outcome(one.key, fit_id, skipped=False, error=None))
    return outcomes


def _limits_seen(old: Stored, one: Experiments) -> bool:
    # What lies outside the window is tested for the conditions, and is no part of the fit's own fingerprint.
    return one.limits is None or old.credentials.get("limits") == one.limits.fingerprint


def _fitted(one: Experiments, request: Request, progress: Callable[[int], object]) -> Written:
    if not one.loss.size:
        raise AnalysisError(f"none of its {one.outside} experiments is inside the study's fit window")
    began = time.monotonic()
    result = fit(request.law, one.variables, one.loss, delta=request.delta)
    column = RESAMPLED[request.resample]
    cluster = one.variables[column] if column else None
    profiled = result.calibrated_profiles(cluster=cluster, seed=request.seed)
    resampled = result.bootstrap(request.replicates, cluster=cluster, seed=request.seed, progress=progress)
    credentials = asdict(result.credentials) | {
        "changed_basin": resampled.changed_basin,
        "resampled_units": resampled.units,
        "limits": one.limits.fingerprint if one.limits else None,
    }
    return Written(
        key=one.key,
        law=request.law.name,
        options=request.options,
        n=one.loss.size,
        objective=result.objective,
        mean_absolute_error=result.mean_absolute_error,
        mean_relative_error=result.mean_relative_error,
        status=status_of(result.search, {symbol: each.status for symbol, each in profiled.items()}),
        credentials={name: _json(value) for name, value in credentials.items()},
        fingerprint=one.fingerprint,
        provenance=provenance() | {"seconds": round(time.monotonic() - began, 3)},
        parameters=_parameters(result, resampled, profiled),
        bootstrap=_replicates(resampled),
        predictions=_predictions(result, resampled, one),
        diagnosed=diagnosed(one, result, resampled, profiled, cluster, request.seed),
    )


def _json(value: object) -> object:
    # JSON has no infinity; a flat direction's condition number is one.
    return None if isinstance(value, float) and not isfinite(value) else value


def _parameters(
    result: Fit, resampled: Bootstrap, profiled: Mapping[str, Profile]
) -> dict[str, Sequence[object]]:
    """Columns of analysis.parameters: every parameter by each method that has an interval for it."""
    errors = resampled.standard_errors
    rows: list[tuple[object, ...]] = []
    for method, intervals in (
        ("percentile", resampled.percentile()),
        ("bca", {s: ends for s, ends in resampled.bca().items() if ends}),
        ("profile", {s: (p.lower, p.upper) for s, p in profiled.items()}),
    ):
        for symbol, (lower, upper) in intervals.items():
            profile = profiled.get(symbol)
            status, bound = (profile.status, profile.bound) if profile else (IDENTIFIED, None)
            estimate, error = result.parameters[symbol], errors[symbol]
            rows.append((symbol, estimate, error, lower, upper, method, status, bound))
    names = (
        "parameter",
        "estimate",
        "standard_error",
        "lower",
        "upper",
        "interval_method",
        "status",
        "bound",
    )
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _replicates(resampled: Bootstrap) -> dict[str, Sequence[object]]:
    count, k = resampled.values.shape
    return {
        "replicate": np.repeat(np.arange(count, dtype=np.int32), k).tolist(),
        "parameter": list(resampled.symbols) * count,
        "value": resampled.values.ravel().tolist(),
    }


def _predictions(result: Fit, resampled: Bootstrap, one: Experiments) -> dict[str, Sequence[object]]:
    p, f = (_window(one.variables[symbol]) for symbol in ("p", "f"))
    steps, sizes = (axis.ravel() for axis in np.meshgrid(p, f, indexing="ij"))
    bands = [
        np.percentile(
            predict(result.law, resampled.values, {"p": part[0], "f": part[1]}), [2.5, 97.5], axis=0
        )
        for part in zip(np.array_split(steps, len(p)), np.array_split(sizes, len(p)), strict=True)
    ]
    lower, upper = np.concatenate(bands, axis=1)
    return {
        "pretrain_steps": steps.tolist(),
        "data_points": sizes.tolist(),
        "loss": result.predict({"p": steps, "f": sizes}).tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }


def _window(values: Floats) -> Floats:
    """Log-spaced values over the range that was fitted, and the study's own among them."""
    own = np.unique(values)
    if own.size == 1:
        return own
    return np.unique(np.concatenate([np.geomspace(own[0], own[-1], GRID)[1:-1], own]))
