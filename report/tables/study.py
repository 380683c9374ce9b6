"""What a study is of: its datasets, its runs, and what made them."""

import pandas as pd
from great_tables import GT

from report import numerals
from report.tables.layout import or_dash, panel_columns, plain


def datasets(rows: pd.DataFrame) -> GT:
    """Table 1: what each dataset is and how many data points its splits have."""
    rows = rows.sort_values("position")
    table = pd.DataFrame(
        {
            "dataset": rows["dataset"],
            # Quarto shows the entity of a straight apostrophe as it stands.
            "text and licence": (rows["source"] + "; " + rows["licence"]).str.replace("'", "’"),
            "documents": rows["documents"].map(numerals.count),
            "tokens": rows["tokens"].map(numerals.count),
            "train": rows["train_points"].map(numerals.count),
            "validation": rows["validation_points"].map(numerals.count),
            "held-out": rows["heldout_points"].map(numerals.count),
        }
    )
    numeric = ["documents", "tokens", "train", "validation", "held-out"]
    seen = rows["heldout_share_seen"]
    if seen.notna().any():
        table["seen"] = [or_dash(share, numerals.percent) for share in seen]
        numeric.append("seen")
    return plain("datasets", table, numeric).tab_spanner("data points", ["train", "validation", "held-out"])


def grid(rows: pd.DataFrame) -> GT:
    """Table 4: how many runs each dataset has on the study's grid, and what they cost."""
    rows = rows.sort_values(["position", "model", "method"])
    table = panel_columns(rows).assign(
        steps=rows["n_steps"].map(numerals.count),
        sizes=rows["n_sizes"].map(numerals.count),
        seeds=rows["seeds"].map(numerals.count),
        ok=rows["ok"].map(numerals.count),
        failed=rows["failed"].map(numerals.count),
        missing=rows["missing"].map(numerals.count),
        epochs=[or_dash(value, lambda v: numerals.fixed(v, 1)) for value in rows["epochs"]],
        compute=[or_dash(value, numerals.power_of_ten) for value in rows["flops"]],
        time=[or_dash(value, numerals.duration) for value in rows["wall_s"]],
    )
    numeric = ["steps", "sizes", "seeds", "ok", "failed", "missing", "epochs", "compute", "time"]
    return (
        plain("grid", table, numeric)
        .tab_spanner("runs", ["ok", "failed", "missing"])
        .cols_label(epochs="mean epochs", compute="compute (FLOP)", time="wall time")
    )


def made(rows: pd.DataFrame) -> GT:
    """How it was made: one line per fact, each value that the runs and the fits have."""
    rows = rows.sort_values("position")
    return plain("made", pd.DataFrame({"what": rows["what"], "value": rows["value"]}), [])
