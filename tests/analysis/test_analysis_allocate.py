"""The division of a budget: against SciPy's constrained optimiser, at its corners, and as a command."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis.__main__ import main
from analysis.allocate import Coefficients, against_cost_ratio, against_gap, allocate, cheapest, loss_at
from analysis.problem import AnalysisError
from tests.simulated import TABLE2
from warehouse.store import Record, append, connect

LAWS = [Coefficients(**row) for row in TABLE2.values()]


def scipy_best(law, budget, C_p, C_f):
    """The best of SLSQP from several starts, in logarithms of p and f."""

    def objective(log):
        return np.log(loss_at(law, np.exp(log[0]), np.exp(log[1])) - law.E)

    def left(log):
        return 1.0 - (C_p * np.exp(log[0]) + C_f * np.exp(log[1])) / budget

    found = []
    for share in (0.01, 0.3, 0.6, 0.99):
        start = np.log([max(1.0, (1 - share) * budget / C_p), max(1.0, share * budget / C_f)])
        one = minimize(
            objective, start, method="SLSQP", bounds=[(0.0, None)] * 2,
            constraints={"type": "ineq", "fun": left}, options={"ftol": 1e-15, "maxiter": 500},
        )  # fmt: skip
        if left(one.x) > -1e-9:
            found.append((one.fun, one.x))
    value, x = min(found, key=lambda one: one[0])
    return law.E + np.exp(value), np.exp(x)


@pytest.mark.parametrize(("budget", "C_p", "C_f"), [(1e6, 1.0, 100.0), (3e4, 2.0, 0.5), (1e9, 1.0, 1e4)])
@pytest.mark.parametrize("law", LAWS, ids=TABLE2)
def test_scipy_finds_nothing_better_and_the_same_place(law, budget, C_p, C_f):
    ours = allocate(law, budget, C_p, C_f)
    loss, (p, f) = scipy_best(law, budget, C_p, C_f)
    assert ours.loss <= loss * (1 + 1e-10)
    assert ours.steps == pytest.approx(p, rel=1e-3)
    assert ours.points == pytest.approx(f, rel=1e-3)
    assert ours.cost == pytest.approx(budget, rel=1e-12)


def grid_best(law, budget, C_p, C_f):
    """The least loss over a dense grid of what the budget pays for."""
    p, f = np.meshgrid(np.geomspace(1, budget / C_p, 800), np.geomspace(1, budget / C_f, 800))
    paid = C_p * p + C_f * f <= budget
    return loss_at(law, p[paid], f[paid]).min()


@pytest.mark.parametrize(
    ("law", "steps", "points"),
    [
        (Coefficients(100.0, 1.0, -0.1, 0.2, 1.0), 1.0, 9999.9),
        (Coefficients(0.0, 1.0, 0.5, 0.2, 1.0), 1.0, 9999.9),
        (Coefficients(100.0, 1.0, 0.5, -0.2, 1.0), 99990.0, 1.0),
        (Coefficients(100.0, 1.0, 0.5, 0.0, 1.0), 99990.0, 1.0),
        (Coefficients(100.0, 1.0, -0.5, -0.2, 1.0), 1.0, 1.0),
        (Coefficients(100.0, 0.0, 0.6, 0.2, 1.0), 75000.0, 2500.0),  # without a gap: α and β to each other
        (Coefficients(100.0, 1e-30, 50.0, 1e-3, 1.0), None, None),
    ],
)
def test_corners(law, steps, points):
    best = allocate(law, 1e5, 1.0, 10.0)
    if steps is not None:
        assert (best.steps, best.points) == (pytest.approx(steps), pytest.approx(points))
    assert best.steps >= 1
    assert best.points >= 1
    assert best.cost <= 1e5 * (1 + 1e-12)
    assert best.loss <= grid_best(law, 1e5, 1.0, 10.0) * (1 + 1e-12)


def test_a_budget_of_exactly_one_step_and_one_data_point():
    best = allocate(LAWS[0], 101.0, 1.0, 100.0)
    assert (best.steps, best.points) == (1.0, 1.0)
    with pytest.raises(AnalysisError, match="does not pay for one"):
        allocate(LAWS[0], 100.9, 1.0, 100.0)
    with pytest.raises(AnalysisError, match="cost of a step must be positive"):
        allocate(LAWS[0], 100.9, 0.0, 100.0)


@pytest.mark.parametrize("law", LAWS, ids=TABLE2)
def test_the_cheapest_way_to_the_best_loss_is_the_budget(law):
    budgets = np.geomspace(300.0, 1e10, 23)
    best = allocate(law, budgets, 1.0, 100.0)
    back = cheapest(law, best.loss, 1.0, 100.0)
    # E is subtracted from the loss: of what is left, float64 keeps about twelve digits.
    np.testing.assert_allclose(back.cost, budgets, rtol=1e-9)
    np.testing.assert_allclose(back.loss, best.loss, rtol=1e-12)
    np.testing.assert_allclose(back.share, best.share, rtol=1e-6)


def test_what_is_not_reachable():
    law = Coefficients(100.0, 1.0, 0.5, 0.2, 1.0)
    np.testing.assert_array_equal(
        np.isnan(cheapest(law, [0.5, 1.0, 1.0 + 1e-9, 2.0, 200.0], 1.0, 1.0).cost),
        [True, True, False, False, False],
    )
    useless_data = Coefficients(100.0, 1.0, 0.5, 0.0, 1.0)  # then G + E = 2 is the floor
    best = cheapest(useless_data, [2.0, 2.1], 1.0, 1.0)
    assert np.isnan(best.steps[0])
    assert (best.steps[1], best.points[1]) == (pytest.approx(1e6), 1.0)
    hurting = Coefficients(100.0, 1.0, -0.5, -0.2, 1.0)
    np.testing.assert_array_equal(np.isnan(cheapest(hurting, [101.9, 102.0], 1.0, 1.0).cost), [True, False])


def test_the_share_rises_with_the_gap_and_arrays_broadcast():
    law = Coefficients(*(np.array([[one]]) for one in (177.0, 1.3, 0.63, 0.13, 1.4)))
    gaps, ratios = np.geomspace(1e-2, 10, 9), np.geomspace(1e-2, 1e3, 9)
    share = against_gap(law, gaps, 1e6, 1.0, 100.0).share
    assert share.shape == (1, 9)
    assert (np.diff(share) > 0).all()
    single = allocate(Coefficients(177.0, gaps[4], 0.63, 0.13, 1.4), 1e6, 1.0, 100.0)
    assert share[0, 4] == single.share
    by_ratio = against_cost_ratio(law, ratios, 1e6, 200.0)
    np.testing.assert_array_equal(by_ratio.share, allocate(law, 1e6, 200.0 / ratios, 200.0).share)
    assert (np.diff(by_ratio.share) > 0).all()
    # What a data point costs moves nothing: its factor in f is one in the loss.
    np.testing.assert_allclose(np.ptp(allocate(law, 1e6, 2.0, ratios).share), 0.0, atol=1e-12)


def put(url, replicates, rng):
    """A warehouse with one fitted law and its replicates, written as the fit writes them."""
    law = TABLE2["statistics textbook"]
    with connect(url) as connection:
        connection.execute("create schema experiments")
        connection.execute(
            """
            create table experiments.experiments as
            select 's' as study, 'd' as dataset, 'm' as model, 'full' as method, p::bigint as pretrain_steps,
                f::bigint as data_points, 800::bigint as n_params_non_embedding, 3.0 as loss,
                null::double as loss_zero_shot, true as in_fit
            from unnest([128, 143000]) as steps(p), unnest([10, 1100]) as sizes(f)
            """
        )
        connection.execute(
            "create table experiments.fit_inputs as "
            "select distinct study, dataset, model, method, 'now' as fingerprint from experiments.experiments"
        )
    head = {
        "fit_id": "f", "study": "s", "dataset": "d", "model": "m", "method": "full", "law": "transfer",
        "options": {}, "n": 4, "objective": 0.1, "mean_absolute_error": 0.1, "mean_relative_error": 0.1,
        "status": "converged", "credentials": {}, "input_fingerprint": "now", "provenance": {},
        "made_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    values = {name: value * np.exp(0.05 * rng.normal(size=replicates)) for name, value in law.items()}
    record = {
        "analysis.fits": [head],
        "analysis.parameters": [
            {
                "fit_id": "f",
                "parameter": name,
                "estimate": value,
                "interval_method": method,
                "status": "identified",
            }
            for name, value in law.items()
            for method in ("percentile", "profile")
        ],
        "analysis.bootstrap": [
            {"fit_id": "f", "replicate": i, "parameter": name, "value": float(column[i])}
            for name, column in values.items()
            for i in range(replicates)
        ],
    }
    append(Record("fit", record), url)
    return values


@pytest.fixture
def fitted(tmp_path):
    url = str(tmp_path / "warehouse.duckdb")
    return url, put(url, 300, np.random.default_rng(0))


def ask(url, *arguments):
    return main(["allocate", "--warehouse", url, "--cost-step", "1", "--cost-point", "100", *arguments])


def test_intervals_are_of_replicates_each_at_its_own_optimum(fitted, capsys):
    url, values = fitted
    assert ask(url, "--budget", "1e5", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    law = TABLE2["statistics textbook"]
    best = allocate(Coefficients(**law), 1e5, 1.0, 100.0)
    assert (row["pretrain_steps"], row["data_points"]) == (
        pytest.approx(best.steps),
        pytest.approx(best.points),
    )
    singly = [
        allocate(Coefficients(**{s: v[i] for s, v in values.items()}), 1e5, 1.0, 100.0) for i in range(300)
    ]
    for name in ("share", "loss"):
        ends = np.quantile([getattr(one, name) for one in singly], [0.025, 0.975])
        assert [row[f"{name}_lower"], row[f"{name}_upper"]] == pytest.approx(ends.tolist(), rel=1e-9)
        assert row[f"{name}_lower"] < row[name] < row[f"{name}_upper"]
    assert (row["reached"], row["extrapolated"], row["stale"]) == (1.0, False, False)


def test_outside_the_fitted_window_is_marked(fitted, capsys):
    url, _ = fitted
    ask(url, "--budget", "1e9", "--json")
    assert json.loads(capsys.readouterr().out)[0]["extrapolated"] is True
    ask(url, "--budget", "1e9")
    assert "budget 1e+09 (extrapolated)" in capsys.readouterr().out


def test_a_loss_that_few_replicates_reach(fitted, capsys):
    url, values = fitted
    assert ask(url, "--loss", "1.4", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["reached"] == np.mean(values["E"] < 1.4)
    assert 0.5 < row["reached"] < 0.9
    assert row["cost_upper"] is None
    assert row["cost_lower"] > 0
    assert ask(url, "--loss", "1.0", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["pretrain_steps"], row["cost"], row["reached"], row["extrapolated"]) == (None, None, 0, False)
    assert ask(url, "--loss", "1.0") == 0
    assert capsys.readouterr().out == "s · d · m · full: loss 1: not reachable\n"


def test_what_is_asked_again_replaces_and_figures_are_written(fitted):
    url, _ = fitted
    for _ in range(2):
        ask(url, "--budget", "1e5", "--loss", "2")
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            "select question, count(*), count(distinct gap), count(distinct cost_step), "
            "max(share_upper) <= 1 from analysis.allocations group by 1 order by 1"
        ).fetchall()
        shares = connection.execute(
            "select share from analysis.allocations where question = 'gap' order by gap"
        ).fetchall()
    assert rows == [
        ("budget", 1, 0, 1, True),
        ("cost ratio", 41, 0, 41, True),
        ("gap", 41, 41, 1, True),
        ("loss", 1, 0, 1, True),
    ]
    assert shares == sorted(shares)


def test_bad_questions_are_one_line(fitted, capsys):
    url, _ = fitted
    for arguments, line in (
        ((), "error: nothing is asked: give --budget, --loss or both"),
        (("--budget", "50"), "error: the budget does not pay for one pre-training step and one data point"),
        (("--budget", "-1"), "error: the budget must be positive and finite"),
        (("--loss", "nan"), "error: the loss must be positive and finite"),
        (("--budget", "1e5", "--dataset", "e"), "error: no experiments of dataset 'e'; known: d"),
        (("--budget", "1e5", "--study", "t"), "error: no experiments of study 't'; known: s"),
    ):
        assert ask(url, *arguments) == 2
        assert capsys.readouterr().err == f"{line}\n"
    with connect(url) as connection:
        connection.execute("delete from analysis.fits")
    assert ask(url, "--budget", "1e5") == 2
    assert "run `python -m analysis fit`" in capsys.readouterr().err
