"""The figures of the report: one function each, from the rows of one dbt model to a matplotlib Figure.

`rows` is a pandas DataFrame of one study's rows; `colours` maps each of the study's datasets to its colour
(`style.palette`). Small multiples have a panel per dataset, and per model and method where there are several.
Losses are held-out, nats per token; steps are optimiser steps of pre-training; data points are sequences.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from report import style

ROUND_STEPS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
PANEL = ["dataset", "model", "method"]

STEPS = "pre-training steps $p$"
POINTS = "fine-tuning data points $f$"
LOSS = "held-out loss (nats per token)"


def losses(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 5: the measured losses, against steps (left) and against data points (right), a row per dataset.

    Rows of `figure_losses`, one per experiment. Where seeds were averaged, a band shows their deviation.
    """
    panels = list(_panels(rows, colours))
    with style.applied():
        height = min(2.15 * len(panels) + 0.1, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(panels), 2, sharey="row", squeeze=False)
        for (title, of_panel), (left, right) in zip(panels, grid, strict=True):
            colour = colours[of_panel["dataset"].iloc[0]]
            _against(left, of_panel, "pretrain_steps", "data_points", colour)
            _against(right, of_panel, "data_points", "pretrain_steps", colour)
            left.set_title(title)
            right.tick_params(labelleft=False)
        for axes, label in zip(grid[-1], (STEPS, POINTS), strict=True):
            axes.set_xlabel(label)
        figure.supylabel(LOSS)
        _label_lines(figure)
    return figure


def cross_sections(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 3: loss against steps at a few sizes: measured points, the fitted law and its 95 % band.

    Rows of `figure_cross_sections`, one per size and step that was measured or predicted.
    """
    panels = list(_panels(rows, colours))
    with style.applied():
        figure, grid = style.small_multiples(len(panels), height=2.5)
        for (title, of_panel), axes in zip(panels, grid, strict=True):
            sizes = style.chosen(of_panel.loc[of_panel["loss"].notna(), "data_points"], 4)
            style.steps_axis(axes, of_panel.loc[of_panel["loss"].notna(), "pretrain_steps"], n=4)
            shades = style.shades(colours[of_panel["dataset"].iloc[0]], len(sizes))
            for size, shade in zip(sizes, shades, strict=True):
                _cross_section(axes, of_panel[of_panel["data_points"] == size], size, shade)
            fitted = of_panel[of_panel["fitted"].notna()]
            note = "no fit" if fitted.empty else "stale fit" if fitted["stale"].any() else ""
            axes.set_title(f"{title} ({note})" if note else title)
            axes.set_yscale("log")
            style.loss_ticks(axes.yaxis)
            axes.set_xlabel(STEPS)
        figure.supylabel(LOSS)
        _label_lines(figure)
    return figure


def iso_loss(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 6: lines of equal fitted loss over steps and data points, inside the fitted window.

    Rows of `figure_iso_loss`, one per point of the prediction grid; a panel's rows cover a full grid.
    """
    panels = list(_panels(rows, colours))
    with style.applied():
        figure, grid = style.small_multiples(len(panels), height=2.6)
        for (title, of_panel), axes in zip(panels, grid, strict=True):
            axes.set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title)
            axes.set_xlabel(STEPS)
            _contours(axes, of_panel, colours[of_panel["dataset"].iloc[0]])
        figure.supylabel(POINTS)
    return figure


def iso_levels(surface: pd.DataFrame, n: int = 6) -> np.ndarray:
    """About n round losses: in equal steps, or where the surface flattens, at even distances on its diagonal.

    `surface` has data points as index and steps as columns. A line that would only cut a corner is left out.
    """
    x, y = np.log(surface.columns.to_numpy(float)), np.log(surface.index.to_numpy(float))
    along = np.linspace(0.05, 0.95, 2 * n + 1)[:, None]
    nearest_x = np.abs((x - x[0]) / np.ptp(x) - along).argmin(axis=1)
    nearest_y = np.abs((y - y[0]) / np.ptp(y) - along).argmin(axis=1)
    diagonal = surface.to_numpy(float)[nearest_y, nearest_x]
    low, high = float(diagonal.min()), float(diagonal.max())

    def even(step: float) -> np.ndarray:
        return np.arange(np.ceil(low / step), high / step) * step

    def spread(step: float) -> np.ndarray:
        return np.unique(np.round(diagonal[1::2] / step)) * step

    straight = abs(diagonal[n] - (low + high) / 2) < 0.2 * (high - low)
    rounded = even if straight else spread
    levels = min((rounded(step) for step in ROUND_STEPS), key=lambda levels: abs(len(levels) - n))
    return np.round(levels[(levels > low) & (levels < high)], 6)


def _panels(rows: pd.DataFrame, colours: Mapping[str, str]) -> Iterator[tuple[str, pd.DataFrame]]:
    several = [column for column in PANEL[1:] if rows[column].nunique() > 1]
    in_order = rows.sort_values(
        PANEL, key=lambda column: column.map(list(colours).index) if column.name == "dataset" else column
    )
    for _, of_panel in in_order.groupby(PANEL, sort=False):
        first = of_panel.iloc[0]
        yield ", ".join(str(first[column]) for column in ["dataset", *several]), of_panel


