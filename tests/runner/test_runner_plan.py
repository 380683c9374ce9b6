"""The studies that ship, and what `plan` says of them before anything is fetched."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from runner.checkpoints import checkpoint
from runner.declaration import STUDIES, study_from
from runner.memory import parameters
from runner.study import run_key
from tests.workplace import Workplace

# Layers, hidden size and rows of the embeddings of each Pythia, as their config.json has them.
PYTHIA = {
    "14m": (6, 128, 50304),
    "31m": (6, 256, 50304),
    "70m": (6, 512, 50304),
    "160m": (12, 768, 50304),
    "410m": (24, 1024, 50304),
    "1b": (16, 2048, 50304),
    "1.4b": (24, 2048, 50304),
    "2.8b": (32, 2560, 50304),
    "6.9b": (32, 4096, 50432),
}


def test_barnett2024_is_planned_without_network_or_torch(tmp_path: Path) -> None:
    program = (
        "import socket, sys; socket.socket.connect = None; from runner.__main__ import main; "
        "code = main(['plan', '--study', 'barnett2024', '--gpu-memory', '80']); "
        "sys.exit(99 if {'torch', 'transformers', 'accelerate'} & set(sys.modules) else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=Workplace(tmp_path, tmp_path / "cache").environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for line in (
        "barnett2024: 750 runs, 0 done, 0 failed, 750 missing",
        "dataset enron is not on this machine: python -m runner data fetch enron",
        "the hub has not been asked yet about EleutherAI/pythia-2.8b (15 revisions)",
        "checkpoints to fetch: 15, 83.3 GB, at 2 bytes a parameter",
        "two at a time, 11.1 GB, as keep_checkpoints is false",
        "Barnett 2024 gives 4.77e+16 FLOP for all runs. That is 11.5 epochs of 6·N·f = 4.14e+15 FLOP",
        "with the 256 tokens that it has, the same epochs are 1.22e+19 FLOP",
        "left to train: 1.22e+19 FLOP",
    ):
        assert line in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("barnett2024", "barnett2024-scratch", 15 * 10 * 5),
        ("barnett2024", "model-size", 9 * 5 * 2),  # those of the 2.8B
        ("demo", "model-size-mini", 6 * 6),  # those on Python
        ("model-size-mini", "hernandez-mini", 4 * 6),  # those from step 192
    ],
)
def test_studies_that_ship_share_runs(one: str, other: str, shared: int) -> None:
    assert len(keys(one) & keys(other)) == shared


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("barnett2024", 15 * 10 * 5),
        ("barnett2024-scratch", 16 * 10 * 5),
        ("hernandez2021", 8 * 2 * 6),
        ("model-size", 7 * 9 * 2 * 5),
        ("hernandez-mini", 4 * 2 * 8),
        ("model-size-mini", 4 * 6 * 6),
    ],
)
def test_studies_that_ship_have_the_grid_they_promise(name: str, runs: int) -> None:
    assert len(keys(name)) == runs


def keys(name: str) -> set[str]:
    """Run keys of a study as if its texts and weights were here: splits are part of a text's fingerprint."""
    study = study_from(name)
    return {
        run_key(study, cell, f"{cell.dataset} {study.splits}", f"{cell.model.name} {cell.revision}")
        for cell in study.cells()
    }


def test_parameters_declared_of_pythia_are_those_of_its_architecture() -> None:
    models = {m for path in STUDIES.glob("*.yml") for m in study_from(path.stem).models if m.hub is not None}
    assert {str(m.hub) for m in models} == {f"EleutherAI/pythia-{size}" for size in PYTHIA}
    for model in models:
        layers, hidden, rows = PYTHIA[str(model.hub).removeprefix("EleutherAI/pythia-")]
        with torch.device("meta"):
            built = GPTNeoXForCausalLM(
                GPTNeoXConfig(
                    num_hidden_layers=layers,
                    hidden_size=hidden,
                    intermediate_size=4 * hidden,
                    num_attention_heads=8,
                    vocab_size=rows,
                )
            )
        assert model.parameters == sum(p.numel() for p in built.parameters())
        assert model.tokens_per_step == 1024 * 2048


def test_parameters_of_a_suite_are_known_before_it_is_made(smoke: Workplace, tmp_path: Path) -> None:
    study = study_from("smoke")
    (model,) = study.models
    assert parameters(model, study, tmp_path) == checkpoint(model, 0, smoke.cache).n_params
