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

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])
_compiled = cast(Callable[[_Kernel], _Kernel], njit(cache=True, nogil=True, error_model="numpy"))

STAGE_STEPS = 15
FINAL_STEPS = 200
SHRINK = 0.25


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
    unit: Floats  # (V,) the unit of the variable's offset: its smallest positive value
    level: Ints  # (V, n) level of each point
    y: Floats  # (n,) log loss, less its centre
    y_centre: float


@_compiled
def _tabulate(theta, shape, points, logs, ratios, factors):
    """Fill l (V, L), q = (unit + o)/(v + o) (V, L) and the factors e^(-x·l) (T, V, L) of every level."""
    terms, variables = shape.exponent.shape
    for v in range(variables):
        o = 0.0
        if shape.offset[v] >= 0:
            o = points.unit[v] * math.expm1(theta[shape.offset[v]])
        for j in range(points.counts[v]):
            shifted = points.values[v, j] + o
            logs[v, j] = points.sign[v] * (math.log(shifted) - points.centre[v])
            ratios[v, j] = (points.unit[v] + o) / shifted
        for t in range(terms):
            x_index = shape.exponent[t, v]
            known = -1
            for earlier in range(t):
                if x_index >= 0 and shape.exponent[earlier, v] == x_index:
                    known = earlier
            if known >= 0:
                for j in range(points.counts[v]):
                    factors[t, v, j] = factors[known, v, j]
            else:
                x = theta[x_index] if x_index >= 0 else shape.fixed[t, v]
                for j in range(points.counts[v]):
                    factors[t, v, j] = math.exp(-x * logs[v, j]) if x != 0.0 else 1.0


@_compiled
def predict(theta, shape, points, chosen, out):
    """Fill out (m,) with m_i of the chosen points, the log loss less its centre."""
    terms, variables = shape.exponent.shape
    size = points.values.shape[1]
    logs, ratios = np.empty((variables, size)), np.empty((variables, size))
    factors = np.empty((terms, variables, size))
    _tabulate(theta, shape, points, logs, ratios, factors)
    s = theta[shape.outer] if shape.outer >= 0 else 1.0
    for c in range(chosen.size):
        i = chosen[c]
        total = 0.0
        for t in range(terms):
            product = theta[shape.coefficient[t]]
            for v in range(variables):
                product *= factors[t, v, points.level[v, i]]
            total += product
        out[c] = s * math.log(total)


