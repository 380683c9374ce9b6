"""The objective's gradient and Hessian are exact, for every law and with penalties."""

import numpy as np
import pytest

from analysis import kernel, laws
from analysis.problem import problem, to_natural, to_theta
from analysis.solver import Settings, curvature

RNG = np.random.default_rng(0)


def posed(law):
    variables = {v.symbol: np.exp(RNG.uniform(2, 7, size=30)) for v in law.variables}
    return problem(law, variables, np.exp(RNG.uniform(0.1, 1.5, size=30)))


def somewhere(one):
    theta = RNG.uniform(0.2, 0.8, size=len(one.law.parameters))
    return np.clip(theta, one.lower, one.upper)


def objective(one, settings, weights, theta):
    work = kernel.work_for(one.shape, one.points, theta.size)
    k = theta.size
    curve = kernel.Curve(np.empty(k), np.empty((k, k)), np.empty((k, k)))
    penalty = np.array([settings.penalty_exponents, settings.penalty_coefficients])
    points = one.points
    return kernel.evaluate(
        theta, one.shape, points, points.level, points.y, weights, settings.delta, penalty, work, curve
    )[0]


@pytest.mark.parametrize("name", laws)
@pytest.mark.parametrize("penalties", [(0.0, 0.0), (3.0, 0.7)])
def test_derivatives_agree_with_finite_differences(name, penalties):
    one = posed(laws[name])
    settings = Settings(0.3, False, *penalties)
    weights = RNG.integers(0, 3, size=30).astype(float) + 0.5
    theta = somewhere(one)
    gradient, hessian, _ = curvature(one, settings, weights, theta)
    for j in range(theta.size):
        step = np.zeros(theta.size)
        step[j] = 1e-6
        ahead, behind = (objective(one, settings, weights, theta + sign * step) for sign in (1, -1))
        assert gradient[j] == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-4)
        ahead, behind = (curvature(one, settings, weights, theta + sign * step)[0] for sign in (1, -1))
        np.testing.assert_allclose(hessian[j], (ahead - behind) / 2e-6, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", laws)
def test_coordinates_there_and_back(name):
    one = posed(laws[name])
    theta = somewhere(one)
    natural = dict(zip(one.law.symbols, to_natural(one, theta[None, :])[0], strict=True))
    np.testing.assert_allclose(to_theta(one, natural), theta, rtol=1e-9)
