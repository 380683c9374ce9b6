"""The tables of the report: one function each, from the rows of one dbt model to a great_tables GT.

`rows` is a pandas DataFrame of one study's rows, at least one. Estimates are rounded to the second
digit of their standard error, and their decimal points stand in one column.
"""

from collections.abc import Sequence

import pandas as pd
from great_tables import GT, loc, style

from report import numerals

PANEL = ["dataset", "model", "method"]
SYMBOLS = {"A": "A", "G": "G", "alpha": "α", "beta": "β", "E": "E"}
NOT_IDENTIFIED, AT_A_BOUNDARY = "†", "‡"
MARKS = {"not identified": NOT_IDENTIFIED, "at a boundary": AT_A_BOUNDARY}
MEANINGS = {
    "not identified": f"{NOT_IDENTIFIED} not identified: the data give the bound shown, and no more.",
    "at a boundary": f"{AT_A_BOUNDARY} at a boundary of the parameter's range.end only.",
}


def datasets(rows: pd.DataFrame) -> GT:
    """Table 1: what each dataset is and how many data points its splits have."""
    rows = rows.sort_values("position")
    table = pd.DataFrame(
        {
            "dataset": rows["dataset"],
            # Quarto shows the entity of a straight apostrophe as it stands.
            "text": rows["source"].str.replace("'", "’"),
            "licence": rows["licence"].str.replace("'", "’"),
            "documents": rows["documents"].map(numerals.count),
            "tokens": rows["tokens"].map(numerals.count),
            "train": rows["train_points"].map(numerals.count),
            "validation": rows["validation_points"].map(numerals.count),
            "held-out": rows["heldout_points"].map(numerals.count),
        }
    )
    numeric = ["documents", "tokens", "train", "validation", "held-out"]
    return _plain("datasets", table, numeric).tab_spanner("data points", ["train", "validation", "held-out"])


def parameters(rows: pd.DataFrame) -> GT:
    """Table 2: the fitted parameters with their standard errors, and how well the law fits."""
    cells = rows.assign(cell=[_estimate(row) for row in rows.itertuples()])
    table = _wide(cells, "cell")
    fits = cells.drop_duplicates(PANEL).sort_values(["position", "model", "method"])
    table["n"] = [numerals.count(n) for n in fits["n"]]
    table["error"] = [numerals.percent(share) for share in fits["mean_relative_error"]]
    numeric = [column for column in table.columns if column not in (*PANEL, "")]
    return _noted(_plain("parameters", table, numeric), rows)


def intervals(rows: pd.DataFrame) -> GT:
    """Table 3: the 95 % percentile interval of each parameter."""
    rows = rows[rows["interval_method"] == "percentile"]
    cells = rows.assign(cell=[_interval(row) for row in rows.itertuples()])
    table = _wide(cells, "cell")
    return _noted(_plain("intervals", table, [c for c in table.columns if c not in PANEL]), rows)


def grid(rows: pd.DataFrame) -> GT:
    """Table 4: how many runs each dataset has on the study's grid, and what they cost."""
    rows = rows.sort_values(["position", "model", "method"])
    table = _panel_columns(rows).assign(
        steps=rows["n_steps"].map(numerals.count),
        sizes=rows["n_sizes"].map(numerals.count),
        seeds=rows["seeds"].map(numerals.count),
        ok=rows["ok"].map(numerals.count),
        failed=rows["failed"].map(numerals.count),
        missing=rows["missing"].map(numerals.count),
        epochs=[_or_dash(value, lambda v: numerals.fixed(v, 1)) for value in rows["epochs"]],
        compute=[_or_dash(value, numerals.power_of_ten) for value in rows["flops"]],
        time=[_or_dash(value, numerals.duration) for value in rows["wall_s"]],
    )
    numeric = ["steps", "sizes", "seeds", "ok", "failed", "missing", "epochs", "compute", "time"]
    return (
        _plain("grid", table, numeric)
        .tab_spanner("runs", ["ok", "failed", "missing"])
        .cols_label(epochs="mean epochs", compute="compute (FLOP)", time="wall time")
    )


def made(rows: pd.DataFrame) -> GT:
    """How it was made: one line per fact, each value that the runs and the fits have."""
    rows = rows.sort_values("position")
    return _plain("made", pd.DataFrame({"what": rows["what"], "value": rows["value"]}), [])


