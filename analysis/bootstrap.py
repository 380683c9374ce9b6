"""The bootstrap: rows or whole clusters resampled as weights, every replicate refitted globally."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from analysis.kernel import Flags, Floats, Ints
from analysis.problem import AnalysisError, Problem, starts, to_natural
from analysis.solver import NOTHING, SAME, Batch, Search, Settings, solve

JACKKNIFE = 1000  # units; with more of them BCa intervals would cost more than the bootstrap
NEIGHBOURS, DISPERSED = (
    2,
    2,
)  # what a replicate starts from besides the optimum
CHUNK = 500  # replicates drawn from one stream and solved together; part of what a seed means


@dataclass(frozen=True)
class Bootstrap:
    """values (R, k): each replicate's optimum in natural parameters, columns in the law's order.

    estimate (k,): the fit's own. jackknife (U, k): the optimum without each of the U resampled units; None
    where there are more than JACKKNIFE of them. changed_basin: share of replicates whose optimum was not the
    one that a start from the fit's leads to.
    """

    symbols: tuple[str, ...]
    values: Floats
    estimate: Floats
    jackknife: Floats | None
    changed_basin: float
    units: int

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation over replicates, by symbol."""
        return dict(zip(self.symbols, self.values.std(axis=0, ddof=1).tolist(), strict=True))

    def percentile(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Central percentile intervals, by symbol."""
        tails = np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)])
        return {s: _quantiles(self.values[:, i], tails) for i, s in enumerate(self.symbols)}

    def bca(self, level: float = 0.95) -> dict[str, tuple[float, float] | None]:
        """Bias-corrected and accelerated intervals (Efron 1987), by symbol; None where they are undefined.

        They are where there is no jackknife, where leaving out a unit never moves the estimate, and where all
        replicates lie on one side of it, as at the edge of a domain.
        """
        tails = np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)])
        return {s: self._bca(i, tails) for i, s in enumerate(self.symbols)}

    def _bca(self, i: int, tails: Floats) -> tuple[float, float] | None:
        values, estimate = self.values[:, i], self.estimate[i]
        # Ties count half, so that a replicate equal to the estimate is on neither side.
        below = float(np.mean(values < estimate) + 0.5 * np.mean(values == estimate))
        if self.jackknife is None or not 0.0 < below < 1.0:
            return None
        away = self.jackknife[:, i].mean() - self.jackknife[:, i]
        spread = float((away**2).sum())
        if not (np.isfinite(spread) and spread > 0.0):
            return None
        acceleration = float((away**3).sum()) / (6.0 * spread**1.5)
        bias = float(norm.ppf(below))
        shifted = bias + norm.ppf(tails)
        if (acceleration * shifted >= 1.0).any():
            return None
        return _quantiles(values, norm.cdf(bias + shifted / (1.0 - acceleration * shifted)))


def _quantiles(values: Floats, at: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, at)
    return float(low), float(high)


def bootstrap(
    problem: Problem,
    settings: Settings,
    found: Search,
    weights: Floats,
    *,
    replicates: int = 1000,
    cluster: ArrayLike | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Bootstrap:
    """Refit `replicates` resamples of the rows, or of the clusters that `cluster` (n,) names.

    Every replicate starts from the optimum (directly and by continuation), from the neighbouring minima and
    from dispersed starts. `progress` is told how many replicates have just been done.
    """
    unit, units = clusters(problem, cluster)
    if units < 2:
        raise AnalysisError("a bootstrap needs at least two clusters to resample")
    first = replicate_starts(problem, settings, found, weights)
    values, changed = [], 0
    for chunk, begin in enumerate(range(0, replicates, CHUNK)):
        count = min(CHUNK, replicates - begin)
        times = resamples(np.random.default_rng([seed, chunk]), count, units)
        thetas, moved = refit(problem, settings, first, times[:, unit] * weights)
        values.append(to_natural(problem, thetas))
        changed += int(moved.sum())
        if progress:
            progress(count)
    jackknife = None
    if units <= JACKKNIFE:
        without = 1.0 - np.eye(units)
        jackknife = to_natural(problem, refit(problem, settings, first, without[:, unit] * weights)[0])
    return Bootstrap(
        symbols=problem.law.symbols,
        values=np.concatenate(values),
        estimate=to_natural(problem, found.minima[:1])[0],
        jackknife=jackknife,
        changed_basin=changed / replicates,
        units=units,
    )


def clusters(problem: Problem, cluster: ArrayLike | None) -> tuple[Ints, int]:
    """The resampled unit of each row (n,), and how many there are."""
    if cluster is None:
        return np.arange(problem.n), problem.n
    names = np.asarray(cluster)
    if names.shape != (problem.n,):
        raise AnalysisError(f"the cluster column has {names.size} entries for {problem.n} points")
    found, unit = np.unique(names, return_inverse=True)
    return unit.astype(np.int64), int(found.size)


def resamples(rng: np.random.Generator, count: int, units: int) -> Floats:
    """How often each unit was drawn, (count, units)."""
    return rng.multinomial(units, np.full(units, 1.0 / units), size=count).astype(np.float64)


def replicate_starts(problem: Problem, settings: Settings, found: Search, weights: Floats) -> Floats:
    """What every replicate starts from (S, k): the optimum first, neighbouring minima, starts spread over the
    grid.

    The dispersed ones have the coefficients that fit all the data best at their exponents.
    """
    grid = starts(problem)
    released = grid.thetas[grid.release]
    spread = released[np.linspace(0, len(released) - 1, DISPERSED + 2).astype(int)[1:-1]]
    held = ~np.isin(np.arange(spread.shape[1]), problem.shape.coefficient)
    batch = Batch(
        spread,
        np.zeros(len(spread), dtype=np.int64),
        weights[None, :],
        release=True,
        lower=np.where(held, spread, problem.lower),
        upper=np.where(held, spread, problem.upper),
    )
    projected = solve(problem, settings, batch).thetas
    return np.concatenate([found.near(1 + NEIGHBOURS), projected])


def refit(problem: Problem, settings: Settings, first: Floats, weights: Floats) -> tuple[Floats, Flags]:
    """The optimum (R, k) under each row of weights (R, n), from every start of first (S, k).

    Also whether it is in another basin than the one that the first start leads to (R,).
    """
    count, each = len(weights), len(first)
    batch = Batch(
        np.tile(first, (count, 1)),
        np.repeat(np.arange(count), each),
        weights,
        relax=np.tile(np.arange(each) > 0, count),
    )
    solved = solve(problem, settings, batch)
    objective = solved.objective.reshape(count, each)
    best = objective.argmin(axis=1)
    thetas = solved.thetas.reshape(count, each, -1)[np.arange(count), best]
    lowest = objective[np.arange(count), best]
    return thetas, objective[:, 0] > lowest + SAME * np.abs(lowest) + NOTHING
