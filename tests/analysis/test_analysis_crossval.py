"""Cross-validation fits every split under every regularisation and scores what was not trained on."""

import json

import numpy as np
import pytest

from analysis import fit, laws
from analysis.__main__ import main
from analysis.continuation import optima
from analysis.crossval import PENALTIES, cross_validate, fittable
from analysis.problem import AnalysisError, problem, starts
from analysis.solver import Batch, Settings, solve
from warehouse.store import connect

P, F = (
    axis.ravel()
    for axis in np.meshgrid([100.0, 400.0, 2e3, 1e4, 5e4], [8.0, 32.0, 128.0, 512.0], indexing="ij")
)
LOSS = (40.0 * P**-0.6 + 1.0) * F**-0.2 + 1.5
THRESHOLDS = np.array([(p, f) for p in np.unique(P) for f in np.unique(F)][:-1])


def test_noise_free_losses_are_predicted_exactly_from_enough_of_them():
    scores = cross_validate(laws["transfer"], {"p": P, "f": F}, LOSS, *THRESHOLDS.T)
    assert scores.rmse.shape == (19, 35)
    np.testing.assert_array_equal(scores.n_train + scores.n_test, 20)
    three_by_three = (np.searchsorted(np.unique(P), THRESHOLDS[:, 0]) >= 2) & (
        np.searchsorted(np.unique(F), THRESHOLDS[:, 1]) >= 2
    )
    assert scores.rmse[three_by_three, 0].max() < 1e-6
    # The strongest regularisation forbids the law that made the losses.
    assert scores.rmse[three_by_three, -1].min() > 1e-5


@pytest.mark.parametrize(("law", "fitted"), [("transfer", 10), ("table5-4", 8), ("table5-5", 11)])
def test_a_split_is_scored_where_fit_would_take_its_experiments(law, fitted):
    scores = cross_validate(laws[law], {"p": P, "f": F}, LOSS, *THRESHOLDS.T)
    taken = []
    for steps, data_points in THRESHOLDS:
        inside = (steps >= P) & (data_points >= F)
        try:
            problem(laws[law], {"p": P[inside], "f": F[inside]}, LOSS[inside])
            taken.append(True)
        except AnalysisError:
            taken.append(False)
    np.testing.assert_array_equal(scores.fitted, taken)
    assert scores.fitted.sum() == fitted
    np.testing.assert_array_equal(np.isfinite(scores.rmse[:, -1]), taken)


def test_errors_beyond_both_thresholds_are_of_the_fit_to_the_rest():
    loss = LOSS * np.exp(0.02 * np.random.default_rng(0).normal(size=LOSS.size))
    scores = cross_validate(laws["transfer"], {"p": P, "f": F}, loss, *THRESHOLDS.T)
    (split,) = np.flatnonzero((THRESHOLDS == (1e4, 128)).all(axis=1))
    train, beyond = (P <= 1e4) & (F <= 128), (P > 1e4) & (F > 128)
    result = fit(laws["transfer"], {"p": P[train], "f": F[train]}, loss[train])
    error = result.predict({"p": P[beyond], "f": F[beyond]}) - loss[beyond]
    assert scores.n_beyond[split] == error.size == 1
    assert scores.bias_beyond[split, 0] == pytest.approx(error.mean(), rel=1e-4)
    assert scores.mae_beyond[split, 0] == scores.rmse_beyond[split, 0] == abs(scores.bias_beyond[split, 0])
    # All steps are trained on: none lie beyond.
    assert scores.n_beyond[-1] == 0
    assert np.isnan(scores.bias_beyond[-1]).all()


@pytest.mark.parametrize("law", ["transfer", "table5-2", "table5-3", "table5-4", "table5-5"])
def test_optima_by_continuation_are_those_of_many_starts(law):
    loss = LOSS * np.exp(0.02 * np.random.default_rng(0).normal(size=LOSS.size))
    posed = problem(laws[law], {"p": P, "f": F}, loss)
    train = ((THRESHOLDS[:, :1] >= P) & (THRESHOLDS[:, 1:] >= F)).astype(float)
    fitted = fittable(laws["table5-4"], {"p": P, "f": F}, train > 0)
    found = optima(posed, Settings(), train[fitted], THRESHOLDS[fitted], PENALTIES.reshape(7, 5, 2))
    sample = [(split, r) for split in (1, 4, 7) for r in (0, 7, 17, 34)]
    for split, r in sample:
        settings = Settings(1e-3, False, *PENALTIES[r])
        grid = starts(posed)
        many = grid.thetas[grid.release]
        row = np.zeros(len(many), dtype=np.int64)
        weights = train[fitted][split][None, :]
        best = solve(posed, settings, Batch(many, row, weights, release=True)).objective.min()
        assert found.objective[split, r] <= best * (1 + 1e-6) + 1e-9
        # And each is what its parameters give.
        batch = Batch(found.thetas[split, r][None, :], row[:1], weights, relax=False)
        assert solve(posed, settings, batch).objective[0] == pytest.approx(
            found.objective[split, r], rel=1e-6, abs=1e-9
        )


def test_cv_from_a_warehouse(tmp_path, capsys):
    url = str(tmp_path / "warehouse.duckdb")
    with connect(url) as connection:
        connection.execute("create schema experiments; create schema cross_validation")
        connection.execute(
            """
            create table experiments.experiments (
                study varchar, dataset varchar, model varchar, method varchar, in_fit boolean,
                pretrain_steps bigint, data_points bigint, n_params_non_embedding bigint, loss double,
                loss_zero_shot double
            )
            """
        )
        rows = zip(P.tolist(), F.tolist(), LOSS.tolist(), strict=True)
        connection.executemany(
            "insert into experiments.experiments values ('s', 'd', 'm', 'full', true, ?, ?, 1000, ?, 9)",
            list(rows),
        )
        connection.execute(
            "create table experiments.fit_inputs as select 's' as study, 'd' as dataset, 'm' as model, "
            "'full' as method, 'print' as fingerprint"
        )
        connection.execute(
            "create table cross_validation.splits as select 's' as study, 'd' as dataset, 'm' as model, "
            "'full' as method, 1 as split, 10000 as max_steps, 128 as max_data_points"
        )
    for skipped in (False, True):
        assert main(["cv", "--warehouse", url, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert [(one["skipped"], one["splits_fitted"]) for one in report] == [(skipped, 1)] * 6
    with connect(url, read_only=True) as connection:
        assert connection.execute("select count(*) from analysis.cv_scores").fetchone() == (6 * 35,)
        assert connection.execute(
            "select distinct max_steps, max_data_points, n_train, n_test, n_beyond from analysis.cv_scores"
        ).fetchall() == [(10000, 128, 12, 8, 1)]
        (best,) = connection.execute(
            "select rmse from analysis.cv_scores where law = 'transfer' "
            "and penalty_exponents = 0 and penalty_coefficients = 0"
        ).fetchone()
    assert best < 1e-6
    assert main(["compare", "--warehouse", url]) == 2
    assert capsys.readouterr().err == (
        "error: the warehouse has no table report.table_forms: run `dbt build`\n"
    )
