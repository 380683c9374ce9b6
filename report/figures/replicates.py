"""Which parameters trade for one another."""

import textwrap
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.panels import panels

SYMBOLS = {"a": "$A$", "g": "$G$", "alpha": r"$\alpha$", "beta": r"$\beta$", "e": "$E$"}
PARAMETERS = {"A": "$A$", "G": "$G$", "alpha": r"$\alpha$", "beta": r"$\beta$", "E": "$E$"}


def pairs(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Every pair of parameters over the bootstrap replicates of the study's first fit, and each by itself.

    Rows of `figure_replicates`, one per replicate; -1 is the estimate, at the crossing lines. Axes leave out
    the outermost hundredth of replicates, and points are a picture, so that they weigh little.
    """
    title, of_fit = next(panels(rows, colours))
    colour = colours[of_fit["dataset"].iloc[0]]
    estimate = of_fit[of_fit["replicate"] < 0].iloc[0]
    drawn = of_fit[of_fit["replicate"] >= 0]
    names = list(SYMBOLS)
    with style.applied():
        figure = Figure(
            figsize=(style.COLUMN_WIDTH, 0.92 * style.COLUMN_WIDTH), layout="constrained", dpi=220
        )
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.03, hspace=0.03)
        grid = figure.subplots(len(names), len(names), sharex="col", squeeze=False)
        for i, down in enumerate(names):
            for j, across in enumerate(names):
                axes = grid[i, j]
                if j > i:
                    axes.set_axis_off()
                    continue
                if i == j:
                    _by_itself(axes, drawn[across], colour)
                else:
                    axes.plot(
                        drawn[across], drawn[down], ".", color=colour, markersize=3, alpha=0.35,
                        markeredgewidth=0, rasterized=True,
                    )  # fmt: skip
                    axes.axhline(estimate[down], color=style.INK, linewidth=0.6)
                    axes.set_ylim(_limits(drawn[down]))
                    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
                axes.axvline(estimate[across], color=style.INK, linewidth=0.6)
                axes.set_xlim(_limits(drawn[across]))
                axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
                if j or not i:
                    axes.tick_params(labelleft=False)
                else:
                    axes.set_ylabel(SYMBOLS[down])
                if i == len(names) - 1:
                    axes.set_xlabel(SYMBOLS[across])
        stale = " (stale fit)" if of_fit["stale"].any() else ""
        grid[0, 0].set_title(f"{title}{stale}")
    return figure


def correlations(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """The rank correlations of all pairs of parameters, a panel per fit.

    Rows of `figure_correlations`, one per ordered pair; a pair is drawn once.
    """
    shown = list(panels(rows, colours))
    names = list(PARAMETERS)
    with style.applied():
        columns = min(3, max(2, len(shown)))
        lines = -(-len(shown) // columns)
        size = (style.COLUMN_WIDTH, min(1.95 * lines + 0.1, style.PAGE_HEIGHT))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        for (title, of_fit), axes in zip(shown, grid, strict=False):
            known = {(one.one, one.other): one.correlation for one in of_fit.itertuples()}
            table = np.full((len(names) - 1, len(names) - 1), np.nan)
            for i, down in enumerate(names[1:]):
                for j, across in enumerate(names[: i + 1]):
                    table[i, j] = known.get((down, across), np.nan)
            _numbers(axes, table, list(PARAMETERS.values()))
            title = f"{title} (stale fit)" if of_fit["stale"].any() else title
            axes.set_title("\n".join(textwrap.wrap(title, 24)))
    return figure


def _numbers(axes: Axes, table: np.ndarray, symbols: list[str]) -> None:
    # Drawn as squares, not as a picture, to be sharp in the PDF.
    edges = np.arange(len(table) + 1) - 0.5
    axes.pcolormesh(edges, edges, np.ma.masked_invalid(table), cmap="RdBu_r", vmin=-1.3, vmax=1.3)
    for (i, j), value in np.ndenumerate(table):
        if np.isfinite(value):
            text = f"{value:.2f}".replace("-", "−").replace("0.", ".")
            ink = "white" if abs(value) > 0.75 else style.INK
            axes.text(j, i, text, ha="center", va="center", fontsize=7.5, color=ink)
        elif j <= i:
            axes.text(j, i, "–", ha="center", va="center", fontsize=7.5)
    axes.set_xticks(range(len(table)), symbols[:-1])
    axes.set_yticks(range(len(table)), symbols[1:])
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _by_itself(axes: Axes, values: pd.Series, colour: str) -> None:
    low, high = _limits(values)
    axes.hist(values, bins=np.linspace(low, high, 25), color=colour, alpha=0.5)
    axes.set_yticks([])
    axes.grid(visible=False)


def _limits(values: pd.Series) -> tuple[float, float]:
    low, high = (float(end) for end in np.quantile(values, [0.005, 0.995]))
    room = 0.06 * (high - low) or 0.5 * abs(low) or 1.0
    return low - room, high + room
