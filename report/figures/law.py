"""The fitted law beside what was measured."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator
from mpl_toolkits.mplot3d import Axes3D

from report import style
from report.figures.panels import LOSS, POINTS, STEPS, label_lines, panels, series_label

ROUND_STEPS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


def cross_sections(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 3: loss against steps at a few sizes: measured points, the fitted law and its 95 % band.

    Rows of `figure_cross_sections`, one per size and step that was measured or predicted.
    """
    shown = list(panels(rows, colours))
    with style.applied():
        figure, grid = style.small_multiples(len(shown), height=2.5)
        for (title, of_panel), axes in zip(shown, grid, strict=True):
            sizes = style.chosen(of_panel.loc[of_panel["loss"].notna(), "data_points"], 4)
            style.steps_axis(axes, of_panel.loc[of_panel["loss"].notna(), "pretrain_steps"], n=4)
            shades = style.shades(colours[of_panel["dataset"].iloc[0]], len(sizes))
            for size, shade in zip(sizes, shades, strict=True):
                _cross_section(axes, of_panel[of_panel["data_points"] == size], size, shade)
            fitted = of_panel[of_panel["fitted"].notna()]
            note = "no fit" if fitted.empty else "stale fit" if fitted["stale"].any() else ""
            axes.set_title(f"{title} ({note})" if note else title)
            axes.set_yscale("log")
            style.loss_ticks(axes.yaxis)
            axes.set_xlabel(STEPS)
        figure.supylabel(LOSS)
        label_lines(figure)
    return figure


def exchange(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 1: lines of equal fitted loss on the study's first dataset, as `iso_loss` draws them on all."""
    title, of_panel = next(panels(rows, colours))
    with style.applied():
        figure = Figure(figsize=(0.72 * style.COLUMN_WIDTH, 3.1), layout="constrained")
        axes = figure.subplots()
        axes.set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title)
        axes.set(xlabel=STEPS, ylabel=POINTS)
        _contours(axes, of_panel, colours[of_panel["dataset"].iloc[0]], lines=9)
    return figure


