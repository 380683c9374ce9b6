"""What the study cost."""

import pandas as pd
from great_tables import GT

from report import numerals
from report.tables.layout import or_dash, panel_columns, plain

PARTS = {"study": "the whole study", "published": "the paper, as published"}


def cost(rows: pd.DataFrame) -> GT:
    """Compute and time of each dataset's runs and of all; what one more data point or step would add."""
    order = {"dataset": 0, "study": 1, "published": 2}
    rows = rows.sort_values(
        ["part", "position", "model", "method"], key=lambda c: c.map(order) if c.name == "part" else c
    )
    table = panel_columns(rows).fillna("")
    table["dataset"] = [
        row.dataset if row.part == "dataset" else PARTS[row.part] for row in rows.itertuples()
    ]
    table["runs"] = rows["runs"].map(numerals.count)
    for column, name, write in (
        ("compute", "flops", numerals.power_of_ten),
        ("time", "wall_s", numerals.duration),
        ("point", "flops_per_point", numerals.power_of_ten),
        ("point time", "wall_s_per_point", numerals.duration),
        ("step", "flops_per_step", numerals.power_of_ten),
        ("steps", "steps_per_point", lambda value: numerals.significant(value, 2)),
    ):
        table[column] = [or_dash(value, write) for value in rows[name]]
    numeric = ["runs", "compute", "time", "point", "point time", "step", "steps"]
    return (
        plain("cost", table, numeric)
        .tab_spanner("all runs", ["runs", "compute", "time"])
        .tab_spanner("one more data point", ["point", "point time", "steps"])
        .tab_spanner("one more step", ["step"])
        .cols_label(
            dataset="",
            compute="FLOP",
            time="wall time",
            point="FLOP",
            **{"point time": "wall time"},
            steps="in steps",
            step="FLOP",
        )
    )
