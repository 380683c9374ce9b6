"""A run does what the paper's recipe says, checked against a loop in plain PyTorch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from runner.finetune import Passes, Result, RunError, finetune, mean_loss
from runner.study import Training
from tests.benchmarks.bench_runner_trainer import BATCH, EPOCHS, PATIENCE, RATE, trainer_runs

TRAINING = Training(batch=4, learning_rate=3e-3, patience=2, max_epochs=12)
VOCABULARY, CONTEXT = 50, 12


def model() -> GPTNeoXForCausalLM:
    torch.manual_seed(0)
    shape = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPTNeoXForCausalLM(shape)


def points(count: int, seed: int) -> np.ndarray:
    """Sequences that count upwards from a random token: there is something to learn."""
    starts = np.random.default_rng(seed).integers(0, VOCABULARY, (count, 1))
    return ((starts + np.arange(CONTEXT)) % VOCABULARY).astype(np.int32)


def run(training: Training = TRAINING, train: np.ndarray | None = None, seed: int = 0) -> Result:
    accelerator = Accelerator(cpu=True)
    network = accelerator.prepare(model())
    validation, heldout = points(8, 2), points(16, 3)
    zero_shot = [mean_loss(network, split, 8, accelerator) for split in (heldout, validation)]
    train = points(10, 1) if train is None else train
    passes = Passes(training.micro_batch or training.batch, 8)
    return finetune(network, train, validation, heldout, *zero_shot, training, passes, seed, accelerator)


def reference_loss(network: GPTNeoXForCausalLM, split: np.ndarray) -> float:
    """transformers' own loss: labels shifted inside the model."""
    tokens = torch.from_numpy(split.astype(np.int64))
    with torch.no_grad():
        return float(network(input_ids=tokens, labels=tokens).loss)


def test_losses_epoch_by_epoch_are_those_of_a_plain_loop() -> None:
    result = run()
    network = model()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=3e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
    )
    train, validation, heldout = points(10, 1), points(8, 2), points(16, 3)
    assert result.loss_zero_shot == pytest.approx(reference_loss(network, heldout), abs=1e-5)
    expected, heldouts = [reference_loss(network, validation)], [reference_loss(network, heldout)]
    for epoch in range(1, len(result.curve)):
        order = np.random.Generator(np.random.PCG64([0, epoch])).permutation(10)
        for start in range(0, 10, 4):
            tokens = torch.from_numpy(train[order[start : start + 4]].astype(np.int64))
            network(input_ids=tokens, labels=tokens).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        expected.append(reference_loss(network, validation))
        heldouts.append(reference_loss(network, heldout))
    assert [e.validation_loss for e in result.curve] == pytest.approx(expected, abs=1e-4)
    best = int(np.argmin(expected))
    assert result.best_epoch == best
    assert result.loss_validation == result.curve[best].validation_loss
    assert result.loss == pytest.approx(heldouts[best], abs=1e-4)
    assert result.loss < result.loss_zero_shot


def test_losses_epoch_by_epoch_are_those_of_transformers_trainer(tmp_path: Path) -> None:
    splits = {"train": points(40, 1), "validation": points(8, 2), "heldout": points(16, 3)}
    for name, split in splits.items():
        np.save(tmp_path / f"any-{name}.npy", split)
    model().save_pretrained(tmp_path / "model")
    (theirs,) = trainer_runs(tmp_path, tmp_path / "model", [("any", 16)])
    chosen = np.random.Generator(np.random.PCG64(0)).permutation(40)[:16]
    training = Training(batch=BATCH, learning_rate=RATE, patience=PATIENCE, max_epochs=EPOCHS)
    ours = run(training, splits["train"][chosen])
    assert [e.validation_loss for e in ours.curve] == pytest.approx(theirs["validation"], abs=1e-4)
    assert [e.train_loss for e in ours.curve[1:]] == pytest.approx(theirs["train"], abs=1e-4)
    assert ours.loss == pytest.approx(theirs["loss"], abs=1e-4)


def test_stops_after_patience_epochs_without_a_better_one() -> None:
    # Noise teaches nothing that helps on validation, so training on it stops early.
    noise = np.random.default_rng(5).integers(0, VOCABULARY, (10, CONTEXT)).astype(np.int32)
    result = run(replace(TRAINING, max_epochs=200, learning_rate=1e-2), noise)
    losses = [e.validation_loss for e in result.curve]
    assert result.best_epoch == int(np.argmin(losses))
    assert len(losses) - 1 == result.best_epoch + TRAINING.patience < 200


def test_a_checkpoint_that_training_only_harms_keeps_its_zero_shot_loss() -> None:
    noise = np.random.default_rng(5).integers(0, VOCABULARY, (4, CONTEXT)).astype(np.int32)
    result = run(replace(TRAINING, learning_rate=0.3), noise)
    assert result.best_epoch == 0
    assert result.loss == result.loss_zero_shot
    assert len(result.curve) - 1 == TRAINING.patience


def test_counts_follow_from_epochs_and_data_points() -> None:
    result = run()
    epochs = len(result.curve) - 1
    assert result.optimizer_steps == epochs * 3  # ten points in batches of four
    assert result.tokens_seen == epochs * 10 * CONTEXT
    assert [e.epoch for e in result.curve] == list(range(epochs + 1))
    assert result.curve[0].train_loss is None
    assert all(e.train_loss is not None and e.train_loss > 0 for e in result.curve[1:])


def test_the_same_run_twice_is_equal_to_the_last_bit() -> None:
    first, second = run(), run()
    assert [e.validation_loss for e in first.curve] == [e.validation_loss for e in second.curve]
    assert first.loss == second.loss
    assert run(seed=1).loss != first.loss


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_micro_batches_change_the_last_bits_only(micro_batch: int) -> None:
    whole, parts = run(), run(replace(TRAINING, micro_batch=micro_batch))
    assert parts.micro_batch == micro_batch
    assert [e.validation_loss for e in parts.curve] == pytest.approx(
        [e.validation_loss for e in whole.curve], abs=1e-4
    )
    assert [e.train_loss for e in parts.curve[1:]] == pytest.approx(
        [e.train_loss for e in whole.curve[1:]], abs=1e-4
    )


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    with pytest.raises(RunError, match="not finite in epoch"):
        run(replace(TRAINING, learning_rate=1e30))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible")
def test_a_gpu_gives_the_same_losses() -> None:
    on_cpu = run()
    accelerator = Accelerator()
    network = accelerator.prepare(model())
    validation, heldout = points(8, 2), points(16, 3)
    zero_shot = [mean_loss(network, split, 8, accelerator) for split in (heldout, validation)]
    result = finetune(
        network, points(10, 1), validation, heldout, *zero_shot, TRAINING, Passes(4, 8), 0, accelerator
    )
    assert result.loss == pytest.approx(on_cpu.loss, abs=1e-3)
    assert result.device != "cpu"
