"""Profile likelihoods: which parameters the data determine, and what they say about those they do not.

A Huber sum is no likelihood. With the scale σ of the residuals fitted along it is one,

    -log likelihood = sum of w·(Huber_δ'(r/σ) + log σ) + constant,

and δ' = δ/σ with σ² = mean of |r|·min(|r|, δ) makes its optimum the fit's own: at that σ the two have the
same minimum over the parameters, and that σ is the best for those residuals. A profile is the deviance, twice
the rise of this when one parameter is held and the others are fitted again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.stats import chi2

from analysis.kernel import Floats, scale_of
from analysis.problem import Problem, to_natural, to_theta, uncentred
from analysis.solver import Batch, Search, Settings, curvature, solve

IDENTIFIED = "identified"
AT_A_BOUNDARY = "at a boundary"
NOT_IDENTIFIED = "not identified"

CHI2_95 = float(chi2.ppf(0.95, 1))
_SPREAD = np.array(
    [0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0, 100.0, 1000.0]
)
_REFINEMENTS = 3
_EXACT = 1e-9  # mean log residuals below this are of noise-free data, where every parameter is what it is


@dataclass(frozen=True)
class Profile:
    """One parameter's profile: values (m,) in natural units, rising, and the deviance (m,) at each.

    lower, upper: where the deviance reaches `cut`; None where it stays below as far as the domain goes.
    status: identified, at a boundary, or not identified; bound: the end that the data do give, where they
    give one.
    """

    symbol: str
    values: Floats
    deviance: Floats
    cut: float
    lower: float | None
    upper: float | None
    status: str

    @property
    def bound(self) -> float | None:
        if self.status == IDENTIFIED:
            return None
        return self.upper if self.lower is None else self.lower


def likelihood_of(settings: Settings, residuals: Floats, weights: Floats) -> Settings:
    """The settings of the likelihood whose optimum is the fit's own, from the fit's log residuals (n,)."""
    if settings.likelihood:
        return settings
    size = np.abs(residuals)
    sigma = sqrt(float(np.average(size * np.minimum(size, settings.delta), weights=weights)))
    return replace(settings, likelihood=True, delta=settings.delta / max(sigma, _EXACT))


def profiles(
    problem: Problem,
    settings: Settings,
    found: Search,
    weights: Floats,
    residuals: Floats,
    cuts: Mapping[str, float] | None = None,
) -> dict[str, Profile]:
    """The profile of every parameter that can be held by itself; `cuts` replace the quantile of χ², by
    symbol.
    """
    if np.abs(residuals).mean() < _EXACT:
        return {}
    likelihood = likelihood_of(settings, residuals, weights)
    scale = float(scale_of(residuals, weights, likelihood.delta))
    made = {}
    for i, parameter in enumerate(problem.law.parameters):
        symbol = parameter.symbol
        if symbol in settings.fixed or not problem.law.holdable(symbol):
            continue
        cut = (cuts or {}).get(symbol, CHI2_95)
        made[symbol] = _profile(problem, likelihood, found, weights, i, cut, scale)
    return made


def _profile(
    problem: Problem,
    likelihood: Settings,
    found: Search,
    weights: Floats,
    i: int,
    cut: float,
    scale: float,
) -> Profile:
    parameter = problem.law.parameters[i]
    posed = uncentred(problem, parameter.symbol)
    warm = _moved(problem, posed, found.near(2))
    row = np.zeros(len(warm), dtype=np.int64)
    free = solve(posed, likelihood, Batch(warm, row, weights[None, :], relax=False))
    best = float(free.objective.min())
    theta = free.thetas[int(free.objective.argmin())]
    estimate, low, high = float(theta[i]), float(posed.lower[i]), float(posed.upper[i])
    reach = _reach(posed, likelihood, weights, theta, scale, i)
    if parameter.kind == "coefficient":
        high = estimate + _SPREAD[-1] * reach
    grid = np.concatenate([[low], estimate - reach * _SPREAD, [estimate], estimate + reach * _SPREAD, [high]])
    values = np.unique(np.clip(grid, low, high))
    deviance = _deviance(posed, likelihood, weights, warm, i, values, best)
    for _ in range(_REFINEMENTS):
        finer = _around_crossings(values, deviance, cut)
        if not finer.size:
            break
        values = np.concatenate([values, finer])
        deviance = np.concatenate([deviance, _deviance(posed, likelihood, weights, warm, i, finer, best)])
        order = np.argsort(values)
        values, deviance = values[order], deviance[order]
    # A held fit can find what the free one missed.
    deviance = deviance - min(float(deviance.min()), 0.0)
    lower, upper = _crossings(values, deviance, cut)
    status = _status(values, deviance, lower, upper, cut, parameter.kind)
    printed = np.tile(theta, (len(values) + 2, 1))
    printed[:, i] = [*values, lower or 0.0, upper or 0.0]
    natural = to_natural(posed, printed)[:, i]
    return Profile(
        parameter.symbol,
        natural[:-2],
        deviance,
        cut,
        None if lower is None else float(natural[-2]),
        None if upper is None else float(natural[-1]),
        status,
    )


def calibrated(
    problem: Problem, settings: Settings, found: Search, residuals: Floats, weights: Floats, drawn: Floats
) -> dict[str, float]:
    """The 95 % quantile, by symbol, of the deviance of the fit's own estimates in resamples drawn (R, n).

    It takes the place of χ²'s where rows are not independent or residuals not of the likelihood's shape, and
    is never less: where every resample stays at the same edge of the domain, it would be nothing.
    """
    if np.abs(residuals).mean() < _EXACT:
        return {}
    likelihood = likelihood_of(settings, residuals, weights)
    cuts: dict[str, float] = {}
    free: Floats | None = None
    for i, parameter in enumerate(problem.law.parameters):
        symbol = parameter.symbol
        if symbol in settings.fixed or not problem.law.holdable(symbol):
            continue
        posed = uncentred(problem, symbol)
        warm = _moved(problem, posed, found.near(2))
        if free is None:
            free = _replicated(posed, likelihood, warm, drawn, None)
        held = warm.copy()
        held[:, i] = warm[0, i]
        deviance = 2.0 * (_replicated(posed, likelihood, held, drawn, i) - free)
        cuts[symbol] = max(float(np.quantile(deviance, 0.95)), CHI2_95)
    return cuts


def _replicated(
    posed: Problem, likelihood: Settings, starts: Floats, drawn: Floats, held: int | None
) -> Floats:
    """The lowest objective (R,) under each row of weights from starts (S, k), coordinate `held` fixed."""
    count, each = len(drawn), len(starts)
    thetas = np.tile(starts, (count, 1))
    lower, upper = np.tile(posed.lower, (len(thetas), 1)), np.tile(posed.upper, (len(thetas), 1))
    if held is not None:
        lower[:, held] = upper[:, held] = thetas[:, held]
    batch = Batch(thetas, np.repeat(np.arange(count), each), drawn, relax=False, lower=lower, upper=upper)
    lowest: Floats = solve(posed, likelihood, batch).objective.reshape(count, each).min(axis=1)
    return lowest


def _moved(problem: Problem, posed: Problem, thetas: Floats) -> Floats:
    """Solver coordinates of one problem (S, k) as those of the same law posed otherwise."""
    symbols = problem.law.symbols
    natural = to_natural(problem, thetas).tolist()
    moved = np.array([to_theta(posed, dict(zip(symbols, row, strict=True))) for row in natural])
    out: Floats = np.clip(moved, posed.lower, posed.upper)
    return out


def _deviance(
    posed: Problem, likelihood: Settings, weights: Floats, warm: Floats, i: int, values: Floats, best: float
) -> Floats:
    """Twice the rise of the objective over `best` with coordinate i held at each of values (m,), from `warm`
    (S, k).
    """
    each = len(warm)
    thetas = np.tile(np.concatenate([warm, warm]), (len(values), 1))
    thetas[:, i] = np.repeat(values, 2 * each)
    lower, upper = np.tile(posed.lower, (len(thetas), 1)), np.tile(posed.upper, (len(thetas), 1))
    lower[:, i] = upper[:, i] = thetas[:, i]
    relax = np.tile(np.arange(2 * each) >= each, len(values))
    row = np.zeros(len(thetas), dtype=np.int64)
    solved = solve(
        posed, likelihood, Batch(thetas, row, weights[None, :], relax=relax, lower=lower, upper=upper)
    )
    lowest: Floats = solved.objective.reshape(len(values), -1).min(axis=1)
    return 2.0 * (lowest - best)


def _reach(
    posed: Problem, likelihood: Settings, weights: Floats, theta: Floats, scale: float, i: int
) -> float:
    """About one standard error of coordinate i, from the majorising curvature; a size to space a grid by."""
    free = (posed.lower < posed.upper) & ((theta > posed.lower) | (np.arange(theta.size) == i))
    huber = replace(likelihood, likelihood=False, delta=likelihood.delta * scale)
    _, _, M = curvature(posed, huber, weights, theta)
    information = M[np.ix_(free, free)] * likelihood.delta**2
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    covariance = np.linalg.pinv(information / np.outer(size, size), rcond=1e-12) / np.outer(size, size)
    at = int(np.count_nonzero(free[:i]))
    # In single precision, for LAPACK's last bits vary with where its arrays lie in memory.
    reach = float(np.float32(sqrt(max(float(covariance[at, at]), 0.0))))
    size_of = abs(float(theta[i]))
    return min(max(reach, 1e-6 * max(size_of, 1e-3)), max(size_of, 1.0))


def _around_crossings(values: Floats, deviance: Floats, cut: float) -> Floats:
    """Seven values inside every step over which the deviance crosses the cut."""
    crossed = np.flatnonzero((deviance[1:] > cut) != (deviance[:-1] > cut))
    inside = np.linspace(0.0, 1.0, 9)[1:-1]
    finer = values[crossed, None] + inside * (values[crossed + 1] - values[crossed])[:, None]
    out: Floats = np.setdiff1d(finer.ravel(), values)
    return out


def _crossings(values: Floats, deviance: Floats, cut: float) -> tuple[float | None, float | None]:
    """Where the deviance first exceeds the cut on either side of its minimum, by linear interpolation."""
    at = int(deviance.argmin())
    below, above = np.flatnonzero(deviance[:at] > cut), np.flatnonzero(deviance[at:] > cut)

    def between(out: int, within: int) -> float:
        if np.isinf(deviance[out]):  # on the way to infinity the cut is passed at the first step
            return float(values[within])
        share = (deviance[out] - cut) / (deviance[out] - deviance[within])
        return float(values[out] + share * (values[within] - values[out]))

    lower = between(int(below[-1]), int(below[-1]) + 1) if below.size else None
    upper = between(at + int(above[0]), at + int(above[0]) - 1) if above.size else None
    return lower, upper


def _status(
    values: Floats, deviance: Floats, lower: float | None, upper: float | None, cut: float, kind: str
) -> str:
    """Identified where the deviance rises above the cut on both sides.

    A coefficient at zero is the absence of its term, of which data give an upper bound and no more: not
    identified. Any other parameter at the edge of its domain is pinned there, "at a boundary", where the
    deviance, continued past the edge along its slope and curvature, would fall by more than the cut: the data
    insist.
    """
    if lower is not None and upper is not None:
        return IDENTIFIED
    at = int(deviance.argmin())
    if kind != "coefficient" and len(values) > 2 and at in (0, len(values) - 1):
        one, two = (1, 2) if at == 0 else (-2, -3)
        near, far = values[one] - values[at], values[two] - values[at]
        rise, further = deviance[one] - deviance[at], deviance[two] - deviance[at]
        curve = 2.0 * (further / far - rise / near) / (far - near)
        slope = rise / near - 0.5 * curve * near
        if slope * near > 0 and (curve <= 0 or slope**2 / (2.0 * curve) > cut):
            return AT_A_BOUNDARY
    return NOT_IDENTIFIED
