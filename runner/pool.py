"""Worker processes of a sweep on this machine: started as there is work, and replaced as they die."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import connection

from runner import record
from runner.claims import Claims
from runner.compute import gpus
from runner.course import Course, PoisonedError, PreemptedError, Stop, StoppedError, signalled
from runner.deal import Source
from runner.hub_client import FetchError
from runner.job import Job, Outcome

Run = Callable[[Job, Course], Outcome]

_TRIES = 2
_POLL_S = 0.5
_GRACE_S = 60.0  # for workers to save what they train when the sweep is stopped


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


class Pool:
    """Worker processes, started as there is work for them, and replaced."""

    def __init__(self, source: Source, claims: Claims, run: Run, workers: int, stop: Stop) -> None:
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
        outcome = record.failed(job, f"{why}, {_TRIES} times", one.since)
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything imports torch
    with signalled() as stop:
        _train_all(pipe, run, stop)


def _train_all(pipe: "connection.Connection[object, object]", run: Run, stop: Stop) -> None:
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
