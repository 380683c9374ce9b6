"""The one look of the report's figures: sizes, colours, log axes and labels.

Sizes are inches at which a figure is read, so that an 8-point label is 8 points on paper.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

COLUMN_WIDTH = 6.5
PAGE_HEIGHT = 8.4
LABEL_WIDTH = 24  # letters beside the end of a line; of a longer name both ends
LABEL_HALF = 11

# Okabe and Ito's colours, apart also for the colour-blind, without the yellow that white swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK = "#222222"
MUTED = "#6b6b6b"
SCRATCH = "#222222"

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "figure.labelsize": 8,
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.6,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
    "svg.hashsalt": "transfer-laws",
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def applied() -> AbstractContextManager[None]:
    """The style, for as long as a figure is being drawn."""
    return mpl.rc_context(_RC)


def palette(datasets: Sequence[str]) -> dict[str, str]:
    """One colour per dataset, by its place in the study: the same in every figure of a report."""
    return {dataset: PALETTE[i % len(PALETTE)] for i, dataset in enumerate(datasets)}


def shades(colour: str, n: int) -> list[tuple[float, float, float]]:
    """n colours from a pale to a dark version of one, for an ordered series."""
    pale = 0.6 * np.array(to_rgb(colour)) + 0.4
    dark = 0.55 * np.array(to_rgb(colour))
    middle = np.array(to_rgb(colour))
    if n == 1:
        return [tuple(middle)]
    knots = np.stack([pale, middle, dark])
    at = np.linspace(0, 2, n)
    return [tuple(np.array([np.interp(t, (0, 1, 2), knots[:, channel]) for channel in range(3)])) for t in at]


def small_multiples(n: int, *, columns: int = 3, height: float = 2.3) -> tuple[Figure, list[Axes]]:
    """A figure of the column's width with n panels, row by row, and no empty ones."""
    columns = min(n, columns)
    rows = -(-n // columns)
    # A lone panel as wide as the column reads worse than a smaller one.
    width = COLUMN_WIDTH if columns > 1 else 0.62 * COLUMN_WIDTH
    figure = Figure(figsize=(width, height * rows + 0.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.06)
    grid = figure.add_gridspec(rows, columns)
    return figure, [figure.add_subplot(grid[i // columns, i % columns]) for i in range(n)]


def compact(value: float) -> str:
    """A number as a tick shows it: 0.01, 64, 1,024, 2k, 143k."""
    if value < 10 and value % 1:
        return f"{value:g}"
    if value >= 1_000 and value % 1_000 == 0:
        return f"{value / 1_000:,.0f}k"
    if value >= 10_000:
        return f"{value / 1_000:,.3g}k"
    return f"{value:,.0f}"


def thinned(values: Iterable[float], n: int) -> list[float]:
    """At most about n of the values, well apart on a log scale, the first and last among them."""
    ordered = sorted(set(values))
    if len(ordered) <= 2:
        return ordered
    gap = (np.log(ordered[-1]) - np.log(ordered[0])) / max(n - 1, 1) * 0.85
    kept = [ordered[0]]
    for value in ordered[1:-1]:
        if np.log(value / kept[-1]) >= gap and np.log(ordered[-1] / value) >= gap:
            kept.append(value)
    return [*kept, ordered[-1]]


def chosen(values: Iterable[float], n: int) -> list[float]:
    """n of the values, evenly spaced by rank, the first and last among them; all where there are no more."""
    ordered = sorted(set(values))
    if len(ordered) <= n:
        return ordered
    return [ordered[i] for i in np.unique(np.linspace(0, len(ordered) - 1, n).round().astype(int))]


def log_ticks(axis: mpl.axis.Axis, values: Iterable[float], *, n: int = 5) -> None:
    """Ticks at the study's own values, labelled in full, with none in between."""
    ticks = thinned(values, n)
    axis.set_major_locator(mpl.ticker.FixedLocator(ticks))
    axis.set_major_formatter(mpl.ticker.FixedFormatter([compact(tick) for tick in ticks]))
    axis.set_minor_locator(mpl.ticker.NullLocator())


def round_ticks(axis: mpl.axis.Axis, low: float, high: float) -> None:
    """Round ticks between two values, where the axis shows no measured values of its own."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        ticks = [t for t in np.outer(decades, multiples).ravel() if low <= t <= high]
        if len(ticks) <= 4:
            break
    axis.set_major_locator(mpl.ticker.FixedLocator(ticks))
    axis.set_major_formatter(mpl.ticker.FixedFormatter([compact(tick) for tick in ticks]))
    axis.set_minor_locator(mpl.ticker.NullLocator())


def loss_ticks(axis: mpl.axis.Axis) -> None:
    """Round losses, few enough to read, on a log axis."""
    axis.set_major_locator(mpl.ticker.MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(mpl.ticker.NullLocator())


def round_losses(low: float, high: float, n: int = 5) -> list[float]:
    """A few round losses between two."""
    ticks = mpl.ticker.MaxNLocator(n, steps=(1, 2, 2.5, 5, 10)).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]


def scratch_position(steps: Iterable[float]) -> float:
    """Where on a log axis of steps the random initialisation (0 steps) is drawn: left of the first step."""
    positive = sorted({step for step in steps if step > 0})
    spread = np.log(positive[-1] / positive[0]) if len(positive) > 1 else np.log(4.0)
    return float(positive[0] / np.exp(max(0.16 * spread, np.log(2.0))))


def steps_axis(axes: Axes, steps: Iterable[float], *, n: int = 5) -> None:
    """A log axis of pre-training steps; 0, where the study has it, stands apart behind a dotted rule."""
    steps = list(steps)
    positive = [step for step in steps if step > 0]
    axes.set_xscale("log")
    log_ticks(axes.xaxis, positive, n=n)
    if 0 in steps:
        left = scratch_position(steps)
        ticks = thinned(positive, n)
        axes.xaxis.set_major_locator(mpl.ticker.FixedLocator([left, *ticks]))
        axes.xaxis.set_major_formatter(mpl.ticker.FixedFormatter(["0", *map(compact, ticks)]))
        axes.axvline(np.sqrt(left * positive[0]), color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))


def points(
    axes: Axes, x: Sequence[float], y: Sequence[float], filled: Sequence[bool], colour: object
) -> None:
    """Measured losses: filled inside the fitted window, hollow outside."""
    x, y, filled = np.asarray(x, float), np.asarray(y, float), np.asarray(filled, bool)
    for inside, face in ((filled, colour), (~filled, "white")):
        # An empty line that is not clipped has no extent, which constrained layout cannot place.
        if inside.any():
            axes.plot(
                x[inside],
                y[inside],
                linestyle="none",
                marker="o",
                color=colour,
                markerfacecolor=face,
                markeredgewidth=0.9,
                zorder=3,
                clip_on=False,
            )


def end_labels(
    axes: Axes, labels: Mapping[str, tuple[float, float, object]], *, gap_points: float = 8.0
) -> None:
    """Writes each label right of the end of its line (x, y, colour), moved apart where they would touch."""
    figure = axes.get_figure()
    to_points = 72 / figure.dpi
    placed = sorted(labels.items(), key=lambda item: item[1][1])
    heights = [axes.transData.transform((x, y))[1] * to_points for _, (x, y, _) in placed]
    wanted = np.array(heights)
    for _ in range(200):
        gaps = np.diff(wanted)
        short = np.flatnonzero(gaps < gap_points - 1e-6)
        if not len(short):
            break
        for i in short:
            push = (gap_points - (wanted[i + 1] - wanted[i])) / 2
            wanted[i] -= push
            wanted[i + 1] += push
    # Not over the axis below: whoever would lie lower is moved up, and those above with it.
    lowest = axes.get_window_extent().y0 * to_points + gap_points / 2
    for i in range(len(wanted)):
        wanted[i] = max(wanted[i], lowest if i == 0 else wanted[i - 1] + gap_points)
    for (text, (x, y, colour)), was, now in zip(placed, heights, wanted, strict=True):
        axes.annotate(
            text
            if len(text) <= LABEL_WIDTH
            else f"{text[:LABEL_HALF].rstrip()}…{text[-LABEL_HALF:].lstrip()}",
            (x, y),
            xytext=(6, now - was),
            textcoords="offset points",
            va="center",
            ha="left",
            fontsize=7,
            color=tuple(0.75 * np.array(to_rgb(colour))),
            annotation_clip=False,
        )
