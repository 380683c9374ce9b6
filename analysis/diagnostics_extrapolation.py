"""An extrapolation that can be checked: the law fitted to the smaller half of both variables."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.diagnostics_resampled import resampled_fit
from analysis.kernel import Flags, Floats
from analysis.laws import Law
from analysis.predict import predict


@dataclass(frozen=True)
class Extrapolation:
    """The law at the points above the medians of p and f, fitted to those at or below both.

    beyond (n,): which of all points are above both. predicted, lower, upper (m,): the fitted losses there in
    nats and their pointwise 95 % band.
    """

    max_steps: float
    max_data_points: float
    n_train: int
    beyond: Flags
    predicted: Floats
    lower: Floats
    upper: Floats


def extrapolation(
    law: Law,
    variables: Mapping[str, Floats],
    loss: Floats,
    *,
    delta: float,
    replicates: int,
    cluster: Floats | None,
    seed: int,
) -> Extrapolation | None:
    """Fit the law of p and f to the points at or below the medians of both; None where they are too few.

    variables (n,) by symbol, loss (n,); cluster (n,): what is resampled together, rows where it is None.
    """
    p, f = variables["p"], variables["f"]
    max_steps, max_data_points = (
        float(np.quantile(np.unique(values), 0.5, method="inverted_cdf")) for values in (p, f)
    )
    train = (p <= max_steps) & (f <= max_data_points)
    beyond = (p > max_steps) & (f > max_data_points)
    known = {symbol: variables[symbol][train] for symbol in ("p", "f")}
    asked = {symbol: variables[symbol][beyond] for symbol in ("p", "f")}
    values = resampled_fit(
        law,
        known,
        loss[train],
        delta=delta,
        replicates=replicates,
        cluster=None if cluster is None else cluster[train],
        seed=seed,
    )
    if values is None or not beyond.any():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = predict(law, values, asked)
        lower, upper = np.percentile(predicted[1:], [2.5, 97.5], axis=0)
    n_train = int(train.sum())
    return Extrapolation(max_steps, max_data_points, n_train, beyond, predicted[0], lower, upper)