def surface(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 4: the fitted law as a surface over steps and data points, with the losses; logarithmic axes.

    Rows of `figure_surface`, one per point of the prediction grid. A measured loss is tied to the surface.
    """
    shown = list(panels(rows, colours))
    columns = min(len(shown), 3)
    lines = -(-len(shown) // columns)
    with style.applied():
        height = min(2.25 * lines, style.PAGE_HEIGHT)
        figure = Figure(figsize=(style.COLUMN_WIDTH if columns > 1 else 3.2, height))
        figure.subplots_adjust(left=0.02, right=0.98, bottom=0.05, top=0.98, wspace=0.12, hspace=0.1)
        for place, (title, of_panel) in enumerate(shown, start=1):
            axes = figure.add_subplot(lines, columns, place, projection="3d")
            axes.set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title, y=0.96)
            _surface(axes, of_panel, colours[of_panel["dataset"].iloc[0]])
    return figure


def iso_loss(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 6: lines of equal fitted loss over steps and data points, inside the fitted window.

    Rows of `figure_iso_loss`, one per point of the prediction grid; a panel's rows cover a full grid.
    """
    shown = list(panels(rows, colours))
    with style.applied():
        figure, grid = style.small_multiples(len(shown), height=2.6)
        for (title, of_panel), axes in zip(shown, grid, strict=True):
            axes.set_title(f"{title} (stale fit)" if of_panel["stale"].any() else title)
            axes.set_xlabel(STEPS)
            _contours(axes, of_panel, colours[of_panel["dataset"].iloc[0]])
        figure.supylabel(POINTS)
    return figure


def iso_levels(surface: pd.DataFrame, n: int = 6) -> np.ndarray:
    """About n round losses: in equal steps, or where the surface flattens, at even distances on its diagonal.

    `surface` has data points as index and steps as columns. A line that would only cut a corner is left out.
    """
    x, y = np.log(surface.columns.to_numpy(float)), np.log(surface.index.to_numpy(float))
    along = np.linspace(0.05, 0.95, 2 * n + 1)[:, None]
    nearest_x = np.abs((x - x[0]) / np.ptp(x) - along).argmin(axis=1)
    nearest_y = np.abs((y - y[0]) / np.ptp(y) - along).argmin(axis=1)
    diagonal = surface.to_numpy(float)[nearest_y, nearest_x]
    low, high = float(diagonal.min()), float(diagonal.max())

    def even(step: float) -> np.ndarray:
        return np.arange(np.ceil(low / step), high / step) * step

    def spread(step: float) -> np.ndarray:
        return np.unique(np.round(diagonal[1::2] / step)) * step

    straight = abs(diagonal[n] - (low + high) / 2) < 0.2 * (high - low)
    rounded = even if straight else spread
    levels = min((rounded(step) for step in ROUND_STEPS), key=lambda levels: abs(len(levels) - n))
    return np.round(levels[(levels > low) & (levels < high)], 6)


def _cross_section(axes: Axes, rows: pd.DataFrame, size: float, shade: object) -> None:
    rows = rows.sort_values("pretrain_steps")
    fitted = rows[rows["fitted"].notna()]
    axes.fill_between(
        fitted["pretrain_steps"], fitted["lower"], fitted["upper"], color=shade, alpha=0.22, linewidth=0
    )
    axes.plot(
        fitted["pretrain_steps"],
        fitted["fitted"],
        color=shade,
        gid="fit",
        label=series_label("data_points", size),
    )
    measured = rows[rows["loss"].notna()]
    at = measured["pretrain_steps"].to_numpy(float)
    if (at == 0).any():
        at = np.where(at > 0, at, style.scratch_position(at))
    style.points(axes, at, measured["loss"], measured["in_fit"], shade)


def _surface(axes: Axes3D, rows: pd.DataFrame, colour: str) -> None:
    # mplot3d has no logarithmic axes: it is given logarithms, and ticks that say what they are of.
    fitted = rows.pivot(index="data_points", columns="pretrain_steps", values="fitted")
    steps, points = fitted.columns.to_numpy(float), fitted.index.to_numpy(float)
    x, y = np.meshgrid(np.log(steps), np.log(points))
    axes.plot_surface(
        x,
        y,
        np.log(fitted.to_numpy(float)),
        rcount=18,
        ccount=18,
        color=colour,
        alpha=0.3,
        edgecolor=colour,
        linewidth=0.25,
        shade=False,
    )
    measured = rows[rows["loss"].notna()]
    # Runs may have gone since the fit.
    told = measured if len(measured) else rows
    at = np.log(measured[["pretrain_steps", "data_points", "loss", "fitted"]].to_numpy(float))
    for p, f, loss, fit in at:
        axes.plot([p, p], [f, f], [fit, loss], color=style.INK, linewidth=0.5)
    axes.plot(
        at[:, 0],
        at[:, 1],
        at[:, 2],
        linestyle="none",
        marker="o",
        markersize=2.2,
        color=0.7 * np.array(to_rgb(colour)),
        gid="measured",
    )
    losses = np.concatenate([fitted.to_numpy(float).ravel(), measured["loss"]])
    for axis, ticks in (
        (axes.xaxis, _short_of_the_corner(told["pretrain_steps"])),
        (axes.yaxis, _short_of_the_corner(told["data_points"])),
        (axes.zaxis, style.round_losses(losses.min(), losses.max())),
    ):
        axis.set_major_locator(FixedLocator(np.log(ticks)))
        axis.set_major_formatter(FixedFormatter([style.compact(tick) for tick in ticks]))
        axis.pane.set_visible(False)
    axes.set_xlabel("steps $p$", labelpad=-6, fontsize=7)
    axes.set_ylabel("data points $f$", labelpad=-6, fontsize=7)
    axes.text2D(0.0, 0.8, "loss", transform=axes.transAxes, fontsize=7)
    axes.tick_params(pad=-3, labelsize=6.5)
    axes.view_init(elev=20, azim=40)
    axes.set_box_aspect((1.25, 1.25, 1), zoom=0.9)


def _short_of_the_corner(values: pd.Series) -> list[float]:
    """Three of the values, even on a log scale, none so large that it meets the other axis's labels."""
    own = np.unique(values.to_numpy(float))
    wanted = np.log(own[0]) + np.array([0, 0.4, 0.8]) * np.log(own[-1] / own[0])
    return [float(own[i]) for i in np.unique(np.abs(np.log(own) - wanted[:, None]).argmin(axis=1))]


def _contours(axes: Axes, rows: pd.DataFrame, colour: str, *, lines: int = 6) -> None:
    surface = rows.pivot(index="data_points", columns="pretrain_steps", values="loss")
    levels = iso_levels(surface, lines) if min(surface.shape) > 1 else np.empty(0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not len(levels):
        axes.text(
            0.5,
            0.5,
            "no round loss inside the window",
            transform=axes.transAxes,
            ha="center",
            color=style.MUTED,
        )
        axes.set(xticks=[], yticks=[])
        return
    drawn = axes.contour(
        surface.columns.to_numpy(float),
        surface.index.to_numpy(float),
        surface.to_numpy(float),
        levels=levels,
        colors=style.shades(colour, len(levels))[::-1],
        linewidths=1.2,
    )
    axes.clabel(drawn, fmt="%g", fontsize=7, inline_spacing=3, manual=_on_the_diagonal(drawn, surface))
    style.round_ticks(axes.xaxis, surface.columns.min(), surface.columns.max())
    style.round_ticks(axes.yaxis, surface.index.min(), surface.index.max())


def _on_the_diagonal(lines: ContourSet, surface: pd.DataFrame) -> list[tuple[float, float]]:
    """Where each line crosses the panel's diagonal: a falling line does so once, and away from the edges."""
    x, y = np.log(surface.columns.to_numpy(float)), np.log(surface.index.to_numpy(float))
    crossings = []
    for segments in lines.allsegs:
        vertices = max(segments, key=len)
        across = (np.log(vertices[:, 0]) - x[0]) / np.ptp(x)
        up = (np.log(vertices[:, 1]) - y[0]) / np.ptp(y)
        crossings.append(tuple(vertices[np.argmin(np.abs(across - up))]))
    return crossings
