"""What the warehouse is told of a run that has ended."""

import shutil
import socket
import sys
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.compute import peak_flop_per_s, training_flops
from runner.job import Job, Outcome, states
from warehouse import spool, store
from warehouse.provenance import provenance

if TYPE_CHECKING:
    from runner.finetune import Result

PATIENCE_S = 5.0  # between attempts to record a run on a disk that does not take it


def told(error: BaseException) -> str:
    """An error as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:1000]


def failed(job: Job, error: str, started_at: datetime) -> Outcome:
    """Record a run that its process could not."""
    append(job, None, error, started_at)
    return Outcome(job.cell, job.run_key, None, error)


def append(job: Job, result: "Result | None", error: str | None, started_at: datetime) -> None:
    """Append a run's row and its epochs, or the error that it failed with; its state goes then."""
    cell, checkpoint = job.cell, job.checkpoint
    run_id = uuid.uuid4().hex
    config: dict[str, object] = asdict(job.study.training_of(cell))
    if cell.method == "lora" and job.study.lora is not None:
        config["lora"] = asdict(job.study.lora)
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
        "finished_at": max(started_at, datetime.now(UTC)),  # of a clock that was set back meanwhile
        "config": config,
        "provenance": provenance(),
    }
    epochs: list[dict[str, object]] = []
    if result is not None:
        config |= {
            "micro_batch": result.micro_batch,
            "evaluation_batch": result.evaluation_batch,
            "processes": result.processes,
        }
        flops = training_flops(
            checkpoint.n_params or 0,
            result.tokens_seen,
            adapter_params=result.trainable_params if cell.method == "lora" else 0,
        )
        peak = peak_flop_per_s(result.device)
        row |= {
            "loss": result.loss,
            "loss_validation": result.loss_validation,
            "loss_zero_shot": result.loss_zero_shot,
            "epochs": len(result.curve) - 1,
            "best_epoch": result.best_epoch,
            "optimizer_steps": result.optimizer_steps,
            "tokens_seen": result.tokens_seen,
            "trainable_params": result.trainable_params,
            "flops": flops,
            "wall_s": result.wall_s,
            "tokens_per_s": result.tokens_seen / result.train_s,
            "flops_utilisation": flops / result.train_s / (peak * result.processes) if peak else None,
            "peak_memory_bytes": result.peak_memory_bytes,
            "device": result.device,
        }
        epochs = [{"run_id": run_id, **asdict(epoch)} for epoch in result.curve]
    # Two that finish the same run, after a lease ran out, write one record: it is appended once.
    name = run_id if result is None else f"run-{job.run_key}"
    _write(store.Record(name, {"raw.runs": [row], "raw.epochs": epochs}), job.url)
    shutil.rmtree(states(job.url) / job.run_key, ignore_errors=True)


def _write(record: store.Record, url: str) -> None:
    """Append the record, however long the disk is full or gone: the run may have cost an hour."""
    record = spool.checked(record)
    said = False
    while True:
        try:
            store.append(record, url)
        except store.WarehouseError as error:
            if not said:
                print(f"warehouse: {error}; a finished run waits until it can be", file=sys.stderr)
            said = True
            time.sleep(PATIENCE_S)
        else:
            return
