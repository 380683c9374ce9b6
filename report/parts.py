"""The figures and tables of the report by name: what draws each, and the sentence where it has no rows.

The manuscript's cells and `python -m report` both take them from here.
"""

from collections.abc import Mapping

import pandas as pd
from great_tables import GT
from IPython.display import Markdown
from matplotlib.figure import Figure

from report import figures, read, style, tables

FIGURES = {
    "figure_losses": figures.measured.losses,
    "figure_cross_sections": figures.law.cross_sections,
    "figure_iso_loss": figures.law.iso_loss,
}
TABLES = {
    "table_datasets": tables.study.datasets,
    "table_parameters": tables.law.parameters,
    "table_intervals": tables.law.intervals,
    "table_grid": tables.study.grid,
    "how_made": tables.study.made,
    "table_forms": tables.forms.forms,
}

NO_RUN = "No run of this study has succeeded yet: `python -m runner sweep` makes them."
NO_FIT = "No law has been fitted to this study yet: `python -m analysis fit` fits it."
NO_SCORE = "The forms have not been compared on this study yet: `python -m analysis cv` does."
NO_DATASET = "No dataset has been recorded yet: `python -m runner sweep` records each as it first uses it."
MISSING = {
    "figure_losses": NO_RUN,
    "figure_cross_sections": NO_RUN,
    "figure_iso_loss": NO_FIT,
    "table_datasets": NO_DATASET,
    "table_parameters": NO_FIT,
    "table_intervals": NO_FIT,
    "table_grid": NO_RUN,
    "how_made": NO_RUN,
    "table_forms": NO_SCORE,
}


def figure(name: str, rows: Mapping[str, pd.DataFrame]) -> Figure | Markdown:
    """The figure of that name, or the sentence that says why there is none."""
    if rows[name].empty:
        return Markdown(MISSING[name])
    return FIGURES[name](rows[name], style.palette(read.datasets(rows)))


def table(name: str, rows: Mapping[str, pd.DataFrame]) -> GT | Markdown:
    """The table of that name, or the sentence that says why there is none."""
    if rows[name].empty:
        return Markdown(MISSING[name])
    return TABLES[name](rows[name])
