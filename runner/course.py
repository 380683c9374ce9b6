"""What a run tells of its course while it trains, and what it is told. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass


class StoppedError(Exception):
    """A run that was asked to stop; it is not finished, and goes on where it was another time."""


class PoisonedError(Exception):
    """A process whose CUDA context an error has broken: nothing more can be trained in it."""


@dataclass(frozen=True)
class Course:
    """`told(epoch)` is called after every epoch; a run stops after the optimiser step where `stopping()`."""

    told: Callable[[int], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False
