"""Warehouse → arrays → warehouse: the one place of this room that speaks SQL, and that maps columns to
symbols.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from analysis.diagnostics_conditions import Limits, limits_of
from analysis.kernel import Floats
from analysis.problem import AnalysisError
from warehouse.store import connect

READERS = {
    ".csv": "read_csv(?, header = true, sample_size = -1)",
    ".tsv": "read_csv(?, header = true, sample_size = -1)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?)",
    ".ndjson": "read_json(?)",
    ".parquet": "read_parquet(?)",
}
NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$")
_ROW = "row_of_the_file"
DIAGNOSED = ("residuals", "diagnostics", "profiles", "extrapolations", "conditions")
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

    outside: how many experiments of the same key lie outside the window. limits: what was measured at p = 0
    and f = 0; None of a curve that has no such ends.
    """

    key: Key
    fingerprint: str
    variables: Mapping[str, Floats]
    loss: Floats
    outside: int
    limits: Limits | None = None


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
    credentials: Mapping[str, object]


@dataclass(frozen=True)
class Written:
    """A fit's rows, to be written; parameters, bootstrap and predictions are columns without fit_id, and
    diagnosed those of further tables (DIAGNOSED), by name.
    """

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
    diagnosed: Mapping[str, Mapping[str, Sequence[object]]] = field(default_factory=dict)


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
            select study, dataset, model, method, in_fit, loss_zero_shot, {columns}, loss
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
    table = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), len(SYMBOLS) + 2)
    inside = np.array([bool(row[0]) for row in rows], dtype=np.bool_)
    fitted = table[inside]
    variables = {symbol: fitted[:, i] for i, symbol in enumerate(SYMBOLS, start=1)}
    p, f = (table[:, list(variables).index(symbol) + 1] for symbol in ("p", "f"))
    limits = limits_of(p, f, inside, table[:, 0], table[:, -1])
    return Experiments(key, fingerprint, variables, fitted[:, -1], len(rows) - len(fitted), limits)


def stored_fits(url: str | None) -> list[Stored]:
    """Every fit in the warehouse."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select fit_id, study, dataset, model, method, law, options, input_fingerprint, objective, status,
                credentials
            from analysis.fits order by made_at, fit_id
            """
        ).fetchall()
    return [
        Stored(
            row[0], Key(*row[1:5]), row[5], json.loads(row[6]), row[7], row[8], row[9], json.loads(row[10])
        )
        for row in rows
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
        for table in ("fits", "parameters", "bootstrap", "predictions", *DIAGNOSED):
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
        for table, columns in written.diagnosed.items():
            _insert(connection, f"analysis.{table}", fit_id, columns)
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


def table(
    path: Path, columns: Mapping[str, str], where: str | None = None, cluster: str | None = None
) -> tuple[dict[str, Floats], NDArray[np.str_] | None]:
    """Columns of a CSV, JSON-lines or Parquet file as float64 arrays by symbol; the cluster column as text.

    columns: the file's column for each symbol. where: an SQL condition on the file's columns, which sees the
    file's rows and nothing else: the connection has neither files nor network once they are read. Raises
    AnalysisError for a file, column or condition that cannot be used and for numbers that are missing or not
    finite, with their rows.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise AnalysisError(f"{path}: a table is one of {', '.join(READERS)}")
    if not path.is_file():
        raise AnalysisError(f"{path}: no such file")
    with duckdb.connect(":memory:", config={"python_enable_replacements": False}) as connection:
        try:
            connection.execute("set autoinstall_known_extensions = false")
            connection.execute(
                f"create table rows as select *, row_number() over () as {_ROW} from {reader}", [str(path)]
            )
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
        except duckdb.Error as error:
            raise AnalysisError(f"{path}: {_first_line(error)}") from None
        types = dict(connection.execute("select column_name, column_type from (describe rows)").fetchall())
        types.pop(_ROW)
        _check_columns(path, types, columns, cluster)
        wanted = [f"{_quoted(column)}::double" for column in columns.values()]
        label = f"{_quoted(cluster)}::varchar" if cluster else "null"
        query = f"select {_ROW}, {label}, {', '.join(wanted)} from rows"
        if where:
            query += f" where ({where}\n)"
        try:
            if len(connection.extract_statements(query)) != 1:
                raise AnalysisError(f"--where: {where!r} is not one condition")
            found = connection.execute(f"{query} order by {_ROW}").fetchall()
        except duckdb.Error as error:
            raise AnalysisError(f"--where: {_first_line(error)}") from None
    if not found:
        raise AnalysisError(f"{path}: no row{' satisfies --where' if where else ''}")
    for i, (symbol, column) in enumerate(columns.items(), start=2):
        wrong = [row[0] for row in found if row[i] is None or not isfinite(row[i])]
        if wrong:
            rows = ", ".join(str(number) for number in wrong[:5]) + (", …" if len(wrong) > 5 else "")
            raise AnalysisError(f"{path}: column {column} ({symbol}) is missing or not finite in row {rows}")
    arrays = {symbol: np.array([row[i] for row in found]) for i, symbol in enumerate(columns, start=2)}
    return arrays, np.array([str(row[1]) for row in found]) if cluster else None


def _check_columns(
    path: Path, types: Mapping[str, str], columns: Mapping[str, str], cluster: str | None
) -> None:
    for column in [*columns.values(), *([cluster] if cluster else [])]:
        if column not in types:
            raise AnalysisError(f"{path}: no column {column!r}; it has {', '.join(types)}")
    for symbol, column in columns.items():
        if not NUMBER.match(types[column]):
            raise AnalysisError(
                f"{path}: column {column} ({symbol}) is {types[column].lower()}, not a number"
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
