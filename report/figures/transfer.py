"""Effective data: what pre-training is worth in data points from scratch (Hernandez et al. 2021)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.panels import POINTS, STEPS, label_lines, panels, series_label

BOUND = {"at least": "^", "at most": "v"}


def transferred(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Effective data transferred (left) and the multiplier (right) against steps, a line for each number of
    data points; or, where all models were pre-trained as long, against data points, a line for each model.

    Rows of `data_transferred`. Filled points are read from the measured from-scratch curve, hollow ones from
    its law beyond its end; triangles are bounds where there is neither. Below a multiplier of one pre-
    training hurts (ossification), and nothing is transferred: such points are crosses at the left panel's
    foot.
    """
    of_models = rows["pretrain_steps"].nunique() == 1
    x, across = ("data_points", "size") if of_models else ("pretrain_steps", "data_points")
    if of_models:
        in_order = rows.sort_values(["n_params_non_embedding", "model"])["model"].unique()
        rows = rows.assign(size=pd.Categorical(rows["model"], in_order, ordered=True), model="")
    shown = list(panels(rows, colours))
    with style.applied():
        height = min(2.15 * len(shown) + 0.2, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(shown), 2, squeeze=False)
        for (title, of_panel), (left, right) in zip(shown, grid, strict=True):
            known = _with_bounds(of_panel)
            colour = colours[of_panel["dataset"].iloc[0]]
            left.set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title)
            for axes, value in ((left, "transferred"), (right, "multiple")):
                axes.set(xscale="log", yscale="log")
                style.log_ticks(axes.xaxis, of_panel[x])
                _lines(axes, known, (x, value), across, colour)
                _ticks(axes)
            _ossified(left, right, known, x)
        grid[0][0].set_ylabel("data points transferred $D_T$")
        grid[0][1].set_ylabel("multiplier $D_E/D_F$")
        for axes in grid[-1]:
            axes.set_xlabel(POINTS if of_models else STEPS)
        label_lines(figure)
    return figure


def _with_bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds what is drawn: effective data or the bound on them, and what follows from either."""
    bound = rows["at_least_points"].astype(float).fillna(rows["at_most_points"].astype(float))
    effective = rows["effective_points"].fillna(bound)
    return rows.assign(
        bound=np.where(
            rows["effective_points"].notna(),
            "",
            np.where(rows["at_least_points"].notna(), "at least", "at most"),
        ),
        multiple=effective / rows["data_points"],
        transferred=effective - rows["data_points"],
    )


def _lines(axes: Axes, rows: pd.DataFrame, along: tuple[str, str], across: str, colour: str) -> None:
    x, y = along
    values = sorted(rows[across].unique(), key=list(rows[across].sort_values()).index)
    named = style.chosen(range(len(values)), 6)
    for i, (one, shade) in enumerate(zip(values, style.shades(colour, len(values)), strict=True)):
        line = rows[(rows[across] == one) & (rows[y] > 0)].sort_values(x)
        label = series_label(across, one) if across == "data_points" else str(one)
        axes.plot(
            line[x],
            line[y],
            color=shade,
            linewidth=0.7,
            linestyle=(0, (1, 2)),
            label=label if i in named else None,
        )
        read = line[line["bound"] == ""]
        axes.plot(read[x], read[y], color=shade, linewidth=0.9)
        style.points(axes, read[x], read[y], read["reading"] == "interpolated", shade)
        for bound, marker in BOUND.items():
            of_bound = line[line["bound"] == bound]
            axes.plot(
                of_bound[x],
                of_bound[y],
                linestyle="none",
                marker=marker,
                color=shade,
                markerfacecolor="white",
                markersize=4.2,
                gid=bound,
            )


def _ticks(axes: Axes) -> None:
    low, high = axes.get_ylim()
    if high < 5 * low:
        style.loss_ticks(axes.yaxis)
    else:
        style.round_ticks(axes.yaxis, low, high)


def _ossified(left: Axes, right: Axes, rows: pd.DataFrame, x: str) -> None:
    """The zone below a multiplier of one, and what lies in it where a logarithm cannot show it."""
    right.set_ylim(bottom=min(0.8, right.get_ylim()[0]))
    low = right.get_ylim()[0]
    right.axhspan(low, 1, color=style.MUTED, alpha=0.12, linewidth=0, gid="ossification")
    right.set_ylim(bottom=low)
    hurt = rows[rows["ossified"].fillna(False).astype(bool)]
    if len(hurt):
        left.plot(
            hurt[x],
            np.zeros(len(hurt)),
            linestyle="none",
            marker="x",
            color=style.INK,
            transform=left.get_xaxis_transform(),
            clip_on=False,
            gid="ossified",
        )
