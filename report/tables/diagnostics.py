"""What the residuals of the fits say, and what the conditions under the law."""

import pandas as pd
from great_tables import GT

from report import numerals, style
from report.tables.layout import or_dash, panel_columns, plain

STATED = {
    "f to infinity": "f → ∞: the loss tends to E, whatever p",
    "p to infinity": "p → ∞: the loss tends to G·f⁻ᵝ + E",
    "p at zero": "p = 0: the loss is C·f⁻ᵝ + E",
    "f at zero": "f = 0: the loss is A·p⁻ᵅ + G + E",
}
DIFFERENCES = {
    "fall of the floor": "fall of the floor from the first to the last step (nats)",
    "difference of the exponents of f": "exponent of f before the limit, less β",
    "exponent of f from scratch": "exponent of f from scratch, less β",
    "floor from scratch": "floor from scratch, less E (nats)",
    "loss before fine-tuning": "mean loss before fine-tuning, less the stated (nats)",
    "exponent of p before fine-tuning": "exponent of p before fine-tuning, less α",
}
UNMEASURED = {
    "f to infinity": "not measured: too few experiments",
    "p to infinity": "not measured: too few experiments",
    "p at zero": "not measured: too few runs from scratch",
    "f at zero": "not measured: no loss before fine-tuning",
}


def residuals(rows: pd.DataFrame) -> GT:
    """Tests of each fit's residuals, and the experiment that it leans on most."""
    rows = rows.sort_values(["position", "model", "method"])
    table = panel_columns(rows)
    table["dataset"] = _named(rows)
    table["fitted"] = [numerals.percent(share) for share in rows["mean_residual"]]
    table["left out"] = [or_dash(share, numerals.percent) for share in rows["mean_deleted_residual"]]
    table["spread"] = [or_dash(p, probability) for p in rows["heteroscedasticity_p"]]
    table["normal"] = [or_dash(p, probability) for p in rows["normality_p"]]
    for column, name in (("checkpoint", "clustering_by_steps"), ("size", "clustering_by_points")):
        table[column] = [
            "–" if pd.isna(share) else f"{numerals.fixed(share, 2)} ({probability(p)})"
            for share, p in zip(rows[name], rows[f"{name}_p"], strict=True)
        ]
    table["Cook"] = [
        or_dash(value, lambda v: numerals.significant(v, 2)) for value in rows["greatest_influence"]
    ]
    table["p"] = [or_dash(value, style.compact) for value in rows["most_influential_steps"]]
    table["f"] = [or_dash(value, style.compact) for value in rows["most_influential_points"]]
    numeric = ["fitted", "left out", "spread", "normal", "checkpoint", "size", "Cook", "p", "f"]
    return _stale(
        plain("diagnostics", table, numeric)
        .tab_spanner("mean residual", ["fitted", "left out"])
        .tab_spanner("chance of", ["spread", "normal"])
        .tab_spanner("clustering by", ["checkpoint", "size"])
        .tab_spanner("most influence", ["Cook", "p", "f"])
        .cols_label(Cook="D"),
        rows,
    )


def conditions(rows: pd.DataFrame) -> GT:
    """The four conditions of appendix A, each as a difference that it says is zero."""
    rows = rows.sort_values(["condition_position", "quantity", "position", "model", "method"])
    table = panel_columns(rows)
    table.insert(0, "condition", rows["condition"].map(STATED))
    table.insert(
        1,
        "difference",
        [
            UNMEASURED[row.condition] if pd.isna(row.quantity) else DIFFERENCES[row.quantity]
            for row in rows.itertuples()
        ],
    )
    table["dataset"] = _named(rows)
    table["estimate"] = [_estimate(row) for row in rows.itertuples()]
    table["n"] = [or_dash(n, numerals.count) for n in rows["n"]]
    table["zero"] = ["–" if pd.isna(held) else "inside" if held else "outside" for held in rows["compatible"]]
    repeated = table.duplicated(["condition", "difference"])
    table["difference"] = table["difference"].where(~repeated, "")
    columns = [column for column in table.columns if column not in ("condition",)]
    made = plain("conditions", table[["condition", *columns]], ["estimate", "n"])
    # Typst knows no initial weight of a font, which is great_tables' own for the heads of groups.
    made = (
        made.tab_stub(groupname_col="condition")
        .tab_options(row_group_font_weight="bold")
        .cols_label(estimate="estimate [95 % interval]", zero="zero is")
    )
    return _stale(made, rows)


def probability(p: float) -> str:
    """A p-value: 0.034, or that it is no more than a thousandth."""
    return "≤0.001" if p < 1e-3 else numerals.fixed(p, 2 if p >= 0.1 else 3)


def _estimate(row: object) -> str:
    if pd.isna(row.estimate):
        return "–"
    decimals = numerals.decimals_of(max((row.upper - row.lower) / 4, 1e-3))
    return f"{numerals.fixed(row.estimate, decimals)} {numerals.interval(row.lower, row.upper, decimals)}"


def _named(rows: pd.DataFrame) -> list[str]:
    return [
        f"{name} (stale)" if old else name for name, old in zip(rows["dataset"], rows["stale"], strict=True)
    ]


def _stale(table: GT, rows: pd.DataFrame) -> GT:
    if rows["stale"].any():
        return table.tab_source_note("stale: the runs have changed since this fit was made.")
    return table
