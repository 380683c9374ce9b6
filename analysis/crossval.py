"""Step-wise cross-validation (Barnett 2024, appendix D): every split × every regularisation, fitted globally.

A split trains on the experiments at or below both its thresholds and is tested on the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.bootstrap import replicate_starts
from analysis.kernel import Floats
from analysis.laws import Law
from analysis.predict import predict
from analysis.problem import Problem, problem, to_natural
from analysis.solver import Batch, Settings, search, solve

ON_EXPONENTS = (0.0, 0.01, 0.1, 1.0, 5.0, 10.0, 50.0)
ON_COEFFICIENTS = (0.0, 1e-4, 1e-3, 0.01, 0.1)
PENALTIES = np.array(list(product(ON_EXPONENTS, ON_COEFFICIENTS)))
DISPERSED = 6  # starts of a split's unpenalised fit, besides the optimum of all experiments


@dataclass(frozen=True)
class Scores:
    """rmse, mae (S, R): errors on the test experiments in nats, by split and row of PENALTIES.

    Infinite where the law so fitted predicts no number. n_train, n_test (S,).
    """

    rmse: Floats
    mae: Floats
    n_train: Floats
    n_test: Floats


def cross_validate(
    law: Law,
    variables: Mapping[str, Floats],
    loss: Floats,
    max_steps: Floats,
    max_data_points: Floats,
    *,
    delta: float = 1e-3,
    progress: Callable[[int], object] | None = None,
) -> Scores:
    """Fit the law of p and f to every split of thresholds (S,) under every row of PENALTIES, and score it.

    variables (n,) by symbol, loss (n,). `progress` is told how many fits have just been done. Raises
    AnalysisError for data that the law cannot be fitted to.
    """
    posed = problem(law, variables, loss)
    settings = Settings(delta)
    train = (variables["p"] <= max_steps[:, None]) & (variables["f"] <= max_data_points[:, None])
    thetas = optima(posed, settings, train.astype(np.float64), progress)
    rmse, mae = np.empty(thetas.shape[:2]), np.empty(thetas.shape[:2])
    for split, tested in enumerate(~train):
        at = {symbol: values[tested] for symbol, values in variables.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(predict(law, to_natural(posed, thetas[split]), at) - loss[tested])
            rmse[split], mae[split] = np.sqrt((error**2).mean(axis=1)), error.mean(axis=1)
    rmse[~np.isfinite(rmse)] = mae[~np.isfinite(mae)] = np.inf
    return Scores(rmse, mae, train.sum(axis=1), (~train).sum(axis=1))


def optima(
    posed: Problem, settings: Settings, train: Floats, progress: Callable[[int], object] | None
) -> Floats:
    """The optimum (S, R, k) of every split's experiments, train (S, n), under every row of PENALTIES.

    Unpenalised, a split starts from the optimum of all experiments and from dispersed starts; penalised, from
    its unpenalised optimum and from those.
    """
    everything = np.ones(posed.n)
    found = search(posed, settings, everything)
    first = replicate_starts(posed, settings, found, everything, dispersed=DISPERSED)
    splits = len(train)
    unpenalised = _best(posed, settings, train, np.tile(first, (splits, 1, 1)), PENALTIES[:1], progress)
    each = np.concatenate([unpenalised, np.tile(first[[0, -2]], (splits, 1, 1))], axis=1)
    penalised = _best(posed, settings, train, each, PENALTIES[1:], progress)
    return np.concatenate([unpenalised, penalised], axis=1)


def _best(
    posed: Problem,
    settings: Settings,
    train: Floats,
    each: Floats,
    penalties: Floats,
    progress: Callable[[int], object] | None,
) -> Floats:
    """The best theta (S, R, k) from every split's own starts, each (S, M, k), under penalties (R, 2)."""
    splits, starts, k = each.shape
    regularisations = len(penalties)
    solved = solve(
        posed,
        settings,
        Batch(
            thetas=np.repeat(each[:, None], regularisations, axis=1).reshape(-1, k),
            row=np.repeat(np.arange(splits), regularisations * starts),
            weights=train,
            penalty=np.tile(np.repeat(penalties, starts, axis=0), (splits, 1)),
        ),
        (lambda done: progress(done // starts)) if progress else None,
    )
    objective = solved.objective.reshape(splits, regularisations, starts)
    thetas = solved.thetas.reshape(splits, regularisations, starts, k)
    best = objective.argmin(axis=2)[:, :, None, None]
    out: Floats = np.take_along_axis(thetas, best, axis=2)[:, :, 0]
    return out


@dataclass(frozen=True)
class Extrapolation:
    """The law fitted to the smaller half of p and of f, and what it says of the largest experiment, nats."""

    n_train: int
    predicted: float
    measured: float


def extrapolate(
    law: Law, variables: Mapping[str, Floats], loss: Floats, delta: float = 1e-3
) -> Extrapolation:
    """Fit to the experiments at or below the median of p's and of f's values; predict the largest of both."""
    posed = problem(law, variables, loss)
    train = np.ones(posed.n)
    last = np.ones(posed.n, dtype=bool)
    for values in variables.values():
        train *= values <= np.quantile(np.unique(values), 0.5)
        last &= values == values.max()
    found = search(posed, Settings(delta), train)
    at = {symbol: values[last] for symbol, values in variables.items()}
    predicted = predict(law, to_natural(posed, found.minima[:1]), at)
    return Extrapolation(int(train.sum()), float(predicted.mean()), float(loss[last].mean()))
