"""A row or panel per dataset, its models and methods overlaid in shades of the dataset's colour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from report import style
from report.figures.panels import PANEL


@dataclass(frozen=True)
class Series:
    """One fit's rows, its colour, and its label: the model, and the method where there are several."""

    label: str
    colour: object
    rows: pd.DataFrame


def by_dataset(rows: pd.DataFrame, colours: Mapping[str, str]) -> Iterator[tuple[str, list[Series]]]:
    """The datasets that have rows, in the order of `colours`, each with its title and its series."""
    several = [column for column in PANEL[1:] if rows[column].nunique() > 1] or ["model"]
    for dataset in (name for name in colours if name in set(rows["dataset"])):
        fits = list(rows[rows["dataset"] == dataset].groupby(PANEL[1:]))
        shades = style.shades(colours[dataset], len(fits))
        series = [
            Series(", ".join(str(of_fit[column].iloc[0]) for column in several), shade, of_fit)
            for (_, of_fit), shade in zip(fits, shades, strict=True)
        ]
        stale = any(one.rows["stale"].any() for one in series)
        yield f"{dataset} (stale fit)" if stale else dataset, series


def key(axes: Axes, series: list[Series], **place: object) -> None:
    """Names the series of an axes where there are several; above its right end if no `place` is given."""
    if len(series) > 1:
        place = place or {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": len(series)}
        for one in series:
            axes.plot([], [], color=one.colour, marker="o", linestyle="none", label=one.label)
        drawn = axes.legend(
            frameon=False, fontsize=7, handletextpad=0.1, columnspacing=1.0, borderaxespad=0.1, **place
        )
        # Wider than its panel, it would push the others aside.
        drawn.set_in_layout(False)
