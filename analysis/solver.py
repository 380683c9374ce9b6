"""Many problems at once: starts × replicates × splits × penalties, over the cores of this machine."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analysis import kernel
from analysis.kernel import Floats, Ints
from analysis.problem import Problem, starts

SAME = 1e-9  # minima whose objectives differ by less, relatively, are one,
NOTHING = 1e-12  # or absolutely: noise-free data end near zero
LEAD = 100  # points that starts are led on: enough to tell basins apart, and a fraction of the time

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    """What is minimised.

    delta: Huber's δ on log residuals (Barnett 2024: 1e-3). likelihood: fit the scale σ of the residuals
    along, the δ then being in units of σ. penalty_exponents, penalty_coefficients: L2 on exponents and on log
    coefficients, added to the summed Huber divided by δ². fixed: parameters held, natural units.
    """

    delta: float = 1e-3
    likelihood: bool = False
    penalty_exponents: float = 0.0
    penalty_coefficients: float = 0.0
    fixed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """B problems. thetas (B, k) to start from; row (B,) of weights (R, n); flags as in kernel.solve.

    lower, upper (B, k) replace the problem's own bounds, penalty (B, 2) the settings'.
    """

    thetas: Floats
    row: Ints
    weights: Floats
    release: Flags | bool = False
    relax: Flags | bool = True
    lower: Floats | None = None
    upper: Floats | None = None
    penalty: Floats | None = None


@dataclass(frozen=True)
class Solutions:
    """thetas (B, k), objective (B,) in the solver's scale, gradient (B,), evaluations (B,)."""

    thetas: Floats
    objective: Floats
    gradient: Floats
    evaluations: Ints


