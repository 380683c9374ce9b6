"""The bootstrap: rows or whole clusters resampled as weights, every replicate refitted globally."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.kernel import Flags, Floats, Ints
from analysis.problem import AnalysisError, Problem, starts, to_natural
from analysis.solver import NOTHING, SAME, Batch, Search, Settings, solve

CHUNK = 500  # replicates drawn from one stream and solved together; part of what a seed means


@dataclass(frozen=True)
class Bootstrap:
    """values (R, k): each replicate's optimum in natural parameters, columns in the law's order.

    changed_basin: share of replicates whose optimum was not the one that a start from the fit's optimum leads
    to. units: how many rows or clusters were resampled.
    """

    symbols: tuple[str, ...]
    values: Floats
    changed_basin: float
    units: int

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation over replicates, by symbol."""
        return dict(zip(self.symbols, self.values.std(axis=0, ddof=1).tolist(), strict=True))

    def percentile(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Central percentile intervals, by symbol."""
        tail = 50.0 * (1.0 - level)
        low, high = np.percentile(self.values, [tail, 100.0 - tail], axis=0)
        return {s: (float(a), float(b)) for s, a, b in zip(self.symbols, low, high, strict=True)}


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
    return Bootstrap(problem.law.symbols, np.concatenate(values), changed / replicates, units)


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


def replicate_starts(
    problem: Problem,
    settings: Settings,
    found: Search,
    weights: Floats,
    neighbours: int = 2,
    dispersed: int = 2,
) -> Floats:
    """What every replicate starts from (S, k): the optimum first, neighbouring minima, starts spread over the
    grid.

    The dispersed ones have the coefficients that fit all the data best at their exponents.
    """
    grid = starts(problem)
    released = grid.thetas[grid.release]
    spread = released[np.linspace(0, len(released) - 1, dispersed + 2).astype(int)[1:-1]]
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
    return np.concatenate([found.near(1 + neighbours), projected])


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
