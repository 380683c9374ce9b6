"""What a run tells of its course while it trains, and what it is told. Imports no torch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)  # what ends a sweep saved; the last is submitit's


class StoppedError(Exception):
    """A run that was asked to stop; it is not finished, and goes on where it was another time."""


class PoisonedError(Exception):
    """A process whose CUDA context an error has broken: nothing more can be trained in it."""


@dataclass(frozen=True)
class Course:
    """`told(epoch)` is called after every epoch; a run stops after the optimiser step where `stopping()`."""

    told: Callable[[int], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False


class PreemptedError(Exception):
    """The sweep was asked to end by a signal, and what was being trained is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(signal_number).name}; what had finished is in the warehouse, "
            "what was being trained is saved, and the same command goes on"
        )
        self.exit_code = 128 + signal_number


@dataclass
class Stop:
    """The signal that asked the sweep to end, or 0."""

    signal: int = 0


@contextmanager
def signalled() -> Iterator[Stop]:
    """A stop that signals set, instead of ending this process."""
    stop = Stop()
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
