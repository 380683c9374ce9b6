"""All runs of a study: prepare, skip the done, train the missing, isolate what fails, report progress.

    python -m runner sweep --study demo

Every run's row is in the spool before the next one starts, so a sweep can be stopped anywhere, by any means,
and started again: the warehouse is the only record of what is done. Any number of sweeps may be at one study,
on any machines that see its warehouse and spool.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from runner import hub
from runner.ahead import fetched_ahead
from runner.claim_stores import LEASE_S, store_of
from runner.claims import Claims
from runner.deal import shard, work
from runner.job import Job, Outcome, states
from runner.launch import agreed, launch
from runner.memory import parameters, refuse_what_cannot_fit, this_machine
from runner.overlap import overlaps
from runner.prepare import Prepared, pre_train, prepared, tokenise
from runner.study import Cell, Study, digest
from runner.worker import is_main_process
from warehouse import store


@dataclass(frozen=True)
class Progress:
    """What the warehouse holds of a study: cells done, failed (with the last error) and missing."""

    done: tuple[Cell, ...]
    failed: dict[Cell, str]
    missing: tuple[Cell, ...]


def progress(study: Study, ready: Prepared | None, url: str) -> Progress:
    """What the warehouse holds of the study; all is missing where there is none or nothing is prepared."""
    cells = tuple(study.cells())
    if not store.exists(url):
        return Progress((), {}, cells)
    with store.connect(url, read_only=True) as database:
        rows = database.execute(
            "select run_key, bool_or(status = 'ok'), arg_max(error, finished_at) from raw.runs group by all"
        ).fetchall()
    if ready is None:
        return Progress((), {}, cells)
    ok = {key for key, succeeded, _ in rows if succeeded}
    errors = {key: error for key, succeeded, error in rows if not succeeded}
    return Progress(
        done=tuple(c for c in cells if ready.keys[c] in ok),
        failed={c: errors[ready.keys[c]] for c in cells if ready.keys[c] in errors},
        missing=tuple(c for c in cells if ready.keys[c] not in ok and ready.keys[c] not in errors),
    )


def sweep(
    study: Study,
    source: str,
    url: str,
    cache: Path,
    *,
    retry_failed: bool = False,
    workers: int | None = None,
    part: tuple[int, int] = (1, 1),
    lease_s: float = LEASE_S,
) -> int:
    """Run what is missing. Returns the number of the study's runs that stand failed at the end.

    `workers` are the study's if not given; `part` is (i, n) of n fixed parts. In a launch of several
    processes the main one prepares, counts and reports, and all of them train.
    """
    workers = workers or study.workers
    claims = Claims(store_of(url), lease_s)
    with claims.kept() if is_main_process() else nullcontext():
        ready, jobs = agreed(lambda: _to_run(study, source, url, cache, retry_failed, workers, part, claims))
        with (
            closing(launch(jobs, workers, claims, spread=study.keep_checkpoints)) as ended,
            closing(fetched_ahead(jobs, ended, keep=study.keep_checkpoints)) as outcomes,
        ):
            _show(jobs, outcomes)
        if not is_main_process():
            return 0
        store.drain(url)
        after = progress(study, ready, url)
        if not after.missing and claims.clean(ready.keys.values()):
            for key in ready.keys.values():  # of runs whose process was killed between its row and this
                shutil.rmtree(states(url) / key, ignore_errors=True)
    for cell, error in after.failed.items():
        print(f"failed: {cell}: {error}", file=sys.stderr)
    return len(after.failed)


def _to_run(
    study: Study,
    source: str,
    url: str,
    cache: Path,
    retry_failed: bool,
    workers: int,
    part: tuple[int, int],
    claims: Claims,
) -> tuple[Prepared, list[Job]]:
    """Make all that the study's runs need, declare it, and say which are to be run."""
    ready = prepared(study, source, cache)
    if ready is None:
        tokenise(study, source, cache)
    n_params = {m: parameters(m, study, cache) for m in study.models}
    refuse_what_cannot_fit(study, source, n_params, this_machine(workers), cache)
    with store.connect(url):
        pass  # made, or migrated, or found unusable before an hour of training
    store.drain(url)
    if ready is None:
        pre_train(study, cache)
        ready = prepared(study, source, cache)
    assert ready is not None
    declare(study, ready, url, cache)
    claims.begin(ready.keys.values())
    store.drain(url)
    before = progress(study, ready, url)
    wanted = {*before.missing, *(before.failed if retry_failed else ())}
    cells = [c for c in shard(study.cells(), *part) if c in wanted]
    print(
        f"{study.study}: {len(ready.keys)} runs, {len(before.done)} done, {len(before.failed)} failed, "
        f"{len(cells)} to run",
        file=sys.stderr,
    )
    jobs = [
        Job(
            cell=cell,
            run_key=ready.keys[cell],
            checkpoint=ready.checkpoints[cell.model.name, cell.pretrain_steps],
            study=study,
            dataset_fingerprint=ready.facts[cell.model.name, cell.dataset].fingerprint,
            cache=cache,
            url=url,
        )
        for cell in cells
    ]
    if not study.keep_checkpoints:
        for found in {c.hub for c in ready.checkpoints.values()} - {job.checkpoint.hub for job in jobs}:
            if found is not None:
                hub.drop(found)  # of a sweep that was stopped before it could
    return ready, jobs


