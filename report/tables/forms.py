"""The forms of the law compared."""

import pandas as pd
from great_tables import GT

from report import numerals
from report.tables.layout import or_dash, panel_columns, plain


def forms(rows: pd.DataFrame) -> GT:
    """Table 5: each form's lowest errors in cross-validation and extrapolated; the paper's beside."""
    rows = rows.sort_values(["position", "model", "method", "form", "law"])
    table = panel_columns(rows).assign(
        form=rows["form"].astype("Int64").astype(str).where(rows["form"].notna(), rows["law"]),
        splits=rows["splits"].map(numerals.count),
    )
    table["dataset"] = [
        f"{name} (stale)" if old else name for name, old in zip(rows["dataset"], rows["stale"], strict=True)
    ]
    errors = ["rmse", "mae", "mae_extrapolated", "published_rmse", "published_mae"]
    for column in errors:
        table[column] = [or_dash(value, lambda v: numerals.fixed(v, 3)) for value in rows[column]]
    labels = {"rmse": "RMSE", "mae": "MAE", "published_rmse": "RMSE", "published_mae": "MAE"}
    made = (
        plain("forms", table, ["form", "splits", *errors])
        .tab_spanner("cross-validated", ["rmse", "mae"])
        .tab_spanner("as the paper prints", ["published_rmse", "published_mae"])
        .cols_label(**labels, mae_extrapolated="extrapolated MAE")
    )
    if rows["stale"].any():
        made = made.tab_source_note("stale: the runs have changed since these scores were computed.")
    return made
