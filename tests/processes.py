"""The runner's commands as real processes, forked from one that has imported torch: starts are cheap."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.workplace import Workplace

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    [
        *("runner.__main__", "runner.finetune", "runner.resume", "runner.pretrain", "accelerate", "pandas"),
        "transformers.models.auto.modeling_auto",
        "transformers.models.gpt_neox.modeling_gpt_neox",
    ]
)


@dataclass(frozen=True)
class Started:
    """A command in a process group of its own; what it prints goes to a file."""

    process: BaseProcess
    log: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def code(self, timeout: float | None = 0) -> int | None:
        """Its exit code, or None where it has not ended by then."""
        self.process.join(timeout)
        return self.process.exitcode

    def kill(self) -> None:
        """SIGKILL, to the command and its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.join()

    def printed(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def started(arguments: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> Started:
    """Start `python -m runner …` in a folder."""
    process = _FORKED.Process(target=_run, args=(arguments, folder, dict(environment), log))
    process.start()
    return Started(process, log)


def ran(arguments: list[str], workplace: Workplace) -> subprocess.CompletedProcess[str]:
    """The command in its workplace when it has ended; all that it prints is in both its outputs."""
    log = Path(tempfile.mkstemp()[1])
    command = started(arguments, workplace.folder, workplace.environment, log)
    code = command.code(timeout=600)
    assert code is not None, command.printed()
    printed = command.printed()
    log.unlink()
    return subprocess.CompletedProcess(arguments, code, printed, printed)


def _run(arguments: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    from runner.__main__ import main

    os.setsid()
    # What runs the tests in the background may have it ignored, which a terminal's processes do not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.exit(main(arguments))