@_compiled
def evaluate(theta, shape, points, chosen, weights, tau, penalty, work, g, H, M):
    """The objective at theta, with its gradient g (k,), Hessian H (k, k) and majorising curvature M (k, k).

    chosen (m,) are the points with a weight, weights (m,) those weights; penalty is (exponents,
    coefficients). M = sum of w·min(1, tau/|r|)/tau² · J J', the curvature of iteratively reweighted least
    squares: never negative, and the metric in which steps are damped. Only the lower triangles are filled.
    Returns (objective, sum of w·|r|).
    """
    logs, ratios, factors, sizes, J, slope, index, _ = work
    terms, variables = shape.exponent.shape
    k = theta.size
    _tabulate(theta, shape, points, logs, ratios, factors)
    s = theta[shape.outer] if shape.outer >= 0 else 1.0
    g[:] = 0.0
    H[:] = 0.0
    M[:] = 0.0
    objective = 0.0
    absolute = 0.0
    for c in range(chosen.size):
        i = chosen[c]
        w = weights[c]
        total = 0.0
        for t in range(terms):
            product = 1.0
            for v in range(variables):
                product *= factors[t, v, points.level[v, i]]
            sizes[t] = product
            total += theta[shape.coefficient[t]] * product
        m = s * math.log(total)
        r = m - points.y[i]
        size = abs(r)
        absolute += w * size
        if size <= tau:
            objective += w * 0.5 * (r / tau) ** 2
            first = w * r / (tau * tau)
            inner = w / (tau * tau)
            major = inner
        else:
            objective += w * (size / tau - 0.5)
            first = w / tau if r > 0 else -w / tau
            inner = 0.0
            major = w / (tau * size)
        scale = s / total
        for j in range(k):
            J[j] = 0.0
        for t in range(terms):
            # Every coordinate that this term depends on, with the slope of log term; the coefficient's own
            # comes last.
            b = sizes[t] * scale
            tb = theta[shape.coefficient[t]] * b
            J[shape.coefficient[t]] += b
            entries = 0
            for v in range(variables):
                level = points.level[v, i]
                x_index = shape.exponent[t, v]
                x = theta[x_index] if x_index >= 0 else shape.fixed[t, v]
                if x_index >= 0:
                    index[entries], slope[entries] = x_index, -logs[v, level]
                    entries += 1
                if shape.offset[v] >= 0 and (x_index >= 0 or x != 0.0):
                    q = ratios[v, level]
                    index[entries], slope[entries] = shape.offset[v], -x * q
                    entries += 1
                    H[shape.offset[v], shape.offset[v]] -= first * tb * x * q * (1.0 - q)
                    if x_index >= 0:
                        low, high = min(x_index, shape.offset[v]), max(x_index, shape.offset[v])
                        H[high, low] -= first * tb * q
            for one in range(entries):
                j = index[one]
                change = tb * slope[one]
                J[j] += change
                cross = first * b * slope[one]
                if j > shape.coefficient[t]:
                    H[j, shape.coefficient[t]] += cross
                else:
                    H[shape.coefficient[t], j] += cross
                curve = first * change
                for two in range(one):
                    both = curve * slope[two]
                    if index[two] == j:
                        H[j, j] += 2.0 * both
                    elif j > index[two]:
                        H[j, index[two]] += both
                    else:
                        H[index[two], j] += both
                H[j, j] += curve * slope[one]
        if shape.outer >= 0:
            for j in range(k):
                for i2 in range(j + 1):
                    H[j, i2] -= first / s * J[j] * J[i2]
            for j in range(k):
                low, high = min(j, shape.outer), max(j, shape.outer)
                H[high, low] += first * J[j] / s
            J[shape.outer] = math.log(total)
            mixed = inner
        else:
            mixed = inner - first
        for j in range(k):
            g[j] += first * J[j]
            curve, bound = mixed * J[j], major * J[j]
            for i2 in range(j + 1):
                H[j, i2] += curve * J[i2]
                M[j, i2] += bound * J[i2]
    return objective + _penalise(theta, shape, points, penalty, g, H, M), absolute


@_compiled
def _penalise(theta, shape, points, penalty, g, H, M):
    """Add penalty[0]·x² of every exponent and penalty[1]·(log C)² of every coefficient; returns their sum."""
    on_exponents, on_coefficients = penalty
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
def _damped_step(g, H, M, damping, free, count, A, step):
    """Solve (H + damping·M) step = -g over the free coordinates; False where that matrix is not positive
    definite.
    """
    for a in range(count):
        i = free[a]
        for b in range(a + 1):
            A[a, b] = H[i, free[b]] + damping * M[i, free[b]]
        A[a, a] += damping * (1e-9 * M[i, i] + 1e-12)
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
def _descend(theta, lower, upper, shape, points, chosen, weights, tau, penalty, steps, enough, work, buffers):
    """Projected, damped Newton steps at one tau; theta is overwritten. Returns (objective, sum of w·|r|,
    steps).
    """
    g, H, M, g2, H2, M2, A, step, trial, free = buffers
    k = theta.size
    f, absolute = evaluate(theta, shape, points, chosen, weights, tau, penalty, work, g, H, M)
    damping = 1e-3
    taken = 0
    while taken < steps:
        count = 0
        for j in range(k):
            held = (theta[j] <= lower[j] and g[j] >= 0.0) or (theta[j] >= upper[j] and g[j] <= 0.0)
            if not (held or lower[j] == upper[j]):
                free[count] = j
                count += 1
        if count == 0:
            break
        predicted = 0.0
        for _ in range(60):
            if _damped_step(g, H, M, damping, free, count, A, step):
                trial[:] = theta
                for a in range(count):
                    j = free[a]
                    trial[j] = min(max(theta[j] + step[a], lower[j]), upper[j])
                predicted = 0.0
                for a in range(count):
                    i = free[a]
                    move = trial[i] - theta[i]
                    predicted -= g[i] * move + 0.5 * H[i, i] * move * move
                    for b in range(a):
                        j = free[b]
                        predicted -= H[i, j] * move * (trial[j] - theta[j])
                if predicted > 0.0:
                    break
            predicted = 0.0
            damping = max(4.0 * damping, 1e-4)
        if not predicted > enough * f + 1e-24:
            break
        f2, absolute2 = evaluate(trial, shape, points, chosen, weights, tau, penalty, work, g2, H2, M2)
        taken += 1
        if f2 < f:
            agreement = (f - f2) / predicted
            theta[:] = trial
            g[:], H[:], M[:] = g2, H2, M2
            f, absolute = f2, absolute2
            if agreement > 0.7:
                damping *= 0.1
            elif agreement < 0.2:
                damping = max(3.0 * damping, 1e-4)
        else:
            if predicted <= 1e-13 * f:
                break
            damping = max(8.0 * damping, 1e-3)
    return f, absolute, taken


