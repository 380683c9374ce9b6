"""A run that was interrupted goes on from its state and ends bit by bit as if it never had been."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from accelerate import Accelerator

from runner.course import Course, StoppedError
from runner.finetune import Passes, Result, finetune, mean_loss
from runner.resume import Keeper
from tests.processes import ran, started
from tests.runner.test_runner_finetune import TRAINING, model, points
from tests.workplace import Workplace

STUDY = """
study: long
description: One run that takes seconds, of which a state is saved every second.
context: 32
models: [{suite: smoke, size: tiny}]
pretrain_steps: [8]
datasets: [python]
data_points: [128]
training: {batch: 8, learning_rate: 1e-5, patience: 80, max_epochs: 80, save_every_s: 1}
splits: {validation: 16, heldout: 32}
"""
LONG = replace(TRAINING, patience=20, max_epochs=5)  # of three batches each


class StopAfter:
    """Asks a run to stop after so many optimiser steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


def run(keeper: Keeper | None) -> Result:
    accelerator = Accelerator(cpu=True)
    network = accelerator.prepare(model())
    validation, heldout = points(8, 2), points(16, 3)
    zero_shot = [mean_loss(network, split, 8, accelerator) for split in (heldout, validation)]
    train = points(10, 1)
    return finetune(
        network, train, validation, heldout, *zero_shot, LONG, Passes(4, 8), 0, accelerator, keeper
    )


def losses(result: Result) -> list[object]:
    curve = [(one.epoch, one.train_loss, one.validation_loss) for one in result.curve]
    return [result.loss, result.loss_validation, result.best_epoch, result.optimizer_steps, *curve]


@pytest.fixture(scope="module")
def unbroken() -> list[object]:
    return losses(run(None))


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_an_interrupted_run_ends_as_an_unbroken_one(
    tmp_path: Path, unbroken: list[object], steps: int
) -> None:
    epochs: list[int] = []
    with pytest.raises(StoppedError):
        run(Keeper(tmp_path, 1e9, Course(epochs.append, StopAfter(steps))))
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    result = run(Keeper(tmp_path, 1e9, Course(epochs.append)))
    assert losses(result) == unbroken
    assert epochs == [1, 2, 3, 4, 5]  # none trained twice


def test_a_state_is_saved_as_often_as_declared_and_changes_nothing(
    tmp_path: Path, unbroken: list[object]
) -> None:
    assert losses(run(Keeper(tmp_path, 0))) == unbroken
    assert len(list(tmp_path.iterdir())) == 2  # the latest alone
    assert losses(run(Keeper(tmp_path, 0))) == unbroken  # killed when all but the last epoch's end was done


@pytest.mark.parametrize("damage", ["cut", "flipped", "json", "gone"])
def test_a_damaged_state_is_no_state(
    tmp_path: Path, unbroken: list[object], damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StoppedError):
        run(Keeper(tmp_path, 1e9, Course(stopping=StopAfter(4))))
    (tensors,) = tmp_path.glob("*.safetensors")
    content = bytearray(tensors.read_bytes())
    if damage == "cut":
        tensors.write_bytes(content[:-100])
    elif damage == "flipped":
        content[-100] ^= 1
        tensors.write_bytes(content)
    elif damage == "json":
        (tmp_path / "state.json").write_text('{"format": 1')
    else:
        tensors.unlink()
    assert losses(run(Keeper(tmp_path, 1e9))) == unbroken
    assert ("damaged state, so the run starts anew" in capsys.readouterr().err) == (damage != "gone")


def test_a_sweep_killed_in_mid_run_goes_on_from_its_state_to_the_loss_of_an_unbroken_one(
    smoke: Workplace, tmp_path: Path
) -> None:
    places = [Workplace(tmp_path / name, smoke.cache) for name in ("unbroken", "killed")]
    for place in places:
        place.folder.mkdir()
    (tmp_path / "long.yml").write_text(STUDY)
    command = ["sweep", "--study", str(tmp_path / "long.yml")]
    unbroken, killed = places
    assert ran(command, unbroken).returncode == 0

    states = killed.folder / "warehouse.duckdb.spool" / "training"
    process = started(command, killed.folder, killed.environment, tmp_path / "log")
    while not list(states.glob("*/state.json")):
        assert process.code() is None, process.printed()
        time.sleep(0.01)
    process.kill()
    again = ran(command, killed)
    assert again.returncode == 0, again.stderr
    losses = "select run_key, loss, loss_validation, best_epoch, epochs, optimizer_steps from raw.runs"
    assert killed.rows(losses) == unbroken.rows(losses)
    # Of the time that the run took, the process that ended it has seen a part.
    part = "select wall_s > epoch(finished_at) - epoch(started_at) from raw.runs"
    assert (unbroken.rows(part), killed.rows(part)) == ([(False,)], [(True,)])
    assert not list(states.iterdir())
