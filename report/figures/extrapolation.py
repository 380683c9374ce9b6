"""What the law says of what it has not seen."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.overlaid import by_dataset, key


def extrapolation(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Predicted against measured loss of the experiments above both medians, with each prediction's band.

    Rows of `figure_extrapolation`, one per experiment held out; a perfect prediction lies on the line.
    """
    datasets = list(by_dataset(rows, colours))
    with style.applied():
        figure, grid = style.small_multiples(len(datasets), height=2.3)
        for (title, series), axes in zip(datasets, grid, strict=True):
            everything = pd.concat([one.rows for one in series])
            low, high = _range(everything)
            axes.plot([low, high], [low, high], color=style.MUTED, linewidth=0.9)
            for one in series:
                of_fit = one.rows
                axes.vlines(
                    of_fit["loss"],
                    of_fit["lower"],
                    of_fit["upper"],
                    color=one.colour,
                    alpha=0.35,
                    linewidth=1.6,
                )
                axes.plot(of_fit["loss"], of_fit["predicted"], "o", color=one.colour)
            _square(axes, low, high)
            axes.set_title(title)
            key(axes, series, loc="lower right")
        figure.supxlabel("measured loss (nats per token)")
        figure.supylabel("predicted loss (nats per token)")
    return figure


def _range(rows: pd.DataFrame) -> tuple[float, float]:
    """Of the losses and their predictions, with some room; a band may be wider than the panel."""
    ends = rows[["loss", "predicted"]].to_numpy(float)
    room = 0.15 * float(np.ptp(ends)) or 0.1
    return float(ends.min()) - room, float(ends.max()) + room


def _square(axes: Axes, low: float, high: float) -> None:
    axes.set(xlim=(low, high), ylim=(low, high))
    ticks = mpl.ticker.MaxNLocator(4, steps=(1, 2, 2.5, 5, 10)).tick_values(low, high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(mpl.ticker.FixedLocator([tick for tick in ticks if low <= tick <= high]))
        axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
