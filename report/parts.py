"""The figures and tables of the report by name: what draws each, and the sentence where it has no rows.

The manuscript's cells and `python -m report` both take them from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from great_tables import GT
from IPython.display import Markdown
from matplotlib.figure import Figure

from report import figures, read, style, tables

NO_RUN = "No run of this study has succeeded yet: `python -m runner sweep` makes them."
NO_FIT = "No law has been fitted to this study yet: `python -m analysis fit` fits it."
NO_SCORE = "The forms have not been compared on this study yet: `python -m analysis cv` does."
NO_EPOCHS = "No run of this study tells after how many epochs it stopped."
NO_SPLIT = "There is no split yet to cross-validate by: the fitted window has too few experiments."
NO_SCRATCH = (
    "No checkpoint has been compared with a random initialisation: this study has no runs from scratch."
)
NO_DIAGNOSTIC = "No fit of this study has been diagnosed yet: `python -m analysis fit` fits the law and does."
NO_EXTRAPOLATION = (
    "There is no extrapolation to check: no law has been fitted yet, or too few experiments lie at or below "
    "the medians of both variables to fit it to them."
)
ONE_SIZE = "The study has fits of one size of model."
NO_DATASET = "No dataset has been recorded yet: `python -m runner sweep` records each as it first uses it."


@dataclass(frozen=True)
class Part:
    """What draws a figure or sets a table, the sentence where it has no rows, and the dbt model of its rows
    where that has another name than the part."""

    draw: Callable[..., Figure | GT]
    missing: str
    model: str | None = None


FIGURES = {
    "figure_losses": Part(figures.measured.losses, NO_RUN),
    "figure_cross_sections": Part(figures.law.cross_sections, NO_RUN),
    "figure_iso_loss": Part(figures.law.iso_loss, NO_FIT),
    "figure_exchange": Part(figures.law.exchange, NO_FIT, model="figure_iso_loss"),
    "figure_surface": Part(figures.law.surface, NO_FIT),
    "figure_epochs": Part(figures.measured.epochs, NO_EPOCHS),
    "figure_splits": Part(figures.splits.splits, NO_SPLIT),
    "figure_allocation": Part(figures.decisions.allocation, NO_FIT),
    "data_transferred": Part(figures.transfer.transferred, NO_SCRATCH),
    "figure_residuals": Part(figures.residuals.residuals, NO_DIAGNOSTIC),
    "figure_profiles": Part(figures.profiles.profiles, NO_DIAGNOSTIC),
    "figure_replicates": Part(figures.replicates.pairs, NO_FIT),
    "figure_correlations": Part(figures.replicates.correlations, NO_FIT),
    "figure_extrapolation": Part(figures.extrapolation.extrapolation, NO_EXTRAPOLATION),
    "figure_model_size": Part(figures.model_size.gaps, ONE_SIZE),
}
TABLES = {
    "table_datasets": Part(tables.study.datasets, NO_DATASET),
    "table_parameters": Part(tables.law.parameters, NO_FIT),
    "table_intervals": Part(tables.law.intervals, NO_FIT),
    "table_grid": Part(tables.study.grid, NO_RUN),
    "how_made": Part(tables.study.made, NO_RUN),
    "table_forms": Part(tables.forms.forms, NO_SCORE),
    "table_diagnostics": Part(tables.diagnostics.residuals, NO_DIAGNOSTIC),
    "table_conditions": Part(tables.diagnostics.conditions, NO_FIT),
    "table_cost": Part(tables.cost.cost, NO_RUN),
}


def figure(name: str, rows: Mapping[str, pd.DataFrame]) -> Figure | Markdown:
    """The figure of that name, or the sentence that says why there is none."""
    part, of_part = FIGURES[name], rows[FIGURES[name].model or name]
    return Markdown(part.missing) if of_part.empty else part.draw(of_part, style.palette(read.datasets(rows)))


def table(name: str, rows: Mapping[str, pd.DataFrame]) -> GT | Markdown:
    """The table of that name, or the sentence that says why there is none."""
    part, of_part = TABLES[name], rows[TABLES[name].model or name]
    return Markdown(part.missing) if of_part.empty else part.draw(of_part)
