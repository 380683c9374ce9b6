"""How to divide a budget between pre-training and fine-tuning data (Barnett 2024, eq. 4).

minimise (A·p^-α + G)·f^-β + E over p >= 1 and f >= 1 subject to C_p·p + C_f·f <= B, and the reverse: the
least C_p·p + C_f·f that reaches a loss.

With w = A·p^-α / (A·p^-α + G), the share of the bracket that pre-training can still remove, both have the one
first-order condition

    log(C_f·f) − log(C_p·p) = log β − log(α·w(p)),

and along the budget line, as along a line of equal loss, the left side falls with p while the right rises:
there is one root, bisection finds it, and where it lies outside p >= 1, f >= 1 the nearest corner is best.
Everything here is arrays that broadcast: replicates × gaps × cost ratios at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.kernel import Flags, Floats
from analysis.problem import AnalysisError

_HALVINGS = 80  # of an interval of logarithms: the last is below the spacing of float64


@dataclass(frozen=True)
class Coefficients:
    """The transfer law's parameters, natural units; scalars or arrays that broadcast."""

    A: ArrayLike
    G: ArrayLike
    alpha: ArrayLike
    beta: ArrayLike
    E: ArrayLike


@dataclass(frozen=True)
class Allocation:
    """The best way to spend a budget, arrays of one shape: p (optimiser steps), f (data points), the share of
    the cost that fine-tuning data take, the loss there (nats per token) and the cost.

    All are nan where no p and f reach the loss that was asked for.
    """

    steps: Floats
    points: Floats
    share: Floats
    loss: Floats
    cost: Floats


def loss_at(law: Coefficients, steps: ArrayLike, points: ArrayLike) -> Floats:
    """(A·p^-α + G)·f^-β + E, nats per token."""
    p, f = np.asarray(steps, dtype=np.float64), np.asarray(points, dtype=np.float64)
    bracket = np.asarray(law.A) * p ** -np.asarray(law.alpha) + np.asarray(law.G)
    out: Floats = bracket * f ** -np.asarray(law.beta) + np.asarray(law.E)
    return out


def allocate(law: Coefficients, budget: ArrayLike, cost_step: ArrayLike, cost_point: ArrayLike) -> Allocation:
    """The p and f of least loss that the budget pays for; cost_step C_p and cost_point C_f in its unit.

    What does not lower the loss is not bought: p = 1 where α <= 0 or A = 0, f = 1 where β <= 0. Raises
    AnalysisError for costs that are not positive and for a budget below one step and one data point.
    """
    B, C_p, C_f = _costs(budget, cost_step, cost_point)
    if (C_p + C_f > B).any():
        raise AnalysisError("the budget does not pay for one pre-training step and one data point")
    a, g, alpha, beta, steps_help, points_help, B, C_p, C_f = _prepared(law, B, C_p, C_f)

    def excess(x: Floats) -> Floats:
        """The condition's left side minus its right at C_f·f / (C_p·p) = e^x."""
        log_p = np.log(B / C_p) - np.logaddexp(0.0, x)
        return x + np.log(alpha) + _log_w(a, g, alpha, log_p) - np.log(beta)

    # At f = 1 and at p = 1; a budget of exactly both has one point, which rounding must not turn round.
    low = np.log(C_f) - np.log(np.maximum(B - C_f, C_p))
    high = np.maximum(low, np.log(np.maximum(B - C_p, C_f)) - np.log(C_p))
    x = _root(excess, low, high)
    most_steps, most_points = np.maximum(1.0, (B - C_f) / C_p), np.maximum(1.0, (B - C_p) / C_f)
    both = steps_help & points_help
    steps = np.where(both, B / C_p * np.exp(-np.logaddexp(0.0, x)), np.where(steps_help, most_steps, 1.0))
    points = np.where(both, B / C_f * np.exp(-np.logaddexp(0.0, -x)), np.where(points_help, most_points, 1.0))
    return _allocation(law, np.clip(steps, 1.0, most_steps), np.clip(points, 1.0, most_points), C_p, C_f)


