"""Figures and tables about the fits draw what SQL says, and their words follow from it."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from report import figures, prose, read, style, tables
from report.tables.diagnostics import probability
from tests.report.conftest import LAWS

COLOURS = style.palette(list(LAWS))


@pytest.fixture(scope="module")
def rows(fitted: Path) -> dict[str, pd.DataFrame]:
    return read.study_rows("demo", str(fitted))


def sql(url: Path, query: str) -> np.ndarray:
    with duckdb.connect(url, read_only=True) as connection:
        return np.array(connection.execute(query).fetchall(), float)


def two_models(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.assign(model="one"), table.assign(model="other")])


def markers(axes: object) -> np.ndarray:
    """The points of an axes that are drawn one by one, as (x, y) in order."""
    lines = [line for line in axes.get_lines() if line.get_marker() == "o" and len(line.get_xdata()) > 1]
    return np.array(sorted(zip(*np.concatenate([line.get_data() for line in lines], axis=1), strict=True)))


@pytest.mark.parametrize("dataset", LAWS)
def test_residuals_are_drawn_in_per_cent_against_all_four(
    rows: dict[str, pd.DataFrame], fitted: Path, dataset: str
) -> None:
    drawn = figures.residuals.residuals(rows["figure_residuals"], COLOURS).axes
    panels = drawn[4 * list(LAWS).index(dataset) :][:4]
    for axes, x in zip(panels, ("fitted", "pretrain_steps", "data_points", "normal_quantile"), strict=True):
        measured = sql(
            fitted,
            f"select {x}, 100 * residual from analysis.residuals join analysis.fits using (fit_id) "
            f"where dataset = '{dataset}' order by all",
        )
        np.testing.assert_allclose(markers(axes), measured, atol=1e-9)
        rings = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none"]
        assert [len(ring.get_xdata()) for ring in rings] == [1]
    worst = sql(
        fitted,
        "select pretrain_steps, 100 * residual from analysis.residuals join analysis.fits using (fit_id) "
        f"where dataset = '{dataset}' order by influence desc limit 1",
    )[0]
    ring = next(line for line in panels[1].get_lines() if line.get_markerfacecolor() == "none")
    np.testing.assert_allclose(np.ravel(ring.get_data()), worst)


def test_profiles_cross_the_threshold_where_their_intervals_end(rows: dict[str, pd.DataFrame]) -> None:
    table = rows["figure_profiles"]
    drawn = figures.profiles.profiles(table, COLOURS).axes
    assert len(drawn) == 5 * len(LAWS)
    ends = table.drop_duplicates(["dataset", "parameter"]).set_index(["dataset", "parameter"])
    for i, dataset in enumerate(LAWS):
        for axes, parameter in zip(drawn[5 * i :], ("A", "G", "alpha", "beta", "E"), strict=False):
            curve = next(line for line in axes.get_lines() if len(line.get_xdata()) > 2)
            x, y = curve.get_data()
            one = ends.loc[(dataset, parameter)]
            low, high = axes.get_xlim()
            for end in (one["lower"], one["upper"]):
                if pd.notna(end):
                    assert np.interp(end, x, y) == pytest.approx(1.0, abs=0.02)
                    assert low < end < high


def test_models_share_a_row_and_are_named(rows: dict[str, pd.DataFrame]) -> None:
    for draw, name in (
        (figures.residuals.residuals, "figure_residuals"),
        (figures.profiles.profiles, "figure_profiles"),
        (figures.extrapolation.extrapolation, "figure_extrapolation"),
    ):
        one, both = draw(rows[name], COLOURS), draw(two_models(rows[name]), COLOURS)
        assert len(one.axes) == len(both.axes)
        keys = [axes.get_legend() for axes in both.axes if axes.get_legend()]
        assert [text.get_text() for text in keys[0].get_texts()] == ["one", "other"]
        assert not any(axes.get_legend() for axes in one.axes)


def test_pairs_draw_the_replicates_and_cross_at_the_estimate(
    rows: dict[str, pd.DataFrame], fitted: Path
) -> None:
    grid = np.array(figures.replicates.pairs(rows["figure_replicates"], COLOURS).axes).reshape(5, 5)
    first = next(iter(LAWS))
    drawn = sql(
        fitted,
        "pivot (select replicate, parameter, value from analysis.bootstrap join analysis.fits using (fit_id) "
        f"where dataset = '{first}') on parameter in ('A', 'beta') using any_value(value) order by replicate",
    )
    cloud = next(line for line in grid[3, 0].get_lines() if line.get_marker() == ".")
    assert cloud.get_rasterized()
    np.testing.assert_array_equal(np.array(cloud.get_data()).T, drawn[:, 1:])
    estimate = sql(
        fitted,
        "select distinct estimate from analysis.parameters join analysis.fits using (fit_id) "
        f"where dataset = '{first}' and parameter = 'A'",
    )
    lines = [line.get_xdata()[0] for line in grid[3, 0].get_lines() if line is not cloud]
    assert estimate[0, 0] in lines
    assert not grid[0, 3].axison


def test_correlations_are_written_once_for_every_pair(rows: dict[str, pd.DataFrame]) -> None:
    table = rows["figure_correlations"]
    drawn = [axes for axes in figures.replicates.correlations(table, COLOURS).axes if axes.axison]
    assert len(drawn) == len(LAWS)
    of_first = table[(table["dataset"] == next(iter(LAWS))) & (table["one"] > table["other"])]
    written = sorted(text.get_text() for text in drawn[0].texts)
    expected = [f"{value:.2f}".replace("-", "−").replace("0.", ".") for value in of_first["correlation"]]
    assert written == sorted(expected)
    assert len(written) == 10


@pytest.mark.parametrize("dataset", LAWS)
def test_the_extrapolation_is_drawn_with_its_bands(
    rows: dict[str, pd.DataFrame], fitted: Path, dataset: str
) -> None:
    axes = figures.extrapolation.extrapolation(rows["figure_extrapolation"], COLOURS).axes
    panel = axes[list(LAWS).index(dataset)]
    found = sql(
        fitted,
        "select loss, predicted, lower, upper from analysis.extrapolations join analysis.fits using (fit_id) "
        f"where dataset = '{dataset}' order by loss, predicted",
    )
    np.testing.assert_allclose(markers(panel), found[:, :2])
    bands = sorted(tuple(segment.ravel()) for segment in panel.collections[0].get_segments())
    np.testing.assert_allclose(bands, sorted(map(tuple, found[:, [0, 2, 0, 3]])))


def sized(slope: float, lower: float, upper: float) -> pd.DataFrame:
    """What figure_model_size says of two models on one dataset."""
    models = pd.DataFrame({"model": ["small", "large"], "n_params": [70e6, 410e6], "estimate": [1.5, 1.0]})
    return pd.concat(
        models.assign(
            study="s", dataset="python", method="full", quantity=quantity, data_points=128, slope=slope,
            lower=models["estimate"] - 0.2, upper=models["estimate"] + 0.2,
            slope_lower=lower, slope_upper=upper, status=["identified", "not identified"], stale=False,
        )
        for quantity in ("gap", "gap at the most data")
    )  # fmt: skip


def test_gaps_stand_at_their_sizes_hollow_where_not_identified() -> None:
    figure = figures.model_size.gaps(sized(-0.65, -1.0, -0.3), COLOURS)
    assert len(figure.axes) == 2
    axes = figure.axes[0]
    figure.draw_without_rendering()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["70M", "410M"]
    single = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [(line.get_ydata()[0], line.get_markerfacecolor() == "white") for line in single] == [
        (1.5, False),
        (1.0, True),
    ]
    slope = next(line for line in axes.get_lines() if line.get_marker() == "None")
    assert np.diff(slope.get_ydata())[0] == pytest.approx(-0.65 * np.log10(410 / 70))


@pytest.mark.parametrize(
    ("interval", "words"), [((-1.0, -0.3), "not in doubt"), ((-1.0, 0.3), "its sign is open")]
)
def test_the_slope_is_said_with_its_uncertainty(
    rows: dict[str, pd.DataFrame], interval: tuple[float, float], words: str
) -> None:
    text = prose.diagnostics.model_size({**rows, "figure_model_size": sized(-0.65, *interval)})
    assert "falls by 0.65" in text
    assert words in text
    assert prose.diagnostics.several_sizes(rows) == ""
    assert "several-sizes: true" in prose.diagnostics.several_sizes({"figure_model_size": sized(0, 0, 0)})


def test_conditions_that_hold_in_the_simulation_are_said_to(rows: dict[str, pd.DataFrame]) -> None:
    table = rows["table_conditions"]
    assert len(table) == 6 * len(LAWS)
    html = tables.diagnostics.conditions(table).as_raw_html()
    inside = int(table["compatible"].sum())
    assert (html.count(">inside<"), html.count(">outside<")) == (inside, len(table) - inside)
    held = table.assign(compatible=True)
    broken = held.assign(compatible=(held["condition"] != "f at zero") | (held["dataset"] != "python"))
    assert prose.diagnostics.conditions({**rows, "table_conditions": held}).count("speaks against") == 4
    said = prose.diagnostics.conditions({**rows, "table_conditions": broken})
    assert "speaks against it on statistics and encyclopedia; the data speak against it on python" in said
    assert "Of the 18 intervals 2 leave zero out; were every condition true, about 0.90 would" in said
    nothing = table.assign(estimate=np.nan, quantity=None, compatible=None, n=np.nan)
    assert "Not one of the conditions" in prose.diagnostics.conditions({**rows, "table_conditions": nothing})
    assert "not measured: too few runs from scratch" in tables.diagnostics.conditions(nothing).as_raw_html()


def test_residuals_are_tested_in_a_table(rows: dict[str, pd.DataFrame], fitted: Path) -> None:
    html = tables.diagnostics.residuals(rows["table_diagnostics"]).as_raw_html()
    p_values = sql(fitted, "select p_value from analysis.diagnostics where diagnostic = 'normality'").ravel()
    assert all(f">{probability(p)}<" in html for p in p_values)
    leaning = rows["table_diagnostics"].assign(greatest_influence=[1.5, 0.2, 0.2])
    said = prose.diagnostics.residuals({**rows, "table_diagnostics": leaning})
    assert said.count("leans on one experiment") == 1


def test_a_probability_is_written_no_finer_than_a_thousandth() -> None:
    assert [probability(p) for p in (0.5, 0.0341, 0.00099, 0.0)] == ["0.50", "0.034", "≤0.001", "≤0.001"]


def test_the_cost_stands_beside_the_paper_s(rows: dict[str, pd.DataFrame]) -> None:
    html = tables.cost.cost(rows["table_cost"]).as_raw_html()
    assert html.index("statistics") < html.index("python") < html.index("the whole study")
    assert html.index("the whole study") < html.index("the paper, as published")
    assert "750" in html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\begin{align} a_1 &= $x$ \\ \end{align}", r"\begin{align} a_1 &= $x$ \\ \end{align}"),
        ("ACGT" * 50, "\n".join(["ACGT" * 22] * 2 + ["ACGT" * 6])),
        ("From: a@b.c\r\nTo: <d>\r\n\r\nHi", "From: a@b.c\nTo: <d>\n\nHi"),
        ("def f():\n\treturn 1", "def f():\n    return 1"),
        ("a\x00b\x1b[1m", "a\ufffdb\ufffd[1m"),
    ],
)
def test_a_sample_is_shown_as_it_is_and_no_wider_than_the_page(text: str, shown: str) -> None:
    opening, *lines, closing = prose.samples.block(text).split("\n")
    assert "\n".join(lines) == shown
    assert opening.startswith("```{.text")
    assert closing == "```"


def test_a_sample_with_fences_stays_inside_its_own() -> None:
    opening, *_, closing = prose.samples.block("x\n````\n## not a heading\n````").split("\n")
    assert closing == "`````"
    assert opening.startswith("`````{")


def test_a_study_that_keeps_its_text_shows_none(rows: dict[str, pd.DataFrame]) -> None:
    kept = rows["table_datasets"].assign(sample="")
    assert "No sample has been recorded" in prose.samples.samples({"table_datasets": kept})
    shown = prose.samples.samples(rows)
    assert shown.index("**statistics**") < shown.index("**encyclopedia**")