@_compiled
def scale_of(residuals, weights, delta):
    """The σ that minimises sum of w·(log σ + Huber_δ(r/σ)) for residuals r (m,).

    The stationary point of a convex function of 1/σ: sum of w·ψ(r/σ)·r/σ = sum of w. Found by bisection on
    log σ.
    """
    total = 0.0
    absolute = 0.0
    square = 0.0
    for i in range(residuals.size):
        total += weights[i]
        absolute += weights[i] * abs(residuals[i])
        square += weights[i] * residuals[i] ** 2
    # Huber lies below both its branches' extensions, so σ is at most either branch's own and at least half of
    # it.
    high = math.log(min(delta * absolute, math.sqrt(total * square)) / total + 1e-300) + 1e-9
    low = high - 60.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        sigma = math.exp(middle)
        moment = 0.0
        for i in range(residuals.size):
            z = abs(residuals[i]) / sigma
            moment += weights[i] * z * min(z, delta)
        if moment > total:
            low = middle
        else:
            high = middle
        if high - low < 1e-14:
            break
    return math.exp(0.5 * (low + high))


@_compiled
def _level(theta, lower, upper, shape, points, chosen, weights, work):
    """Multiply every coefficient by the one factor that makes the mean residual zero, none being held."""
    predict(theta, shape, points, chosen, work[7])
    mean = 0.0
    for c in range(chosen.size):
        mean += weights[c] * (work[7][c] - points.y[chosen[c]])
    for c in shape.coefficient:
        if lower[c] == upper[c]:
            return
    for c in shape.coefficient:
        theta[c] = min(max(theta[c] * math.exp(-mean / weights.sum()), lower[c]), upper[c])


@_compiled
def _minimise(
    theta, lower, upper, shape, points, chosen, weights, tau, likelihood, relax, penalty, work, buffers
):
    """A local minimum from theta, overwritten, by continuation from least squares down to tau where `relax`.

    Returns (objective, steps). With `likelihood`, tau is δ in units of σ and the objective is
    sum of w·(Huber_δ(r/σ) + log σ) with σ at its minimum: the two are minimised in turn.
    """
    total = weights.sum()
    sigma = 1.0
    target = tau
    g, H, M = buffers[0], buffers[1], buffers[2]
    f, absolute = evaluate(theta, shape, points, chosen, weights, 1.0, penalty, work, g, H, M)
    steps = 0
    if likelihood:
        target = tau * max(tau * absolute / total, 1e-13)
    if relax:
        if shape.outer < 0:
            _level(theta, lower, upper, shape, points, chosen, weights, work)
            f, absolute = evaluate(theta, shape, points, chosen, weights, 1.0, penalty, work, g, H, M)
        level = absolute / total
        while level > target:
            f, absolute, taken = _descend(
                theta,
                lower,
                upper,
                shape,
                points,
                chosen,
                weights,
                level,
                penalty,
                STAGE_STEPS,
                1e-3,
                work,
                buffers,
            )
            steps += taken
            level = min(SHRINK * level, 0.5 * absolute / total)
            if likelihood:
                target = tau * max(tau * absolute / total, 1e-13)
    for _ in range(30):
        f, absolute, taken = _descend(
            theta,
            lower,
            upper,
            shape,
            points,
            chosen,
            weights,
            target,
            penalty,
            FINAL_STEPS,
            1e-15,
            work,
            buffers,
        )
        steps += taken
        if not likelihood:
            return f, steps
        predict(theta, shape, points, chosen, work[7])
        for c in range(chosen.size):
            work[7][c] -= points.y[chosen[c]]
        before, sigma = sigma, scale_of(work[7][: chosen.size], weights, tau)
        target = tau * sigma
        if abs(sigma / before - 1.0) < 1e-12:
            break
    return f * tau * tau + total * math.log(sigma), steps


