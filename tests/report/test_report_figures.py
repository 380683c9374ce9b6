"""What the figures draw is what SQL says."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from report import figures, parts, read, style
from tests.report.conftest import LAWS

COLOURS = style.palette(list(LAWS))


@pytest.fixture(scope="module")
def rows(fitted: Path) -> dict[str, pd.DataFrame]:
    return read.study_rows("demo", str(fitted))


def sql(url: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(url, read_only=True) as connection:
        return connection.execute(query).fetchall()


def drawn(axes: object, *, hollow: bool) -> list[tuple[float, float]]:
    """The markers in an axes, rounded, in order."""
    points = []
    for line in axes.get_lines():
        if line.get_marker() == "o" and (to_hex(line.get_markerfacecolor()) == "#ffffff") == hollow:
            points += zip(np.round(line.get_xdata(), 6), np.round(line.get_ydata(), 9), strict=True)
    return sorted(points)


def rounded(rows: list[tuple[object, ...]]) -> list[tuple[float, float]]:
    return sorted((round(float(x), 6), round(float(y), 9)) for x, y in rows)


@pytest.mark.parametrize("hollow", [False, True])
@pytest.mark.parametrize("dataset", LAWS)
def test_losses_are_drawn_as_measured(
    rows: dict[str, pd.DataFrame], fitted: Path, dataset: str, hollow: bool
) -> None:
    figure = figures.measured.losses(rows["figure_losses"], COLOURS)
    index = 2 * list(LAWS).index(dataset)
    where = f"study = 'demo' and dataset = '{dataset}' and in_fit = {not hollow}"
    by_size = sql(fitted, f"select data_points, loss from experiments.experiments where {where}")
    assert drawn(figure.axes[index + 1], hollow=hollow) == rounded(by_size)
    scratch = style.scratch_position([0, 16, 512])
    position = f"if(pretrain_steps = 0, {scratch}, pretrain_steps)"
    by_steps = sql(fitted, f"select {position}, loss from experiments.experiments where {where}")
    assert drawn(figure.axes[index], hollow=hollow) == rounded(by_steps)
    assert len(by_size) == (10 if hollow else 25)


def test_zero_steps_stand_left_of_the_first_and_are_labelled(rows: dict[str, pd.DataFrame]) -> None:
    axes = figures.measured.losses(rows["figure_losses"], COLOURS).axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels[0] == "0"
    assert axes.get_xticks()[0] < 16
    assert "from scratch" in {text.get_text() for text in figure_texts(axes.get_figure())}


def figure_texts(figure: Figure) -> list[object]:
    return [text for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("dataset", LAWS)
def test_cross_sections_draw_the_predictions_and_their_band(
    rows: dict[str, pd.DataFrame], fitted: Path, dataset: str
) -> None:
    figure = figures.law.cross_sections(rows["figure_cross_sections"], COLOURS)
    axes = figure.axes[list(LAWS).index(dataset)]
    predicted = sql(
        fitted,
        "select data_points, pretrain_steps, loss, lower, upper from analysis.predictions "
        f"join analysis.fits using (fit_id) where dataset = '{dataset}' order by data_points, pretrain_steps",
    )
    # Five sizes were measured, of which the figure shows four, the first and last among them.
    shown = [8.0, 16.0, 64.0, 128.0]
    curves = [line for line in axes.get_lines() if str(line.get_label()).startswith("$f$")]
    assert len(curves) == len(axes.collections) == len(shown)
    for size, curve, band in zip(shown, curves, axes.collections, strict=True):
        expected = np.array([row[1:] for row in predicted if row[0] == size], float)
        np.testing.assert_array_equal(np.array(curve.get_data()).T, expected[:, :2])
        edges = {tuple(vertex) for vertex in band.get_paths()[0].vertices}
        assert edges >= {(p, low) for p, _, low, _ in expected} | {(p, high) for p, _, _, high in expected}
    measured = sql(
        fitted,
        "select pretrain_steps, loss from experiments.experiments where study = 'demo' and in_fit "
        f"and dataset = '{dataset}' and data_points in (8, 16, 64, 128)",
    )
    assert drawn(axes, hollow=False) == rounded(measured)


def test_iso_loss_lines_lie_on_the_fitted_law(rows: dict[str, pd.DataFrame], fitted: Path) -> None:
    figure = figures.law.iso_loss(rows["figure_iso_loss"], COLOURS)
    for axes, dataset in zip(figure.axes, LAWS, strict=True):
        law = dict(
            sql(
                fitted,
                "select parameter, estimate from analysis.parameters join analysis.fits using (fit_id) "
                f"where dataset = '{dataset}'",
            )
        )
        (lines,) = axes.collections
        assert len(lines.levels) >= 3
        for level, path in zip(lines.levels, lines.get_paths(), strict=True):
            p, f = path.vertices.T
            fit = (law["A"] * p ** -law["alpha"] + law["G"]) * f ** -law["beta"] + law["E"]
            np.testing.assert_allclose(fit, level, rtol=2e-3)
        labels = {text.get_text() for text in axes.texts}
        assert labels == {f"{level:g}" for level in lines.levels}


def test_a_dataset_has_one_colour_whatever_else_is_drawn(rows: dict[str, pd.DataFrame]) -> None:
    alone = rows["figure_losses"].query("dataset == 'python'")
    darkest = figures.measured.losses(alone, COLOURS).axes[0].get_lines()[-1].get_color()
    among = figures.measured.losses(rows["figure_losses"], COLOURS).axes[4].get_lines()[-1].get_color()
    assert darkest == among
    np.testing.assert_allclose(darkest, 0.55 * np.array(to_rgb(COLOURS["python"])))


def test_models_have_panels_of_their_own(rows: dict[str, pd.DataFrame]) -> None:
    both = pd.concat([rows["figure_losses"], rows["figure_losses"].assign(model="larger")])
    titles = [axes.get_title(loc="left") for axes in figures.measured.losses(both, COLOURS).axes[::2]]
    assert titles[:2] == ["statistics, drawn", "statistics, larger"]
    assert len(titles) == 2 * len(LAWS)


def test_seeds_give_a_band_of_one_standard_deviation(unfitted: Path) -> None:
    pairs = read.study_rows("pairs", str(unfitted))["figure_losses"]
    axes = figures.measured.losses(pairs, style.palette(["python"])).axes[1]
    first = pairs[pairs["pretrain_steps"] == 16].sort_values("data_points")
    edges = {tuple(vertex) for vertex in axes.collections[0].get_paths()[0].vertices}
    assert edges >= set(zip(first["data_points"], first["loss"] - first["loss_sd"], strict=True))
    assert edges >= set(zip(first["data_points"], first["loss"] + first["loss_sd"], strict=True))


@pytest.mark.parametrize("name", sorted(set(parts.FIGURES) - {"figure_model_size"}))
def test_no_label_is_clipped_or_touches_another(rows: dict[str, pd.DataFrame], name: str) -> None:
    figure = parts.figure(name, rows)
    figure.draw_without_rendering()
    page = figure.bbox
    for axes in figure.axes:
        texts = [*axes.texts, *shown_ticks(axes.xaxis), *shown_ticks(axes.yaxis), axes.title]
        boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
        for box in boxes:
            assert page.x0 <= box.x0
            assert box.x1 <= page.x1
            assert page.y0 <= box.y0
            assert box.y1 <= page.y1
        ends = [text.get_window_extent() for text in axes.texts if "=" in text.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(ends) for b in ends[:i])


def shown_ticks(axis: object) -> list[object]:
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


def test_a_fit_of_one_step_has_no_surface_and_says_so(rows: dict[str, pd.DataFrame]) -> None:
    surface = rows["figure_iso_loss"]
    one = surface[surface["pretrain_steps"] == surface["pretrain_steps"].min()]
    figure = figures.law.iso_loss(one, COLOURS)
    assert {text.get_text() for text in figure_texts(figure)} == {"no round loss inside the window"}
