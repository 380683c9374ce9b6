"""What the figures share: a panel per dataset, the names of the axes, labels at the ends of lines."""

import textwrap
from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from report import style

PANEL = ["dataset", "model", "method"]

STEPS = "pre-training steps $p$"
POINTS = "fine-tuning data points $f$"
LOSS = "held-out loss (nats per token)"
TITLE_WIDTH = 26  # letters that stand above one of three panels


def panels(rows: pd.DataFrame, colours: Mapping[str, str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each panel with its title: the dataset, and model and method where there are several."""
    several = [column for column in PANEL[1:] if rows[column].nunique() > 1]
    in_order = rows.sort_values(
        PANEL, key=lambda column: column.map(list(colours).index) if column.name == "dataset" else column
    )
    for _, of_panel in in_order.groupby(PANEL, sort=False):
        first = of_panel.iloc[0]
        title = ", ".join(str(first[column]) for column in ["dataset", *several])
        yield "\n".join(textwrap.wrap(title, TITLE_WIDTH, max_lines=2, placeholder=" …")), of_panel


def series_label(series: str, value: float) -> str:
    """What a line of one number of data points, or of one checkpoint, is called."""
    if series == "data_points":
        return f"$f$ = {style.compact(value)}"
    return "from scratch" if value == 0 else f"$p$ = {style.compact(value)}"


def label_lines(figure: Figure) -> None:
    """Write each line's label at its end, in every axes of a figure."""
    # Labels are set apart in points, so the axes must have their final scale first.
    figure.draw_without_rendering()
    for axes in figure.axes:
        ends = {
            str(line.get_label()): (
                float(line.get_xdata()[-1]),
                float(line.get_ydata()[-1]),
                line.get_color(),
            )
            for line in axes.get_lines()
            if not str(line.get_label()).startswith("_") and len(line.get_xdata())
        }
        style.end_labels(axes, ends)
