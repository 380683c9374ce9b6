"""Where runs go: this process, several worker processes on this machine, or the processes of one launch.

    python -m runner sweep --workers auto                                  one per GPU
    accelerate launch --multi_gpu --num_processes 4 -m runner sweep        every run on four GPUs
    accelerate launch --use_fsdp --num_processes 4 -m runner sweep         and its weights split over them

On a CPU one worker is this process. A worker appends its own rows; of a launch the main process does. One
that dies is replaced and its run tried once more. Every run is claimed first (runner/claims.py), so any
number of sweeps of the study may run at once; at the end this one waits for what others train, and takes
over what they leave.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from multiprocessing import connection
from types import FrameType
from typing import TypeVar

from runner import worker
from runner.claims import Claims
from runner.compute import nvidia_smi
from runner.course import Course, PoisonedError, StoppedError
from runner.deal import Deal
from runner.hub_client import FetchError
from runner.worker import Job, LaunchError, Outcome, is_main_process, launched

__all__ = ["Job", "LaunchError", "Outcome", "agreed", "is_main_process", "launch", "launched"]

Agreed = TypeVar("Agreed")
Run = Callable[[Job, Course], Outcome]

# Read when CUDA starts. Runs of many sizes follow each other: segments that grow leave no holes behind. And
# cuBLAS repeats itself to the last bit only with a workspace of fixed size.
_CUDA = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
_TRIES = 2
_POLL_S = 0.5
_GRACE_S = 60.0  # for workers to save what they train when the sweep is stopped
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class PreemptedError(Exception):
    """The sweep was asked to end by a signal, and what was being trained is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(signal_number).name}; what had finished is in the warehouse, "
            "what was being trained is saved, and the same command goes on"
        )
        self.exit_code = 128 + signal_number


def agreed(make: Callable[[], Agreed]) -> Agreed:
    """What `make` returns, called in one process only and the same in all processes of a launch."""
    if not launched():
        return make()
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    # The others wait while texts and checkpoints are fetched.
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=7))
    made = [make() if state.is_main_process else None]
    broadcast_object_list(made)
    assert made[0] is not None
    return made[0]


