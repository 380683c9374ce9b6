"""Sweeps as Slurm's jobs: the script, what is refused, and a preemption, by submitit's local processes."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import submitit

from runner import slurm
from runner.__main__ import main
from runner.claim_stores import store_of
from runner.declaration import study_from
from runner.slurm import Node, minutes_of, queued
from runner.sweep import sweep
from tests.workplace import Workplace

LONG = """
study: long
description: One run that takes seconds.
context: 32
models: [{suite: smoke, size: tiny}]
pretrain_steps: [8]
datasets: [python]
data_points: [64]
training: {batch: 8, learning_rate: 1e-5, patience: 1000, max_epochs: 40}
splits: {validation: 16, heldout: 32}
"""
NODES = ["--slurm", "--nodes", "2", "--gpus-per-node", "4", "--time", "1-02:00:30"]


@pytest.fixture
def long(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(workplace.folder)
    for name, value in workplace.environment.items():
        monkeypatch.setenv(name, value)
    file = workplace.folder / "long.yml"
    file.write_text(LONG)
    return str(file)


def test_a_dry_run_prints_the_script_and_makes_nothing(
    long: str, workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--sbatch", "partition=gpu", "--sbatch", "cpus-per-task=16", "--sbatch", "exclusive"]
    assert main(["sweep", "--study", long, *NODES, *options, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")} >= {
        "array=0-1%2", "nodes=1", "ntasks-per-node=1", "gpus-per-node=4", "time=1561", "requeue",
        "signal=USR2@120", "partition=gpu", "cpus-per-task=16", "exclusive",
    }  # fmt: skip
    assert any(line.startswith("srun ") and sys.executable in line for line in lines)
    assert list(workplace.folder.iterdir()) == [Path(long)]


def test_a_node_gets_the_arguments_that_are_not_slurms_and_all_of_its_gpus(
    long: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[tuple[Node, slurm.Request]] = []

    def submit(node: Node, request: slurm.Request, _: Path) -> list[str]:
        given.append((node, request))
        return ["7_0", "7_1"]

    monkeypatch.setattr(slurm, "submit", submit)
    kept = ["sweep", "--study", long, "--retry-failed", "--lease=9"]
    assert main([*kept[:3], *NODES, *kept[3:], "--sbatch=qos=low"]) == 0
    assert main([*kept, "--workers", "3", "--slurm", "--time=5"]) == 0
    (node, request), (other, single) = given
    assert node.command == (sys.executable, "-m", "runner", *kept, "--workers", "auto")
    assert node.folder == str(workplace.folder)
    assert request == slurm.Request(2, 4, 1561, {"qos": "low"})
    assert other.command[3:] == (*kept, "--workers", "3")
    assert single == slurm.Request(1, 0, 5, {})
    assert "submitted 2 jobs: 7_0, 7_1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--nodes 2", "--nodes goes with --slurm"),
        ("--dry-run", "--dry-run goes with --slurm"),
        ("--slurm", "--slurm needs --time"),
        ("--slurm --time 5h", "'5h' is no time: minutes, H:MM:SS or D-HH:MM:SS"),
        ("--slurm --time 0:00:00", "'0:00:00' is no time"),
        ("--slurm --time 5 --nodes 0", "'0' is not a number from 1 on"),
        ("--slurm --time 5 --sbatch gpu!", "'gpu!' is not KEY=VALUE"),
        ("--slurm --time 5 --sbatch nodes=2", "'nodes' is given by the sweep's own options"),
        ("--slurm --time 5", 'Slurm did not take the jobs: Could not detect "srun"'),
        ("--slurm --time 5 --dry-run", "pip install 'transfer-laws[slurm]'"),
    ],
)
def test_what_cannot_be_submitted_is_one_line(
    long: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: str, says: str
) -> None:
    if "pip install" in says:
        monkeypatch.setitem(sys.modules, "submitit.slurm.slurm", None)
    monkeypatch.setenv("PATH", "/nowhere")
    try:
        code = main(["sweep", "--study", long, *options.split()])
    except SystemExit as left:  # argparse's
        code = left.code
    errors = capsys.readouterr().err
    assert code == 2
    assert errors.startswith("error: ")
    assert says in errors
    assert errors.count("\n") == 1


def test_times_are_slurms() -> None:
    times = ["90", "1:30", "2:00:01", "1-2", "1-02:03", "1-02:03:04"]
    assert [minutes_of(time) for time in times] == [90, 2, 121, 1560, 1563, 1564]


@pytest.mark.parametrize(
    ("ends", "queued_again", "waits"),
    [
        ("exit 0", False, False),
        ("exit 2", False, False),
        ("kill -USR1 $$", True, False),  # before it listens
        ("exit 140", True, False),  # SIGUSR2, told by the sweep itself
        ("exit 143", True, True),  # SIGTERM: Slurm may be about to kill the job, and is not to be outrun
    ],
)
def test_a_job_is_queued_again_where_a_signal_ended_its_sweep_and_ends_as_it_otherwise(
    monkeypatch: pytest.MonkeyPatch, ends: str, queued_again: bool, waits: bool
) -> None:
    waited: list[float] = []
    sleep = time.sleep
    monkeypatch.setattr(
        slurm.time, "sleep", lambda s: waited.append(s) if s == slurm.KILL_WAIT_S else sleep(s)
    )
    signalled: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: signalled.append(number))
    try:
        with suppress(SystemExit):
            assert Node(("sh", "-c", ends), ".")() == 0
            assert ends == "exit 0"
        assert signal.getsignal(signal.SIGUSR1) == signal.getsignal(signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, before)
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert bool(signalled) == queued_again
    assert bool(waited) == waits


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_preempted_job_saves_its_run_is_queued_again_and_ends_it_as_if_unbroken(
    long: str, workplace: Workplace, smoke: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    unbroken = Workplace(tmp_path_factory.mktemp("unbroken"), smoke.cache)
    assert sweep(study_from(long), long, str(unbroken.warehouse), smoke.cache) == 0

    command = (sys.executable, "-m", "runner", "sweep", "--study", long, "--lease", "1")
    executor = submitit.LocalExecutor(workplace.folder / "jobs")
    (job,) = queued(executor, Node(command, str(workplace.folder)), 1)
    states = workplace.folder / "warehouse.duckdb.spool" / "training"
    epochs = 0
    while epochs < 2:
        assert not job.done()
        time.sleep(0.05)
        epochs = max((c.epoch for c in store_of(str(workplace.warehouse)).read().values()), default=0)
    assert not states.exists()
    (task,) = children(int(job.job_id))
    for pid in (task, *children(task)):  # as Slurm does, to every process of the job
        os.kill(pid, signal.SIGUSR2)
    while not list(states.glob("*/state.json")):
        assert not job.done()
        time.sleep(0.01)
    assert job.result() == 0
    assert not list(states.iterdir())
    losses = "select run_key, status, loss, loss_validation, epochs from raw.runs"
    assert workplace.rows(losses) == unbroken.rows(losses)
    assert workplace.rows("select epochs, count(*) from raw.runs group by all") == [(40, 1)]
    log = job.stderr()
    assert "what was being trained is saved" in log
    assert log.count("1 to run") == 2
