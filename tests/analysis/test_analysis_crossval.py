"""Cross-validation fits every split under every regularisation and scores what was not trained on."""

import json

import numpy as np
import pytest

from analysis import laws
from analysis.__main__ import main
from analysis.crossval import PENALTIES, cross_validate, extrapolate, optima
from analysis.problem import problem
from analysis.solver import Batch, Settings, search, solve
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


def test_a_split_is_fitted_as_well_as_by_the_whole_grid_of_starts():
    loss = LOSS * np.exp(0.02 * np.random.default_rng(0).normal(size=LOSS.size))
    posed = problem(laws["transfer"], {"p": P, "f": F}, loss)
    train = ((P <= 1e4) & (F <= 128)).astype(float)
    penalty = PENALTIES[17]
    settings = Settings(1e-3, False, *penalty)
    whole = search(posed, settings, train).objectives[0]
    thetas = optima(posed, Settings(), train[None, :], None)[0, 17]
    batch = Batch(thetas[None, :], np.zeros(1, dtype=np.int64), train[None, :], relax=False)
    assert solve(posed, settings, batch).objective[0] <= whole * (1 + 1e-9)


def test_the_largest_experiment_is_predicted_from_the_smaller_half():
    result = extrapolate(laws["transfer"], {"p": P, "f": F}, LOSS)
    assert (result.n_train, result.measured) == (6, LOSS[-1])
    assert result.predicted == pytest.approx(LOSS[-1], rel=1e-6)


def test_cv_and_compare_from_a_warehouse(tmp_path, capsys):
    url = str(tmp_path / "warehouse.duckdb")
    with connect(url) as connection:
        connection.execute("create schema experiments; create schema cross_validation")
        connection.execute(
            """
            create table experiments.experiments (
                study varchar, dataset varchar, model varchar, method varchar, in_fit boolean,
                pretrain_steps bigint, data_points bigint, n_params_non_embedding bigint, loss double
            )
            """
        )
        rows = zip(P.tolist(), F.tolist(), LOSS.tolist(), strict=True)
        connection.executemany(
            "insert into experiments.experiments values ('s', 'd', 'm', 'full', true, ?, ?, 1000, ?)",
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
    assert main(["compare", "--warehouse", url]) == 2
    assert capsys.readouterr().err == "error: no cross-validation scores: run `python -m analysis cv` first\n"
    for skipped in (False, True):
        assert main(["cv", "--warehouse", url, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert [one["skipped"] for one in report] == [skipped] * 5
    with connect(url, read_only=True) as connection:
        assert connection.execute("select count(*) from analysis.cv_scores").fetchone() == (5 * 35,)
    assert main(["compare", "--warehouse", url, "--json"]) == 0
    rmse = {row["law"]: row["rmse"] for row in json.loads(capsys.readouterr().out)}
    assert rmse["transfer"] < 1e-6 < rmse["table5-5"]