@cache
def gpus() -> tuple[str, ...]:
    """The GPUs that are visible, as CUDA_VISIBLE_DEVICES names them. Imports no torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    told = nvidia_smi("index")
    if visible is None or not told:
        return tuple(told)
    return tuple(name for name in visible.split(",") if name)


def launch(
    jobs: Sequence[Job], workers: int, claims: Claims, *, spread: bool = True, run: Run = worker.run
) -> Generator[Outcome, None, None]:
    """Train every job that no other sweep trains, and append its row; yields as each ends, here or elsewhere.

    Raises PreemptedError on SIGTERM, SIGUSR1 or SIGUSR2, once what was being trained is saved.
    """
    if not jobs:
        return
    for name, value in _CUDA.items():
        os.environ.setdefault(name, value)
    if launched():
        with claims.kept() if is_main_process() else nullcontext():
            yield from _together(jobs, claims, run)
        return
    source = _Source(jobs, claims, spread)
    with _signalled() as stopping, claims.kept():
        if workers == 1 and not gpus():
            yield from _here(source, claims, run, stopping)
        else:
            yield from _Pool(source, claims, run, min(workers, len(jobs)), stopping).outcomes()


def _together(jobs: Sequence[Job], claims: Claims, run: Run) -> Iterator[Outcome]:
    """All processes of a launch on every run; the main one claims."""
    left = list(jobs)
    while left:
        held = []
        for job in left:
            took = agreed(partial(claims.take, job.run_key, job.study.training.max_epochs))
            if took == "held":
                held.append(job)
            elif took == "ended":
                yield _elsewhere(job)
            else:
                outcome = run(job, Course(told=partial(claims.epoch, job.run_key)))
                claims.end(job.run_key, "failed" if outcome.loss is None else "ok")
                yield outcome
        left = held
        if left:
            time.sleep(_POLL_S)


def _elsewhere(job: Job) -> Outcome:
    return Outcome(job.cell, job.run_key, None, None, elsewhere=True)


class _Source:
    """Jobs for workers, each claimed; `ended` are those that other sweeps have done meanwhile."""

    def __init__(self, jobs: Sequence[Job], claims: Claims, spread: bool) -> None:
        self._deal = Deal(jobs, spread=spread)
        self._digests = {job.run_key: job.checkpoint.digest for job in jobs}
        self._claims = claims
        self._held: list[Job] = []
        self._again: list[Job] = []
        self._looked_at = float("-inf")
        self._said = False
        self.ended: list[Job] = []

    def next(self, at: str | None, busy: set[str]) -> Job | None:
        """A job that is ours now, or None where there is none at the moment."""
        if self._again:
            return self._again.pop()
        while job := self._deal.next(at, lambda: busy | self._elsewhere()):
            if self._is_ours(job):
                return job
        if time.monotonic() - self._looked_at >= min(self._claims.lease_s / 4, 2.0):
            held, self._held = self._held, []
            self._looked_at = time.monotonic()
            while held:
                if self._is_ours(job := held.pop(0)):
                    self._held += held
                    self._looked_at = float("-inf")
                    return job
        return None

    def waits(self) -> bool:
        """Whether other sweeps train the rest, which is said once."""
        if self._held and not self._said:
            print(f"{len(self._held)} runs are trained by other sweeps: waiting for them", file=sys.stderr)
            self._said = True
        return bool(self._held or self._again)

    def again(self, job: Job) -> None:
        """To be given out once more; the claim is still ours."""
        self._again.append(job)

    def give_up(self, job: Job) -> None:
        """Another sweep has taken it over."""
        self._held.append(job)

    def _is_ours(self, job: Job) -> bool:
        took = self._claims.take(job.run_key, job.study.training.max_epochs)
        if took == "held":
            self._held.append(job)
        elif took == "ended":
            self.ended.append(job)
        return took == "taken"

    def _elsewhere(self) -> set[str]:
        """Checkpoints that other sweeps are at."""
        return {self._digests[key] for key in self._claims.held(self._digests)}

    def take_ended(self) -> Iterator[Outcome]:
        while self.ended:
            yield _elsewhere(self.ended.pop())


@dataclass
class _Stop:
    """The signal that asked the sweep to end, or 0."""

    signal: int = 0


@contextmanager
def _signalled() -> Iterator[_Stop]:
    """A stop that SIGTERM and SIGUSR1 set, instead of ending this process."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, _: FrameType | None) -> None:
        stop.signal = number

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _here(source: _Source, claims: Claims, run: Run, stop: _Stop) -> Iterator[Outcome]:
    """All runs in this process, one after the other."""
    at: str | None = None
    while True:
        job = source.next(at, set())
        yield from source.take_ended()
        if stop.signal:
            raise PreemptedError(stop.signal)
        if job is None:
            if not source.waits():
                return
            time.sleep(_POLL_S)
            continue
        at, key = job.checkpoint.digest, job.run_key

        def stopping(key: str = key) -> bool:
            return bool(stop.signal) or key in claims.lost()

        try:
            outcome = run(job, Course(partial(claims.epoch, key), stopping))
        except StoppedError:
            claims.end(key, "released")
            if not stop.signal:
                source.give_up(job)
            continue
        claims.end(key, "failed" if outcome.loss is None else "ok")
        yield outcome


@dataclass
class _Worker:
    """A worker process, what it was given last, and since when."""

    name: str
    gpu: str | None
    process: multiprocessing.process.BaseProcess
    pipe: "connection.Connection[object, object]"
    job: Job | None = None
    at: str | None = None
    since: datetime | None = None