def forms(rows: pd.DataFrame) -> GT:
    """Table 5: each form's lowest errors in cross-validation and extrapolated; the paper's beside."""
    rows = rows.sort_values(["position", "model", "method", "form", "law"])
    table = _panel_columns(rows).assign(
        form=rows["form"].astype("Int64").astype(str).where(rows["form"].notna(), rows["law"]),
        splits=rows["splits"].map(numerals.count),
    )
    table["dataset"] = [
        f"{name} (stale)" if old else name for name, old in zip(rows["dataset"], rows["stale"], strict=True)
    ]
    errors = ["rmse", "mae", "mae_extrapolated", "published_rmse", "published_mae"]
    for column in errors:
        table[column] = [_or_dash(value, lambda v: numerals.fixed(v, 3)) for value in rows[column]]
    labels = {"rmse": "RMSE", "mae": "MAE", "published_rmse": "RMSE", "published_mae": "MAE"}
    made = (
        _plain("forms", table, ["form", "splits", *errors])
        .tab_spanner("cross-validated", ["rmse", "mae"])
        .tab_spanner("as the paper prints", ["published_rmse", "published_mae"])
        .cols_label(**labels, mae_extrapolated="extrapolated MAE")
    )
    if rows["stale"].any():
        made = made.tab_source_note("stale: the runs have changed since these scores were computed.")
    return made


def _estimate(row: object) -> str:
    if row.status == "not identified":
        return _bounded(row)
    return numerals.with_error(row.estimate, row.standard_error) + MARKS.get(row.status, "")


def _interval(row: object) -> str:
    if row.status == "not identified":
        return _bounded(row)
    if pd.isna(row.lower) or pd.isna(row.upper):
        return "–"
    decimals = numerals.decimals_of(row.standard_error)
    return numerals.interval(row.lower, row.upper, decimals) + MARKS.get(row.status, "")


def _bounded(row: object) -> str:
    return f"≤{numerals.NO_BREAK_SPACE}{numerals.scaled(row.bound)}{NOT_IDENTIFIED}"


def _wide(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    keys = ["position", *PANEL]
    wide = rows.pivot(index=keys, columns="parameter", values=value).reset_index().sort_values(keys)
    stale = rows.drop_duplicates(PANEL).sort_values(keys)["stale"].to_numpy(bool)
    table = _panel_columns(wide)
    table["dataset"] = [
        f"{name} (stale)" if old else name for name, old in zip(wide["dataset"], stale, strict=True)
    ]
    for parameter, symbol in SYMBOLS.items():
        if parameter in wide:
            table[symbol] = numerals.aligned(list(wide[parameter].fillna("–")))
    return table


def _panel_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that tell the panels apart: the dataset, and model and method where they differ."""
    return rows[["dataset", *(column for column in PANEL[1:] if rows[column].nunique() > 1)]].copy()


def _noted(table: GT, rows: pd.DataFrame) -> GT:
    for status, meaning in MEANINGS.items():
        if (rows["status"] == status).any():
            table = table.tab_source_note(meaning)
    if rows["stale"].any():
        table = table.tab_source_note("stale: the runs have changed since this fit was made.")
    return table


def _or_dash(value: float, write: object) -> str:
    return write(value) if pd.notna(value) else "–"


def _plain(name: str, table: pd.DataFrame, numeric: Sequence[str]) -> GT:
    """A table with rules above and below only, its numbers to the right."""
    words = [column for column in table.columns if column not in numeric]
    return (
        GT(table.reset_index(drop=True), id=f"table-{name}")
        .cols_align("right", columns=list(numeric))
        .cols_align("left", columns=words)
        .tab_options(
            table_width="100%",
            table_font_size="0.8em",
            table_font_names=[],
            table_border_top_style="none",
            table_border_bottom_style="none",
            table_body_hlines_style="none",
            column_labels_border_top_width="1.5px",
            column_labels_border_top_color="#222222",
            column_labels_border_bottom_width="1px",
            column_labels_border_bottom_color="#222222",
            table_body_border_bottom_width="1.5px",
            table_body_border_bottom_color="#222222",
            data_row_padding="3px",
            source_notes_font_size="0.9em",
        )
        .tab_style(style.text(weight="bold"), loc.column_labels())
    )