def solve(
    problem: Problem, settings: Settings, batch: Batch, progress: Callable[[int], object] | None = None
) -> Solutions:
    """A local minimum from every start; `progress` is told how many problems have just been done."""
    thetas = np.array(batch.thetas, dtype=np.float64, order="C")
    count = len(thetas)
    lower = _spread(problem.lower if batch.lower is None else batch.lower, thetas.shape)
    upper = _spread(problem.upper if batch.upper is None else batch.upper, thetas.shape)
    own = np.array([settings.penalty_exponents, settings.penalty_coefficients])
    penalty = _spread(own if batch.penalty is None else batch.penalty, (count, 2))
    release = np.array(np.broadcast_to(batch.release, count))
    relax = np.array(np.broadcast_to(batch.relax, count))
    row = np.array(batch.row, dtype=np.int64)
    weights = np.array(batch.weights, dtype=np.float64, order="C")
    objective, gradient, evaluations = np.empty(count), np.empty(count), np.empty(count, dtype=np.int64)

    # A coefficient under a penalty on its logarithm cannot be zero.
    floor = np.where(penalty[:, 1:] > 0, 1e-12, 0.0) * np.ones(thetas.shape[1])
    kinds = np.isin(np.arange(thetas.shape[1]), problem.shape.coefficient)
    lower = np.where(kinds & (lower == 0.0) & (upper > 0.0), floor, lower)
    np.clip(thetas, lower, upper, out=thetas)

    def part(first: int, last: int) -> int:
        kernel.solve(
            first, last, thetas, lower, upper, release, relax, row, problem.shape, problem.points,
            weights, settings.delta, settings.likelihood, penalty, objective, gradient, evaluations,
        )  # fmt: skip
        return last - first

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    size = max(1, min(256, -(-count // (4 * workers))))
    with ThreadPoolExecutor(workers) as pool:
        parts = [pool.submit(part, first, min(first + size, count)) for first in range(0, count, size)]
        for done in parts:
            finished = done.result()
            if progress:
                progress(finished)
    objective[~np.isfinite(objective)] = np.inf
    return Solutions(thetas, objective, gradient, evaluations)


def _spread(values: Floats, shape: tuple[int, ...]) -> Floats:
    # A copy in C order: to the compiled kernel a read-only or Fortran array is another type, compiled anew.
    return np.array(np.broadcast_to(values, shape), order="C")


@dataclass(frozen=True)
class Search:
    """A global search: the best point, and how the starts ended.

    minima (M, k) are distinct local minima with their objectives (M,), best first; reached is the share of
    starts that ended at the best; starts their number.
    """

    minima: Floats
    objectives: Floats
    gradient: float
    reached: float
    starts: int

    def near(self, limit: int) -> Floats:
        """The optimum and its neighbours (M, k), minima within a fifth of it: resamples could prefer them."""
        within = self.objectives <= self.objectives[0] + 0.2 * abs(self.objectives[0])
        out: Floats = self.minima[within][:limit]
        return out


def search(
    problem: Problem, settings: Settings, weights: Floats, progress: Callable[[int], object] | None = None
) -> Search:
    """The global minimum from the law's whole grid of starts and from around the best points found. weights
    (n,).

    Every start is first led to a minimum of the smoothed objective, whose δ is the spread of the log losses,
    over at most LEAD points. What led to the same one goes on as one: thousands of starts end in a handful.
    """
    grid = starts(problem)
    spread = float(np.abs(problem.points.y - np.median(problem.points.y)).mean())
    smooth = replace(settings, delta=max(spread, settings.delta), likelihood=False)
    led = solve(problem, smooth, _batch(grid.thetas, _some(weights), release=grid.release), progress)
    same = _same(led.objective)
    _, representatives = np.unique(same, return_index=True)
    found = solve(problem, settings, _batch(led.thetas[representatives], weights))
    ended = found.objective[same]
    minima, objectives = distinct(found, limit=4)
    while True:
        around = [
            _around(problem, settings, weights, theta, objective)
            for theta, objective in zip(minima, objectives, strict=True)
        ]
        tried = solve(problem, settings, _batch(np.concatenate(around), weights, relax=False))
        found = Solutions(
            np.concatenate([found.thetas, tried.thetas]),
            np.concatenate([found.objective, tried.objective]),
            np.concatenate([found.gradient, tried.gradient]),
            np.concatenate([found.evaluations, tried.evaluations]),
        )
        before = objectives[0]
        minima, objectives = distinct(found, limit=4)
        if not objectives[0] < before - SAME * abs(before) - NOTHING:
            break
    minima, objectives = distinct(found, limit=12)
    reached = float(np.mean(ended <= objectives[0] + SAME * abs(objectives[0]) + NOTHING))
    best = int(found.objective.argmin())
    return Search(minima, objectives, float(found.gradient[best]), reached, len(grid.thetas))


def _some(weights: Floats) -> Floats:
    """The weights (n,) of LEAD points drawn from them, zero for the others; all where they are no more."""
    counted = np.flatnonzero(weights)
    if counted.size <= LEAD:
        return weights
    drawn = np.random.default_rng(0).choice(counted, LEAD, replace=False)
    out = np.zeros_like(weights)
    out[drawn] = weights[drawn]
    return out


def _same(objectives: Floats) -> Ints:
    """Numbers the distinct minima that solutions (B,) ended in, by their objectives: (B,)."""
    order = np.argsort(objectives, kind="stable")
    rises = np.diff(objectives[order], prepend=-np.inf) > 1e-7 * np.abs(objectives[order]) + NOTHING
    out = np.empty(len(order), dtype=np.int64)
    out[order] = np.cumsum(rises) - 1
    return out


def distinct(found: Solutions, limit: int) -> tuple[Floats, Floats]:
    """The distinct minima (M, k) among solutions with their objectives (M,), best first, at most `limit`.

    The best is kept whatever its gradient; of the others, only what is stationary is a minimum.
    """
    kept: list[int] = []
    for i in np.argsort(found.objective, kind="stable"):
        value = found.objective[i]
        if kept:
            last = found.objective[kept[-1]]
            if not np.isfinite(value) or len(kept) == limit:
                break
            if value <= last + SAME * abs(last) + NOTHING or found.gradient[i] > stationary(value):
                continue
        kept.append(int(i))
    return found.thetas[kept], found.objective[kept]


def stationary(objective: float) -> float:
    """The largest gradient of a point that counts as a minimum."""
    return 1e-5 * (1.0 + abs(objective))


def curvature(
    problem: Problem, settings: Settings, weights: Floats, theta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Gradient (k,), Hessian and majorising curvature (k, k) of the objective at theta, in solver
    coordinates.
    """
    k = theta.size
    work = kernel.work_for(problem.shape, problem.points, k)
    curve = kernel.Curve(np.empty(k), np.empty((k, k)), np.empty((k, k)))
    penalty = np.array([settings.penalty_exponents, settings.penalty_coefficients])
    kernel.evaluate(
        theta, problem.shape, problem.points, problem.points.level, problem.points.y, weights,
        settings.delta, penalty, work, curve,
    )  # fmt: skip
    g, H, M = curve
    return g, H + np.tril(H, -1).T, M + np.tril(M, -1).T


def _batch(
    thetas: Floats, weights: Floats, release: Flags | bool = False, relax: Flags | bool = True
) -> Batch:
    return Batch(thetas, np.zeros(len(thetas), dtype=np.int64), weights[None, :], release, relax)


def _around(problem: Problem, settings: Settings, weights: Floats, theta: Floats, objective: float) -> Floats:
    """Points around a minimum along the axes of its curvature, as far as 1, 4, 16 and 64 units of log
    likelihood.

    Sums of absolute values of residuals have neighbouring minima along the valley that the data leave flat.
    """
    _, _, M = curvature(problem, settings, weights, theta)
    scale = np.sqrt(np.maximum(np.diag(M), 1e-12))
    values, vectors = np.linalg.eigh(M / np.outer(scale, scale))
    # A Laplace scale makes one unit of log likelihood the mean of the objective.
    rises = 2.0 * np.array([1.0, 4.0, 16.0, 64.0]) * abs(objective) / weights.sum()
    reach = np.sqrt(rises[None, :] / np.maximum(values, 1e-9)[:, None])
    steps = (vectors / scale[:, None]).T[:, None, :] * reach[:, :, None]
    # LAPACK's last bits, and signs, vary with where its arrays lie in memory; what is made of them must not.
    steps *= np.where(steps.sum(axis=2, keepdims=True) < 0, -1.0, 1.0)
    both = np.concatenate([steps, -steps]).reshape(-1, theta.size).astype(np.float32)
    out: Floats = np.clip(theta + both, problem.lower, problem.upper)
    return out
