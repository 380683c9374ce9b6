"""What the report's tables share: their rules and columns."""

from collections.abc import Callable, Sequence

import pandas as pd
from great_tables import GT, loc, style

PANEL = ["dataset", "model", "method"]


def plain(name: str, table: pd.DataFrame, numeric: Sequence[str]) -> GT:
    """A table with rules above and below only, its numbers to the right."""
    words = [column for column in table.columns if column not in numeric]
    return (
        GT(table.reset_index(drop=True), id=f"table-{name}")
        .cols_align("right", columns=list(numeric))
        .cols_align("left", columns=words)
        .tab_options(
            table_width="100%",
            table_font_size="0.72em",
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
            data_row_padding_horizontal="3px",
            column_labels_padding_horizontal="3px",
            source_notes_font_size="0.9em",
        )
        .tab_style(style.text(weight="bold"), loc.column_labels())
    )


def panel_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that tell the panels apart: the dataset, and model and method where they differ."""
    return rows[["dataset", *(column for column in PANEL[1:] if rows[column].nunique() > 1)]].copy()


def or_dash(value: float, write: Callable[[float], str]) -> str:
    """The number as `write` writes it, or a dash where there is none."""
    return write(value) if pd.notna(value) else "–"
