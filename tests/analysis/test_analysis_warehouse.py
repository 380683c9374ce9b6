"""`python -m analysis fit` against a warehouse: what it writes, what it leaves alone, and what it refuses."""

import json

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.allocate_io import FittedLaw
from analysis.allocations import answers, of_its_window
from analysis.io import Key
from warehouse.store import connect

STEPS, SIZES = (32, 64, 128, 256, 512, 1024), (8, 16, 32, 64, 128, 256)
LAW = np.array([4.0, 1.5, 0.5, 0.2, 1.0])
COLUMNS = (
    "study varchar, dataset varchar, model varchar, method varchar, pretrain_steps bigint, "
    "data_points bigint, n_params_non_embedding bigint, loss double, in_fit boolean, loss_zero_shot double"
)


def losses(dataset, seed):
    """Rows of one dataset whose losses follow the transfer law within 1 %; step 0 lies outside the window."""
    rng = np.random.default_rng(seed)
    for p in (0, *STEPS):
        for f in SIZES:
            loss = ((4.0 * max(p, 8) ** -0.5 + 1.5) * f**-0.2 + 1.0) * np.exp(0.01 * rng.normal())
            before = 4.0 * max(p, 8) ** -0.5 + 2.5
            yield ("s", dataset, "m", "full", p, f, 1000, float(loss), p > 0, before)


def put(url, rows):
    """Write the two tables that dbt builds for this room, as their contract has them."""
    with connect(url) as connection:
        connection.execute("create schema if not exists experiments")
        connection.execute(f"create or replace table experiments.experiments ({COLUMNS})")
        connection.executemany(
            "insert into experiments.experiments values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        connection.execute(
            """
            create or replace table experiments.fit_inputs as
            select study, dataset, model, method,
                md5(string_agg(loss::varchar order by pretrain_steps, data_points)) as fingerprint
            from experiments.experiments where in_fit group by all
            """
        )


@pytest.fixture
def url(tmp_path):
    path = str(tmp_path / "warehouse.duckdb")
    put(path, [*losses("one", 1), *losses("two", 2)])
    return path


