"""Passes that fit, and several processes on one run: the same losses however the work is divided."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from runner import finetune, worker
from runner.declaration import study_from
from runner.sweep import sweep
from tests.workplace import Workplace

STUDY = """
study: divided
description: Nine data points in batches of eight, so that not every process has a share in the last.
context: 32
models: [{suite: smoke, size: tiny}]
pretrain_steps: [8]
datasets: [python]
data_points: [9]
methods: [full, lora]
lora: {rank: 4, alpha: 8, learning_rate: 5e-3}
training: {batch: 8, learning_rate: 2e-3, patience: 2, max_epochs: 2}
splits: {validation: 15, heldout: 31}
"""
LOSSES = (
    "select method, data_points, loss, loss_validation, loss_zero_shot from raw.runs where status = 'ok'"
    " order by all"
)


def swept(workplace: Workplace, text: str = STUDY) -> int:
    """The study, swept in this process; how many runs stand failed."""
    file = workplace.folder / "divided.yml"
    file.write_text(text)
    return sweep(study_from(str(file)), str(file), str(workplace.warehouse), workplace.cache)


@pytest.fixture(scope="module")
def undivided(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    workplace = Workplace(tmp_path_factory.mktemp("undivided"), cache)
    assert swept(workplace) == 0
    return workplace.rows(LOSSES)


def launched(
    workplace: Workplace, text: str, *launcher: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    file = workplace.folder / "divided.yml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "runner", "sweep", "--study", str(file)],
        cwd=workplace.folder,
        env={**workplace.environment, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def same(losses: list[tuple], expected: list[tuple]) -> None:
    assert [row[:2] for row in losses] == [row[:2] for row in expected]
    for row, other in zip(losses, expected, strict=True):
        assert row[2:] == pytest.approx(other[2:], abs=1e-5)


TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def test_two_processes_on_each_run_give_the_losses_of_one(
    undivided: list[tuple], workplace: Workplace
) -> None:
    done = launched(workplace, STUDY, *TORCHRUN)
    assert done.returncode == 0, done.stderr
    same(workplace.rows(LOSSES), undivided)
    assert workplace.rows("select count(*), any_value(config->>'processes') from raw.runs") == [(2, "2")]


def test_weights_split_over_two_processes_give_the_losses_of_one(
    undivided: list[tuple], workplace: Workplace
) -> None:
    done = launched(workplace, STUDY, *TORCHRUN, ACCELERATE_USE_FSDP="true")
    assert done.returncode == 1
    same(workplace.rows(LOSSES), [row for row in undivided if row[:2] == ("full", 9)])
    assert workplace.rows("select error from raw.runs where status = 'failed'") == [
        ("RunError: method lora is not sharded: leave out --use_fsdp, adapters need little memory",)
    ]


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices are visible")
def test_weights_split_over_two_gpus_give_the_losses_of_one(
    undivided: list[tuple], workplace: Workplace
) -> None:
    text = STUDY.replace("[full, lora]", "[full]").replace("lora: {", "# {")
    launcher = ("accelerate.commands.launch", "--use_fsdp", "--num_processes", "2")
    done = launched(workplace, text, *launcher)
    assert done.returncode == 0, done.stderr
    for row, other in zip(workplace.rows(LOSSES), undivided, strict=False):
        assert row[2:] == pytest.approx(other[2:], abs=1e-3)


def test_a_suite_is_pre_trained_before_a_launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("runner.sweep.agreed", lambda make: make())
    monkeypatch.setattr("runner.sweep.tokenise", lambda *_: None)
    file = tmp_path / "divided.yml"
    file.write_text(STUDY)
    with pytest.raises(worker.LaunchError, match="python -m runner pretrain --suite smoke"):
        sweep(study_from(str(file)), str(file), str(tmp_path / "w.duckdb"), tmp_path / "cache")


def short_of_memory(monkeypatch: pytest.MonkeyPatch, training: int, evaluating: int) -> None:
    """Passes of more data points than these end as they do on a GPU that is too small."""
    inner = finetune.token_losses

    def token_losses(model: torch.nn.Module, points: torch.Tensor) -> torch.Tensor:
        if len(points) > (training if model.training else evaluating):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return inner(model, points)

    monkeypatch.setattr(finetune, "token_losses", token_losses)
    monkeypatch.setattr(worker, "_all_passes", {})
    monkeypatch.setattr(worker, "_zero_shots", {})


def test_passes_are_halved_until_they_fit_and_the_effective_batch_stays(
    undivided: list[tuple], workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, training=2, evaluating=4)
    assert swept(workplace) == 0
    same(workplace.rows(LOSSES), undivided)
    chosen = "select distinct config->>'micro_batch', config->>'evaluation_batch' from raw.runs"
    assert workplace.rows(chosen) == [("2", "3")]  # of 8 and of 15
    assert workplace.rows("select distinct optimizer_steps / epochs from raw.runs") == [(2,)]


def test_a_data_point_that_does_not_fit_fails_its_runs_in_one_line(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, training=0, evaluating=4)
    assert swept(workplace) == 2
    assert workplace.rows("select distinct error from raw.runs") == [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",)
    ]


def test_gradient_checkpointing_changes_the_last_bits_only(
    undivided: list[tuple], workplace: Workplace
) -> None:
    assert (
        swept(workplace, STUDY.replace("max_epochs: 2", "max_epochs: 2, gradient_checkpointing: true")) == 0
    )
    same(workplace.rows(LOSSES), undivided)
