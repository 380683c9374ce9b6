"""Runs dealt to workers, some of which die: whatever happens, every run ends once."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from runner import launch, record
from runner.checkpoints import Checkpoint
from runner.claim_stores import Files
from runner.claims import Claims
from runner.course import Course, PoisonedError, PreemptedError, StoppedError
from runner.deal import Deal, shard, work
from runner.declaration import study_from
from runner.hub_client import FetchError
from runner.job import Job, Outcome
from runner.study import Cell

STUDY = study_from("smoke")
MODEL = STUDY.models[0]


def job(folder: Path, step: int, points: int) -> Job:
    return Job(
        cell=Cell("python", MODEL, step, points, 0, "full"),
        run_key=f"{step}-{points}",
        checkpoint=Checkpoint(
            model=MODEL.name,
            revision=f"step{step}",
            pretrain_steps=step,
            digest=f"digest{step}",
            source="nowhere",
            pretrain_tokens=1,
            n_params=1,
            n_params_non_embedding=1,
            heldout_loss=None,
            path=folder,
        ),
        study=STUDY,
        dataset_fingerprint="text",
        cache=folder,
        url=str(folder / "w.duckdb"),
    )


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    return [job(tmp_path, step, points) for step in (1, 2, 3) for points in (4, 8, 64)]


def trace(one: Job, what: str) -> int:
    """Note an event of a run; how often it happened before."""
    with (one.cache / "trace").open("a+") as file:
        file.seek(0)
        before = file.read().split("\n").count(f"{one.run_key} {what}")
        file.write(f"{one.run_key} {what}\n")
    return before


def faulty(one: Job, course: Course) -> Outcome:
    """Stands for a run in a worker process, where it cannot be told to break: some always do, some once."""
    before = trace(one, "began")
    course.told(1)
    if one.run_key == "1-8" or (one.run_key == "2-4" and not before):
        os.kill(os.getpid(), signal.SIGKILL)
    if one.run_key == "3-4" and not before:
        raise PoisonedError("RuntimeError: CUDA error: an illegal memory access was encountered")
    return Outcome(one.cell, one.run_key, 1.0, None)


def without_a_hub(_one: Job, _course: Course) -> Outcome:
    raise FetchError("the hub cannot be reached")


def endless(one: Job, course: Course) -> Outcome:
    trace(one, "began")
    while not course.stopping():
        time.sleep(0.01)
    trace(one, "stopped")
    raise StoppedError


def began(folder: Path) -> Counter[str]:
    if not (folder / "trace").exists():
        return Counter()
    return Counter(line for line in (folder / "trace").read_text().split("\n") if line.endswith("began"))


def test_workers_that_die_are_replaced_and_only_a_run_that_kills_twice_fails(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = []
    monkeypatch.setattr(
        record, "append", lambda job, _result, error, _at: recorded.append((job.run_key, error))
    )
    claims = Claims(Files(tmp_path / "claims"))
    outcomes = list(launch.launch(jobs, 2, claims, run=faulty))
    assert sorted(outcome.run_key for outcome in outcomes) == sorted(one.run_key for one in jobs)
    assert [outcome.run_key for outcome in outcomes if outcome.loss is None] == ["1-8"]
    assert recorded == [
        ("1-8", "a worker process died (signal 9, SIGKILL, for want of memory perhaps), 2 times")
    ]
    tries = began(tmp_path)
    assert {key: count for key, count in tries.items() if count > 1} == {
        "1-8 began": 2,
        "2-4 began": 2,
        "3-4 began": 2,
    }
    states = {key: claim.state for key, claim in claims.store.read().items()}
    assert states == {one.run_key: "failed" if one.run_key == "1-8" else "ok" for one in jobs}
    assert capsys.readouterr().err.count("tried once more") == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_stops_runs_and_gives_their_claims_back(
    jobs: list[Job], tmp_path: Path, workers: int
) -> None:
    def send() -> None:
        while began(tmp_path).total() < workers:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=send)
    thread.start()
    claims = Claims(Files(tmp_path / "claims"))
    with pytest.raises(PreemptedError) as stopped:
        list(launch.launch(jobs, workers, claims, run=endless))
    thread.join()
    assert stopped.value.exit_code == 128 + signal.SIGUSR1
    assert (tmp_path / "trace").read_text().count("stopped") == workers
    assert {claim.state for claim in claims.store.read().values()} == {"released"}


def test_a_worker_stays_with_a_checkpoint_and_gets_the_longest_first(jobs: list[Job]) -> None:
    deal = Deal(jobs)
    given = [deal.next("digest2", set) for _ in jobs]
    assert [one.run_key for one in given if one] == [
        "2-64", "2-8", "2-4", "1-64", "3-64", "1-8", "3-8", "1-4", "3-4"
    ]  # fmt: skip
    assert deal.next("digest2", set) is None
    first = Deal(jobs).next(None, lambda: {"digest1"})
    assert first is not None
    assert first.run_key == "2-64"
    together = Deal(jobs, spread=False)
    assert {one.checkpoint.digest for _ in range(3) if (one := together.next(None, lambda: {"digest1"}))} == {
        "digest1"
    }


@pytest.mark.parametrize("parts", [1, 2, 5, 100])
def test_shards_are_the_whole_study_once_and_of_like_work(parts: int) -> None:
    cells = list(STUDY.cells())
    shards = [shard(cells, part, parts) for part in range(1, parts + 1)]
    assert [cell for part in shards for cell in part] == cells
    if parts <= 5:
        loads = [sum(map(work, part)) for part in shards]
        assert max(loads) - min(loads) <= 2 * max(map(work, cells))


def test_a_sweep_takes_over_what_a_dead_one_left_and_waits_for_a_living_one(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.claims._machine", lambda: "")
    store = Files(tmp_path / "claims")
    dead, living = Claims(store, 1.0), Claims(store, 1.0)
    for sweep in (dead, living):
        sweep.begin([one.run_key for one in jobs])
    assert dead.take("1-4") == living.take("1-8") == "taken"
    with living.kept():
        later = threading.Timer(2.0, lambda: living.end("1-8", "ok"))
        later.start()
        ours = Claims(store, 1.0)
        with ours.kept():
            done = {o.run_key: o for o in launch.launch(jobs, 1, ours, run=once)}
        later.join()
    assert done.keys() == {one.run_key for one in jobs}
    assert [key for key, outcome in done.items() if outcome.elsewhere] == ["1-8"]
    assert set(began(tmp_path).values()) == {1}
    assert "1-8 began" not in began(tmp_path)


def once(one: Job, _: Course) -> Outcome:
    trace(one, "began")
    return Outcome(one.cell, one.run_key, 1.0, None)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hub_that_is_lost_ends_the_sweep_and_leaves_its_runs_to_the_next(
    jobs: list[Job], tmp_path: Path, workers: int
) -> None:
    claims = Claims(Files(tmp_path / "claims"))
    with pytest.raises(FetchError, match=r"^the hub cannot be reached$"), claims.kept():
        list(launch.launch(jobs, workers, claims, run=without_a_hub))
    states = {claim.state for claim in claims.store.read().values()}
    assert states == {"released"}
    assert not (tmp_path / "w.duckdb").exists()