def _show(jobs: Sequence[Job], outcomes: Iterator[Outcome]) -> None:
    """A bar that counts work, not runs: the time left holds though a run can cost 30 times another."""
    left = {job.run_key: work(job.cell) for job in jobs}
    with tqdm(
        total=sum(left.values()),
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left{postfix}",
        disable=not (jobs and is_main_process()),
    ) as bar:
        for count, outcome in enumerate(outcomes, 1):
            bar.set_description_str(f"{count}/{len(jobs)} runs")
            latest = "failed" if outcome.loss is None else f"loss {outcome.loss:.3f}"
            bar.set_postfix_str(f"{outcome.cell}, {'by another sweep' if outcome.elsewhere else latest}")
            bar.update(left[outcome.run_key])


def declare(study: Study, ready: Prepared, url: str, cache: Path) -> None:
    """Record the declaration and what it wants, unless it is the one that the warehouse has as the latest."""
    declaration_digest = digest([study.declaration(), sorted(ready.keys.values())])
    with store.connect(url, read_only=True) as database:
        latest = database.execute(
            "select declaration_digest, declared_at::varchar from raw.studies where study = ?"
            " order by declared_at desc limit 1",
            [study.study],
        ).fetchone()
    if latest is not None and latest[0] == declaration_digest:
        return
    now = datetime.now(UTC)
    rows = {
        "raw.studies": [
            {
                "study": study.study,
                "declaration_digest": declaration_digest,
                "context": study.context,
                "fit_min_steps": study.fit.min_steps,
                "simulated": False,
                "declaration": json.loads(study.declaration()),
                "declared_at": now,
            }
        ],
        "raw.study_runs": [
            {"study": study.study, "declaration_digest": declaration_digest, "run_key": key}
            for key in ready.keys.values()
        ],
        "raw.datasets": [
            {**asdict(facts), "sample": facts.sample if study.samples else "", "recorded_at": now}
            for facts in ready.facts.values()
        ],
        "raw.overlaps": [{**asdict(one), "recorded_at": now} for one in overlaps(study, cache)],
        "raw.checkpoints": [
            {
                **{key: value for key, value in asdict(found).items() if key not in ("path", "hub")},
                "recorded_at": now,
            }
            for found in ready.checkpoints.values()
            if found.n_params is not None
        ],
    }
    # Sweeps that start together declare the same: one record, which is appended once.
    name = digest([study.study, declaration_digest, latest and latest[1]])
    store.append(store.Record(f"study-{name}", rows), url)
    store.drain(url)
