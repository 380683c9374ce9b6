"""What is true of every warehouse whose rows were all appended whole and once."""

from dataclasses import dataclass

import duckdb

from warehouse import migrations

_OK = "(select * from raw.runs where status = 'ok')"
_OF_SWEEPS = "(select * from raw.runs where status = 'ok' and json_extract(config, '$.imported') is null)"


@dataclass(frozen=True)
class Broken:
    """An invariant that some rows break: how many, and the first of them."""

    invariant: str
    rows: int
    first: str


# Each invariant, and the rows that break it, by one column that tells them.
INVARIANTS = {
    "a record is appended once": "select record_id from raw.spool_records group by all having count(*) > 1",
    "a run_id is one attempt": "select run_id from raw.runs group by all having count(*) > 1",
    "an attempt is ok or failed": "select run_id from raw.runs where status not in ('ok', 'failed')",
    "a run that is ok has a loss and no error": f"select run_id from {_OK} where error is not null"
    " or loss is null or not isfinite(loss)",
    "a run that failed says why": "select run_id from raw.runs where status = 'failed' and error is null",
    "a run's tokens are its data points times its context": "select run_id from raw.runs"
    " where tokens <> data_points * context",
    "a run ends after it begins": "select run_id from raw.runs where finished_at < started_at",
    "runs of one key are of one experiment": "select run_key from raw.runs group by all"
    " having count(distinct (dataset, dataset_fingerprint, model, checkpoint_digest, pretrain_steps,"
    " data_points, context, seed, method)) > 1",
    "a run that is ok has all its epochs, each once": f"select run_id from {_OK} runs left join"
    " (select run_id, count(*) as rows_found, count(distinct epoch) as found, min(epoch) as first,"
    " max(epoch) as last from raw.epochs group by all) using (run_id) where epochs is not null"
    " and not coalesce(rows_found = epochs + 1 and found = rows_found and first = 0 and last = epochs,"
    " false)",
    "an epoch is of a run": "select run_id from raw.epochs anti join raw.runs using (run_id)",
    "the loss_validation of a run is that of its best epoch": f"select run_id from {_OK} runs"
    " inner join raw.epochs using (run_id) where epochs.epoch = runs.best_epoch"
    " and loss_validation <> validation_loss",
    "the fingerprint of a run's dataset is recorded": f"select run_id from {_OF_SWEEPS} runs"
    " anti join raw.datasets on runs.dataset = datasets.dataset and dataset_fingerprint = fingerprint",
    "the digest of a run's checkpoint is recorded": f"select run_id from {_OF_SWEEPS} runs"
    " anti join raw.checkpoints on checkpoint_digest = digest",
    "a run that a study wants is of a declaration": "select run_key from raw.study_runs"
    " anti join raw.studies using (study, declaration_digest)",
    "a fit_id is one fit": "select fit_id from analysis.fits group by all having count(*) > 1",
    **{
        f"a row of analysis.{table} is of a fit": f"select fit_id from analysis.{table}"
        " anti join analysis.fits using (fit_id)"
        for table in (
            *("parameters", "bootstrap", "predictions", "allocations"),
            *("residuals", "diagnostics", "profiles", "extrapolations", "conditions"),
        )
    },
}


def broken(connection: duckdb.DuckDBPyConnection) -> list[Broken]:
    """The invariants that do not hold, those of the schema first."""
    found = dict(
        connection.execute(
            "select schema_name || '.' || table_name, list((column_name, data_type, is_nullable) order by"
            " column_index) from duckdb_columns() where schema_name in ('raw', 'analysis')"
            " and database_name = current_database() group by all"
        ).fetchall()
    )
    wrong = [
        Broken("a table has the columns of the schema", 1, table)
        for table, columns in migrations.catalogue().items()
        if [tuple(column) for column in found.get(table, [])]
        != [(name, kind, nullable) for name, (kind, nullable) in columns.items()]
    ]
    if wrong:
        return wrong
    for invariant, rows in INVARIANTS.items():
        row = connection.execute(f"select count(*), min(offender) from ({rows}) as _ (offender)").fetchone()
        assert row is not None
        if row[0]:
            wrong.append(Broken(invariant, row[0], row[1]))
    return wrong
