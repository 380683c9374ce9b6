"""Hernandez's law against data made from it, and the closed form against what it solves."""

import numpy as np
import pytest
from scipy.optimize import brentq

from analysis import fit, laws
from analysis.allocate import Coefficients
from analysis.problem import AnalysisError
from analysis.transfer import closed_form_multiplier, transferred_law
from tests.simulated import TABLE2

TRUTH = {"k": 3.0, "alpha": 0.18, "beta": 0.38}


def measured(sizes=(1e5, 1e6, 1e7), steps=(10, 100, 1000), noise=0.0, by_checkpoint=0.0, seed=0):
    """Columns of experiments whose D_T follows the law, k growing up to 3 with the steps."""
    rng = np.random.default_rng(seed)
    N, p, D_F = (axis.ravel() for axis in np.meshgrid(sizes, steps, np.geomspace(1e3, 1e6, 6), indexing="ij"))
    checkpoint = np.unique(np.column_stack([N, p]), axis=0, return_inverse=True)[1].ravel()
    log_k = np.log(TRUTH["k"]) + 0.5 * np.log(p / max(steps))
    shift = by_checkpoint * rng.normal(size=checkpoint.max() + 1)[checkpoint] + noise * rng.normal(
        size=p.size
    )
    D_T = np.exp(log_k + TRUTH["alpha"] * np.log(D_F) + TRUTH["beta"] * np.log(N) + shift)
    return {"tokens": D_F, "transferred": D_T, "size": N, "steps": p, "cluster": checkpoint}


def test_exact_data_give_back_the_law():
    law = transferred_law(**measured())
    assert {name: one.value for name, one in law.parameters.items()} == pytest.approx(TRUTH, rel=1e-9)
    assert (law.steps, law.n, law.clusters) == (1000, 54, 9)
    assert np.abs(law.residuals).max() < 1e-9


def test_k_absorbs_the_size_where_there_is_one():
    law = transferred_law(**measured(sizes=(1e6,)))
    assert list(law.parameters) == ["k", "alpha"]
    assert law.parameters["k"].value == pytest.approx(3.0 * 1e6**0.38, rel=1e-9)


def test_errors_are_those_of_checkpoints_and_not_of_rows():
    rows = measured(sizes=np.geomspace(1e5, 1e8, 8), by_checkpoint=0.3, noise=0.01)
    by_checkpoint = transferred_law(**rows).parameters["beta"]
    by_row = transferred_law(**rows | {"cluster": np.arange(rows["steps"].size)}).parameters["beta"]
    # Six rows share each checkpoint's shift: counted as one, the error grows by about the root of six.
    assert by_checkpoint.standard_error > 1.8 * by_row.standard_error
    assert by_checkpoint.lower < by_checkpoint.value < by_checkpoint.upper


def test_cluster_intervals_hold_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(100):
        rows = measured(sizes=np.geomspace(1e5, 1e8, 8), by_checkpoint=0.3, noise=0.05, seed=seed)
        beta = transferred_law(**rows).parameters["beta"]
        covered += beta.lower <= TRUTH["beta"] <= beta.upper
    # Binomial(100, 0.95) is below 88 once in four hundred; rows taken for independent give about 60.
    assert covered >= 88


def test_what_cannot_be_told_apart_is_said():
    one_size_a_step = measured()
    kept = np.isin(np.arange(54), np.r_[0:6, 24:30, 48:54])  # each size at a number of steps of its own
    confounded = {name: column[kept] for name, column in one_size_a_step.items()}
    with pytest.raises(AnalysisError, match="alpha and beta cannot be told from k: D_F and N must vary"):
        transferred_law(**confounded)
    with pytest.raises(
        AnalysisError, match="6 points of 1 checkpoint cannot give k for 1 number of steps, alpha"
    ):
        transferred_law(**measured(sizes=(1e6,), steps=(10,)))
    with pytest.raises(AnalysisError, match="must be positive and finite"):
        transferred_law(**one_size_a_step | {"transferred": -one_size_a_step["transferred"]})


@pytest.mark.parametrize("dataset", TABLE2)
def test_the_closed_form_solves_for_the_data_that_do_without_pre_training(dataset):
    law = TABLE2[dataset]

    def reducible(log_f, p):
        return np.log(law["A"] * (p + 1) ** -law["alpha"] + law["G"]) - law["beta"] * log_f

    for p, f in ((0, 10.0), (128, 10.0), (143000, 1100.0)):
        found = brentq(lambda log_f, p=p, f=f: reducible(log_f, 0) - reducible(np.log(f), p), 0, 500)
        multiplier = closed_form_multiplier(Coefficients(**law), p)
        assert np.log(f * multiplier) == pytest.approx(found, rel=1e-9)


def test_the_closed_form_of_table_2_is_the_extrapolation_that_paper_md_calls_without_meaning():
    law = Coefficients(**TABLE2["fictional encyclopedia"])
    assert closed_form_multiplier(law, 143000) == pytest.approx(4e16, rel=0.25)


def test_the_closed_form_is_nothing_where_data_do_not_pay():
    law = Coefficients(2.0, 1.0, 0.5, np.array([0.5, 0.0, -0.1]), 1.0)
    assert np.isnan(closed_form_multiplier(law, 10)).tolist() == [False, True, True]


def test_a_curve_of_six_points_has_bounds_that_are_numbers():
    f = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
    loss = np.array([5.591, 4.896, 4.486, 4.044, 3.638, 3.155])
    profiled = fit(laws["power-floor"], {"f": f}, loss).calibrated_profiles()
    # Three distinct rows fit three parameters exactly: the cut is far out, where the deviance is infinite.
    assert max(one.cut for one in profiled.values()) > 100
    for one in profiled.values():
        assert one.lower is None or np.isfinite(one.lower)
        assert one.upper is None or np.isfinite(one.upper)
