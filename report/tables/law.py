"""The parameters of the fitted law, and their intervals."""

from collections.abc import Callable

import pandas as pd
from great_tables import GT, loc, style

from report import numerals
from report.tables.layout import PANEL, panel_columns, plain

SYMBOLS = {"A": "A", "G": "G", "alpha": "α", "beta": "β", "E": "E"}
NOT_IDENTIFIED, AT_A_BOUNDARY = "†", "‡"
MARKS = {"not identified": NOT_IDENTIFIED, "at a boundary": AT_A_BOUNDARY}
MEANINGS = {
    "not identified": f"{NOT_IDENTIFIED} not identified: the data give the bound shown, and no more.",
    "at a boundary": f"{AT_A_BOUNDARY} at a boundary of the parameter’s range.",
}
PUBLISHED = "as published"
VARIATION = "coefficient of variation"
DASH = "–"

Row = dict[str, str]


def parameters(rows: pd.DataFrame) -> GT:
    """Table 2: the fitted parameters with their standard errors, and how well the law fits.

    Under a dataset that is the paper's own stands what the paper prints, and at the end how much the
    parameters vary across datasets.
    """
    table: list[Row] = []
    for panel in _panels(rows):
        table.append(_name(panel.iloc[0]) | _cells(panel, _estimate))
        if panel["published_estimate"].notna().any():
            table.append({"dataset": PUBLISHED} | _cells(panel, _published_estimate))
    for _, of_model in rows[rows["variation"].notna()].groupby(["model", "method"]):
        each = of_model.drop_duplicates("parameter")
        table.append(_name(each.iloc[0]) | {"dataset": VARIATION} | _cells(each, _variation))
        if of_model["published_estimate"].notna().any():
            table.append({"dataset": PUBLISHED} | _cells(each, _published_variation))
    return _set("parameters", table, rows).tab_source_note(_quality(rows))


def intervals(rows: pd.DataFrame) -> GT:
    """Table 3: the 95 % percentile interval of each parameter, and the paper's where a dataset is its own."""
    rows = rows[rows["interval_method"] == "percentile"]
    table: list[Row] = []
    for panel in _panels(rows):
        table.append(_name(panel.iloc[0]) | _cells(panel, _interval))
        if panel["published_lower"].notna().any():
            table.append({"dataset": PUBLISHED} | _cells(panel, _published_interval))
    return _set("intervals", table, rows)


def _panels(rows: pd.DataFrame) -> list[pd.DataFrame]:
    return [panel for _, panel in rows.groupby(["position", *PANEL], dropna=False)]


def _name(row: pd.Series) -> Row:
    return {"dataset": f"{row['dataset']} (stale)" if row["stale"] else row["dataset"]} | {
        column: row[column] for column in PANEL[1:]
    }


def _cells(rows: pd.DataFrame, write: Callable[..., str]) -> Row:
    return {SYMBOLS[row.parameter]: write(row) for row in rows.itertuples()}


def _estimate(row: object) -> str:
    if row.status == "not identified":
        return _bounded(row)
    return numerals.with_error(row.estimate, row.standard_error) + MARKS.get(row.status, "")


def _published_estimate(row: object) -> str:
    return numerals.with_error(row.published_estimate, row.published_standard_error)


def _variation(row: object) -> str:
    return numerals.with_error(row.variation, row.variation_error)


def _published_variation(row: object) -> str:
    return numerals.with_error(row.published_variation, None)


def _interval(row: object) -> str:
    if row.status == "not identified":
        return _bounded(row)
    if pd.isna(row.lower) or pd.isna(row.upper):
        return DASH
    # A few replicates can make a standard error as large as they like; the interval's width is not theirs.
    decimals = numerals.decimals_of(min(row.standard_error, (row.upper - row.lower) / 4), 1)
    return numerals.interval(row.lower, row.upper, decimals) + MARKS.get(row.status, "")


def _published_interval(row: object) -> str:
    # The paper prints two decimals of coefficients, three of exponents.
    decimals = 3 if row.parameter in ("alpha", "beta") else 2
    return numerals.interval(row.published_lower, row.published_upper, decimals)


def _bounded(row: object) -> str:
    return f"≤{numerals.NO_BREAK_SPACE}{numerals.scaled(row.bound)}{NOT_IDENTIFIED}"


def _quality(rows: pd.DataFrame) -> str:
    """How well the law fits each, which a column would have no room for."""
    told = list(panel_columns(rows))
    fits = [panel.iloc[0] for panel in _panels(rows)]
    errors = [f"{numerals.percent(fit['mean_relative_error'])} on {', '.join(fit[told])}" for fit in fits]
    counts = sorted({int(fit["n"]) for fit in fits})
    n = " to ".join(numerals.count(n) for n in (counts[0], counts[-1])[: len(counts)])
    return f"Mean absolute residual, as a share of the loss: {numerals.listed(errors)}; n = {n}."


def _set(name: str, cells: list[Row], rows: pd.DataFrame) -> GT:
    """The table of these cells, its columns aligned at their decimal points, with what its marks mean."""
    table = pd.DataFrame(cells).fillna("")
    symbols = [symbol for symbol in SYMBOLS.values() if symbol in table]
    for symbol in symbols:
        table[symbol] = numerals.aligned(list(table[symbol].replace("", DASH)))
    words = list(panel_columns(rows))
    beside = [i for i, dataset in enumerate(table["dataset"]) if dataset in (PUBLISHED, VARIATION)]
    made = plain(name, table[[*words, *symbols]], [])
    if beside:
        made = made.tab_style(style.text(style="italic"), loc.body(rows=beside))
    if PUBLISHED in set(table["dataset"]):
        made = made.tab_source_note(f"{PUBLISHED}: by Barnett 2024.")
    for status, meaning in MEANINGS.items():
        if (rows["status"] == status).any():
            made = made.tab_source_note(meaning)
    if rows["stale"].any():
        made = made.tab_source_note("stale: the runs have changed since this fit was made.")
    return made
