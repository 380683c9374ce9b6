"""What was measured, before any law."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.panels import LOSS, POINTS, STEPS, label_lines, panels, series_label


def losses(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 5: the measured losses, against steps (left) and against data points (right), a row per dataset.

    Rows of `figure_losses`, one per experiment. Where seeds were averaged, a band shows their deviation.
    """
    shown = list(panels(rows, colours))
    with style.applied():
        height = min(2.15 * len(shown) + 0.1, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(shown), 2, sharey="row", squeeze=False)
        for (title, of_panel), (left, right) in zip(shown, grid, strict=True):
            colour = colours[of_panel["dataset"].iloc[0]]
            _against(left, of_panel, "pretrain_steps", "data_points", colour)
            _against(right, of_panel, "data_points", "pretrain_steps", colour)
            left.set_title(title)
            right.tick_params(labelleft=False)
        for axes, label in zip(grid[-1], (STEPS, POINTS), strict=True):
            axes.set_xlabel(label)
        figure.supylabel(LOSS)
        label_lines(figure)
    return figure


def epochs(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 8: epochs until runs stopped, against steps (left) and data points (right), all datasets.

    Rows of `figure_epochs`: medians, and as a band the middle half of the experiments.
    """
    of_models = list(rows.groupby(["model", "method"], sort=True))
    with style.applied():
        height = min(2.5 * len(of_models) + 0.2, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(of_models), 2, sharey=True, squeeze=False)
        for ((model, method), of_model), pair in zip(of_models, grid, strict=True):
            for axes, variable in zip(pair, ("pretrain_steps", "data_points"), strict=True):
                of_variable = of_model[of_model["variable"] == variable]
                if variable == "pretrain_steps":
                    style.steps_axis(axes, of_variable["value"])
                else:
                    axes.set_xscale("log")
                    style.log_ticks(axes.xaxis, of_variable["value"], n=6)
                _epochs(axes, of_variable, colours, labelled=variable == "data_points")
            pair[0].set_ylim(bottom=0)
            if len(of_models) > 1:
                pair[0].set_title(f"{model}, {method}")
        for axes, label in zip(grid[-1], (STEPS, POINTS), strict=True):
            axes.set_xlabel(label)
        figure.supylabel("epochs until a run stopped")
        label_lines(figure)
    return figure


def _epochs(axes: Axes, rows: pd.DataFrame, colours: Mapping[str, str], *, labelled: bool) -> None:
    for dataset in (dataset for dataset in colours if (rows["dataset"] == dataset).any()):
        line = rows[rows["dataset"] == dataset].sort_values("value")
        at, epochs = line["value"].to_numpy(float), line["epochs"].to_numpy(float)
        inside = at > 0
        if not inside.all():
            at = np.where(inside, at, style.scratch_position(at))
        band = line[["lower", "upper"]].to_numpy(float)[inside].T
        colour = colours[dataset]
        axes.fill_between(at[inside], *band, color=colour, alpha=0.14, linewidth=0)
        axes.plot(at[inside], epochs[inside], color=colour, label=dataset if labelled else None)
        style.points(axes, at, epochs, np.ones(len(at), bool), colour)


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
            label=series_label(series, value) if value in shown else None,
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
