"""Where runs go: this process, several worker processes on this machine, or the processes of one launch.

    python -m runner sweep                                                 study's `workers`, one per GPU
    accelerate launch --multi_gpu --num_processes 4 -m runner sweep        every run on four GPUs
    accelerate launch --use_fsdp --num_processes 4 -m runner sweep         and its weights split over them

Jobs come sorted by checkpoint, so a worker loads each checkpoint at most once. A worker appends its own rows;
of a launch the main process does.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from runner.worker import Job, LaunchError, Outcome, is_main_process, launched, run

__all__ = ["Job", "LaunchError", "Outcome", "agreed", "is_main_process", "launch", "launched"]

Agreed = TypeVar("Agreed")

# Read when CUDA starts. Runs of many sizes follow each other: segments that grow leave no holes behind. And
# cuBLAS repeats itself to the last bit only with a workspace of fixed size.
_CUDA = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


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


def launch(jobs: Sequence[Job], workers: int) -> Generator[Outcome, None, None]:
    """Train every job and append its row; yields as each ends. With one worker, in this process."""
    if not jobs:
        return
    for name, value in _CUDA.items():
        os.environ.setdefault(name, value)
    if workers == 1 or launched():
        yield from map(run, jobs)
        return
    # CUDA and OpenMP do not survive a fork.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=context,
        initializer=_as_worker,
        initargs=(context.Value("i", 0),),
    )
    try:
        for future in as_completed([executor.submit(run, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool:
        raise LaunchError(
            "a worker process died, for want of memory perhaps; what had finished is in the warehouse, "
            "and the same command goes on"
        ) from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _as_worker(started: "Synchronized[int]") -> None:
    """Leave Ctrl-C to the sweep, and end with it however it ends: what was being trained was not finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    with started.get_lock():
        number = started.value
        started.value += 1

    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
