"""Residuals, conditions and extrapolation: what is put into simulated losses is what is found."""

import numpy as np
import pytest

from analysis import fit, laws
from analysis.bootstrap import JACKKNIFE
from analysis.diagnostics import findings, residuals_of
from analysis.diagnostics_conditions import conditions, limits_of
from analysis.diagnostics_extrapolation import extrapolation

P, F = (
    axis.ravel().astype(float)
    for axis in np.meshgrid([32, 64, 128, 256, 512, 1024, 2048], [8, 16, 32, 64, 128, 256], indexing="ij")
)
VARIABLES = {"p": P, "f": F}
LAW = laws["transfer"]
NAMES = ("heteroscedasticity", "normality", "skewness", "kurtosis", "clustering by p", "clustering by f")


def law(p, f, *, A=6.0, G=1.2, alpha=0.5, beta=0.25, E=1.0):
    return (A * p**-alpha + G) * f**-beta + E


def noise(size, seed=0):
    return np.exp(0.004 * np.random.default_rng(seed).normal(size=size))


LOSS = law(P, F) * noise(P.size)


def test_a_point_left_out_is_a_fit_to_the_others():
    whole = fit(LAW, VARIABLES, LOSS)
    found = residuals_of(whole, VARIABLES)
    np.testing.assert_allclose(found.residual, np.log(LOSS) - found.fitted, atol=1e-12)
    variance = (found.residual**2).sum() / (P.size - 5)
    for i in (0, 17, P.size - 1):
        others = np.arange(P.size) != i
        without = fit(LAW, {"p": P[others], "f": F[others]}, LOSS[others])
        moved = np.log(without.predict(VARIABLES)) - found.fitted
        assert found.deleted[i] == pytest.approx(np.log(LOSS[i]) - found.fitted[i] - moved[i], abs=1e-6)
        assert found.influence[i] == pytest.approx((moved**2).sum() / (5 * variance), rel=1e-3, abs=1e-6)


def test_a_wrong_point_has_the_most_influence_and_the_quantiles_are_of_ranks():
    at = int(np.argmax((P == 32) & (F == 8)))
    wrong = LOSS.copy()
    wrong[at] *= 1.2
    found = residuals_of(fit(LAW, VARIABLES, wrong), VARIABLES)
    assert found.influence.argmax() == at
    assert (np.argsort(found.quantile) == np.argsort(found.residual)).all()
    assert np.median(found.quantile) == pytest.approx(0.0, abs=1e-12)


def test_noise_free_losses_have_no_influence_and_no_test():
    found = residuals_of(fit(LAW, VARIABLES, law(P, F)), VARIABLES)
    assert found.influence is None
    assert findings(found.residual, VARIABLES) == []


def test_as_many_points_as_parameters_leave_none_out():
    few = {"p": P[[0, 1, 6, 7, 14]], "f": F[[0, 1, 6, 7, 14]]}
    found = residuals_of(fit(LAW, few, LOSS[[0, 1, 6, 7, 14]]), few)
    assert found.deleted is None
    assert P.size < JACKKNIFE


@pytest.mark.parametrize(
    "departs", [None, "heteroscedasticity", "normality", "clustering by p", "clustering by f"]
)
def test_residuals_that_depart_in_one_way_are_found_to(departs):
    rng = np.random.default_rng(1)
    p, f = np.repeat(P, 4), np.repeat(F, 4)
    residual = rng.normal(size=p.size)
    if departs == "heteroscedasticity":
        residual *= 0.5 + (p > 100)
    elif departs == "normality":
        residual = rng.standard_t(2, size=p.size)
    elif departs:
        shared = {"clustering by p": p, "clustering by f": f}[departs]
        _, group = np.unique(shared, return_inverse=True)
        residual += rng.permutation(np.linspace(-1.5, 1.5, group.max() + 1))[group]
    found = {one.name: one for one in findings(residual, {"p": p, "f": f})}
    assert tuple(found) == NAMES
    tested = {name: one.p_value for name, one in found.items() if one.p_value is not None}
    if departs:
        assert tested[departs] < 1e-3
    else:
        assert min(tested.values()) > 0.01
        assert abs(found["clustering by p"].statistic) < 0.1
    if departs in ("clustering by p", "clustering by f"):
        assert 0.2 < found[departs].statistic < 0.8


