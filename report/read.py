"""A study's rows of the report's dbt models, read at once so that a report shows one state of it."""

import json
from collections.abc import Mapping

import duckdb
import pandas as pd

from warehouse.provenance import provenance
from warehouse.store import WarehouseError, connect, state

MODELS = (
    "study_facts",
    "table_datasets",
    "table_parameters",
    "table_intervals",
    "table_grid",
    "table_forms",
    "figure_losses",
    "figure_cross_sections",
    "figure_iso_loss",
    "how_made",
    "study_models",
    "pretraining_worth",
    "figure_surface",
    "figure_epochs",
    "epochs_trends",
    "figure_splits",
    "figure_allocation",
    "data_transferred",
    "table_transferred",
    "parameter_variation",
    "exponent_errors",
    "law_explorer",
    "figure_residuals",
    "table_diagnostics",
    "figure_profiles",
    "figure_replicates",
    "figure_correlations",
    "table_conditions",
    "figure_extrapolation",
    "figure_model_size",
    "table_cost",
)


class ReportError(Exception):
    """A report that cannot be made: one line that says why and what is known."""

    def _render_traceback_(self) -> list[str]:
        # IPython's protocol: where a cell of the manuscript raises this, the line stands alone.
        return [f"error: {self}"]


def study_rows(study: str, url: str | None = None) -> dict[str, pd.DataFrame]:
    """All rows of a study, by model; a model without rows for it is an empty frame.

    To how_made are added the commit of the report and the state of the warehouse, which no view can know.
    Raises ReportError where there is no warehouse, the models are not built, or the study is not in it.
    """
    try:
        with connect(url, read_only=True) as connection:
            known = [
                name
                for (name,) in connection.execute(
                    "select distinct study from report.study_facts order by 1"
                ).fetchall()
            ]
            if study not in known:
                raise ReportError(
                    f"unknown study '{study}': the warehouse knows {', '.join(known) or 'none yet'}"
                )
            rows = {
                model: connection.execute(
                    f"select * from report.{model} where study = ? order by all", [study]
                )
                .to_arrow_table()
                .to_pandas()
                for model in MODELS
            }
            made = rows["how_made"]
            if len(made):
                known_here = {"commit of the report": commit(), "state of the warehouse": state(connection)}
                for what, value in known_here.items():
                    made.loc[len(made)] = [study, made["position"].max() + 1, what, value]
            return rows
    except WarehouseError as error:
        raise ReportError(str(error)) from None
    except (duckdb.CatalogException, duckdb.BinderException):
        raise ReportError(
            "the report's models are missing, or older than this report: run `dbt build`"
        ) from None


def commit() -> str:
    """The commit of the checkout that makes the report."""
    made = provenance()
    if not made["commit"]:
        return "none (not from a checkout)"
    return str(made["commit"])[:12] + (" with uncommitted changes" if made["dirty"] else "")


def datasets(rows: Mapping[str, pd.DataFrame]) -> list[str]:
    """The study's datasets in the order in which it declares them."""
    return list(json.loads(rows["study_facts"].iloc[0]["declaration"])["datasets"])
