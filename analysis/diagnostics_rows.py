"""What `fit` writes besides a fit: the rows of the tables of warehouse/schema/009_diagnostics.sql."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields

import numpy as np

from analysis.bootstrap import Bootstrap
from analysis.diagnostics import Residuals, findings, residuals_of
from analysis.diagnostics_conditions import Difference, conditions
from analysis.diagnostics_extrapolation import Extrapolation, extrapolation
from analysis.fit import Fit
from analysis.io import Experiments
from analysis.kernel import Floats
from analysis.profile import Profile

Columns = dict[str, Sequence[object]]


def diagnosed(
    one: Experiments,
    result: Fit,
    resampled: Bootstrap,
    profiled: Mapping[str, Profile],
    cluster: Floats | None,
    seed: int,
) -> dict[str, Columns]:
    """Columns by table, for a fit to experiments and its resamples of rows, or of what `cluster` (n,) names.

    Empty of experiments without limits: of a curve, which is no study's law.
    """
    if one.limits is None:
        return {}
    variables = {symbol: one.variables[symbol] for symbol in ("p", "f")}
    residuals = residuals_of(result, variables)
    beyond = extrapolation(
        result.law,
        variables,
        one.loss,
        delta=result.settings.delta,
        replicates=len(resampled.values),
        cluster=cluster,
        seed=seed,
    )
    differences = conditions(result, resampled, variables, one.loss, one.limits, cluster=cluster, seed=seed)
    return {
        "residuals": _residuals(one, residuals),
        "diagnostics": _columns(
            ("diagnostic", "statistic", "p_value"), map(astuple, findings(residuals.residual, variables))
        ),
        "profiles": _profiles(profiled),
        "extrapolations": _extrapolations(one, beyond),
        "conditions": _columns([field.name for field in fields(Difference)], map(astuple, differences)),
    }


def _residuals(one: Experiments, residuals: Residuals) -> Columns:
    unknown = [None] * one.loss.size
    return {
        "pretrain_steps": one.variables["p"].tolist(),
        "data_points": one.variables["f"].tolist(),
        "loss": one.loss.tolist(),
        "fitted": np.exp(residuals.fitted).tolist(),
        "residual": residuals.residual.tolist(),
        "normal_quantile": residuals.quantile.tolist(),
        "deleted_residual": unknown if residuals.deleted is None else residuals.deleted.tolist(),
        "influence": unknown if residuals.influence is None else residuals.influence.tolist(),
    }


def _profiles(profiled: Mapping[str, Profile]) -> Columns:
    rows = [
        (profile.symbol, value, deviance, profile.cut)
        for profile in profiled.values()
        for value, deviance in zip(profile.values.tolist(), profile.deviance.tolist(), strict=True)
        if np.isfinite([value, deviance]).all()
    ]
    return _columns(("parameter", "value", "deviance", "cut"), rows)


def _extrapolations(one: Experiments, beyond: Extrapolation | None) -> Columns:
    names = (
        "max_steps",
        "max_data_points",
        "n_train",
        "pretrain_steps",
        "data_points",
        "loss",
        "predicted",
        "lower",
        "upper",
    )
    if beyond is None:
        return _columns(names, [])
    measured = (one.variables["p"], one.variables["f"], one.loss)
    rows = zip(
        *(values[beyond.beyond].tolist() for values in measured),
        *(values.tolist() for values in (beyond.predicted, beyond.lower, beyond.upper)),
        strict=True,
    )
    asked = (beyond.max_steps, beyond.max_data_points, beyond.n_train)
    return _columns(names, [(*asked, *row) for row in rows])


def _columns(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> Columns:
    table = list(rows)
    return {name: [row[i] for row in table] for i, name in enumerate(names)}
