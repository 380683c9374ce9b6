"""LoRA runs: what they train, what they record, and that they leave the checkpoint as it was."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from runner import worker
from runner.compute import peak_flop_per_s, training_flops
from runner.declaration import StudyError, study_from
from runner.finetune import RunError, restore, weights_of
from runner.study import Lora, run_key
from runner.sweep import sweep
from tests.workplace import Workplace

STUDY = """
study: adapters
description: One of the smoke study's runs, after the same with adapters.
context: 32
models: [{suite: smoke, size: tiny}]
pretrain_steps: [8]
datasets: [python]
data_points: [4]
methods: [lora, full]
lora: {rank: 4, alpha: 8, learning_rate: 5e-3}
training: {batch: 8, learning_rate: 2e-3, patience: 2, max_epochs: 6}
splits: {validation: 16, heldout: 32}
"""


@pytest.fixture(scope="module")
def swept(smoke: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    workplace = Workplace(tmp_path_factory.mktemp("lora"), smoke.cache)
    file = workplace.folder / "adapters.yml"
    file.write_text(STUDY)
    assert sweep(study_from(str(file)), str(file), str(workplace.warehouse), workplace.cache) == 0
    return workplace


def test_a_lora_run_records_its_adapters_and_their_flops(swept: Workplace) -> None:
    ((trained, n_params, flops, tokens, improved, settings, rate),) = swept.rows(
        "select trainable_params, n_params, flops, tokens_seen, loss < loss_zero_shot,"
        " config->'lora'->>'rank', config->>'learning_rate'"
        " from raw.runs where method = 'lora' and status = 'ok'",
    )
    # Rank 4 of the four linear layers of 32 to 96, 32 to 32, 32 to 128 and 128 to 32.
    assert trained == 4 * (128 + 64 + 160 + 160)
    assert flops == (4 * n_params + 6 * trained) * tokens
    assert improved
    assert (settings, rate) == ("4", "0.005")


def test_a_full_run_after_a_lora_run_is_the_one_without_it_to_the_last_bit(
    smoke: Workplace, swept: Workplace
) -> None:
    full = "select run_key, loss, loss_validation, trainable_params = n_params from raw.runs"
    same = " where method = 'full' and dataset = 'python' and pretrain_steps = 8 and data_points = 4"
    assert swept.rows(full + same) == smoke.rows(full + same)


@pytest.mark.usefixtures("swept")
def test_adapters_leave_the_weights_and_their_gradients_as_they_were() -> None:
    loaded = worker._held[0][1]
    restore(loaded.model, loaded.weights)
    names = [name for name, _ in loaded.bare.named_parameters()]
    with worker._method(loaded, Lora(), seed=0) as adapted:
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.data.add_(1.0)
    assert [name for name, _ in loaded.bare.named_parameters()] == names
    assert all(torch.equal(a, b) for a, b in zip(weights_of(loaded.model), loaded.weights, strict=True))
    with (
        pytest.raises(RunError, match=r"lora\.targets: .*nowhere"),
        worker._method(loaded, Lora(targets=("nowhere",)), seed=0),
    ):
        pass


def test_run_keys_know_lora_settings_in_lora_runs_only(tmp_path: Path) -> None:
    study = study_from("smoke")
    cell = next(study.cells())
    # Of a warehouse that exists: another key would make all its runs be trained again.
    assert run_key(study, cell, "d" * 32, "c" * 32) == "1370a1a42c501a2c6f2bc4e2742557fa"
    with_lora = replace(study, methods=("full", "lora"), lora=Lora())
    assert run_key(with_lora, cell, "d" * 32, "c" * 32) == run_key(study, cell, "d" * 32, "c" * 32)
    adapted = replace(cell, method="lora")
    keys = {
        run_key(replace(with_lora, lora=lora), adapted, "d" * 32, "c" * 32)
        for lora in (Lora(), Lora(rank=4), Lora(alpha=4), Lora(targets=("dense",)), Lora(learning_rate=1e-2))
    }
    assert len(keys) == 5
    file = tmp_path / "study.yml"
    file.write_text(STUDY.replace("lora: {", "# {"))
    with pytest.raises(StudyError, match="lora: its block goes with lora in methods"):
        study_from(str(file))


def test_flops_and_peaks() -> None:
    assert training_flops(10, 3) == 180
    assert training_flops(10, 3, adapter_params=2) == 156
    assert peak_flop_per_s("NVIDIA A100-SXM4-80GB") == 312e12
    assert peak_flop_per_s("NVIDIA H100 80GB HBM3") == 989.4e12
    assert peak_flop_per_s("NVIDIA H100 PCIe") == 756e12
    assert peak_flop_per_s("NVIDIA L40S") == 362e12
    assert peak_flop_per_s("NVIDIA A10G") is None
    assert peak_flop_per_s("cpu") is None
