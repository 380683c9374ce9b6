"""A sweep as Slurm jobs, one a node, through submitit.

    python -m runner sweep --slurm --nodes 4 --gpus-per-node 8 --time 24:00:00

Each job is the sweep itself, so the nodes share the study by their claims, start whenever Slurm lets them,
and may be fewer than asked for. Before a job's time is over, or when it is preempted, Slurm signals it: the
sweep saves what it trains and ends, and the job is queued again.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.place import place

if TYPE_CHECKING:
    from submitit import Executor
    from submitit.helpers import DelayedSubmission

SIGNAL_S = 120  # before the end of a job's time; a sweep has it to save what it trains
KILL_WAIT_S = 90.0  # Slurm kills what it has sent SIGTERM within KillWait, 30 s unless a site says otherwise
_REQUEUES = 1000  # a study is over when its runs are done, not after so many jobs
_OURS = {"array", "error", "gpus_per_node", "nodes", "ntasks_per_node", "open_mode", "output", "requeue"}
_OURS |= {"signal", "time"}
_TIME = re.compile(
    r"(?P<d>\d+)-(?P<dh>\d+)(?::(?P<dm>\d+)(?::(?P<ds>\d+))?)?"  # D-H, D-H:M, D-H:M:S
    r"|(?P<h>\d+):(?P<hm>\d+):(?P<hs>\d+)|(?P<m>\d+)(?::(?P<s>\d+))?"  # H:M:S, M, M:S
)


class SlurmError(Exception):
    """Jobs that cannot be submitted: one line."""


@dataclass(frozen=True)
class Request:
    """What is asked of Slurm. `options` are sbatch's own, by name: partition, account, cpus_per_task."""

    nodes: int
    gpus_per_node: int
    minutes: int
    options: dict[str, str | bool]

    def parameters(self) -> dict[str, Any]:
        """submitit's names of it."""
        asked = {"gpus_per_node": self.gpus_per_node} if self.gpus_per_node else {}
        return {
            "job_name": "transfer-laws",
            "wckey": None,  # submitit's own would be refused where Slurm knows its keys
            "nodes": 1,
            "ntasks_per_node": 1,
            "time": self.minutes,
            "signal_delay_s": SIGNAL_S,
            "additional_parameters": {"requeue": True, **self.options},
            **asked,
        }


class Node:
    """One node's sweep, as a command in a folder: what submitit calls, and what it asks to stop."""

    def __init__(self, command: tuple[str, ...], folder: str) -> None:
        self.command = command
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run the sweep; the job ends as it ends, and is queued again where a signal ended it."""
        # Slurm signals every process of a job, and sites differ in the signal.
        signal.signal(signal.SIGUSR1, signal.getsignal(signal.SIGUSR2))
        self._process = subprocess.Popen(self.command, cwd=self.folder, start_new_session=True)
        while not self._has_ended():
            time.sleep(0.2)
        code = self._process.wait()
        by = code - 128 if code > 128 else -code
        if by == signal.SIGTERM:
            # Of a job that is cancelled, or preempted and queued again by Slurm itself, this is the end.
            time.sleep(KILL_WAIT_S)
        if by in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.raise_signal(signal.SIGUSR2)
        if code:
            sys.exit(code)
        return code

    def checkpoint(self) -> "DelayedSubmission":
        """Stop the sweep, its runs saved, and say what is to be queued again. Called by submitit."""
        from submitit.helpers import DelayedSubmission

        if self._process is not None and not self._has_ended():
            self._process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + SIGNAL_S - 20
            while not self._has_ended() and time.monotonic() < deadline:
                time.sleep(0.1)
        return DelayedSubmission(Node(self.command, self.folder))

    def _has_ended(self) -> bool:
        # Popen.poll has a lock, which a signal's handler must not wait for.
        process = self._process
        assert process is not None
        return (
            process.returncode is not None
            or os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        )


def add_slurm_options(parser: argparse.ArgumentParser) -> None:
    """The options of `sweep` that are Slurm's: what is left of its arguments is a node's own sweep."""
    group = parser.add_argument_group("on Slurm")
    group.add_argument("--slurm", action="store_true", help="submit one job a node, and return")
    group.add_argument("--nodes", type=_count, help="default: 1")
    group.add_argument("--gpus-per-node", type=_count, help="default: none")
    group.add_argument("--time", type=minutes_of, help="of a job: minutes, H:MM:SS or D-HH:MM:SS")
    group.add_argument(
        "--sbatch",
        type=_option,
        action="append",
        metavar="KEY=VALUE",
        help="an option of sbatch: partition=gpu, cpus-per-task=16, exclusive; again for each",
    )
    group.add_argument("--dry-run", action="store_true", help="print the script, and submit nothing")


def submitted(arguments: Sequence[str], url: str) -> str:
    """Submit the sweep that `arguments` (of `python -m runner`) ask for. Returns what is to be printed.

    Raises SlurmError where that cannot be.
    """
    slurms = argparse.ArgumentParser(add_help=False)
    add_slurm_options(slurms)
    options, kept = slurms.parse_known_args(arguments)
    if not options.time:
        raise SlurmError("--slurm needs --time, what a job may take: minutes, H:MM:SS or D-HH:MM:SS")
    if options.gpus_per_node and not any(argument.startswith("--wo") for argument in kept):
        kept += ["--workers", "auto"]
    request = Request(
        options.nodes or 1, options.gpus_per_node or 0, options.time, dict(options.sbatch or ())
    )
    node = Node((sys.executable, "-m", "runner", *kept), str(Path.cwd()))
    folder = place(url).spool / "slurm"
    if options.dry_run:
        return script(request, folder)
    jobs = submit(node, request, folder)
    return f"submitted {len(jobs)} jobs: {', '.join(jobs)}; their logs are in {folder}"


def refuse_without_slurm(options: argparse.Namespace) -> None:
    """Raises SlurmError where an option of Slurm's stands without --slurm."""
    for name in ("nodes", "gpus_per_node", "time", "sbatch", "dry_run"):
        if getattr(options, name):
            raise SlurmError(f"--{name.replace('_', '-')} goes with --slurm")


