"""The parameters of the fitted law, and their intervals."""

import pandas as pd
from great_tables import GT

from report import numerals
from report.tables.layout import PANEL, panel_columns, plain

SYMBOLS = {"A": "A", "G": "G", "alpha": "α", "beta": "β", "E": "E"}
NOT_IDENTIFIED, AT_A_BOUNDARY = "†", "‡"
MARKS = {"not identified": NOT_IDENTIFIED, "at a boundary": AT_A_BOUNDARY}
MEANINGS = {
    "not identified": f"{NOT_IDENTIFIED} not identified: the data give the bound shown, and no more.",
    "at a boundary": f"{AT_A_BOUNDARY} at a boundary of the parameter's range.end only.",
}


def parameters(rows: pd.DataFrame) -> GT:
    """Table 2: the fitted parameters with their standard errors, and how well the law fits."""
    cells = rows.assign(cell=[_estimate(row) for row in rows.itertuples()])
    table = _wide(cells, "cell")
    fits = cells.drop_duplicates(PANEL).sort_values(["position", "model", "method"])
    table["n"] = [numerals.count(n) for n in fits["n"]]
    table["error"] = [numerals.percent(share) for share in fits["mean_relative_error"]]
    numeric = [column for column in table.columns if column not in (*PANEL, "")]
    return noted(plain("parameters", table, numeric), rows)


def intervals(rows: pd.DataFrame) -> GT:
    """Table 3: the 95 % percentile interval of each parameter."""
    rows = rows[rows["interval_method"] == "percentile"]
    cells = rows.assign(cell=[_interval(row) for row in rows.itertuples()])
    table = _wide(cells, "cell")
    return noted(plain("intervals", table, [c for c in table.columns if c not in PANEL]), rows)


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
    table = panel_columns(wide)
    table["dataset"] = [
        f"{name} (stale)" if old else name for name, old in zip(wide["dataset"], stale, strict=True)
    ]
    for parameter, symbol in SYMBOLS.items():
        if parameter in wide:
            table[symbol] = numerals.aligned(list(wide[parameter].fillna("–")))
    return table


def noted(table: GT, rows: pd.DataFrame) -> GT:
    for status, meaning in MEANINGS.items():
        if (rows["status"] == status).any():
            table = table.tab_source_note(meaning)
    if rows["stale"].any():
        table = table.tab_source_note("stale: the runs have changed since this fit was made.")
    return table
