"""One run as it is handed to a worker, and how it ended. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path

from runner.checkpoints import Checkpoint
from runner.study import Cell, Study
from warehouse.place import place


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
    """How a run ended: its held-out loss (nats per token), or None and the error; or another sweep has it."""

    cell: Cell
    run_key: str
    loss: float | None
    error: str | None
    elsewhere: bool = False


def states(url: str) -> Path:
    """Where runs in mid-training are kept, by their keys: by the spool, so that any machine can go on."""
    return place(url).spool / "training"
