"""The transfer gap against model size."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style

QUANTITIES = {
    "gap": "$G$ (nats·point$^\\beta$)",
    "gap at the most data": "$G\\,f^{-\\beta}$ (nats per token)",
}


def gaps(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """G (left) and what it adds to the loss at the most data (right) against model size, with 95 % intervals.

    Rows of `figure_model_size`, one per model and quantity; a row of panels per dataset, and method where
    there are several. The line is least squares over the models; hollow where G is not identified.
    """
    several = rows["method"].nunique() > 1
    place = {dataset: i for i, dataset in enumerate(colours)}
    shown = sorted(rows.groupby(["dataset", "method"]), key=lambda item: (place[item[0][0]], item[0][1]))
    with style.applied():
        height = min(2.1 * len(shown) + 0.3, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        grid = figure.subplots(len(shown), 2, squeeze=False)
        for ((dataset, method), of_panel), line in zip(shown, grid, strict=True):
            title = f"{dataset}, {method}" if several else dataset
            line[0].set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title)
            for axes, (quantity, label) in zip(line, QUANTITIES.items(), strict=True):
                _gap(
                    axes, of_panel[of_panel["quantity"] == quantity].sort_values("n_params"), colours[dataset]
                )
                axes.set_ylabel(label)
        for axes in grid[-1]:
            axes.set_xlabel("parameters outside the embeddings")
    return figure


def _gap(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    size = rows["n_params"].to_numpy(float)
    estimate = rows["estimate"].to_numpy(float)
    axes.vlines(size, rows["lower"], rows["upper"], color=colour, alpha=0.35, linewidth=3)
    style.points(axes, size, estimate, rows["status"] == "identified", colour)
    centre = np.log10(size) - np.log10(size).mean()
    axes.plot(size, estimate.mean() + rows["slope"].iloc[0] * centre, color=colour, linewidth=1.0)
    axes.set_xscale("log")
    style.log_ticks(axes.xaxis, size, n=5)
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: _parameters(value)))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.12)


def _parameters(n: float) -> str:
    """A number of parameters as a tick shows it: 62k, 410M, 2.8B."""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if n >= unit:
            return f"{n / unit:.3g}{letter}"
    return f"{n:g}"