class _Pool:
    """Worker processes, started as there is work for them, and replaced."""

    def __init__(self, source: _Source, claims: Claims, run: Run, workers: int, stop: _Stop) -> None:
        self._source = source
        self._claims = claims
        self._run = run
        self._stop = stop
        self._workers: list[_Worker | None] = [None] * workers
        self._tries: dict[str, int] = {}

    def outcomes(self) -> Iterator[Outcome]:
        try:
            while not self._stop.signal:
                self._hand_out()
                yield from self._source.take_ended()
                busy = [one for one in self._workers if one is not None and one.job is not None]
                if not busy and not self._source.waits():
                    return
                # A pipe is ready too where its process has died.
                ready = connection.wait([one.pipe for one in busy], timeout=_POLL_S) if busy else []
                if not busy:
                    time.sleep(_POLL_S)
                for one in busy:
                    if one.pipe in ready and (outcome := self._heard(one)) is not None:
                        yield outcome
                self._drop_lost()
            yield from self._let_stop()
            raise PreemptedError(self._stop.signal)
        finally:
            for left in self._workers:
                if left is not None:
                    left.process.kill()

    def _hand_out(self) -> None:
        for number, one in enumerate(self._workers):
            if one is not None and one.job is not None:
                continue
            others = {w.at for w in self._workers if w is not None and w is not one and w.at is not None}
            job = self._source.next(None if one is None else one.at, others)
            if job is None:
                return
            if one is None or not one.process.is_alive():
                one = self._workers[number] = self._started(number)
            one.job, one.at, one.since = job, job.checkpoint.digest, datetime.now(UTC)
            self._claims.epoch(job.run_key, 0, one.name)
            with suppress(OSError):  # it has died: its pipe says so too
                one.pipe.send(job)

    def _started(self, number: int) -> _Worker:
        visible = gpus()
        gpu = visible[number % len(visible)] if visible else None
        # CUDA and OpenMP do not survive a fork.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, gpu, self._run), daemon=True)
        process.start()
        there.close()
        return _Worker(f"GPU {gpu}" if gpu else f"worker {number + 1}", gpu, process, here)

    def _heard(self, one: _Worker) -> Outcome | None:
        assert one.job is not None
        try:
            message = one.pipe.recv()
        except (EOFError, OSError):
            one.process.join(timeout=10.0)
            return self._died(one, f"a worker process died ({_ended_by(one.process.exitcode)})")
        if isinstance(message, int):
            self._claims.epoch(one.job.run_key, message)
            return None
        if isinstance(message, str):
            return self._died(one, message)
        if isinstance(message, FetchError):
            raise message
        if isinstance(message, Outcome):
            self._claims.end(one.job.run_key, "failed" if message.loss is None else "ok")
            one.job = None
            return message
        self._claims.end(one.job.run_key, "released")  # it was stopped
        one.job = None
        return None

    def _died(self, one: _Worker, why: str) -> Outcome | None:
        """Put another in its place at the next job, and try its run once more."""
        job = one.job
        assert job is not None
        assert one.since is not None
        one.process.kill()
        self._workers[self._workers.index(one)] = None
        self._tries[job.run_key] = self._tries.get(job.run_key, 0) + 1
        if self._tries[job.run_key] < _TRIES:
            print(f"{job.cell}: {why}: tried once more", file=sys.stderr)
            self._source.again(job)
            return None
        outcome = worker.failed(job, f"{why}, {_TRIES} times", one.since)
        self._claims.end(job.run_key, "failed")
        return outcome

    def _drop_lost(self) -> None:
        """End the workers on runs that other sweeps have taken over."""
        lost = self._claims.lost()
        for number, one in enumerate(self._workers):
            if one is not None and one.job is not None and one.job.run_key in lost:
                print(f"{one.job.cell}: another sweep has taken it over", file=sys.stderr)
                one.process.kill()
                self._source.give_up(one.job)
                self._claims.end(one.job.run_key, "released")
                self._workers[number] = None

    def _let_stop(self) -> Iterator[Outcome]:
        """Ask the workers to save what they train, and wait until they have."""
        deadline = time.monotonic() + _GRACE_S
        for one in self._workers:
            if one is not None and one.job is not None and one.process.pid is not None:
                with suppress(OSError):
                    os.kill(one.process.pid, signal.SIGTERM)
        while busy := [one for one in self._workers if one is not None and one.job is not None]:
            left = deadline - time.monotonic()
            if left <= 0 or not (ready := connection.wait([one.pipe for one in busy], timeout=left)):
                return
            for one in busy:
                if one.pipe in ready:
                    self._tries.clear()  # one that dies now is tried by the next sweep
                    if (outcome := self._heard(one)) is not None:
                        yield outcome


def _ended_by(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}, {signal.Signals(-code).name}" + (
            ", for want of memory perhaps" if code == -signal.SIGKILL else ""
        )
    return f"exit code {code}"


def _work(pipe: "connection.Connection[object, object]", gpu: str | None, run: Run) -> None:
    """A worker process: leave Ctrl-C to the sweep, and end with it, however it ends.

    It sends a number after every epoch, then the outcome; None where it was stopped, the error where the hub
    fails all runs, and its text where this process can do no more.
    """
    stop = _Stop()

    def note(number: int, _: FrameType | None) -> None:
        stop.signal = number

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _SIGNALS:
        signal.signal(number, note)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything imports torch
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        assert isinstance(job, Job)
        try:
            pipe.send(run(job, Course(pipe.send, lambda: bool(stop.signal))))
        except StoppedError:
            pipe.send(None)
        except FetchError as error:
            pipe.send(error)
        except PoisonedError as error:
            pipe.send(str(error))
            return
