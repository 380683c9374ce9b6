"""Step-wise cross-validation (Barnett 2024, appendix D): every split × every regularisation, fitted globally.

A split trains on the experiments at or below both its thresholds and is tested on the others. Those above
both are where it extrapolates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.continuation import optima
from analysis.kernel import Flags, Floats
from analysis.laws import Law
from analysis.predict import predict
from analysis.problem import AnalysisError, problem, to_natural
from analysis.solver import Settings

ON_EXPONENTS = (0.0, 0.01, 0.1, 1.0, 5.0, 10.0, 50.0)
ON_COEFFICIENTS = (0.0, 1e-4, 1e-3, 0.01, 0.1)
PENALTIES = np.array(list(product(ON_EXPONENTS, ON_COEFFICIENTS)))


@dataclass(frozen=True)
class Scores:
    """Errors in nats, (S, R) by split and row of PENALTIES; not finite where the law so fitted predicts no
    number, NaN where there is nothing to predict.

    fitted (S,): the splits that the law can be fitted to; the others' errors are NaN. rmse, mae: on the
    split's test experiments. bias, the mean of predicted less measured, and rmse_beyond, mae_beyond: on those
    above both thresholds. n_train, n_test, n_beyond (S,).
    """

    fitted: Flags
    rmse: Floats
    mae: Floats
    bias_beyond: Floats
    rmse_beyond: Floats
    mae_beyond: Floats
    n_train: Floats
    n_test: Floats
    n_beyond: Floats


def cross_validate(
    law: Law,
    variables: Mapping[str, Floats],
    loss: Floats,
    max_steps: Floats,
    max_data_points: Floats,
    *,
    delta: float = 1e-3,
) -> Scores:
    """Fit the law of p and f to every split of thresholds (S,) under every row of PENALTIES, and score it.

    variables (n,) by symbol, loss (n,). Raises AnalysisError for data that the law cannot be fitted to.
    """
    posed = problem(law, variables, loss)
    p, f = variables["p"], variables["f"]
    train = (p <= max_steps[:, None]) & (f <= max_data_points[:, None])
    beyond = (p > max_steps[:, None]) & (f > max_data_points[:, None])
    fitted = fittable(law, variables, train)
    if not fitted.any():
        raise AnalysisError(
            f"no split trains on the {len(law.parameters)} experiments that law {law.name} needs, "
            "with two values of each variable"
        )
    shape = (len(train), len(PENALTIES))
    errors = {name: np.full(shape, np.nan) for name in ("rmse", "mae", "bias", "rmse_beyond", "mae_beyond")}
    grid = PENALTIES.reshape(len(ON_EXPONENTS), len(ON_COEFFICIENTS), 2)
    thresholds = np.column_stack([max_steps, max_data_points])[fitted]
    found = optima(posed, Settings(delta), train[fitted].astype(np.float64), thresholds, grid)
    for split, thetas in zip(np.flatnonzero(fitted), found.thetas, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            error = predict(law, to_natural(posed, thetas), variables) - loss
            tested, extrapolated = error[:, ~train[split]], error[:, beyond[split]]
            errors["rmse"][split], errors["mae"][split] = _sizes(tested)
            if extrapolated.size:
                errors["bias"][split] = extrapolated.mean(axis=1)
                errors["rmse_beyond"][split], errors["mae_beyond"][split] = _sizes(extrapolated)
    return Scores(
        fitted=fitted,
        rmse=errors["rmse"],
        mae=errors["mae"],
        bias_beyond=errors["bias"],
        rmse_beyond=errors["rmse_beyond"],
        mae_beyond=errors["mae_beyond"],
        n_train=train.sum(axis=1),
        n_test=(~train).sum(axis=1),
        n_beyond=beyond.sum(axis=1),
    )


def fittable(law: Law, variables: Mapping[str, Floats], train: Flags) -> Flags:
    """Which splits, train (S, n), a law can be fitted to by what `fit` asks of a table (S,).

    As many experiments as parameters, and two values of every variable.
    """
    enough: Flags = train.sum(axis=1) >= len(law.parameters)
    for variable in law.variables:
        values = np.broadcast_to(variables[variable.symbol], train.shape)
        least = np.where(train, values, np.inf).min(axis=1)
        enough &= np.where(train, values, -np.inf).max(axis=1) > least
    return enough


def _sizes(error: Floats) -> tuple[Floats, Floats]:
    """Root mean square and mean absolute value of errors (R, m): (R,) each."""
    return np.sqrt((error**2).mean(axis=1)), np.abs(error).mean(axis=1)
