"""What `transfer` reads from the warehouse: from-scratch curves, and the effective data read from them."""

import duckdb
import numpy as np

from analysis.io import SYMBOLS, Experiments, Key
from analysis.problem import AnalysisError
from warehouse.store import connect


def scratch_curves(url: str | None, study: str | None = None) -> list[Experiments]:
    """The from-scratch curve (p = 0) of every key that has one, of one study or of all.

    Raises AnalysisError where dbt has not been built, no curve has been measured, or the study has none.
    """
    columns = ", ".join(SYMBOLS.values())
    with connect(url, read_only=True) as connection:
        _built(connection, "experiments", "scratch_curves")
        rows = connection.execute(
            f"""
            select study, dataset, model, method, fingerprint, {columns}, loss
            from (select *, 0 as pretrain_steps from experiments.scratch_curves)
            order by study, dataset, model, method, data_points
            """
        ).fetchall()
    known = sorted({str(row[0]) for row in rows})
    if not known:
        raise AnalysisError(
            "no study has a from-scratch curve: effective data need runs with pretrain_steps: [0, …]"
        )
    if study is not None and study not in known:
        raise AnalysisError(f"no from-scratch curve of study {study!r}; known: {', '.join(known)}")
    grouped: dict[tuple[str, ...], list[tuple[object, ...]]] = {}
    for row in rows:
        if study is None or row[0] == study:
            grouped.setdefault(tuple(str(part) for part in row[:5]), []).append(row[5:])
    return [_curve(Key(*head[:4]), head[4], rows) for head, rows in grouped.items()]


def _curve(key: Key, fingerprint: str, rows: list[tuple[object, ...]]) -> Experiments:
    table = np.array(rows, dtype=np.float64)
    variables = {symbol: table[:, i] for i, symbol in enumerate(SYMBOLS)}
    return Experiments(key, fingerprint, variables, table[:, -1], outside=0)


def data_transferred(url: str | None, study: str | None = None) -> list[dict[str, object]]:
    """Rows of the model data_transferred as dictionaries, of one study or of all."""
    with connect(url, read_only=True) as connection:
        _built(connection, "report", "data_transferred")
        cursor = connection.execute(
            "select * from report.data_transferred where $study is null or study = $study order by all",
            {"study": study},
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _built(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    if found != (1,):
        raise AnalysisError(f"the warehouse has no {schema}.{name} yet: run `dbt build` first")
