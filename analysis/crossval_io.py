"""What `cv` and `compare` read from the warehouse and write to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from analysis.crossval import PENALTIES, Scores
from analysis.io import Key
from analysis.kernel import Floats
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


def scored(url: str | None) -> set[tuple[Key, str, float, str]]:
    """What has scores: key, law, delta and the fingerprint of the experiments."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select distinct study, dataset, model, method, law, delta, input_fingerprint
            from analysis.cv_scores
            """
        ).fetchall()
    return {(Key(*row[:4]), row[4], row[5], row[6]) for row in rows}


def write(
    url: str | None, key: Key, law: str, delta: float, fingerprint: str, at: Splits, scores: Scores
) -> None:
    """Write a law's scores on one key in the place of those it had, in one transaction."""
    count = len(PENALTIES)
    columns: dict[str, Sequence[object]] = {
        "split": np.repeat(at.split, count).tolist(),
        "penalty_exponents": np.tile(PENALTIES[:, 0], len(at.split)).tolist(),
        "penalty_coefficients": np.tile(PENALTIES[:, 1], len(at.split)).tolist(),
        "n_train": np.repeat(scores.n_train, count).tolist(),
        "n_test": np.repeat(scores.n_test, count).tolist(),
        "rmse": [value if np.isfinite(value) else None for value in scores.rmse.ravel().tolist()],
        "mae": [value if np.isfinite(value) else None for value in scores.mae.ravel().tolist()],
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


def pooled(url: str | None, study: str | None) -> list[dict[str, object]]:
    """Table 5: each law's lowest pooled RMSE and MAE over regularisations, on splits that all forms can fit.

    Pooled over all test experiments of all those splits. A regularisation with a prediction that is no number
    is out of the running; `unbounded` counts them.
    """
    with connect(url, read_only=True) as connection:
        cursor = connection.execute(
            """
            with pooled as (
                select
                    study, dataset, model, method, law, penalty_exponents, penalty_coefficients,
                    count(*) as splits,
                    sqrt(sum(n_test * rmse * rmse) / sum(n_test)) as rmse,
                    sum(n_test * mae) / sum(n_test) as mae,
                    count(*) > count(rmse) as unbounded
                from analysis.cv_scores
                where n_train >= $most and ($study is null or study = $study)
                group by all
            )

            select
                study, dataset, model, method, law,
                any_value(splits) as splits,
                min(rmse) filter (not unbounded) as rmse,
                min(mae) filter (not unbounded) as mae,
                count_if(unbounded) as unbounded
            from pooled
            group by study, dataset, model, method, law
            order by study, dataset, model, method, law
            """,
            {"most": MOST_PARAMETERS, "study": study},
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


MOST_PARAMETERS = (
    7  # of Table 5's forms: with fewer training experiments some form could fit them all exactly
)
