"""Compiled kernels of the solver: one objective with exact derivatives, one local minimiser, one batch loop.

The family of analysis/laws.py in the coordinates that the solver works in, theta (k,):

    m_i = s * log sum_t T_t * prod_v exp(-x_tv * l_vi),      l_vi = log(v_i + o_v) - centre_v

T_t >= 0 is a term's size at the centre of the data, so that T and x are nearly uncorrelated and of order one,
and a coefficient of zero is an ordinary point on a boundary instead of log C → -∞. Centring is also what
keeps the sum of exponentials stable: bounds on x (analysis/problem.py) hold every exponential within e^±300.
An offset is o = unit * (e^z - 1) with z >= 0, linear near nothing and logarithmic far out.

    objective = sum_i w_i * Huber_tau(m_i - y_i) / tau²  +  penalties

Huber(r) is r²/2 up to |r| = tau and tau·(|r| - tau/2) beyond. Dividing the sum by tau² makes the curvature of
the inliers of order one for every tau.

Variables are stored as their distinct levels and an index per point: a grid of 15 × 10 experiments needs 25
exponentials per evaluation, not 300.

All of it is one file: numba's cache of compiled code looks at the date of the caller's file alone, and would
run an older `evaluate` where a file of its own had changed.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Levels = NDArray[np.uint64]  # unsigned: a signed index would be tested for being negative at every use

STAGE_STEPS = 15
FINAL_STEPS = 200
SHRINK = 0.25  # of tau from one stage of the continuation to the next
MEASURE, SOLVE, RELAX, FINISH = range(4)
BLOCK = 256  # points at a time, so that what one evaluation needs stays in the first cache

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])
# Reassociation lets sums over points be vectorised; nothing here relies on their order, nor on signed zeros.
_compiled = cast(
    Callable[[_Kernel], _Kernel],
    njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}),
)


class Shape(NamedTuple):
    """A law as index tables; -1 means "none". T terms, V variables, k coordinates."""

    coefficient: Ints  # (T,) coordinate of each term's size
    exponent: Ints  # (T, V) coordinate of its exponent of each variable
    fixed: Floats  # (T, V) the exponent itself where it is a number
    offset: Ints  # (V,) coordinate of the variable's offset z
    outer: int  # coordinate of the outer power s


class Points(NamedTuple):
    """Data as levels; L is the largest number of levels."""

    values: Floats  # (V, L) distinct values of each variable, shifted where the law shifts it
    counts: Ints  # (V,) how many
    sign: Floats  # (V,) -1 where the law rises with the variable
    centre: Floats  # (V,) mean log value
    unit: Floats  # (V,) the unit of the variable's offset: its smallest value
    level: Levels  # (V, n) level of each point
    y: Floats  # (n,) log loss, less its centre
    y_centre: float


class Work(NamedTuple):
    """Room for one evaluation of m points; B is BLOCK."""

    logs: Floats  # (V, L) l = log(v + o) - centre
    ratios: Floats  # (V, L) q = (unit + o)/(v + o)
    factors: Floats  # (T, V, L) e^(-x·l)
    sizes: Floats  # (T, B) the product of a term's factors
    columns: Floats  # (k, B) dm/dtheta
    slopes: Floats  # (2V, B) slopes of log term in its exponents and offsets
    scale: Floats  # (B,) s / total, and what is derived from it
    first: Floats  # (B,) the objective's first derivative in m
    second: Floats  # (B,) its second, less what belongs to the curvature of log
    major: Floats  # (B,) the curvature of its majorising parabola
    mixed: Floats  # (B,)
    residual: Floats  # (m,) m_i - y_i, kept for the caller


class Curve(NamedTuple):
    """Derivatives at one point: gradient (k,), Hessian and majorising curvature (k, k), lower triangles."""

    g: Floats
    H: Floats
    M: Floats


def work_for(shape: Shape, points: Points, k: int) -> Work:
    """Room for evaluations of the law on these points."""
    return _work(shape, points, k)


@_compiled
def _work(shape: Shape, points: Points, k: int) -> Work:
    terms, variables = shape.exponent.shape
    size = points.values.shape[1]
    return Work(
        np.empty((variables, size)),
        np.empty((variables, size)),
        np.empty((terms, variables, size)),
        np.empty((terms, BLOCK)),
        np.empty((k, BLOCK)),
        np.empty((2 * variables, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(points.y.size),
    )


@_compiled
def _tabulate(theta: Floats, shape: Shape, points: Points, work: Work) -> None:
    """Fill logs, ratios and factors for every level of every variable."""
    terms, variables = shape.exponent.shape
    for v in range(variables):
        o = 0.0
        if shape.offset[v] >= 0:
            o = points.unit[v] * math.expm1(theta[shape.offset[v]])
        for j in range(points.counts[v]):
            shifted = points.values[v, j] + o
            work.logs[v, j] = points.sign[v] * (math.log(shifted) - points.centre[v])
            work.ratios[v, j] = (points.unit[v] + o) / shifted
        for t in range(terms):
            x_index = shape.exponent[t, v]
            known = -1
            for earlier in range(t):
                if x_index >= 0 and shape.exponent[earlier, v] == x_index:
                    known = earlier
            x = theta[x_index] if x_index >= 0 else shape.fixed[t, v]
            for j in range(points.counts[v]):
                if known >= 0:
                    work.factors[t, v, j] = work.factors[known, v, j]
                else:
                    work.factors[t, v, j] = math.exp(-x * work.logs[v, j]) if x != 0.0 else 1.0


@_compiled
def evaluate(
    theta: Floats,
    shape: Shape,
    points: Points,
    level: Levels,
    y: Floats,
    weights: Floats,
    tau: float,
    penalty: Floats,
    work: Work,
    curve: Curve,
) -> tuple[float, float]:
    """The objective at theta; fills its derivatives and the residuals.

    level (V, m), y (m,) and weights (m,) are the points that count; penalty is (exponents, coefficients).
    M = sum of w·min(1, tau/|r|)/tau² · J J', the curvature of iteratively reweighted least squares: never
    negative, and the metric in which steps are damped. Returns (objective, sum of w·|r|).
    """
    g, H, M = curve
    terms, variables = shape.exponent.shape
    k = theta.size
    _tabulate(theta, shape, points, work)
    s = theta[shape.outer] if shape.outer >= 0 else 1.0
    for j in range(k):
        g[j] = 0.0
        for j2 in range(k):
            H[j, j2] = M[j, j2] = 0.0
    objective = 0.0
    absolute = 0.0
    index = np.empty(2 * variables, np.int64)
    logs, ratios, factors, sizes, columns, slopes, scale, first, second, major, mixed, residual = work
    inverse = 1.0 / tau
    for begin in range(0, y.size, BLOCK):
        count = min(BLOCK, y.size - begin)
        for i in range(count):
            scale[i] = 0.0
        for t in range(terms):
            for i in range(count):
                sizes[t, i] = 1.0
            for v in range(variables):
                if shape.exponent[t, v] >= 0 or shape.fixed[t, v] != 0.0:
                    for i in range(count):
                        sizes[t, i] *= factors[t, v, level[v, begin + i]]
            coefficient = theta[shape.coefficient[t]]
            for i in range(count):
                scale[i] += coefficient * sizes[t, i]
        for i in range(count):
            mixed[i] = math.log(scale[i])
        for i in range(count):
            r = s * mixed[i] - y[begin + i]
            residual[begin + i] = r
            w = weights[begin + i] * inverse
            away = abs(r)
            slope = w * min(away, tau) * inverse
            first[i] = slope if r > 0.0 else -slope
            second[i] = w * inverse if away <= tau else 0.0
            major[i] = w / max(away, tau)
            scale[i] = s / scale[i]
        # Sums have loops of their own: one that also stores is vectorised or not by where its arrays lie, and
        # the last bits of its sum would vary with that.
        for i in range(count):
            w = weights[begin + i]
            away = abs(residual[begin + i])
            near = min(away, tau)
            absolute += w * away
            objective += w * near * inverse * inverse * (away - 0.5 * near)
        for j in range(k):
            for i in range(count):
                columns[j, i] = mixed[i] if j == shape.outer else 0.0
        for t in range(terms):
            c = shape.coefficient[t]
            coefficient = theta[c]
            for i in range(count):
                sizes[t, i] *= scale[i]
                columns[c, i] += sizes[t, i]
                mixed[i] = first[i] * sizes[t, i]
            entries = 0
            for v in range(variables):
                x_index, z = shape.exponent[t, v], shape.offset[v]
                x = theta[x_index] if x_index >= 0 else shape.fixed[t, v]
                if x_index >= 0:
                    for i in range(count):
                        slopes[entries, i] = -logs[v, level[v, begin + i]]
                    index[entries] = x_index
                    entries += 1
                if z >= 0 and (x_index >= 0 or x != 0.0):
                    steep = 0.0
                    bent = 0.0
                    for i in range(count):
                        slopes[entries, i] = ratios[v, level[v, begin + i]]
                    for i in range(count):
                        q = slopes[entries, i]
                        steep += mixed[i] * q
                        bent += mixed[i] * q * (1.0 - q)
                    for i in range(count):
                        slopes[entries, i] *= -x
                    index[entries] = z
                    entries += 1
                    # The curvature of log term itself, which only offsets have.
                    H[z, z] -= coefficient * x * bent
                    if x_index >= 0:
                        H[max(x_index, z), min(x_index, z)] -= coefficient * steep
            for one in range(entries):
                j = index[one]
                cross = 0.0
                for i in range(count):
                    columns[j, i] += coefficient * sizes[t, i] * slopes[one, i]
                for i in range(count):
                    cross += mixed[i] * slopes[one, i]
                H[max(j, c), min(j, c)] += cross
                for two in range(one + 1):
                    both = 0.0
                    for i in range(count):
                        both += mixed[i] * slopes[one, i] * slopes[two, i]
                    twice = 2.0 if (two < one and index[two] == j) else 1.0
                    H[max(j, index[two]), min(j, index[two])] += twice * coefficient * both
        if shape.outer >= 0:
            # The outer power enters m linearly: the curvature of log is not its own.
            for j in range(k):
                bent = 0.0
                steep = 0.0
                for i in range(count):
                    bent += first[i] * columns[j, i] * columns[shape.outer, i]
                    steep += first[i] * columns[j, i]
                H[max(j, shape.outer), min(j, shape.outer)] += bent / s
                if j != shape.outer:
                    H[max(j, shape.outer), min(j, shape.outer)] += steep / s
        for i in range(count):
            mixed[i] = second[i] - first[i] / s
        for j in range(k):
            total = 0.0
            for i in range(count):
                total += first[i] * columns[j, i]
            g[j] += total
            for j2 in range(j + 1):
                curved = 0.0
                bound = 0.0
                for i in range(count):
                    product = columns[j, i] * columns[j2, i]
                    curved += mixed[i] * product
                    bound += major[i] * product
                H[j, j2] += curved
                M[j, j2] += bound
    return objective + _penalise(theta, shape, points, penalty, curve), absolute


@_compiled
def _penalise(theta: Floats, shape: Shape, points: Points, penalty: Floats, curve: Curve) -> float:
    """Add penalty[0]·x² of every exponent and penalty[1]·(log C)² of every coefficient; returns their sum."""
    g, H, M = curve
    on_exponents, on_coefficients = penalty[0], penalty[1]
    terms, variables = shape.exponent.shape
    value = 0.0
    if on_exponents > 0.0:
        for j in range(theta.size):
            wanted = j == shape.outer
            for t in range(terms):
                for v in range(variables):
                    wanted = wanted or shape.exponent[t, v] == j
            if wanted:
                value += on_exponents * theta[j] ** 2
                g[j] += 2.0 * on_exponents * theta[j]
                H[j, j] += 2.0 * on_exponents
                M[j, j] += 2.0 * on_exponents
    if on_coefficients > 0.0:
        for t in range(terms):
            c = shape.coefficient[t]
            log_c = math.log(theta[c]) + points.y_centre
            for v in range(variables):
                x = theta[shape.exponent[t, v]] if shape.exponent[t, v] >= 0 else shape.fixed[t, v]
                log_c += x * points.sign[v] * points.centre[v]
            value += on_coefficients * log_c**2
            # d log C = dT/T + sum of centre·dx
            twice = 2.0 * on_coefficients
            g[c] += twice * log_c / theta[c]
            H[c, c] += twice * (1.0 - log_c) / theta[c] ** 2
            M[c, c] += twice / theta[c] ** 2
            for v in range(variables):
                j = shape.exponent[t, v]
                if j < 0:
                    continue
                lever = points.sign[v] * points.centre[v]
                g[j] += twice * log_c * lever
                low, high = min(j, c), max(j, c)
                H[high, low] += twice * lever / theta[c]
                M[high, low] += twice * lever / theta[c]
                for u in range(v + 1):
                    other = shape.exponent[t, u]
                    if other < 0:
                        continue
                    product = twice * lever * points.sign[u] * points.centre[u]
                    low, high = min(j, other), max(j, other)
                    both = 2.0 * product if (u != v and j == other) else product
                    H[high, low] += both
                    M[high, low] += both
    return value


@_compiled
def _copy(source: Floats, target: Floats) -> None:
    # A loop: the general assignment of one slice to another takes seconds to compile wherever it is used.
    for j in range(target.size):
        target[j] = source[j]


@_compiled
def _damped_step(
    curve: Curve, newton: bool, damping: float, free: Ints, count: int, A: Floats, step: Floats
) -> bool:
    """Solve (B + damping·diag M) step = -g over the free coordinates, B = H if `newton`, else M.

    False where it is not positive definite.
    """
    g, H, M = curve
    for a in range(count):
        i = free[a]
        for b in range(a + 1):
            A[a, b] = H[i, free[b]] if newton else M[i, free[b]]
        A[a, a] += damping * (M[i, i] + 1e-12)
        pivot = A[a, a]
        for b in range(a + 1):
            total = A[a, b]
            for c in range(b):
                total -= A[a, c] * A[b, c]
            if b < a:
                A[a, b] = total / A[b, b]
            else:
                if not total > 1e-13 * abs(pivot):
                    return False
                A[a, a] = math.sqrt(total)
    for a in range(count):
        total = -g[free[a]]
        for c in range(a):
            total -= A[a, c] * step[c]
        step[a] = total / A[a, a]
    for back in range(count):
        a = count - 1 - back
        total = step[a]
        for c in range(a + 1, count):
            total -= A[c, a] * step[c]
        step[a] = total / A[a, a]
    return True


@_compiled
def _held(theta: Floats, g: Floats, lower: Floats, upper: Floats, j: int) -> bool:
    """Whether coordinate j is fixed, or at a bound that the gradient pushes it against."""
    if lower[j] == upper[j]:
        return True
    return bool((theta[j] <= lower[j] and g[j] >= 0.0) or (theta[j] >= upper[j] and g[j] <= 0.0))


@_compiled
def _propose(
    theta: Floats, lower: Floats, upper: Floats, curve: Curve, newton: bool, damping: float, trial: Floats
) -> tuple[float, bool, float]:
    """A damped step within the bounds, into trial: Newton's, or where that leads nowhere Gauss and Newton's.

    Far from a minimum the exact curvature is often indefinite, and a damping that just makes it definite
    gives steps of no use. Returns (the decrease the step predicts, whether it is Newton's, its damping).
    """
    k = theta.size
    free = np.empty(k, np.int64)
    A, step = np.empty((k, k)), np.empty(k)
    count = 0
    for j in range(k):
        if not _held(theta, curve.g, lower, upper, j):
            free[count] = j
            count += 1
    for _ in range(60 if count else 0):
        if _damped_step(curve, newton, damping, free, count, A, step):
            _copy(theta, trial)
            predicted = 0.0
            for a in range(count):
                i = free[a]
                trial[i] = min(max(theta[i] + step[a], lower[i]), upper[i])
                move = trial[i] - theta[i]
                bent = curve.H[i, i] if newton else curve.M[i, i]
                predicted -= curve.g[i] * move + 0.5 * bent * move * move
                for b in range(a):
                    j = free[b]
                    bent = curve.H[i, j] if newton else curve.M[i, j]
                    predicted -= bent * move * (trial[j] - theta[j])
            if predicted > 0.0:
                return predicted, newton, damping
        if newton:
            newton = False
        else:
            damping = max(4.0 * damping, 1e-4)
    return 0.0, newton, damping


@_compiled
def _descend(
    theta: Floats,
    lower: Floats,
    upper: Floats,
    shape: Shape,
    points: Points,
    level: Levels,
    y: Floats,
    weights: Floats,
    tau: float,
    penalty: Floats,
    steps: int,
    enough: float,
    work: Work,
    curve: Curve,
    ahead: Curve,
) -> tuple[float, float, int]:
    """Damped Newton steps at one tau until none predicts a relative decrease of more than `enough`.

    theta is overwritten, and curve filled with the derivatives there. Returns (objective, sum of w·|r|,
    steps).
    """
    trial = theta.copy()
    damping = 1e-3
    newton = True
    f, absolute, predicted = math.inf, 0.0, math.inf
    taken = 0
    while True:
        f2, absolute2 = evaluate(trial, shape, points, level, y, weights, tau, penalty, work, ahead)
        taken += 1
        if f2 < f or taken == 1:
            agreement = (f - f2) / predicted if taken > 1 else 0.5
            _copy(trial, theta)
            _copy(ahead.g, curve.g)
            for j in range(theta.size):
                _copy(ahead.H[j], curve.H[j])
                _copy(ahead.M[j], curve.M[j])
            f, absolute = f2, absolute2
            newton = True
            if agreement > 0.7:
                damping *= 0.1
            elif agreement < 0.2:
                damping = max(3.0 * damping, 1e-4)
        elif predicted <= 1e-13 * f:
            break
        elif newton:
            newton = False
        else:
            damping = max(8.0 * damping, 1e-3)
        if taken >= steps:
            break
        predicted, newton, damping = _propose(theta, lower, upper, curve, newton, damping, trial)
        if not predicted > enough * f + 1e-24:
            break
    return f, absolute, taken


@_compiled
def scale_of(residuals: Floats, weights: Floats, delta: float) -> float:
    """The σ that minimises sum of w·(log σ + Huber_δ(r/σ)) for residuals r (m,).

    It solves sum of w·(r/σ)·ψ(r/σ) = sum of w, whose left side falls with σ; found by bisection on log σ.
    """
    total = 0.0
    largest = 0.0
    for i in range(residuals.size):
        total += weights[i]
        largest = max(largest, abs(residuals[i]))
    # z·ψ(z) is at most z², so that σ is at most the largest residual.
    high = math.log(largest + 1e-300)
    low = high - 80.0
    while high - low > 1e-14 * max(1.0, abs(low)):
        middle = 0.5 * (low + high)
        moment = 0.0
        for i in range(residuals.size):
            z = abs(residuals[i]) * math.exp(-middle)
            moment += weights[i] * z * min(z, delta)
        if moment > total:
            low = middle
        else:
            high = middle
    return math.exp(high)


@_compiled
def _level_off(
    theta: Floats, lower: Floats, upper: Floats, shape: Shape, weights: Floats, residual: Floats
) -> None:
    """Multiply every coefficient by the one factor that makes the mean residual zero, none being held."""
    for c in shape.coefficient:
        if lower[c] == upper[c]:
            return
    mean = 0.0
    for i in range(weights.size):
        mean += weights[i] * residual[i]
    for c in shape.coefficient:
        theta[c] = min(max(theta[c] * math.exp(-mean / weights.sum()), lower[c]), upper[c])


@_compiled
def _minimise(
    theta: Floats,
    lower: Floats,
    upper: Floats,
    shape: Shape,
    points: Points,
    level: Levels,
    y: Floats,
    weights: Floats,
    delta: float,
    likelihood: bool,
    release: bool,
    relax: bool,
    penalty: Floats,
    work: Work,
    curve: Curve,
    ahead: Curve,
) -> tuple[float, int]:
    """A local minimum from theta, overwritten: see `solve` for the flags. Returns (objective, evaluations).

    Phases: MEASURE the residuals; SOLVE for the coefficients alone, at a large tau; RELAX tau from the mean
    residual down; FINISH at tau itself, with `likelihood` again and again until σ is still. One loop with one
    call, because every further call would be compiled into a copy of all that is beneath it.
    """
    total = weights.sum()
    low, high = lower.copy(), upper.copy()
    levelling = (relax or release) and shape.outer < 0
    checking = False
    phase = MEASURE
    tau, sigma = 1.0, 0.0
    last_tau, last_excess = 0.0, 0.0
    evaluations = 0
    while True:
        allowed = 1 if phase == MEASURE else FINAL_STEPS if phase == FINISH else STAGE_STEPS
        f, absolute, taken = _descend(
            theta, low, high, shape, points, level, y, weights, tau, penalty,
            allowed, 1e-15 if phase == FINISH else 1e-3, work, curve, ahead,
        )  # fmt: skip
        evaluations += taken
        # In single precision: a sum's last bits can vary with where arrays lie in memory, a path must not.
        mean = float(np.float32(absolute / total))
        target = delta
        if likelihood:
            sigma = max(scale_of(work.residual[: y.size], weights, delta), 1e-12)
            target = delta * sigma
        if phase == FINISH:
            if not likelihood:
                return f, evaluations
            phase, checking = MEASURE, True
        elif checking:
            # σ is where log σ(tau) - log(tau/δ) is zero: a secant finds it in a few rounds. The error of the
            # objective is of second order in that of σ.
            excess = math.log(target / tau)
            if abs(excess) <= 1e-6 or evaluations > 10 * FINAL_STEPS:
                return f * (delta * tau / target) ** 2 + total * math.log(sigma), evaluations
            move = excess
            if excess != last_excess and last_tau > 0.0:
                move = -excess * math.log(tau / last_tau) / (excess - last_excess)
                move = min(max(move, -4.0 * abs(excess)), 4.0 * abs(excess))
            last_tau, last_excess = tau, excess
            phase, tau, checking = FINISH, tau * math.exp(move), False
        elif levelling:
            levelling = False
            _level_off(theta, lower, upper, shape, weights, work.residual)
        elif phase == MEASURE and release:
            phase, tau = SOLVE, max(mean, target)
            _copy(theta, low)
            _copy(theta, high)
            for c in shape.coefficient:
                low[c], high[c] = lower[c], upper[c]
        else:
            _copy(lower, low)
            _copy(upper, high)
            start = mean if phase != RELAX else min(SHRINK * tau, 0.5 * mean)
            tau = max(start if relax else 0.0, target)
            phase = RELAX if tau > target else FINISH


@_compiled
def solve(
    first: int,
    last: int,
    thetas: Floats,
    lower: Floats,
    upper: Floats,
    release: Flags,
    relax: Flags,
    row: Ints,
    shape: Shape,
    points: Points,
    weights: Floats,
    delta: float,
    likelihood: bool,
    penalty: Floats,
    objective: Floats,
    gradient: Floats,
    evaluations: Ints,
) -> None:
    """Minimise problems first … last-1, overwriting thetas (B, k); fills objective, gradient, evaluations
    (B,).

    row (B,) names each problem's row of weights (R, n); penalty (B, 2); lower, upper (B, k), equal where a
    coordinate is held. Where release (B,), exponents and offsets are first held and the coefficients solved
    for; where relax (B,), the minimum is approached from least squares. With `likelihood`, delta is in units
    of σ and the objective is the sum of w·(Huber_δ(r/σ) + log σ) with σ at its minimum. gradient is the
    largest component of the projected gradient, each times max(|theta|, 1e-3).
    """
    k = thetas.shape[1]
    variables = points.level.shape[0]
    work = _work(shape, points, k)
    curve = Curve(np.empty(k), np.empty((k, k)), np.empty((k, k)))
    ahead = Curve(np.empty(k), np.empty((k, k)), np.empty((k, k)))
    current = -1
    level, y, masses = points.level, points.y, points.y
    for b in range(first, last):
        if row[b] != current:
            current = row[b]
            count = 0
            for i in range(points.y.size):
                count += weights[current, i] > 0.0
            level, y, masses = np.empty((variables, count), np.uint64), np.empty(count), np.empty(count)
            count = 0
            for i in range(points.y.size):
                if weights[current, i] > 0.0:
                    y[count], masses[count] = points.y[i], weights[current, i]
                    for v in range(variables):
                        level[v, count] = points.level[v, i]
                    count += 1
        theta = thetas[b]
        objective[b], evaluations[b] = _minimise(
            theta, lower[b], upper[b], shape, points, level, y, masses, delta, likelihood, release[b],
            relax[b], penalty[b], work, curve, ahead,
        )  # fmt: skip
        gradient[b] = 0.0
        for j in range(k):
            if not _held(theta, curve.g, lower[b], upper[b], j):
                gradient[b] = max(gradient[b], abs(curve.g[j]) * max(abs(theta[j]), 1e-3))
