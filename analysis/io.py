"""Warehouse → arrays → warehouse: the one place of this room that speaks SQL, and that maps columns to
symbols.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import duckdb
import numpy as np

from analysis.kernel import Floats
from analysis.problem import AnalysisError
from warehouse.store import connect

SYMBOLS = {"p": "pretrain_steps", "f": "data_points", "N": "n_params_non_embedding"}


@dataclass(frozen=True)
class Key:
    """What one fit is of: a study's dataset, as one model fine-tuned with one method shows it."""

    study: str
    dataset: str
    model: str
    method: str

    def __str__(self) -> str:
        return " · ".join((self.study, self.dataset, self.model, self.method))


@dataclass(frozen=True)
class Experiments:
    """The experiments inside a study's fit window: columns (n,) by symbol of SYMBOLS, losses (n,) in nats per
    token.

    outside: how many experiments of the same key lie outside the window.
    """

    key: Key
    fingerprint: str
    variables: Mapping[str, Floats]
    loss: Floats
    outside: int


@dataclass(frozen=True)
class Stored:
    """A fit as analysis.fits has it."""

    fit_id: str
    key: Key
    law: str
    options: Mapping[str, object]
    fingerprint: str
    objective: float
    status: str


@dataclass(frozen=True)
class Written:
    """A fit's rows, to be written; parameters, bootstrap and predictions are columns without fit_id."""

    key: Key
    law: str
    options: Mapping[str, object]
    n: int
    objective: float
    mean_absolute_error: float
    mean_relative_error: float
    status: str
    credentials: Mapping[str, object]
    fingerprint: str
    provenance: Mapping[str, object]
    parameters: Mapping[str, Sequence[object]]
    bootstrap: Mapping[str, Sequence[object]]
    predictions: Mapping[str, Sequence[object]]


def experiments(url: str | None, study: str | None = None) -> list[Experiments]:
    """Every key's experiments, of one study or of all.

    Raises AnalysisError where dbt has not been built, nothing has been measured, or the study is not known.
    """
    columns = ", ".join(SYMBOLS.values())
    with connect(url, read_only=True) as connection:
        built = connection.execute(
            "select count(*) from duckdb_tables() where schema_name = 'experiments' "
            "and table_name in ('experiments', 'fit_inputs')"
        ).fetchone()
        if built != (2,):
            raise AnalysisError(
                "the warehouse has no table experiments.experiments yet: run `dbt build` first"
            )
        rows = connection.execute(
            f"""
            select study, dataset, model, method, in_fit, {columns}, loss
            from experiments.experiments
            order by study, dataset, model, method, pretrain_steps, data_points
            """
        ).fetchall()
        marks = connection.execute(
            "select study, dataset, model, method, fingerprint from experiments.fit_inputs"
        ).fetchall()
    known = sorted({row[0] for row in rows})
    if not known:
        raise AnalysisError("no experiments to fit: run `python -m runner sweep`, then `dbt build`")
    if study is not None and study not in known:
        raise AnalysisError(f"no experiments of study {study!r}; known: {', '.join(known)}")
    fingerprints = {Key(*mark[:4]): mark[4] for mark in marks}
    grouped: dict[Key, list[tuple[object, ...]]] = {}
    for row in rows:
        if study is None or row[0] == study:
            grouped.setdefault(Key(*row[:4]), []).append(row[4:])
    return [_experiments(key, fingerprints.get(key, ""), rows) for key, rows in grouped.items()]


def _experiments(key: Key, fingerprint: str, rows: Sequence[tuple[object, ...]]) -> Experiments:
    inside = [row[1:] for row in rows if row[0]]
    table = np.array(inside, dtype=np.float64).reshape(len(inside), len(SYMBOLS) + 1)
    variables = {symbol: table[:, i] for i, symbol in enumerate(SYMBOLS)}
    return Experiments(key, fingerprint, variables, table[:, -1], len(rows) - len(inside))


def stored_fits(url: str | None) -> list[Stored]:
    """Every fit in the warehouse."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select fit_id, study, dataset, model, method, law, options, input_fingerprint, objective, status
            from analysis.fits order by made_at, fit_id
            """
        ).fetchall()
    return [
        Stored(row[0], Key(*row[1:5]), row[5], json.loads(row[6]), row[7], row[8], row[9]) for row in rows
    ]


def stored_parameters(url: str | None, fit_id: str) -> list[dict[str, object]]:
    """A stored fit's rows of analysis.parameters, as dictionaries."""
    with connect(url, read_only=True) as connection:
        cursor = connection.execute(
            """
            select parameter, estimate, standard_error, lower, upper, interval_method, status, bound
            from analysis.parameters where fit_id = ? order by rowid
            """,
            [fit_id],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def write(url: str | None, written: Written, replaces: Sequence[str] = ()) -> str:
    """Write a fit in one transaction, in the place of the fits `replaces`; returns its fit_id."""
    fit_id = uuid.uuid4().hex
    with connect(url) as connection:
        connection.begin()
        for table in ("fits", "parameters", "bootstrap", "predictions"):
            for old in replaces:
                connection.execute(f"delete from analysis.{table} where fit_id = ?", [old])
        head = {
            "fit_id": fit_id,
            **asdict(written.key),
            "law": written.law,
            "options": json.dumps(written.options),
            "n": written.n,
            "objective": written.objective,
            "mean_absolute_error": written.mean_absolute_error,
            "mean_relative_error": written.mean_relative_error,
            "status": written.status,
            "credentials": json.dumps(written.credentials),
            "input_fingerprint": written.fingerprint,
            "provenance": json.dumps(written.provenance),
            "made_at": datetime.now(UTC),
        }
        marks = ", ".join("?" for _ in head)
        connection.execute(
            f"insert into analysis.fits ({', '.join(head)}) values ({marks})", list(head.values())
        )
        for table in ("parameters", "bootstrap", "predictions"):
            _insert(connection, f"analysis.{table}", fit_id, getattr(written, table))
        connection.commit()
    return fit_id


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, fit_id: str, columns: Mapping[str, Sequence[object]]
) -> None:
    names = ", ".join(f"unnest(?) as {name}" for name in columns)
    connection.execute(
        f"insert into {table} by name select ? as fit_id, {names}",
        [fit_id, *(list(column) for column in columns.values())],
    )
