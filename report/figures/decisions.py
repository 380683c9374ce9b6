"""What the fitted law says about spending."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from report import style
from report.figures.panels import label_lines

GAP = r"transfer gap $G$ assumed (nats · points$^{\beta}$)"
RATIO = "cost of a data point in steps, $C_f/C_p$"
SHARE = "budget share of fine-tuning data"


def allocation(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 2: the best share of a budget for fine-tuning, against the gap (a) and the cost ratio (b).

    Rows of `figure_allocation`: those of the questions `gap` and `cost ratio`, and of `budget`, whose share
    is marked on both lines, hollow where the gap is not identified. Lines are thin and dashed where the best
    steps or data points lie outside what was fitted.
    """
    of_models = list(rows.groupby(["model", "method"], sort=True))
    with style.applied():
        height = min(2.6 * len(of_models) + 0.2, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(of_models), 2, sharey=True, squeeze=False)
        for ((model, method), of_model), (left, right) in zip(of_models, grid, strict=True):
            _shares(left, of_model[of_model["question"] == "gap"], "gap", colours)
            _shares(right, of_model[of_model["question"] == "cost ratio"], "cost_ratio", colours)
            for row in of_model[of_model["question"] == "budget"].itertuples():
                identified = row.fitted_gap_status != "not identified"
                colour = colours[row.dataset]
                if left.get_xlim()[0] <= row.fitted_gap <= left.get_xlim()[1]:
                    style.points(left, [row.fitted_gap], [row.share], [identified], colour)
                style.points(right, [row.cost_ratio], [row.share], [identified], colour)
            left.set_title("a" if len(of_models) == 1 else f"a  {model}, {method}")
            right.set_title("b")
            for line in left.get_lines():
                line.set_label("_")
            left.set_ylim(0, 1)
            left.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
            left.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        for axes, label in zip(grid[-1], (GAP, RATIO), strict=True):
            axes.set_xlabel(label)
        figure.supylabel(SHARE)
        label_lines(figure)
    return figure


def _shares(axes: Axes, rows: pd.DataFrame, x: str, colours: Mapping[str, str]) -> None:
    axes.set_xscale("log")
    for dataset in (dataset for dataset in colours if (rows["dataset"] == dataset).any()):
        line = rows[rows["dataset"] == dataset].sort_values(x)
        at, share = line[x].to_numpy(float), line["share"].to_numpy(float)
        colour = colours[dataset]
        axes.fill_between(
            at,
            line["share_lower"].to_numpy(float),
            line["share_upper"].to_numpy(float),
            color=colour,
            alpha=0.14,
            linewidth=0,
        )
        name = f"{dataset} (stale fit)" if line["stale"].any() else dataset
        axes.plot(at, share, color=colour, linewidth=0.8, linestyle=(0, (3, 2)), label=name)
        inside = np.where(line["extrapolated"].to_numpy(bool), np.nan, share)
        axes.plot(at, inside, color=colour, linewidth=1.6, gid="inside")
    if len(rows):
        axes.set_xlim(rows[x].min(), rows[x].max())
        style.round_ticks(axes.xaxis, rows[x].min(), rows[x].max())