SCRATCH = np.unique(F)
AT_FIRST = np.unique(P)


def measured(*, floor=0.0, own=0.0, scratch=0.25, zero_shot=0.0):
    """The differences found where the law's floor falls by floor·p^-.5, its first term has another exponent
    of f, the curve from scratch too, and losses before fine-tuning lie elsewhere.
    """
    term = 6.0 * P**-0.5 * F ** -(0.25 + own) + 1.2 * F**-0.25 + 1.0 + floor * P**-0.5
    loss = term * noise(P.size)
    p = np.concatenate([P, np.zeros(SCRATCH.size)])
    f = np.concatenate([F, SCRATCH])
    before = 6.0 * P**-0.5 + 1.2 + 1.0 + zero_shot
    limits = limits_of(
        p,
        f,
        p > 0,
        np.concatenate([before, np.full(SCRATCH.size, 7.0)]),
        np.concatenate([loss, (9.0 * SCRATCH**-scratch + 1.0) * noise(SCRATCH.size, 2)]),
    )
    whole = fit(LAW, VARIABLES, loss)
    drawn = whole.bootstrap(60, cluster=P)
    found = conditions(whole, drawn, VARIABLES, loss, limits, cluster=P, seed=0)
    return {(one.condition, one.quantity): one for one in found}


FLOOR = ("f to infinity", "fall of the floor")
OWN = ("p to infinity", "difference of the exponents of f")
FROM_SCRATCH = ("p at zero", "exponent of f from scratch")
BEFORE = ("f at zero", "loss before fine-tuning")


def test_conditions_that_hold_are_held_by_their_intervals():
    found = measured()
    assert list(found) == [
        FLOOR,
        OWN,
        FROM_SCRATCH,
        ("p at zero", "floor from scratch"),
        BEFORE,
        ("f at zero", "exponent of p before fine-tuning"),
    ]
    for one in found.values():
        assert one.lower <= 0 <= one.upper, one
    assert [one.n for one in found.values()] == [42, 42, 6, 6, 7, 7]


@pytest.mark.parametrize(
    ("broken", "what", "sign"),
    [
        ({"floor": 6.0}, FLOOR, 1),
        ({"own": 0.3}, OWN, 1),
        ({"scratch": 0.5}, FROM_SCRATCH, 1),
        ({"zero_shot": -0.5}, BEFORE, -1),
    ],
)
def test_a_condition_that_is_broken_is_found_to_be(broken, what, sign):
    one = measured(**broken)[what]
    assert sign * one.estimate > 0
    assert min(sign * one.lower, sign * one.upper) > 0


def test_what_was_not_measured_is_not_tested():
    whole = fit(LAW, VARIABLES, LOSS)
    limits = limits_of(P, F, P > 0, np.full(P.size, np.nan), LOSS)
    assert limits.scratch_loss.size == limits.zero_shot_loss.size == 0
    found = conditions(whole, whole.bootstrap(10, cluster=P), VARIABLES, LOSS, limits, cluster=P, seed=0)
    assert {one.condition for one in found} == {"f to infinity", "p to infinity"}


def test_an_extrapolation_is_fitted_to_the_smaller_half_and_right_where_the_law_is():
    found = extrapolation(LAW, VARIABLES, law(P, F), delta=1e-3, replicates=20, cluster=P, seed=0)
    assert (found.max_steps, found.max_data_points, found.n_train) == (256, 32, 12)
    assert (found.beyond == ((P > 256) & (F > 32))).all()
    np.testing.assert_allclose(found.predicted, law(P, F)[found.beyond], rtol=1e-6)
    assert (found.lower <= found.upper).all()


def test_too_small_a_half_is_not_extrapolated_from():
    few = (P <= 128) & (F <= 32)
    small = {"p": P[few], "f": F[few]}
    assert extrapolation(LAW, small, LOSS[few], delta=1e-3, replicates=5, cluster=None, seed=0) is None