def minutes_of(text: str) -> int:
    """Slurm's times in minutes, seconds rounded up. Raises argparse's error."""
    found = _TIME.fullmatch(text)
    if found:
        part = {name: int(value or 0) for name, value in found.groupdict().items()}
        hours = part["d"] * 24 + part["dh"] + part["h"]
        seconds = part["ds"] + part["hs"] + part["s"]
        minutes = hours * 60 + part["dm"] + part["hm"] + part["m"] + -(-seconds // 60)
        if minutes:
            return minutes
    raise argparse.ArgumentTypeError(f"{text!r} is no time: minutes, H:MM:SS or D-HH:MM:SS")


def script(request: Request, folder: Path) -> str:
    """The script that sbatch would get. Needs no Slurm, and writes nothing."""
    try:
        # Its executor, which has this in public, cannot be made where srun is not installed.
        from submitit.slurm.slurm import _make_sbatch_string
    except ImportError:
        raise _not_installed() from None
    return _make_sbatch_string(
        shlex.join([sys.executable, "-u", "-m", "submitit.core._submit", str(folder)]),
        folder,
        map_count=request.nodes if request.nodes > 1 else None,
        **request.parameters(),
    )


def submit(node: Node, request: Request, folder: Path) -> list[str]:
    """Queue the jobs and return their numbers. Raises SlurmError where Slurm or submitit is not there."""
    try:
        import submitit
        from submitit.core.utils import FailedJobError
    except ImportError:
        raise _not_installed() from None
    try:
        executor = submitit.SlurmExecutor(folder, max_num_timeout=_REQUEUES)
        executor.update_parameters(**request.parameters())
        return [job.job_id for job in queued(executor, node, request.nodes)]
    except (RuntimeError, FailedJobError, OSError, subprocess.SubprocessError) as error:
        raise SlurmError(f"Slurm did not take the jobs: {' '.join(str(error).split())}") from None


def queued(executor: "Executor", node: Node, nodes: int) -> "list[Any]":
    """One job of submitit's for each node."""
    with executor.batch():
        jobs = [executor.submit(node) for _ in range(nodes)]
    return jobs


def _not_installed() -> SlurmError:
    return SlurmError("submitit is not installed: pip install 'transfer-laws[slurm]'")


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _option(text: str) -> tuple[str, str | bool]:
    """An option of sbatch as submitit takes it."""
    found = re.fullmatch(r"([a-z][a-z0-9_-]*)(?:=([^\x00-\x1f]+))?", text.removeprefix("--"))
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, as in partition=gpu")
    key = found[1].replace("-", "_")
    if key in _OURS:
        raise argparse.ArgumentTypeError(f"{found[1]!r} is given by the sweep's own options or by submitit")
    return key, found[2] or True
