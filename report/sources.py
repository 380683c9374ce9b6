"""What stands behind a figure or a table of the page: its rows to download, its query, its model's SQL.

All of it is in the page, the rows as data: links, so that a page that was moved or mailed still has them.
"""

import base64
import gzip
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from report import parts

REPORT = Path(__file__).parent
MODELS = REPORT.parent / "models"
_INCLUDED = re.compile(r"\{\{< include (\S+) >\}\}")
_CELL = re.compile(r'#\| label: (\S+)\n(?:#\|.*\n)*parts\.(?:figure|table)\("(\w+)"')
_REFERENCE = re.compile(r"\{\{ (?:ref\('(\w+)'\)|source\('(\w+)', '(\w+)'\)) \}\}")


def behind(rows: Mapping[str, pd.DataFrame], study: str) -> HTML:
    """For each figure and table that has rows, a folded block; the page moves it under its part.

    A block's `data-of` is the label of the cell that shows the part.
    """
    shown = parts.FIGURES | parts.TABLES
    models = {name: part.model or name for name, part in shown.items()}
    blocks, first = [], {}
    for label, name in labels().items():
        of_part = rows[models[name]]
        if not of_part.empty:
            blocks.append(_block(label, models[name], of_part, study, first.get(models[name])))
            first.setdefault(models[name], label)
    return HTML("\n".join(blocks))


def labels() -> dict[str, str]:
    """The parts that the manuscript shows, in its order, by the label of their cell."""
    sections = _INCLUDED.findall((REPORT / "index.qmd").read_text(encoding="utf-8"))
    return dict(_CELL.findall("".join((REPORT / one).read_text(encoding="utf-8") for one in sections)))


def query(model: str, study: str) -> str:
    """The SQL that gives a part's rows."""
    return f"select * from report.{model} where study = {_quoted(study)} order by all"


def sql(model: str) -> str:
    """A dbt model's SQL with its references resolved: schema.table, as any client can ask the warehouse."""
    return _REFERENCE.sub(lambda found: _table(*found.groups()), _file(model).read_text(encoding="utf-8"))


def raw(model: str) -> list[str]:
    """The tables that runs and fits are written to, of which a model's rows are derived."""
    found: set[str] = set()
    unread, seen = [model], set()
    while unread:
        name = unread.pop()
        seen.add(name)
        for ref, schema, table in _REFERENCE.findall(_file(name).read_text(encoding="utf-8")):
            if table:
                found.add(f"{schema}.{table}")
            elif _is_model(ref) and ref not in seen:
                unread.append(ref)
    return sorted(found)


def runs_behind_a_loss(rows: Mapping[str, pd.DataFrame]) -> str:
    """The SQL that leads from a loss to its runs, for the study's first loss, as a block of Markdown."""
    if rows["figure_losses"].empty:
        return parts.NO_RUN
    loss = rows["figure_losses"].iloc[0]
    where = [f"{column} = {_quoted(loss[column])}" for column in ("study", "dataset", "model", "method")]
    where += [f"{column} = {loss[column]:.0f}" for column in ("pretrain_steps", "data_points")]
    return f"""```sql
select runs.*
from staging.stg_study_runs
inner join staging.stg_runs as runs using (run_key)
where {" and ".join(where[:4])}
    and {" and ".join(where[4:])}
```"""


def csv(rows: pd.DataFrame) -> str:
    """A link's address that is the rows as CSV, compressed; numbers to nine digits."""
    text = rows.to_csv(index=False, float_format="%.9g").encode()
    return address("application/gzip", gzip.compress(text, mtime=0))


def parquet(rows: pd.DataFrame) -> str:
    """A link's address that is the rows as Parquet, exactly."""
    file = io.BytesIO()
    rows.to_parquet(file, index=False, compression="zstd")
    return address("application/vnd.apache.parquet", file.getvalue())


def address(kind: str, content: bytes) -> str:
    """A link's address that holds what it leads to."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _block(label: str, model: str, rows: pd.DataFrame, study: str, shown: str | None) -> str:
    if shown:
        links = f'Its rows are those of <a href="#{shown}">the one that shows them first</a>.'
    else:
        file = f"{html.escape(study)}-{model}"
        links = (
            f'<a download="{file}.csv.gz" href="{csv(rows)}">CSV</a> · '
            f'<a download="{file}.parquet" href="{parquet(rows)}">Parquet</a>'
        )
    derived = ", ".join(f"<code>{table}</code>" for table in raw(model))
    return f"""<details class="behind" data-of="{label}">
<summary>Data and query: {model.replace("_", " ")}</summary>
<p>{links}</p>
{_code(query(model, study))}
<p><code>report.{model}</code> is derived of {derived}:</p>
{_code(sql(model).strip())}
</details>"""


def _code(text: str) -> str:
    # What scrolls can be reached by the keyboard.
    return f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _file(model: str) -> Path:
    return next(MODELS.glob(f"*/{model}.sql"))


def _is_model(name: str) -> bool:
    return any(MODELS.glob(f"*/{name}.sql"))


def _table(ref: str | None, schema: str | None, table: str | None) -> str:
    # A model's schema is its folder's name; what has no model's file is a seed.
    if table:
        return f"{schema}.{table}"
    return f"{_file(ref).parent.name if _is_model(ref) else 'published'}.{ref}"
