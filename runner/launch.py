"""Where runs go: this process, or several worker processes on this machine.

Jobs come sorted by checkpoint, so a worker loads each checkpoint at most once. A worker appends its own rows.
"""

import multiprocessing
import os
import signal
import socket
import threading
import uuid
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.checkpoints import Checkpoint, CheckpointError
from runner.study import Cell, Model, Study
from runner.tokens import Tokens, TokensError, points_of
from warehouse import store
from warehouse.provenance import provenance

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

    from runner.finetune import Result


class LaunchError(Exception):
    """Runs that could not go on: one line."""


@dataclass(frozen=True)
class Job:
    """One run, with all that a worker needs to train and record it."""

    cell: Cell
    run_key: str
    checkpoint: Checkpoint
    study: Study
    dataset_fingerprint: str
    cache: Path
    url: str


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its held-out loss (nats per token), or None and the error."""

    cell: Cell
    run_key: str
    loss: float | None
    error: str | None


@dataclass(frozen=True)
class Loaded:
    """A checkpoint on the device, with a copy of its weights to go back to before each run."""

    model: "nn.Module"
    weights: "dict[str, Tensor]"
    accelerator: "Accelerator"


def launch(jobs: Sequence[Job], workers: int) -> Generator[Outcome, None, None]:
    """Train every job and append its row; yields as each ends. With one worker, in this process."""
    if not jobs:
        return
    if workers == 1:
        yield from map(run, jobs)
        return
    # CUDA and OpenMP do not survive a fork.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context, initializer=_as_worker)
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


def _as_worker() -> None:
    """Leave Ctrl-C to the sweep, and end with it however it ends: what was being trained was not finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def run(job: Job) -> Outcome:
    """Train one job and append its row. A run that fails is a row too."""
    import torch

    from runner.finetune import RunError

    started_at = datetime.now(UTC)
    result = error = None
    try:
        result = _train(job)
    except (
        RunError,
        CheckpointError,
        TokensError,
        torch.OutOfMemoryError,
        MemoryError,
        RuntimeError,
        OSError,
    ) as why:
        error = f"{type(why).__name__}: {' '.join(str(why).split())}"[:1000]
    _append(job, result, error, started_at)
    return Outcome(job.cell, job.run_key, None if result is None else result.loss, error)


def _train(job: Job) -> "Result":
    import torch

    from runner.finetune import finetune

    torch.set_num_threads(job.study.training.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    loaded = _loaded(job.checkpoint, job.study.training.precision)
    points = _points(job.study, job.cell.model, job.cell.dataset, job.cache)
    if points.facts.fingerprint != job.dataset_fingerprint:
        raise TokensError(f"the text of {job.cell.dataset} has changed since the sweep began: start it again")
    loaded.model.load_state_dict(loaded.weights)
    validation_zero_shot, loss_zero_shot = _zero_shot(job, loaded, points)
    return finetune(
        loaded.model,
        points.subset(job.cell.data_points, job.cell.seed),
        points.validation,
        points.heldout,
        loss_zero_shot,
        validation_zero_shot,
        job.study.training,
        job.cell.seed,
        loaded.accelerator,
    )


@lru_cache(maxsize=1)
def _loaded(checkpoint: Checkpoint, precision: str) -> Loaded:
    from accelerate import Accelerator

    from runner.checkpoints import load

    accelerator = Accelerator(mixed_precision=precision)
    model = accelerator.prepare(load(checkpoint))
    return Loaded(model, {k: v.detach().clone() for k, v in model.state_dict().items()}, accelerator)


@lru_cache(maxsize=16)
def _points(study: Study, model: Model, dataset: str, cache: Path) -> Tokens:
    return points_of(study, model, dataset, cache)


_zero_shots: dict[tuple[str, str, str], tuple[float, float]] = {}


def _zero_shot(job: Job, loaded: Loaded, points: Tokens) -> tuple[float, float]:
    """Validation and held-out loss of the checkpoint as it came, measured once for its runs on a dataset."""
    from runner.finetune import mean_loss

    key = (job.checkpoint.digest, job.dataset_fingerprint, job.study.training.precision)
    if key not in _zero_shots:
        batch = job.study.training.evaluation_batch
        _zero_shots[key] = (
            mean_loss(loaded.model, points.validation, batch, loaded.accelerator),
            mean_loss(loaded.model, points.heldout, batch, loaded.accelerator),
        )
    return _zero_shots[key]


def _append(job: Job, result: "Result | None", error: str | None, started_at: datetime) -> None:
    cell, checkpoint = job.cell, job.checkpoint
    run_id = uuid.uuid4().hex
    config: dict[str, object] = asdict(job.study.training)
    row: dict[str, object] = {
        "run_id": run_id,
        "run_key": job.run_key,
        "dataset": cell.dataset,
        "dataset_fingerprint": job.dataset_fingerprint,
        "model": cell.model.name,
        "revision": cell.revision,
        "checkpoint_digest": checkpoint.digest,
        "pretrain_steps": cell.pretrain_steps,
        "pretrain_tokens": checkpoint.pretrain_tokens,
        "n_params": checkpoint.n_params,
        "n_params_non_embedding": checkpoint.n_params_non_embedding,
        "data_points": cell.data_points,
        "context": job.study.context,
        "tokens": cell.data_points * job.study.context,
        "seed": cell.seed,
        "method": cell.method,
        "status": "failed" if result is None else "ok",
        "error": error,
        "host": socket.gethostname(),
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "config": config,
        "provenance": provenance(),
    }
    epochs: list[dict[str, object]] = []
    if result is not None:
        config["micro_batch"] = result.micro_batch
        row |= {
            "loss": result.loss,
            "loss_validation": result.loss_validation,
            "loss_zero_shot": result.loss_zero_shot,
            "epochs": len(result.curve) - 1,
            "best_epoch": result.best_epoch,
            "optimizer_steps": result.optimizer_steps,
            "tokens_seen": result.tokens_seen,
            "flops": 6.0 * (checkpoint.n_params or 0) * result.tokens_seen,
            "wall_s": result.wall_s,
            "peak_memory_bytes": result.peak_memory_bytes,
            "device": result.device,
        }
        epochs = [{"run_id": run_id, **asdict(epoch)} for epoch in result.curve]
    store.append(store.Record(run_id, {"raw.runs": [row], "raw.epochs": epochs}), job.url)
