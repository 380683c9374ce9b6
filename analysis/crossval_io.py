"""What `cv` and `compare` read from the warehouse and write to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import numpy as np

from analysis.crossval import PENALTIES, Scores
from analysis.io import Key
from analysis.kernel import Floats
from analysis.problem import AnalysisError
from warehouse.store import connect


@dataclass(frozen=True)
class Splits:
    """dbt's splits of one key: split numbers, thresholds (S,)."""

    split: Sequence[int]
    max_steps: Floats
    max_data_points: Floats


def splits(url: str | None, key: Key) -> Splits:
    """Every split of a key, from cross_validation.splits."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select split, max_steps, max_data_points from cross_validation.splits
            where study = ? and dataset = ? and model = ? and method = ? order by split
            """,
            [key.study, key.dataset, key.model, key.method],
        ).fetchall()
    thresholds = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 2)
    return Splits([row[0] for row in rows], thresholds[:, 0], thresholds[:, 1])


def scored(url: str | None) -> dict[tuple[Key, str, float, str], int]:
    """What has scores, and for how many splits: key, law, delta and the fingerprint of the experiments."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select study, dataset, model, method, law, delta, input_fingerprint, count(distinct split)
            from analysis.cv_scores group by all
            """
        ).fetchall()
    return {(Key(*row[:4]), row[4], row[5], row[6]): row[7] for row in rows}


def write(
    url: str | None, key: Key, law: str, delta: float, fingerprint: str, at: Splits, scores: Scores
) -> None:
    """Write a law's scores on one key in the place of those it had, in one transaction."""
    fitted, count = scores.fitted, len(PENALTIES)
    of_split = {
        "split": np.array(at.split, dtype=np.int64),
        "max_steps": at.max_steps.astype(np.int64),
        "max_data_points": at.max_data_points.astype(np.int64),
        "n_train": scores.n_train,
        "n_test": scores.n_test,
        "n_beyond": scores.n_beyond,
    }
    errors = ("rmse", "mae", "bias_beyond", "rmse_beyond", "mae_beyond")
    columns: dict[str, Sequence[object]] = {
        **{name: np.repeat(values[fitted], count).tolist() for name, values in of_split.items()},
        **{name: _finite(getattr(scores, name)[fitted]) for name in errors},
        "penalty_exponents": np.tile(PENALTIES[:, 0], int(fitted.sum())).tolist(),
        "penalty_coefficients": np.tile(PENALTIES[:, 1], int(fitted.sum())).tolist(),
    }
    names = ", ".join(f"unnest(?) as {name}" for name in columns)
    same = [key.study, key.dataset, key.model, key.method, law]
    with connect(url) as connection:
        connection.begin()
        connection.execute(
            "delete from analysis.cv_scores "
            "where study = ? and dataset = ? and model = ? and method = ? and law = ?",
            same,
        )
        connection.execute(
            "insert into analysis.cv_scores by name select ? as study, ? as dataset, ? as model, "
            "? as method, ? as law, ?::double as delta, ? as input_fingerprint, "
            f"?::timestamptz as made_at, {names}",
            [*same, delta, fingerprint, datetime.now(UTC), *columns.values()],
        )
        connection.commit()


def _finite(errors: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in errors.ravel().tolist()]


def forms(url: str | None, study: str | None) -> list[dict[str, object]]:
    """The rows of report.table_forms, by dataset and form. AnalysisError where dbt has not built it."""
    with connect(url, read_only=True) as connection:
        try:
            cursor = connection.execute(
                "select * replace (made_at::varchar as made_at) from report.table_forms "
                "where $study is null or study = $study "
                "order by study, position, dataset, model, method, form",
                {"study": study},
            )
        except (duckdb.CatalogException, duckdb.BinderException):
            raise AnalysisError("the warehouse has no table report.table_forms: run `dbt build`") from None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