def cheapest(law: Coefficients, loss: ArrayLike, cost_step: ArrayLike, cost_point: ArrayLike) -> Allocation:
    """The p and f of least C_p·p + C_f·f at which the law is no higher than `loss`, in nats per token.

    Nothing reaches a loss at or below E, and where β <= 0 none at or below G + E.
    """
    target, C_p, C_f = _costs(loss, cost_step, cost_point, what="loss")
    a, g, alpha, beta, steps_help, points_help, target, C_p, C_f = _prepared(law, target, C_p, C_f)
    rest = target - np.asarray(law.E, dtype=np.float64)
    gap = np.broadcast_to(np.asarray(law.G, dtype=np.float64), rest.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_rest = np.log(np.maximum(rest, 0.0))
        # log p at which one data point is enough; infinite where the gap alone is too much for one.
        alone = np.where(rest > gap, (a - np.log(np.maximum(rest - gap, 0.0))) / alpha, np.inf)

    def log_points(log_p: Floats) -> Floats:
        return (np.logaddexp(a - alpha * log_p, g) - log_rest) / beta

    def excess(log_p: Floats) -> Floats:
        """Rises with p: the condition's right side minus its left on the line of equal loss."""
        left = np.log(C_f) + log_points(log_p) - np.log(C_p) - log_p
        return np.log(beta) - np.log(alpha) - _log_w(a, g, alpha, log_p) - left

    with np.errstate(invalid="ignore", over="ignore"):
        # As w <= 1 the root is no further than where it would be with w = 1 and the points of p = 1.
        enough = np.log(C_f * alpha / (C_p * beta)) + np.maximum(0.0, log_points(np.zeros_like(rest)))
        both = steps_help & points_help & (rest > 0)
        high = np.where(both, np.maximum(0.0, np.minimum(alone, enough)), 0.0)
        log_p = np.where(
            both, _root(excess, np.zeros_like(rest), high), np.where(steps_help, np.maximum(0.0, alone), 0.0)
        )
        steps = np.exp(log_p)
        points = np.where(points_help, np.exp(np.maximum(0.0, log_points(log_p))), 1.0)
        bracket = np.exp(np.logaddexp(np.where(np.isfinite(a), a - alpha * log_p, -np.inf), g))
    # A loss reached in the limit only, or by more than float64 can count, is not reached.
    reached = (rest > 0) & np.isfinite(steps) & np.isfinite(points)
    reached &= points_help | (bracket <= rest * (1 + 1e-12))
    return _allocation(law, np.where(reached, steps, np.nan), np.where(reached, points, np.nan), C_p, C_f)


def against_gap(
    law: Coefficients, gaps: ArrayLike, budget: ArrayLike, cost_step: ArrayLike, cost_point: ArrayLike
) -> Allocation:
    """The best division were the transfer gap another (Barnett 2024, Figure 2a).

    law: scalars or columns (R, 1); gaps (m,), nats·point^β; the arrays returned are (m,) or (R, m).
    """
    other = Coefficients(law.A, np.asarray(gaps), law.alpha, law.beta, law.E)
    return allocate(other, budget, cost_step, cost_point)


def against_cost_ratio(
    law: Coefficients, ratios: ArrayLike, budget: ArrayLike, cost_point: ArrayLike
) -> Allocation:
    """The best division at other cost ratios C_f / C_p, C_f held (Barnett 2024, Figure 2b).

    With C_p held there would be nothing to see: a dearer data point changes f by a factor, the loss's f^-β by
    another, and the best share not at all. law: scalars or columns (R, 1); ratios (m,); the arrays returned
    are (m,) or (R, m).
    """
    return allocate(law, budget, np.asarray(cost_point) / np.asarray(ratios), cost_point)


def _costs(
    budget: ArrayLike, cost_step: ArrayLike, cost_point: ArrayLike, what: str = "budget"
) -> tuple[Floats, Floats, Floats]:
    given = [np.asarray(one, dtype=np.float64) for one in (budget, cost_step, cost_point)]
    for name, one in zip((what, "cost of a step", "cost of a data point"), given, strict=True):
        if not (np.isfinite(one) & (one > 0)).all():
            raise AnalysisError(f"the {name} must be positive and finite")
    return given[0], given[1], given[2]


def _prepared(
    law: Coefficients, *quantities: Floats
) -> tuple[Floats, Floats, Floats, Floats, Flags, Flags, Floats, Floats, Floats]:
    """log A, log G, α, β of one shape with the quantities, and where steps and where points lower the loss.

    An exponent that lowers nothing is 1 in what is returned, so that its root exists and can be left aside.
    """
    given = [np.asarray(one, dtype=np.float64) for one in (law.A, law.G, law.alpha, law.beta, law.E)]
    A, G, alpha, beta, _, first, second, third = np.broadcast_arrays(*given, *quantities)
    steps_help = (A > 0) & (alpha > 0)
    points_help = (beta > 0) & (A + G > 0)
    with np.errstate(divide="ignore"):
        a, g = np.log(A), np.log(G)
    return (
        a, g, np.where(steps_help, alpha, 1.0), np.where(points_help, beta, 1.0),
        steps_help, points_help, first, second, third,
    )  # fmt: skip


def _log_w(a: Floats, g: Floats, alpha: Floats, log_p: Floats) -> Floats:
    removable = a - alpha * log_p
    with np.errstate(invalid="ignore"):
        out: Floats = -np.logaddexp(0.0, g - removable)
    return out


def _root(rising: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where a rising function crosses zero in [low, high], or the end that is nearer to it."""
    low, high = np.array(low), np.array(high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        with np.errstate(invalid="ignore"):
            below = rising(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    out: Floats = 0.5 * (low + high)
    return out


def _allocation(law: Coefficients, steps: Floats, points: Floats, C_p: Floats, C_f: Floats) -> Allocation:
    cost = C_p * steps + C_f * points
    return Allocation(steps, points, C_f * points / cost, loss_at(law, steps, points), cost)
