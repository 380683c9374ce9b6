"""What data determine is told from what they do not; intervals widen where rows are not independent."""

import numpy as np
import pytest

from analysis import fit, laws

F = np.geomspace(200, 1_638_400, 14)


def power_floor(E, noise=0.01, seed=0):
    loss = 6.0 * F**-0.1 + E
    return {"f": F}, loss * np.exp(noise * np.random.default_rng(seed).normal(size=F.size))


def test_a_floor_that_the_data_show_is_identified():
    result = fit(laws["power-floor"], *power_floor(E=2.0, noise=1e-4))
    assert result.parameter_status["E"] == "identified"
    assert result.profiles["E"].lower < 2.0 < result.profiles["E"].upper


def test_a_floor_that_is_not_there_is_not_identified_and_bounded_above():
    result = fit(laws["power-floor"], *power_floor(E=0.0))
    profile = result.profiles["E"]
    assert result.status == "not identified"
    assert (profile.lower, profile.status) == (None, "not identified")
    assert 0.0 < profile.bound < 3.0
    held = fit(laws["power-floor"], *power_floor(E=0.0), fixed={"E": profile.bound})
    assert held.objective > result.objective


def test_a_floor_at_zero_in_every_resample_keeps_a_bound_worth_the_name():
    # Below a power law that steepens, E is at zero in every resample: calibration alone would say 1e-7.
    p, f = (axis.ravel() for axis in np.meshgrid(np.geomspace(64, 1024, 6), np.geomspace(6, 192, 6)))
    loss = (5.0 * p**-0.3 + 5.0) * f**-0.12 * (f / 6) ** (-0.02 * np.log(f / 6))
    loss *= np.exp(0.01 * np.random.default_rng(0).normal(size=p.size))
    result = fit(laws["transfer"], {"p": p, "f": f}, loss)
    assert result.parameters["E"] == 0.0
    assert result.bootstrap(200, seed=0).percentile()["E"] == pytest.approx((0.0, 0.0))
    assert result.calibrated_profiles(seed=0)["E"].bound > 0.01


def test_the_likelihood_of_a_profile_has_its_optimum_where_the_fit_has():
    variables, loss = power_floor(E=1.0)
    plain = fit(laws["power-floor"], variables, loss, delta=5e-3)
    size = np.abs(plain.residuals)
    sigma = np.sqrt(np.mean(size * np.minimum(size, 5e-3)))
    likely = fit(laws["power-floor"], variables, loss, delta=5e-3 / sigma, likelihood=True)
    assert likely.parameters["beta"] == pytest.approx(plain.parameters["beta"], rel=1e-4)


def test_a_held_parameter_stays_and_the_others_are_fitted():
    variables, loss = power_floor(E=1.0)
    result = fit(laws["power-floor"], variables, loss, fixed={"G": 6.0})
    assert result.parameters["G"] == 6.0
    assert result.parameters["beta"] == pytest.approx(0.1, abs=0.02)


def test_resampling_clusters_widens_intervals_where_errors_are_shared():
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(12), 10)
    f = np.tile(np.geomspace(10, 1e4, 10), 12)
    p = np.repeat(np.geomspace(100, 1e5, 12), 10)
    loss = ((50.0 * p**-0.5 + 1.0) * f**-0.2 + 1.0) * np.exp(0.02 * rng.normal(size=12)[cluster])
    result = fit(laws["transfer"], {"p": p, "f": f}, loss)
    rows = result.bootstrap(200, seed=1).standard_errors
    clusters = result.bootstrap(200, cluster=cluster, seed=1).standard_errors
    assert clusters["alpha"] > 2 * rows["alpha"]


def test_a_bootstrap_is_a_function_of_its_seed():
    result = fit(laws["power-floor"], *power_floor(E=1.0))
    one, same, other = (result.bootstrap(50, seed=seed).values for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_percentile_intervals_hold_the_truth_about_as_often_as_they_say():
    covered = 0
    f = np.geomspace(10, 1e6, 40)
    for seed in range(60):
        loss = (5.0 * f**-0.4 + 2.0) * np.exp(0.01 * np.random.default_rng(seed).normal(size=f.size))
        low, high = fit(laws["power-floor"], {"f": f}, loss).bootstrap(200, seed=seed).percentile()["beta"]
        covered += low <= 0.4 <= high
    # Binomial(60, 0.95) is below 50 once in two thousand.
    assert covered >= 50
