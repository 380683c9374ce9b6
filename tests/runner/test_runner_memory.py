"""The estimate of memory, against what layers keep, against a process's peak, and as a refusal."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from runner.declaration import StudyError, study_from
from runner.memory import KEPT, Device, Shape, needed, parameters, shape_of
from runner.sweep import sweep
from tests.workplace import ROOT, Workplace

CONTEXT = 64
NO_DROPOUT = {"resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0}


def network(architecture: str, layers: int, hidden: int) -> torch.nn.Module:
    sizes = {"num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": 4, "vocab_size": 100}
    ends = {"bos_token_id": 0, "eos_token_id": 0, "use_cache": False}
    middle = {"intermediate_size": 4 * hidden, "max_position_embeddings": CONTEXT}
    if architecture == "gpt_neox":
        return GPTNeoXForCausalLM(GPTNeoXConfig(**sizes, **ends, **middle))
    if architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(**sizes, **ends, **middle))
    return GPT2LMHeadModel(GPT2Config(**sizes, **ends, **NO_DROPOUT, n_positions=CONTEXT))


def kept_bytes(model: torch.nn.Module, precision: str) -> int:
    """Bytes that autograd keeps of one forward pass of two data points, copies of weights left out."""
    weights = {p.numel() for p in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().nbytes() // tensor.element_size() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    tokens = torch.zeros(2, CONTEXT, dtype=torch.int64)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"),
    ):
        model(input_ids=tokens)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("architecture", list(KEPT))
def test_activations_are_those_that_autograd_keeps(architecture: str, precision: str) -> None:
    hidden = 80  # so that no activation has as many numbers as a weight
    counted = kept_bytes(network(architecture, 4, hidden), precision)
    counted -= kept_bytes(network(architecture, 2, hidden), precision)
    per_hidden, per_intermediate = KEPT[architecture][precision == "bf16"]
    expected = 2 * CONTEXT * 2 * hidden * (per_hidden + 4 * per_intermediate)
    assert counted == pytest.approx(expected, rel=0.03)


STUDY = """
study: big
description: One run of a model whose size is given.
context: 128
models: [{{path: {path}, tokens_per_step: 1}}]
pretrain_steps: [1]
datasets: [python]
data_points: [16]
training: {{batch: 8, learning_rate: 1e-4, max_epochs: 2, evaluation_batch: 8}}
splits: {{validation: 8, heldout: 8}}
"""
TRAIN = """
import numpy as np
from accelerate import Accelerator
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
from runner.finetune import Passes, finetune, weights_of
from runner.study import Training
for layers, hidden, vocabulary in ((2, 256, 2000), (4, 512, 8000)):
    model = GPTNeoXForCausalLM(GPTNeoXConfig(
        vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=4,
        intermediate_size=4 * hidden, max_position_embeddings=128, bos_token_id=0, eos_token_id=0))
    accelerator = Accelerator(cpu=True)
    start = weights_of(model)
    points = np.random.default_rng(0).integers(0, vocabulary, (16, 128)).astype(np.int32)
    training = Training(batch=8, learning_rate=1e-4, max_epochs=2)
    result = finetune(accelerator.prepare(model), points, points[:8], points[:8], 99.0, 99.0,
                      training, Passes(8, 8), 0, accelerator)
    print(sum(p.numel() for p in model.parameters()), result.peak_memory_bytes)
"""


def test_the_estimate_is_above_the_peak_of_a_process_and_near_it(tmp_path: Path) -> None:
    file = tmp_path / "study.yml"
    file.write_text(STUDY.format(path=tmp_path))
    study = study_from(str(file))
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], capture_output=True, text=True, check=True, cwd=ROOT, timeout=300
    )
    shapes = (Shape("gpt_neox", 2, 256, 1024, 2000), Shape("gpt_neox", 4, 512, 2048, 8000))
    for line, shape in zip(done.stdout.splitlines(), shapes, strict=True):
        n_params, peak = map(int, line.split())
        need = needed(shape, n_params, study, "full", Device("cpu", 1e12))
        assert peak < need.total < 1.6 * peak  # libraries alone are 0.4 to 0.6 GB


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible")
def test_the_estimate_is_above_the_peak_of_a_gpu_and_near_it() -> None:
    import numpy as np
    from accelerate import Accelerator

    from runner.finetune import Passes, finetune
    from runner.study import Training

    accelerator = Accelerator()
    model = accelerator.prepare(network("gpt_neox", 8, 1024))
    n_params = sum(p.numel() for p in model.parameters())
    points = np.zeros((1, CONTEXT), np.int32)
    training = Training(batch=1, learning_rate=1e-4, max_epochs=2)
    result = finetune(model, points, points, points, 99.0, 99.0, training, Passes(1, 1), 0, accelerator)
    study = study_from("smoke")
    need = needed(Shape("gpt_neox", 8, 1024, 4096, 100), n_params, study, "full", Device("gpu", 1e12))
    assert result.peak_memory_bytes < need.total < result.peak_memory_bytes * 1.5 + need.process


def test_a_declared_suite_has_the_parameters_that_its_shape_says() -> None:
    study = study_from("smoke")
    shape = shape_of(study.models[0], study, Path("nowhere"))
    assert shape == Shape("gpt_neox", 1, 32, 128, 400)
    assert parameters(study.models[0], study, Path("nowhere")) == 38368  # as transformers counts them


def test_sharding_divides_weights_gradients_and_moments() -> None:
    study = study_from("smoke")
    whole = needed(None, 1000, study, "full", Device("gpu", 1e9))
    half = needed(None, 1000, study, "full", Device("gpu", 1e9, shards=2))
    assert (whole.weights, whole.gradients, whole.optimiser) == (4000, 4000, 8000)
    assert whole.total - half.total == 8000


def test_plan_refuses_what_does_not_fit_in_one_line(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, tmp_path / "cache")
    fits = workplace.run("runner", "plan", "--study", "smoke", "--gpu-memory", "2")
    assert fits.returncode == 0, fits.stderr
    assert "memory: a run of smoke-tiny, full, needs about 1 of the 2 GB that its GPU has" in fits.stdout
    done = workplace.run("runner", "plan", "--study", "smoke", "--gpu-memory", "0.5")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: smoke: models: a run of smoke-tiny, full, needs about 1.0 GB and its"
    )
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_refuses_before_anything_is_pre_trained_or_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.sweep.this_machine", lambda _: Device("cpu", 1e8))
    monkeypatch.setattr("runner.sweep.tokenise", lambda *_: None)
    url = tmp_path / "warehouse.duckdb"
    with pytest.raises(StudyError, match=r"smoke-tiny, full, needs about 0\.7 GB and its CPU has 0\.1 GB"):
        sweep(study_from("smoke"), "smoke", str(url), tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
