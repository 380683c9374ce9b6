"""A sample of each dataset, as its text stands."""

import re
import textwrap

from report.phrases import Rows

WIDTH = 88  # characters that a line of the page and of the PDF holds


def samples(rows: Rows) -> str:
    """The beginning of a training document of each dataset, in a block that shows any markup as it is."""
    table = rows["table_datasets"].sort_values("position").drop_duplicates("dataset")
    shown = table[table["sample"].str.strip() != ""]
    if shown.empty:
        return "No sample has been recorded: the study keeps its text to itself, or has not been swept yet."
    return "\n\n".join(f"**{row.dataset}**\n\n{block(row.sample)}" for row in shown.itertuples())


def block(text: str) -> str:
    """A fenced block of a text: no line wider than the page, no control characters, no fence inside it."""
    visible = re.sub(r"[^\S\n]", " ", text.expandtabs(4).replace("\r\n", "\n").replace("\r", "\n"))
    visible = "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in visible).strip("\n")
    lines: list[str] = []
    for line in visible.split("\n"):
        lines += textwrap.wrap(line, WIDTH, replace_whitespace=False, break_on_hyphens=False) or [""]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", visible)), default=0))
    return f"{fence}{{.text .sample}}\n" + "\n".join(lines) + f"\n{fence}"