@_compiled
def solve(first, last, thetas, lower, upper, release, relax, row, shape, points, weights, tau, likelihood,
          penalty, objective, gradient, steps):  # fmt: skip
    """Minimise problems first … last-1, overwriting thetas (B, k); fills objective, gradient and steps (B,).

    row (B,) names each problem's row of weights (R, n); penalty (B, 2); lower, upper (B, k), equal where a
    coordinate is held. Where release (B,), exponents and offsets are first held and the coefficients solved
    for; where relax (B,), the minimum is approached from least squares. gradient is the largest component of
    the projected gradient, each scaled by max(|theta|, 1e-3).
    """
    terms, variables = shape.exponent.shape
    k = thetas.shape[1]
    n = points.y.size
    size = points.values.shape[1]
    work = (
        np.empty((variables, size)), np.empty((variables, size)), np.empty((terms, variables, size)),
        np.empty(terms), np.empty(k), np.empty(2 * variables + 1), np.empty(2 * variables + 1, np.int64),
        np.empty(n),
    )  # fmt: skip
    g, H, M = np.empty(k), np.empty((k, k)), np.empty((k, k))
    buffers = (
        g, H, M, np.empty(k), np.empty((k, k)), np.empty((k, k)), np.empty((k, k)), np.empty(k), np.empty(k),
        np.empty(k, np.int64),
    )  # fmt: skip
    indices, masses = np.empty(n, np.int64), np.empty(n)
    low, high = np.empty(k), np.empty(k)
    count = 0
    current = -1
    for b in range(first, last):
        if row[b] != current:
            current = row[b]
            count = 0
            for i in range(n):
                if weights[current, i] > 0.0:
                    indices[count], masses[count] = i, weights[current, i]
                    count += 1
        chosen, mass = indices[:count], masses[:count]
        theta = thetas[b]
        if release[b]:
            low[:], high[:] = theta, theta
            for t in range(terms):
                c = shape.coefficient[t]
                low[c], high[c] = lower[b, c], upper[b, c]
            f, absolute = evaluate(theta, shape, points, chosen, mass, 1.0, penalty[b], work, g, H, M)
            level = max(absolute / mass.sum(), 1e-6)
            _descend(
                theta, low, high, shape, points, chosen, mass, level, penalty[b], 12, 1e-2, work, buffers
            )
        low[:], high[:] = lower[b], upper[b]
        f, taken = _minimise(
            theta,
            low,
            high,
            shape,
            points,
            chosen,
            mass,
            tau,
            likelihood,
            relax[b],
            penalty[b],
            work,
            buffers,
        )
        largest = 0.0
        for j in range(k):
            held = (theta[j] <= low[j] and g[j] >= 0.0) or (theta[j] >= high[j] and g[j] <= 0.0)
            if not (held or low[j] == high[j]):
                largest = max(largest, abs(g[j]) * max(abs(theta[j]), 1e-3))
        objective[b], gradient[b], steps[b] = f, largest, taken
