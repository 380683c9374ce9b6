"""All runs of a study: prepare, skip the done, train the missing, isolate what fails, report progress.

    python -m runner sweep --study demo

Every run's row is in the spool before the next one starts, so a sweep can be stopped anywhere, by any means,
and started again: the warehouse is the only record of what is done. Any number of sweeps may be at one study,
on any machines that see its warehouse and spool.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from runner import datasets, hub, tokens
from runner.ahead import fetched_ahead
from runner.checkpoints import Checkpoint, absent, checkpoint, checkpoints, tokenizer_file
from runner.claims import LEASE_S, Claims, store_of
from runner.datasets import DatasetError
from runner.datasets.sources import fetch
from runner.deal import shard, work
from runner.declaration import StudyError, suite_from
from runner.launch import Job, LaunchError, Outcome, agreed, is_main_process, launch, launched
from runner.memory import parameters, refuse_what_cannot_fit, this_machine
from runner.overlap import overlaps
from runner.study import Cell, Study, Suite, digest, run_key
from warehouse import store


@dataclass(frozen=True)
class Prepared:
    """A study whose checkpoints and data points are on this machine: its cells with their run keys."""

    checkpoints: dict[tuple[str, int], Checkpoint]
    facts: dict[tuple[str, str], tokens.Facts]
    keys: dict[Cell, str]


@dataclass(frozen=True)
class Progress:
    """What the warehouse holds of a study: cells done, failed (with the last error) and missing."""

    done: tuple[Cell, ...]
    failed: dict[Cell, str]
    missing: tuple[Cell, ...]


def unfetched(study: Study) -> dict[str, str]:
    """The study's datasets that are not on this machine, each with what to do about it."""
    reasons = {}
    for name in study.datasets:
        try:
            datasets.get(name, study.own).version()
        except DatasetError as error:
            reasons[name] = str(error)
    return reasons


def prepared(study: Study, source: str, cache: Path) -> Prepared | None:
    """The study's keys where all it needs is on this machine, else None. Imports no torch, asks no network.

    Raises StudyError where a dataset has fewer data points than the study asks for.
    """
    if unfetched(study):
        return None
    facts: dict[tuple[str, str], tokens.Facts] = {}
    for model in study.models:
        for name in study.datasets:
            found = None
            if tokenizer_file(model, cache).is_file():
                text = datasets.get(name, study.own)
                found = tokens.cached_facts(
                    text, tokenizer_file(model, cache), study.context, study.splits, cache
                )
            if found is None:
                return None
            facts[model.name, name] = found
    check_sizes(study, source, facts)
    if any(absent(model, study, cache) for model in study.models):
        return None
    found_checkpoints = checkpoints(study, cache)
    keys = {
        cell: run_key(
            study,
            cell,
            facts[cell.model.name, cell.dataset].fingerprint,
            found_checkpoints[cell.model.name, cell.pretrain_steps].digest,
        )
        for cell in study.cells()
    }
    return Prepared(found_checkpoints, facts, keys)


def tokenise(study: Study, source: str, cache: Path) -> None:
    """Make the study's tokenizers and data points, and check what it asks for against what there is.

    Datasets that have an address are fetched.

    Raises DatasetError where a dataset cannot be had, StudyError where one is too small, CheckpointError
    or FetchError where a directory or the hub lacks a revision.
    """
    for name, reason in unfetched(study).items():
        if datasets.get(name, study.own).fetch is None:
            raise DatasetError(reason)
        fetch(datasets.get(name))
    for model in study.models:
        if model.suite is None:
            for steps in study.pretrain_steps:
                checkpoint(model, steps, cache)
        else:
            from runner.pretrain import text_of

            text_of(suite_from(model.suite), cache)
    facts = {}
    for model in study.models:
        for name in study.datasets:
            facts[model.name, name] = tokens.points_of(study, model, name, cache).facts
    check_sizes(study, source, facts)


def suites(study: Study) -> list[Suite]:
    """The suites that the study's models are of, each once and with the sizes that the study uses."""
    used: dict[str, list[str]] = {}
    for model in study.models:
        if model.suite is not None:
            used.setdefault(model.suite, []).append(str(model.size))
    declared = {name: suite_from(name) for name in used}
    return [replace(s, models={size: s.models[size] for size in used[name]}) for name, s in declared.items()]


def check_sizes(study: Study, source: str, facts: dict[tuple[str, str], tokens.Facts]) -> None:
    for (_, name), found in facts.items():
        if max(study.data_points) > found.train_points:
            raise StudyError(
                f"{source}: data_points: {max(study.data_points)} is above the {found.train_points} training "
                f"data points of {study.context} tokens that {name} has"
            )


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
    tokenise(study, source, cache)
    n_params = {m: parameters(m, study, cache) for m in study.models}
    refuse_what_cannot_fit(study, source, n_params, this_machine(workers), cache)
    with store.connect(url):
        pass  # made, or migrated, or found unusable before an hour of training
    store.drain(url)
    for suite in suites(study):
        from runner.pretrain import pretrain

        if launched() and any(absent(m, study, cache) for m in study.models if m.suite == suite.suite):
            raise LaunchError(
                f"suite {suite.suite} is pre-trained by one process, so do that before the launch: "
                f"python -m runner pretrain --suite {suite.suite}"
            )
        pretrain(suite, cache)
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
        "raw.datasets": [{**asdict(facts), "recorded_at": now} for facts in ready.facts.values()],
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
