"""What `allocate` reads from the warehouse, transfer laws with their replicates, and what it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from analysis import io
from analysis.allocate import Coefficients
from analysis.io import Key
from analysis.kernel import Floats
from analysis.laws import laws
from analysis.problem import AnalysisError
from warehouse.store import connect

_SYMBOLS = laws["transfer"].symbols


@dataclass(frozen=True)
class FittedLaw:
    """The latest transfer law of a key.

    estimate (k,) and replicates (R, k): natural parameters, columns in the law's order. window: the least and
    the most p and f that were fitted, by symbol. stale: whether the experiments have changed since.
    """

    key: Key
    fit_id: str
    status: str
    estimate: Floats
    replicates: Floats
    window: Mapping[str, tuple[float, float]]
    stale: bool


def coefficients(values: Floats) -> Coefficients:
    """Parameters (k,) as scalars, or (R, k) as columns (R, 1) that broadcast against what is asked."""
    columns = [values[..., i] if values.ndim == 1 else values[:, [i]] for i in range(values.shape[-1])]
    return Coefficients(*columns)


def fitted_laws(url: str | None, study: str | None = None, dataset: str | None = None) -> list[FittedLaw]:
    """Every key's latest transfer law, of one study or dataset or of all; empty where nothing is fitted.

    Raises AnalysisError where dbt has not been built, or the study or dataset is not known.
    """
    found = {one.key: one for one in io.experiments(url, study)}
    known = sorted({key.dataset for key in found})
    if dataset is not None and dataset not in known:
        raise AnalysisError(f"no experiments of dataset {dataset!r}; known: {', '.join(known)}")
    latest = {fit.key: fit for fit in io.stored_fits(url) if fit.law == "transfer" and fit.key in found}
    picked = ", ".join(f"max(value) filter (where parameter = '{symbol}')" for symbol in _SYMBOLS)
    fitted = []
    with connect(url, read_only=True) as connection:
        for key, fit in latest.items():
            if dataset is not None and key.dataset != dataset:
                continue
            # Replicate -1 is the estimate itself.
            rows = connection.execute(
                f"""
                select {picked} from (
                    select replicate, parameter, value from analysis.bootstrap where fit_id = $fit_id
                    union all
                    select -1, parameter, estimate from analysis.parameters where fit_id = $fit_id
                ) group by replicate order by replicate
                """,
                {"fit_id": fit.fit_id},
            ).fetchall()
            values, one = np.array(rows, dtype=np.float64), found[key]
            window = {s: (float(one.variables[s].min()), float(one.variables[s].max())) for s in ("p", "f")}
            stale = fit.fingerprint != one.fingerprint
            fitted.append(FittedLaw(key, fit.fit_id, fit.status, values[0], values[1:], window, stale))
    return sorted(fitted, key=lambda law: str(law.key))


def unanswered(url: str | None) -> set[str]:
    """The transfer laws by which no budget has been divided yet, their fit_ids."""
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            """
            select fit_id from analysis.fits
            where law = 'transfer'
                and fit_id not in (select fit_id from analysis.allocations where question = 'budget')
            """
        ).fetchall()
    return {fit_id for (fit_id,) in rows}


def write_allocations(url: str | None, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows of analysis.allocations in the place of those of the same fits and questions."""
    made_at = datetime.now(UTC)
    with connect(url) as connection:
        connection.begin()
        connection.execute(
            "delete from analysis.allocations where fit_id not in (select fit_id from analysis.fits)"
        )
        for fit_id, question in {(row["fit_id"], row["question"]) for row in rows}:
            connection.execute(
                "delete from analysis.allocations where fit_id = ? and question = ?", [fit_id, question]
            )
        for row in rows:
            names, marks = ", ".join([*row, "made_at"]), ", ".join("?" for _ in range(len(row) + 1))
            connection.execute(
                f"insert into analysis.allocations ({names}) values ({marks})", [*row.values(), made_at]
            )
        connection.commit()
