"""What the fits leave over."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.overlaid import Series, by_dataset, key
from report.figures.panels import POINTS, STEPS

FITTED = "fitted loss (nats)"
QUANTILE = "normal quantile"


def residuals(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Residuals against the fitted loss, steps and data points with their means, and normal quantiles.

    Rows of `figure_residuals`, one per experiment fitted; in per cent of the loss. A ring is around the most
    influential experiment of each fit.
    """
    datasets = list(by_dataset(rows, colours))
    with style.applied():
        height = min(1.65 * len(datasets) + 0.4, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, wspace=0.03)
        grid = figure.subplots(len(datasets), 4, sharey="row", squeeze=False)
        for (title, series), row in zip(datasets, grid, strict=True):
            row[0].set_title(title)
            everything = pd.concat([one.rows for one in series])
            for axes in row:
                axes.axhline(0, color=style.MUTED, linewidth=0.7)
            for one in series:
                for axes, x, mean in zip(
                    row,
                    ("fitted", "pretrain_steps", "data_points", "normal_quantile"),
                    (None, "mean_at_steps", "mean_at_points", None),
                    strict=True,
                ):
                    _against(axes, one, x, mean)
                _normal_line(row[3], one)

            row[0].xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
            for axes, x in zip(row[1:3], ("pretrain_steps", "data_points"), strict=True):
                axes.set_xscale("log")
                style.log_ticks(axes.xaxis, everything[x], n=3)
            reach = 1.12 * 100 * float(everything["residual"].abs().max())
            row[0].set_ylim(-reach, reach)
            key(row[3], series)
        for axes, label in zip(grid[-1], (FITTED, STEPS, POINTS, QUANTILE), strict=True):
            axes.set_xlabel(label)
        figure.supylabel("residual (% of the loss)")
    return figure


def _against(axes: Axes, series: Series, x: str, mean: str | None) -> None:
    rows = series.rows.sort_values(x)
    axes.plot(rows[x], 100 * rows["residual"], "o", color=series.colour, markersize=2.2, alpha=0.8)
    most = rows[rows["most_influential"]]
    axes.plot(most[x], 100 * most["residual"], "o", color=style.INK, markersize=6, markerfacecolor="none")
    if mean:
        means = rows.drop_duplicates(x)
        axes.plot(means[x], 100 * means[mean], color=series.colour, linewidth=1.1)


def _normal_line(axes: Axes, series: Series) -> None:
    """Where a normal distribution with the residuals' own quartiles would lie."""
    rows = series.rows.sort_values("normal_quantile")
    residual, quantile = 100 * rows["residual"], rows["normal_quantile"]
    (y1, y2), (x1, x2) = (np.quantile(values, [0.25, 0.75]) for values in (residual, quantile))
    slope = (y2 - y1) / (x2 - x1)
    ends = np.array([quantile.min(), quantile.max()])
    axes.plot(ends, y1 + slope * (ends - x1), color=series.colour, linewidth=0.9, linestyle=(0, (3, 2)))
