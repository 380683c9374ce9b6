"""How the cross-validation splits the experiments."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from report import style
from report.figures.panels import POINTS, STEPS, panels


def splits(rows: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Figure 7: some splits of the step-wise cross-validation on the study's first dataset, a panel for each.

    Rows of `figure_splits`, one per split and experiment. Experiments trained on are filled; where the law
    was scored, a panel's title has its mean absolute error on the others.
    """
    _, of_panel = next(panels(rows, colours))
    colour = colours[of_panel["dataset"].iloc[0]]
    sizes = sorted(of_panel["max_data_points"].unique(), reverse=True)
    steps = sorted(of_panel["max_steps"].unique())
    with style.applied():
        figure = Figure(figsize=(style.COLUMN_WIDTH, 1.25 * len(sizes) + 0.35), layout="constrained")
        grid = figure.subplots(len(sizes), len(steps), sharex=True, sharey=True, squeeze=False)
        for (most_steps, most_points), split in of_panel.groupby(["max_steps", "max_data_points"]):
            axes = grid[sizes.index(most_points)][steps.index(most_steps)]
            first = split.iloc[0]
            score = "" if pd.isna(first["mae"]) else f"   MAE {first['mae']:.2g}"
            axes.set_title(f"{first['n_train']} → {first['n_test']}{score}", fontsize=7, weight="normal")
            axes.set(xscale="log", yscale="log")
            axes.grid(visible=False)
            for trained, face in ((True, colour), (False, "white")):
                side = split[split["trained_on"] == trained]
                axes.plot(
                    side["pretrain_steps"],
                    side["data_points"],
                    linestyle="none",
                    marker="o",
                    markersize=2.8,
                    color=colour,
                    markerfacecolor=face,
                    markeredgewidth=0.6,
                    clip_on=False,
                )
            style.log_ticks(axes.xaxis, of_panel["pretrain_steps"], n=3)
            style.log_ticks(axes.yaxis, of_panel["data_points"], n=3)
        for axes in grid.flat:
            # At the most of both nothing is left to test on.
            axes.set_visible(axes.has_data())
        figure.supxlabel(STEPS)
        figure.supylabel(POINTS)
    return figure
