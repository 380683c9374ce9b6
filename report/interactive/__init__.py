"""The parts of the page that a reader can move: the fitted surface, and a budget divided by sliders.

Everything is in the page: the rows as JSON, law.js and explorer.js, and plotly's library. Nothing is fetched.
"""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

from report import parts, read, sources, style

FOLDER = Path(__file__).parent


def explorer(rows: Mapping[str, pd.DataFrame]) -> HTML | Markdown:
    """The surface and the decision explorer of a study's fits, or the sentence where it has none."""
    if rows["law_explorer"].empty:
        return Markdown(parts.NO_FIT)
    body, law, page = (_read(name) for name in ("explorer.html", "law.js", "explorer.js"))
    # As text, plotly's five megabytes would take pandoc a gigabyte of memory to copy into the page.
    plotly = sources.address("application/gzip", gzip.compress(get_plotlyjs().encode(), mtime=0))
    data = json.dumps(panels(rows), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    return HTML(
        f"""{body}
<script type="application/json" id="explorer-data">{data}</script>
<script type="text/plain" id="explorer-plotly">{plotly}</script>
<script>
{law}
{page}</script>"""
    )


def panels(rows: Mapping[str, pd.DataFrame]) -> list[dict[str, object]]:
    """What explorer.js reads, one for each fit in the order of the study: its law, replicates and losses."""
    of_study = rows["law_explorer"].sort_values(["position", "model", "method"])
    several = [column for column in ("model", "method") if of_study[column].nunique() > 1]
    colours = style.palette(read.datasets(rows))
    return [
        {
            "name": ", ".join(str(row[column]) for column in ("dataset", *several)),
            "shades": [to_hex(shade) for shade in style.shades(colours[row["dataset"]], 3)],
            "window": {
                "p": [row["first_steps"], row["last_steps"]],
                "f": [row["fewest_points"], row["most_points"]],
            },
            "stale": row["stale"],
        }
        | {column: json.loads(row[column]) for column in ("estimate", "replicates", "measured")}
        for row in of_study.to_dict("records")
    ]


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
