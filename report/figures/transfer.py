"""Effective data: what pre-training is worth in data points from scratch (Hernandez et al. 2021)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.panels import STEPS, label_lines, panels, series_label

BOUND = {"at least": "^", "at most": "v"}


def transferred(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Effective data transferred (left) and the multiplier (right) against steps, a line for each size.

    Rows of `data_transferred`. Filled points are read from the measured from-scratch curve, hollow ones from
    its law beyond its end; triangles are bounds where there is neither. Below a multiplier of one pre-
    training hurts (ossification), and nothing is transferred: such points are crosses at the left panel's
    foot.
    """
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
                style.steps_axis(axes, of_panel["pretrain_steps"])
                axes.set_yscale("log")
                _lines(axes, known, value, colour)
                _ticks(axes)
            _ossified(left, right, known)
        grid[0][0].set_ylabel("data points transferred $D_T$")
        grid[0][1].set_ylabel("multiplier $D_E/D_F$")
        for axes in grid[-1]:
            axes.set_xlabel(STEPS)
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


def _lines(axes: Axes, rows: pd.DataFrame, value: str, colour: str) -> None:
    sizes = sorted(rows["data_points"].unique())
    named = style.chosen(sizes, 6)
    for size, shade in zip(sizes, style.shades(colour, len(sizes)), strict=True):
        line = rows[(rows["data_points"] == size) & (rows[value] > 0)].sort_values("pretrain_steps")
        axes.plot(
            line["pretrain_steps"],
            line[value],
            color=shade,
            linewidth=0.7,
            linestyle=(0, (1, 2)),
            label=series_label("data_points", size) if size in named else None,
        )
        read = line[line["bound"] == ""]
        axes.plot(read["pretrain_steps"], read[value], color=shade, linewidth=0.9)
        style.points(axes, read["pretrain_steps"], read[value], read["reading"] == "interpolated", shade)
        for bound, marker in BOUND.items():
            of_bound = line[line["bound"] == bound]
            axes.plot(
                of_bound["pretrain_steps"],
                of_bound[value],
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


def _ossified(left: Axes, right: Axes, rows: pd.DataFrame) -> None:
    """The zone below a multiplier of one, and what lies in it where a logarithm cannot show it."""
    right.set_ylim(bottom=min(0.8, right.get_ylim()[0]))
    low = right.get_ylim()[0]
    right.axhspan(low, 1, color=style.MUTED, alpha=0.12, linewidth=0, gid="ossification")
    right.set_ylim(bottom=low)
    hurt = rows[rows["ossified"].fillna(False).astype(bool)]
    if len(hurt):
        left.plot(
            hurt["pretrain_steps"],
            np.zeros(len(hurt)),
            linestyle="none",
            marker="x",
            color=style.INK,
            transform=left.get_xaxis_transform(),
            clip_on=False,
            gid="ossified",
        )
