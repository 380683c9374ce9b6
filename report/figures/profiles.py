"""How sharply the data tell each parameter."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.figures.overlaid import Series, by_dataset, key

PARAMETERS = {"A": "$A$", "G": "$G$", "alpha": r"$\alpha$", "beta": r"$\beta$", "E": "$E$"}
TALLEST = 2.5  # times the threshold


def profiles(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """The deviance over each parameter's values, as a multiple of the threshold at which its interval ends.

    Rows of `figure_profiles`, one per parameter and value. Where a dataset has one fit, its interval is
    shaded.
    """
    datasets = list(by_dataset(rows, colours))
    with style.applied():
        height = min(1.4 * len(datasets) + 0.4, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, wspace=0.03)
        grid = figure.subplots(len(datasets), len(PARAMETERS), sharey=True, squeeze=False)
        for (title, series), row in zip(datasets, grid, strict=True):
            row[0].set_title(title)
            for axes, parameter in zip(row, PARAMETERS, strict=True):
                _profile(axes, series, parameter)
            key(row[-1], series)
        for axes, symbol in zip(grid[-1], PARAMETERS.values(), strict=True):
            axes.set_xlabel(symbol)
        figure.supylabel("deviance / threshold")
    return figure


def _profile(axes: Axes, series: list[Series], parameter: str) -> None:
    axes.axhline(1, color=style.MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
    axes.set_ylim(0, TALLEST)
    axes.set_yticks([0, 1, 2])
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ends = []
    for one in series:
        rows = one.rows[one.rows["parameter"] == parameter].sort_values("value")
        if rows.empty:
            continue
        first = rows.iloc[0]
        axes.plot(rows["value"], rows["deviance"] / first["cut"], color=one.colour)
        axes.plot([first["estimate"]], [0], "o", color=one.colour, clip_on=False, zorder=3)
        ends += _shown(rows)
        if len(series) == 1:
            low = rows["value"].min() if pd.isna(first["lower"]) else first["lower"]
            high = rows["value"].max() if pd.isna(first["upper"]) else first["upper"]
            axes.axvspan(low, high, color=one.colour, alpha=0.13, linewidth=0)
            if first["status"] != "identified":
                axes.text(
                    0.5, 0.97, first["status"], transform=axes.transAxes, ha="center", va="top", fontsize=6.5
                )
    if not ends:
        axes.text(0.5, 0.5, "not profiled", transform=axes.transAxes, ha="center", fontsize=6.5)
        axes.set_xticks([])
    elif max(ends) > min(ends):
        axes.set_xlim(min(ends), max(ends))


def _shown(rows: pd.DataFrame) -> list[float]:
    """Where the profile passes the top of the panel, on either side.

    Where it does not, thrice as far as on the other side, but past the end of the interval and not past the
    values profiled.
    """
    value, deviance = rows["value"].to_numpy(), (rows["deviance"] / rows["cut"]).to_numpy()
    at = int(deviance.argmin())
    ends = [_passed(value[at::-1], deviance[at::-1]), _passed(value[at:], deviance[at:])]
    known = [abs(end - value[at]) for end in ends if end is not None]
    reach = 3 * max(known) if known else float(np.ptp(value))
    for side, (sign, name) in enumerate(((-1, "lower"), (1, "upper"))):
        if ends[side] is None:
            needed = abs(rows[name].iloc[0] - value[at]) if pd.notna(rows[name].iloc[0]) else 0.0
            end = value[at] + sign * max(reach, 1.3 * needed)
            ends[side] = float(np.clip(end, value.min(), value.max()))
    return ends


def _passed(value: np.ndarray, deviance: np.ndarray) -> float | None:
    """Where the deviance, followed from its minimum, passes the top of the panel."""
    above = np.flatnonzero(deviance > TALLEST)
    if not above.size:
        return None
    i = int(above[0])
    return float(np.interp(TALLEST, deviance[i - 1 : i + 1], value[i - 1 : i + 1]))
