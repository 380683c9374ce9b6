"""The paper's other figures draw what SQL says, its tables stand beside ours, and its claims are weighed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from report import figures, prose, read, style, tables
from tests.report.conftest import LAWS
from tests.report.test_report_figures import drawn, rounded, sql

COLOURS = style.palette(list(LAWS))
Rows = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def rows(fitted: Path) -> Rows:
    return read.study_rows("demo", str(fitted))


def of_fit(dataset: str) -> str:
    return f"fit_id = (select fit_id from analysis.fits where dataset = '{dataset}')"


def test_shares_of_a_budget_are_drawn_as_allocated(rows: Rows, fitted: Path) -> None:
    left, right = figures.decisions.allocation(rows["figure_allocation"], COLOURS).axes
    for axes, question, x in (
        (left, "gap", "gap"),
        (right, "cost ratio", "cost_point / cost_step"),
    ):
        dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        solid = [line for line in axes.get_lines() if line.get_gid() == "inside"]
        assert len(dashed) == len(solid) == len(axes.collections) == len(LAWS)
        for dataset, every, inside, band in zip(LAWS, dashed, solid, axes.collections, strict=True):
            expected = sql(
                fitted,
                f"select {x}, share, share_lower, share_upper, extrapolated from analysis.allocations "
                f"where {of_fit(dataset)} and question = '{question}' order by 1",
            )
            at, share, lower, upper, outside = (np.array(column) for column in zip(*expected, strict=True))
            np.testing.assert_array_equal(np.array(every.get_data()), [at, share])
            np.testing.assert_array_equal(inside.get_ydata(), np.where(outside, np.nan, share))
            edges = {tuple(vertex) for vertex in band.get_paths()[0].vertices}
            assert edges >= set(zip(at, lower, strict=True)) | set(zip(at, upper, strict=True))
    budgets = sql(
        fitted,
        "select budget, cost_point from analysis.allocations join analysis.fits using (fit_id) "
        "where question = 'budget'",
    )
    # The most steps that were fitted, and as many data points as cost the same.
    assert set(budgets) == {(512.0, 512 / 128)}


@pytest.mark.parametrize("hollow", [False, True])
def test_the_fitted_gap_is_marked_hollow_where_it_is_not_identified(rows: Rows, hollow: bool) -> None:
    status = "not identified" if hollow else "identified"
    table = rows["figure_allocation"].assign(fitted_gap=0.5, fitted_gap_status=status)
    left, right = figures.decisions.allocation(table, COLOURS).axes
    shares = sorted(round(share, 9) for share in table[table["question"] == "budget"]["share"])
    assert sorted(share for _, share in drawn(left, hollow=hollow)) == pytest.approx(shares)
    assert not drawn(left, hollow=not hollow)
    assert {x for x, _ in drawn(right, hollow=hollow)} == {4.0}


def test_the_surface_is_the_predictions_and_its_points_the_losses(rows: Rows, fitted: Path) -> None:
    figure = figures.law.surface(rows["figure_surface"], COLOURS)
    assert [axes.get_title() for axes in figure.axes] == list(LAWS)
    for axes, dataset in zip(figure.axes, LAWS, strict=True):
        (points,) = [line for line in axes.get_lines() if line.get_gid() == "measured"]
        at = np.exp(np.array(points.get_data_3d())).T
        measured = sql(
            fitted,
            "select pretrain_steps, data_points, loss from experiments.experiments "
            f"where study = 'demo' and in_fit and dataset = '{dataset}' order by 1, 2",
        )
        np.testing.assert_allclose(sorted(map(tuple, at)), measured)
        # A tie goes from the surface to the loss that was measured there.
        ties = [line for line in axes.get_lines() if line.get_gid() != "measured"]
        feet = sorted(tuple(np.exp([axis[0] for axis in tie.get_data_3d()])) for tie in ties)
        fitted_there = sql(
            fitted,
            "select predictions.pretrain_steps, predictions.data_points, predictions.loss "
            "from analysis.predictions join analysis.fits using (fit_id) "
            "join experiments.experiments using (study, dataset, pretrain_steps, data_points) "
            f"where study = 'demo' and in_fit and dataset = '{dataset}' order by 1, 2",
        )
        np.testing.assert_allclose(feet, fitted_there)


def test_the_first_figure_is_of_the_first_dataset(rows: Rows) -> None:
    backwards = rows["figure_iso_loss"].sort_values("dataset", ascending=False)
    (axes,) = figures.law.exchange(backwards, COLOURS).axes
    assert axes.get_title(loc="left") == "statistics"
    (one, *_) = figures.law.iso_loss(rows["figure_iso_loss"], COLOURS).axes
    assert len(axes.collections[0].levels) >= len(one.collections[0].levels)


def test_splits_show_what_is_trained_on(rows: Rows, fitted: Path) -> None:
    figure = figures.splits.splits(rows["figure_splits"], COLOURS)
    counts = sql(
        fitted,
        "select max_steps, max_data_points, n_train, n_test from cross_validation.splits "
        "where study = 'demo' and dataset = 'statistics'",
    )
    known = {(most_steps, most_points): n for most_steps, most_points, *n in counts}
    assert len(figure.axes) == 4 * 3
    for axes in figure.axes:
        trained, tested = drawn(axes, hollow=False), drawn(axes, hollow=True)
        most_steps, most_points = (max(column) for column in zip(*trained, strict=True))
        assert [len(trained), len(tested)] == known[most_steps, most_points]
        assert all(p > most_steps or f > most_points for p, f in tested)
        assert axes.get_title() == "" or "MAE" not in axes.get_title()


def test_epochs_are_the_medians(rows: Rows, fitted: Path) -> None:
    left, right = figures.measured.epochs(rows["figure_epochs"], COLOURS).axes
    for axes, variable, condition in (
        (left, "pretrain_steps", "true"),
        (right, "data_points", "pretrain_steps > 0"),
    ):
        position = f"if({variable} = 0, {style.scratch_position([0, 16, 512])}, {variable})"
        medians = sql(
            fitted,
            f"select {position}, median(epochs) from experiments.experiments "
            f"where study = 'demo' and {condition} group by dataset, {variable}",
        )
        assert drawn(axes, hollow=False) == rounded(medians)


def test_effective_data_are_drawn_as_read_or_as_bounds(rows: Rows) -> None:
    table = rows["data_transferred"]
    assert {"interpolated", "censored"} <= set(table["reading"])
    figure = figures.transfer.transferred(table, COLOURS)
    for i, dataset in enumerate(LAWS):
        left, right = figure.axes[2 * i : 2 * i + 2]
        of_dataset = table[table["dataset"] == dataset]
        read_off = of_dataset[of_dataset["reading"] == "interpolated"]
        pairs = zip(read_off["pretrain_steps"], read_off["multiplier"], strict=True)
        assert drawn(right, hollow=False) == rounded(list(pairs))
        pairs = zip(read_off["pretrain_steps"], read_off["transferred_points"], strict=True)
        assert drawn(left, hollow=False) == rounded(list(pairs))
        bounds = of_dataset[of_dataset["at_least_points"].notna()]
        marks = [line for line in right.get_lines() if line.get_gid() == "at least"]
        shown = sorted(np.concatenate([line.get_ydata() for line in marks]))
        assert shown == pytest.approx(sorted(bounds["at_least_points"] / bounds["data_points"]))


def test_models_that_were_pretrained_as_long_are_lines_against_data(rows: Rows) -> None:
    table = rows["data_transferred"].query("dataset == 'python' and reading == 'interpolated'")
    table = table[table["pretrain_steps"] == table["pretrain_steps"].min()]
    larger = table.assign(model="larger", n_params_non_embedding=10**9, multiplier=table["multiplier"] * 2)
    larger["effective_points"] = larger["effective_points"] * 2
    _, right = figures.transfer.transferred(pd.concat([larger, table]), COLOURS).axes
    labels = [line.get_label() for line in right.get_lines() if not line.get_label().startswith("_")]
    assert labels == ["drawn", "larger"]
    both = [*zip(table["data_points"], table["multiplier"], strict=True)]
    both += zip(larger["data_points"], larger["multiplier"], strict=True)
    assert drawn(right, hollow=False) == rounded(both)


def test_ossification_is_marked(rows: Rows) -> None:
    table = rows["data_transferred"].query("dataset == 'python' and reading == 'interpolated'").copy()
    none = figures.transfer.transferred(table, COLOURS).axes[0]
    assert not [line for line in none.get_lines() if line.get_gid() == "ossified"]
    first = table.index[0]
    fewer = table.at[first, "data_points"] / 2
    table.loc[first, ["effective_points", "transferred_points", "multiplier"]] = [fewer, -fewer, 0.5]
    table["ossified"] = table.index == first
    left, right = figures.transfer.transferred(table, COLOURS).axes
    (crosses,) = [line for line in left.get_lines() if line.get_gid() == "ossified"]
    assert list(crosses.get_xdata()) == [table.at[first, "pretrain_steps"]]
    (zone,) = [patch for patch in right.patches if patch.get_gid() == "ossification"]
    assert zone.get_y() + zone.get_height() == 1.0
    assert right.get_ylim()[0] <= 0.5
    assert "In 1 experiment pre-training hurts" in prose.decisions.transferred(
        rows | {"data_transferred": table}
    )


def plain(table: object) -> str:
    return table.as_raw_html().replace("\u2007", "").replace("\u00a0", " ")


def test_what_the_paper_prints_stands_under_its_own_datasets(rows: Rows) -> None:
    own = rows["table_parameters"]["dataset"] == "python"
    table = rows["table_parameters"].assign(published_estimate=np.where(own, 284.766, np.nan))
    table["published_standard_error"] = np.where(own, 38.55, np.nan)
    assert "as published" not in plain(tables.law.parameters(rows["table_parameters"]))
    html = plain(tables.law.parameters(table))
    assert html.count("285 (39)") == 5
    assert html.index(">python<") < html.index("285 (39)") < html.index(">coefficient of variation<")
    assert html.count(">as published<") == 2
    intervals = rows["table_intervals"]
    own = (intervals["dataset"] == "python") & (intervals["interval_method"] == "percentile")
    intervals = intervals.assign(published_lower=np.where(own, 0.684, np.nan))
    intervals["published_upper"] = np.where(own, 378.8, np.nan)
    html = plain(tables.law.intervals(intervals))
    assert (html.count("[0.684, 378.800]"), html.count("[0.68, 378.80]")) == (2, 3)


def test_variation_is_that_of_the_estimates(rows: Rows, fitted: Path) -> None:
    variations = sql(
        fitted,
        "select stddev(estimate) / avg(estimate) from (select distinct dataset, parameter, estimate "
        "from analysis.parameters join analysis.fits using (fit_id)) where parameter in ('alpha', 'beta') "
        "group by parameter order by parameter",
    )
    (alpha,), (beta,) = variations
    known = rows["parameter_variation"].set_index("quantity")
    assert known.at["alpha", "estimate"] == pytest.approx(alpha)
    assert known.at["alpha/beta", "estimate"] == pytest.approx(alpha / beta)
    assert known.at["alpha/beta", "lower"] <= known.at["alpha/beta", "upper"]
    assert f"{alpha:.2f}" in plain(tables.law.parameters(rows["table_parameters"]))


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [(0.1, 0.2, "bears that out"), (0.1, 0.3, "leaves it open"), (0.3, 0.4, "speaks against it")],
)
def test_the_claim_on_exponents_is_weighed(rows: Rows, lower: float, upper: float, verdict: str) -> None:
    table = rows["parameter_variation"].assign(lower=lower, upper=upper)
    assert verdict in prose.results.variation(rows | {"parameter_variation": table})


def test_two_datasets_are_too_few_for_the_claim(rows: Rows) -> None:
    none = rows["parameter_variation"].query("quantity == 'G'")
    parameters = rows["table_parameters"].query("dataset != 'python'")
    text = prose.results.variation(rows | {"parameter_variation": none, "table_parameters": parameters})
    assert "takes three datasets" in text
    assert "this study has 2." in text


def test_the_errors_of_exponents_are_compared_with_the_papers(rows: Rows) -> None:
    errors = rows["exponent_errors"]
    assert "@barnett2024 finds from 150" in prose.results.exponent_errors(rows)
    for error, said in ((0.02, "none is above"), (0.04, "the largest is above")):
        changed = rows | {"exponent_errors": errors.assign(standard_error=error, status="identified")}
        assert said in prose.results.exponent_errors(changed)
    nothing = rows | {"exponent_errors": errors.assign(status="not identified")}
    assert "identify no exponent" in prose.results.exponent_errors(nothing)


def test_a_dataset_says_how_much_of_it_was_seen(rows: Rows) -> None:
    table = rows["table_datasets"]
    assert ">seen<" not in plain(tables.study.datasets(table))
    html = plain(tables.study.datasets(table.assign(heldout_share_seen=[0.0123, np.nan, 0.5])))
    assert ">seen<" in html
    assert ">1.2 %<" in html
    assert ">50 %<" in html


def test_a_law_of_transfer_is_told_where_it_was_fitted(rows: Rows) -> None:
    assert "analysis transfer" in prose.decisions.transfer_law(rows)
    law = pd.DataFrame(
        {
            "dataset": "python",
            "n": 40,
            "checkpoints": 12,
            "parameter": ["k", "alpha", "beta"],
            "estimate": [1.0, 0.25, 0.5],
            "standard_error": [1.0, 0.025, 0.05],
            "published_estimate": [np.nan, 0.18, 0.38],
        }
    )
    text = prose.decisions.transfer_law(rows | {"table_transferred": law}).replace("\u00a0", " ")
    assert r"$\alpha$ is 0.250 (0.025) and $\beta$ is 0.500 (0.050)" in text
    assert r"$\alpha$ = 0.18 and $\beta$ = 0.38" in text
    one_size = prose.decisions.transfer_law(rows | {"table_transferred": law.query("parameter != 'beta'")})
    assert "With one size of model" in one_size


def test_datasets_keep_their_colours(rows: Rows) -> None:
    left, _ = figures.measured.epochs(rows["figure_epochs"].query("dataset == 'python'"), COLOURS).axes
    assert {to_hex(line.get_color()) for line in left.get_lines() if line.get_marker() == "o"} == {
        COLOURS["python"].lower()
    }