def test_what_speaks_for_and_against_a_fit_is_written_with_it(url):
    run(url)
    experiments = len(STEPS) * len(SIZES)
    assert count(url, "residuals") == 2 * experiments
    assert count(url, "diagnostics") == 2 * 6
    assert count(url, "extrapolations") == 2 * experiments / 4
    assert count(url, "conditions") == 2 * 6
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select loss, fitted, residual, deleted_residual, influence
            from analysis.residuals semi join analysis.fits using (fit_id)
            """
        ).fetchnumpy()
        thresholds = connection.execute(
            "select distinct max_steps, max_data_points, n_train from analysis.extrapolations"
        ).fetchall()
        profiled = connection.execute(
            """
            select count(*) from (
                select fit_id, parameter, min(deviance) as least, any_value(cut) as cut, max(deviance) as most
                from analysis.profiles group by all
            ) where least < 1e-6 and cut > 3.8 and most > cut
            """
        ).fetchone()
    np.testing.assert_allclose(rows["residual"], np.log(rows["loss"] / rows["fitted"]), atol=1e-12)
    # Leaving a point out takes away what it did to keep its own residual small.
    assert np.abs(rows["deleted_residual"]).mean() > np.abs(rows["residual"]).mean()
    assert (rows["influence"] >= 0).all()
    assert thresholds == [(128, 32, 9)]
    assert profiled == (2 * 5,)


def test_runs_outside_the_window_are_seen_though_the_fit_is_not_stale(url):
    run(url)
    first = fitted(url)
    put(url, [*losses("one", 1), *((*row[:7], row[7] + (row[4] == 0), *row[8:]) for row in losses("two", 2))])
    run(url)
    second = fitted(url)
    assert second[0] == first[0]
    assert second[1][1] != first[1][1]
    assert second[1][2] == first[1][2]
    assert (count(url, "residuals"), count(url, "conditions")) == (2 * len(STEPS) * len(SIZES), 2 * 6)


def fitted(url):
    with connect(url, read_only=True) as connection:
        return connection.execute(
            "select dataset, fit_id, input_fingerprint from analysis.fits order by 1"
        ).fetchall()


def count(url, table):
    with connect(url, read_only=True) as connection:
        return connection.execute(f"select count(*) from analysis.{table}").fetchone()[0]


def run(url, *arguments):
    return main(["fit", "--warehouse", url, "--replicates", "20", *arguments])


def test_a_fit_is_written_with_its_replicates_and_predictions(url, capsys):
    assert run(url, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["dataset"] for one in document] == ["one", "two"]
    assert document[0]["options"]["resample"] == "checkpoints"
    assert document[0]["credentials"]["resampled_units"] == len(STEPS)
    estimates = {row["parameter"]: row["estimate"] for row in document[0]["parameters"]}
    assert estimates["beta"] == pytest.approx(0.2, abs=0.05)
    assert (count(url, "fits"), count(url, "bootstrap")) == (2, 2 * 20 * 5)
    with connect(url, read_only=True) as connection:
        row = connection.execute(
            "select min(pretrain_steps), max(data_points), bool_and(lower <= upper) from analysis.predictions"
        ).fetchone()
    assert row == (32, 256, True)


def test_what_is_current_is_left_alone_and_what_is_stale_is_replaced(url):
    run(url)
    first = fitted(url)
    run(url)
    assert fitted(url) == first
    put(url, [*losses("one", 1), *losses("two", 3)])
    run(url)
    second = fitted(url)
    assert second[0] == first[0]
    assert second[1][1] != first[1][1]
    assert (count(url, "fits"), count(url, "bootstrap")) == (2, 2 * 20 * 5)


def allocated(url):
    with connect(url, read_only=True) as connection:
        return connection.execute(
            "select dataset, question, cost_step, cost_point, budget, allocations.made_at "
            "from analysis.allocations join analysis.fits using (fit_id) where gap is null order by all"
        ).fetchall()


def test_a_budget_is_divided_by_every_new_law_and_an_asked_one_is_kept(url):
    run(url)
    first = allocated(url)
    (one, two) = [row[:5] for row in first if row[1] == "budget"]
    # The most steps alone or the most data points alone are what the budget pays for.
    assert one == ("one", "budget", 1.0, 1024 / 256, 1024.0)
    assert two == ("two", *one[1:])
    assert [row[4] for row in first if row[1] == "cost ratio"] == [1024.0] * (len(first) - 2)
    asked = ["--study", "s", "--dataset", "two", "--cost-step", "1", "--cost-point", "9", "--budget", "500"]
    assert main(["allocate", "--warehouse", url, *asked]) == 0
    run(url)
    second = allocated(url)
    assert [row for row in second if row[0] == "one"] == [row for row in first if row[0] == "one"]
    assert [row[:5] for row in second if row[:2] == ("two", "budget")] == [("two", "budget", 1.0, 9.0, 500.0)]
    put(url, [*losses("one", 4), *losses("two", 2)])
    run(url)
    third = allocated(url)
    assert [row for row in third if row[0] == "two"] == [row for row in second if row[0] == "two"]
    assert {row[5] for row in third if row[0] == "one"}.isdisjoint(row[5] for row in first)
    assert len(third) == len(second)


def test_one_step_that_was_fitted_pays_for_a_data_point_too():
    window = {"p": (1.0, 1.0), "f": (4.0, 4.0)}
    law = FittedLaw(Key("s", "d", "m", "full"), "f", "converged", LAW, LAW[None], window, stale=False)
    (budget, *_) = answers(law, of_its_window(law))
    assert (budget["pretrain_steps"], budget["data_points"]) == (pytest.approx(1.0), pytest.approx(1.0))


def test_other_options_are_another_fit(url):
    run(url)
    first = fitted(url)
    run(url, "--seed", "1")
    assert {one[1] for one in first}.isdisjoint(one[1] for one in fitted(url))


def test_one_dataset_that_cannot_be_fitted_does_not_stop_the_others(url, capsys):
    put(url, [*losses("one", 1), ("s", "two", "m", "full", 0, 8, 1000, 2.0, False, 4.0)])
    assert run(url) == 2
    assert [one[0] for one in fitted(url)] == ["one"]
    assert "s · two · m · full: none of its 1 experiments" in capsys.readouterr().err


def test_bad_input_is_one_line_and_exit_2(url, tmp_path, capsys):
    empty = str(tmp_path / "empty.duckdb")
    with connect(empty):
        pass
    for arguments, line in (
        ((url, "--study", "t"), "error: no experiments of study 't'; known: s\n"),
        ((url, "--law", "linear"), "error: unknown law 'linear'; known: transfer, "),
        ((url, "--law", "chinchilla"), "error: law chinchilla needs "),
        ((empty,), "error: the warehouse has no table experiments.experiments yet: run `dbt build` first\n"),
        ((str(tmp_path / "none.duckdb"),), f"error: {tmp_path}/none.duckdb: no such warehouse"),
    ):
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith(line)
        assert error.count("\n") == 1
    assert not (tmp_path / "none.duckdb").exists()
