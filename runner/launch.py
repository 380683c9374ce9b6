"""Where runs go: this process, several worker processes on this machine, or the processes of one launch.

    python -m runner sweep --workers auto                                  one per GPU
    accelerate launch --multi_gpu --num_processes 4 -m runner sweep        every run on four GPUs
    accelerate launch --use_fsdp --num_processes 4 -m runner sweep         and its weights split over them

On a CPU one worker is this process. A worker appends its own rows; of a launch the main process does. One
that dies is replaced and its run tried once more. Every run is claimed first (runner/claims.py), so any
number of sweeps of the study may run at once; at the end this one waits for what others train, and takes
over what they leave.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from runner import worker
from runner.claims import Claims
from runner.compute import gpus
from runner.course import Course, PreemptedError, Stop, StoppedError, signalled
from runner.deal import Source, elsewhere
from runner.job import Job, Outcome
from runner.pool import Pool, Run
from runner.worker import launched

Agreed = TypeVar("Agreed")

# Read when CUDA starts. Runs of many sizes follow each other: segments that grow leave no holes behind. And
# cuBLAS repeats itself to the last bit only with a workspace of fixed size.
_CUDA = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
_POLL_S = 0.5


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
        yield from _together(jobs, claims, run)
        return
    source = Source(jobs, claims, spread)
    with signalled() as stopping:
        if workers == 1 and not gpus():
            yield from _here(source, claims, run, stopping)
        else:
            yield from Pool(source, claims, run, min(workers, len(jobs)), stopping).outcomes()


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
                yield elsewhere(job)
            else:
                outcome = run(job, Course(told=partial(claims.epoch, job.run_key)))
                claims.end(job.run_key, "failed" if outcome.loss is None else "ok")
                yield outcome
        left = held
        if left:
            time.sleep(_POLL_S)


def _here(source: Source, claims: Claims, run: Run, stop: Stop) -> Iterator[Outcome]:
    """All runs in this process, one after the other."""
    at: str | None = None
    while True:
        if stop.signal:
            raise PreemptedError(stop.signal)
        job = source.next(at, set())
        yield from source.take_ended()
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
