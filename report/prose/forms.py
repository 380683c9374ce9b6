"""The forms of the law compared."""

from report.numerals import count
from report.phrases import Rows, flowed


def splits(rows: Rows) -> str:
    """Which of the cross-validation's splits are shown."""
    table = rows["figure_splits"]
    if table.empty:
        return "There is no split yet to cross-validate by."
    first = table.iloc[0]
    shown = table[table["dataset"] == first["dataset"]]["split"].nunique()
    return flowed(f"@fig-splits shows {count(shown)} of the {count(first['splits'])} splits of a dataset.")
