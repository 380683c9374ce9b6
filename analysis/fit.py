"""Fit a law to points: the global minimum, its credentials, and what follows from it.

from analysis import fit, laws
result = fit(laws["chinchilla"], {"N": N, "D": D}, loss, delta=1e-3)
result.parameters["alpha"]; result.objective; result.status; result.bootstrap(4000, cluster=run)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from analysis.bootstrap import Bootstrap, bootstrap, clusters, resamples
from analysis.kernel import Floats
from analysis.laws import Law
from analysis.predict import predict
from analysis.problem import AnalysisError, Problem, problem, to_natural
from analysis.profile import AT_A_BOUNDARY, IDENTIFIED, NOT_IDENTIFIED, Profile, calibrated, profiles
from analysis.solver import Search, Settings, curvature, search, stationary

CONVERGED = "converged"
FAILED = "failed"
CALIBRATION = 400  # resamples that set a profile's cut


@dataclass(frozen=True)
class Credentials:
    """Why a fit is to be believed, none of it a solver's word.

    gradient: the largest component of the projected gradient of the objective divided by δ², each times its
    coordinate's size. share_of_starts that reached the optimum, of `starts`. next_objective: that of the
    next-best distinct minimum found, unscaled, with its relative gap; None where every start led to the one.
    condition: that of the curvature in the solver's coordinates, scaled to a unit diagonal; inf where a
    direction is flat.
    """

    gradient: float
    starts: int
    share_of_starts: float
    next_objective: float | None
    gap: float | None
    condition: float


@dataclass(frozen=True)
class Fit:
    """A law's global optimum on one set of points.

    parameters: natural units, by symbol. objective: the sum of w·Huber_δ(log residual), unscaled; penalties,
    and with `likelihood` in the settings the negative log likelihood up to a constant, in its place.
    residuals (n,): log L̂ − log L.
    """

    law: Law
    settings: Settings
    parameters: Mapping[str, float]
    objective: float
    credentials: Credentials
    mean_absolute_error: float
    mean_relative_error: float
    problem: Problem
    weights: Floats
    residuals: Floats
    search: Search

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """The profile of every parameter that can be held by itself, cut at the 95 % quantile of χ²."""
        return profiles(self.problem, self.settings, self.search, self.weights, self.residuals)

    @property
    def parameter_status(self) -> dict[str, str]:
        """identified, at a boundary or not identified, by symbol; identified where there is no profile."""
        return {s: self.profiles[s].status if s in self.profiles else IDENTIFIED for s in self.law.symbols}

    @property
    def status(self) -> str:
        """converged, at a boundary, not identified (some parameter is not) or failed."""
        return status_of(self.search, self.parameter_status)

    def calibrated_profiles(self, *, cluster: ArrayLike | None = None, seed: int = 0) -> dict[str, Profile]:
        """The profiles, cut where resamples of rows, or of the clusters named by `cluster` (n,), put 95 %."""
        unit, units = clusters(self.problem, cluster)
        times = resamples(np.random.default_rng([seed, CALIBRATION]), CALIBRATION, units)
        drawn = times[:, unit] * self.weights
        cuts = calibrated(self.problem, self.settings, self.search, self.residuals, self.weights, drawn)
        return profiles(self.problem, self.settings, self.search, self.weights, self.residuals, cuts)

    def predict(self, variables: Mapping[str, ArrayLike]) -> Floats:
        """The law at the optimum, (m,) for variables (m,), in the unit of the loss."""
        values = np.array([list(self.parameters.values())])
        return predict(self.law, values, variables).ravel()

    def bootstrap(
        self,
        replicates: int = 1000,
        *,
        cluster: ArrayLike | None = None,
        seed: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> Bootstrap:
        """Resample rows, or the clusters named by `cluster` (n,); see analysis.bootstrap."""
        return bootstrap(
            self.problem, self.settings, self.search, self.weights,
            replicates=replicates, cluster=cluster, seed=seed, progress=progress,
        )  # fmt: skip


def fit(
    law: Law,
    variables: Mapping[str, ArrayLike],
    loss: ArrayLike,
    *,
    delta: float = 1e-3,
    likelihood: bool = False,
    penalty_exponents: float = 0.0,
    penalty_coefficients: float = 0.0,
    fixed: Mapping[str, float] | None = None,
    weights: ArrayLike | None = None,
    progress: Callable[[int], object] | None = None,
) -> Fit:
    """The global minimum of sum of w·Huber_δ(log L̂ − log L) over the law's domain (Barnett 2024, eq. 12).

    variables: arrays (n,) by the law's symbols; loss (n,), positive; weights (n,), nonnegative. The options
    are those of solver.Settings. Raises AnalysisError for data that cannot be fitted and options that make no
    sense.
    """
    for name, value, low in (
        ("delta", delta, np.nextafter(0.0, 1.0)),
        ("penalty_exponents", penalty_exponents, 0.0),
        ("penalty_coefficients", penalty_coefficients, 0.0),
    ):
        if not (np.isfinite(value) and value >= low):
            raise AnalysisError(
                f"{name} = {value:g} must be finite and {'positive' if low else 'at least 0'}"
            )
    settings = Settings(delta, likelihood, penalty_exponents, penalty_coefficients, dict(fixed or {}))
    posed = problem(law, variables, loss, fixed)
    masses = np.ones(posed.n) if weights is None else np.asarray(weights, dtype=np.float64)
    if masses.shape != (posed.n,) or not (np.isfinite(masses) & (masses >= 0)).all():
        raise AnalysisError(f"weights must be {posed.n} finite numbers, none negative")
    if np.count_nonzero(masses) < len(law.parameters) - len(settings.fixed):
        raise AnalysisError(f"{np.count_nonzero(masses)} points with a weight cannot fit law {law.name}")
    return _result(posed, settings, masses, search(posed, settings, masses, progress))


def _result(posed: Problem, settings: Settings, weights: Floats, found: Search) -> Fit:
    theta = found.minima[0]
    law = posed.law
    natural = to_natural(posed, theta[None, :])[0]
    parameters = dict(zip(law.symbols, natural.tolist(), strict=True)) | dict(settings.fixed)
    y = posed.points.y + posed.points.y_centre
    variables = {
        v.symbol: posed.points.values[i, posed.points.level[i]] - v.shift for i, v in enumerate(law.variables)
    }
    residual = np.log(predict(law, natural[None, :], variables)[0]) - y
    absolute = np.abs(np.exp(y) * np.expm1(residual))
    unscaled = 1.0 if settings.likelihood else settings.delta**2
    if settings.likelihood or settings.penalty_exponents or settings.penalty_coefficients:
        objective = float(found.objectives[0]) * unscaled
    else:
        objective = float(weights @ huber(residual, settings.delta))
    next_objective = float(found.objectives[1]) * unscaled if len(found.objectives) > 1 else None
    gap = (next_objective - objective) / abs(objective) if next_objective is not None and objective else None
    return Fit(
        law=law,
        settings=settings,
        parameters=parameters,
        objective=objective,
        credentials=Credentials(
            gradient=found.gradient,
            starts=found.starts,
            share_of_starts=found.reached,
            next_objective=next_objective,
            gap=gap,
            condition=_condition(posed, settings, weights, theta),
        ),
        mean_absolute_error=float(np.average(absolute, weights=weights)),
        mean_relative_error=float(np.average(absolute / np.exp(y), weights=weights)),
        problem=posed,
        weights=weights,
        residuals=residual,
        search=found,
    )


def huber(residual: Floats, delta: float) -> Floats:
    """Huber_δ(r): r²/2 up to |r| = δ, δ·(|r| − δ/2) beyond."""
    size = np.abs(residual)
    return np.where(size <= delta, 0.5 * residual**2, delta * (size - 0.5 * delta))


def status_of(found: Search, statuses: Mapping[str, str]) -> str:
    """A fit's status from its search and its parameters' own."""
    best = found.objectives[0]
    if not np.isfinite(best) or found.gradient > stationary(float(best)):
        return FAILED
    for worst in (NOT_IDENTIFIED, AT_A_BOUNDARY):
        if worst in statuses.values():
            return worst
    return CONVERGED


def _condition(posed: Problem, settings: Settings, weights: Floats, theta: Floats) -> float:
    free = (theta > posed.lower) & (theta < posed.upper)
    _, hessian, _ = curvature(posed, settings, weights, theta)
    kept = hessian[np.ix_(free, free)]
    scale = np.sqrt(np.abs(np.diag(kept)))
    if not kept.size or not (scale > 0).all():
        return float("inf")
    values = np.linalg.eigvalsh(kept / np.outer(scale, scale))
    return float(values[-1] / values[0]) if values[0] > 0 else float("inf")