def _against(axes: Axes, rows: pd.DataFrame, x: str, series: str, colour: str) -> None:
    values = sorted(rows[series].unique())
    shades = dict(zip(values, style.shades(colour, len(values)), strict=True))
    position = style.scratch_position(rows["pretrain_steps"]) if x == "pretrain_steps" else None
    if x == "pretrain_steps":
        style.steps_axis(axes, rows[x])
    else:
        axes.set_xscale("log")
        style.log_ticks(axes.xaxis, rows[x], n=6)
    axes.set_yscale("log")
    style.loss_ticks(axes.yaxis)
    shown = set(style.chosen(values, 7 if len(values) <= 7 else 5))
    for value in values:
        line = rows[rows[series] == value].sort_values(x)
        scratch = series == "pretrain_steps" and value == 0
        shade = style.SCRATCH if scratch else shades[value]
        at = line[x].to_numpy(float)
        measured = at > 0
        axes.plot(
            at[measured],
            line["loss"].to_numpy()[measured],
            color=shade,
            linewidth=0.9,
            linestyle=(0, (3, 2)) if scratch else "-",
            label=_series_label(series, value) if value in shown else None,
        )
        if line["loss_sd"].notna().any():
            spread = line["loss_sd"].fillna(0.0)
            axes.fill_between(
                at[measured],
                (line["loss"] - spread).to_numpy()[measured],
                (line["loss"] + spread).to_numpy()[measured],
                color=shade,
                alpha=0.15,
                linewidth=0,
            )
        style.points(axes, np.where(measured, at, position), line["loss"], line["in_fit"], shade)


def _cross_section(axes: Axes, rows: pd.DataFrame, size: float, shade: object) -> None:
    rows = rows.sort_values("pretrain_steps")
    fitted = rows[rows["fitted"].notna()]
    axes.fill_between(
        fitted["pretrain_steps"], fitted["lower"], fitted["upper"], color=shade, alpha=0.22, linewidth=0
    )
    axes.plot(
        fitted["pretrain_steps"],
        fitted["fitted"],
        color=shade,
        gid="fit",
        label=_series_label("data_points", size),
    )
    measured = rows[rows["loss"].notna()]
    at = measured["pretrain_steps"].to_numpy(float)
    if (at == 0).any():
        at = np.where(at > 0, at, style.scratch_position(at))
    style.points(axes, at, measured["loss"], measured["in_fit"], shade)


def _contours(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    surface = rows.pivot(index="data_points", columns="pretrain_steps", values="loss")
    levels = iso_levels(surface) if min(surface.shape) > 1 else np.empty(0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not len(levels):
        axes.text(
            0.5,
            0.5,
            "no round loss inside the window",
            transform=axes.transAxes,
            ha="center",
            color=style.MUTED,
        )
        axes.set(xticks=[], yticks=[])
        return
    lines = axes.contour(
        surface.columns.to_numpy(float),
        surface.index.to_numpy(float),
        surface.to_numpy(float),
        levels=levels,
        colors=style.shades(colour, len(levels))[::-1],
        linewidths=1.2,
    )
    axes.clabel(lines, fmt="%g", fontsize=7, inline_spacing=3, manual=_on_the_diagonal(lines, surface))
    style.round_ticks(axes.xaxis, surface.columns.min(), surface.columns.max())
    style.round_ticks(axes.yaxis, surface.index.min(), surface.index.max())


def _on_the_diagonal(lines: ContourSet, surface: pd.DataFrame) -> list[tuple[float, float]]:
    """Where each line crosses the panel's diagonal: a falling line does so once, and away from the edges."""
    x, y = np.log(surface.columns.to_numpy(float)), np.log(surface.index.to_numpy(float))
    crossings = []
    for segments in lines.allsegs:
        vertices = max(segments, key=len)
        across = (np.log(vertices[:, 0]) - x[0]) / np.ptp(x)
        up = (np.log(vertices[:, 1]) - y[0]) / np.ptp(y)
        crossings.append(tuple(vertices[np.argmin(np.abs(across - up))]))
    return crossings


def _series_label(series: str, value: float) -> str:
    if series == "data_points":
        return f"$f$ = {style.compact(value)}"
    return "from scratch" if value == 0 else f"$p$ = {style.compact(value)}"


def _label_lines(figure: Figure) -> None:
    # Labels are set apart in points, so the axes must have their final scale first.
    figure.draw_without_rendering()
    for axes in figure.axes:
        ends = {
            str(line.get_label()): (
                float(line.get_xdata()[-1]),
                float(line.get_ydata()[-1]),
                line.get_color(),
            )
            for line in axes.get_lines()
            if not str(line.get_label()).startswith("_") and len(line.get_xdata())
        }
        style.end_labels(axes, ends)
