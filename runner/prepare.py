"""What a study's runs need on this machine: texts, data points, suites; made by one process at a time."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner import datasets, tokens
from runner.checkpoints import Checkpoint, absent, checkpoint, checkpoints, tokenizer_file
from runner.datasets import DatasetError
from runner.datasets.sources import fetch
from runner.declaration import StudyError, suite_from
from runner.study import Cell, Study, Suite, run_key
from runner.worker import LaunchError, launched


@dataclass(frozen=True)
class Prepared:
    """A study whose checkpoints and data points are on this machine: its cells with their run keys."""

    checkpoints: dict[tuple[str, int], Checkpoint]
    facts: dict[tuple[str, str], tokens.Facts]
    keys: dict[Cell, str]


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Make texts and suites in this cache alone: others wait, and then find them made.

    The lock is the kernel's, so one whose holder was killed is free; a network's file system asks its server.
    Raises OSError where the file system has no locks.
    """
    with ExitStack() as stack:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((cache / ".making.lock").open("a"))
        except OSError:  # a cache that cannot be written to: nobody makes anything there
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{cache}: another process makes texts or checkpoints: waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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

    Datasets that have an address are fetched. One process at a time does this in a cache.

    Raises DatasetError where a dataset cannot be had, StudyError where one is too small, CheckpointError
    or FetchError where a directory or the hub lacks a revision.
    """
    with alone(cache):
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


def pre_train(study: Study, cache: Path) -> None:
    """Make the checkpoints of the study's suites that are not there. One process at a time does this.

    Raises LaunchError where this is one of several processes of a launch.
    """
    for suite in suites(study):
        if not any(absent(m, study, cache) for m in study.models if m.suite == suite.suite):
            continue
        if launched():
            raise LaunchError(
                f"suite {suite.suite} is pre-trained by one process, so do that before the launch: "
                f"python -m runner pretrain --suite {suite.suite}"
            )
        from runner.pretrain import pretrain

        with alone(cache):
            pretrain(suite, cache)
