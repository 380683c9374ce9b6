"""One run: a checkpoint fine-tuned on f data points until its validation loss stops falling.

AdamW on all parameters at a constant rate, early stopping by patience, best epoch kept. Stopping is decided
on the validation split; the reported loss is of the held-out split (Barnett 2024 uses one for both, which
flatters small f). accelerate places the model, casts, and holds back gradients that are being accumulated.
"""

import contextlib
import resource
import time
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from runner.study import Training
from runner.tokens import Points


class RunError(Exception):
    """A run that cannot be finished: one line."""


@dataclass(frozen=True)
class Epoch:
    """Losses after so many epochs, nats per token; epoch 0 is the checkpoint as it came."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    elapsed_s: float


@dataclass(frozen=True)
class Result:
    """What a run measured. Losses are nats per token, those of the best epoch."""

    loss: float
    loss_validation: float
    loss_zero_shot: float
    best_epoch: int
    optimizer_steps: int
    tokens_seen: int
    micro_batch: int
    peak_memory_bytes: int
    device: str
    wall_s: float
    curve: tuple[Epoch, ...]


def finetune(
    model: nn.Module,
    train: Points,
    validation: Points,
    heldout: Points,
    loss_zero_shot: float,
    validation_zero_shot: float,
    training: Training,
    seed: int,
    accelerator: Accelerator,
) -> Result:
    """Train `model` in place on `train` (data points × context) and measure it at its best epoch.

    The order of epoch e is a shuffle drawn from (seed, e), the same for every checkpoint.
    Raises RunError where a loss is not finite.
    """
    began = time.monotonic()
    torch.manual_seed(seed)
    if accelerator.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    optimiser = accelerator.prepare(
        torch.optim.AdamW(
            model.parameters(),
            lr=training.learning_rate,
            betas=training.betas,
            eps=training.eps,
            weight_decay=training.weight_decay,
            fused=True,
        )
    )
    micro_batch = training.micro_batch or training.batch
    points = torch.from_numpy(train.astype(np.int64)).to(accelerator.device)
    best = {name: value.detach().clone() for name, value in model.state_dict().items()}
    curve = [Epoch(0, None, validation_zero_shot, 0.0)]
    best_epoch = epoch = steps = 0
    while epoch < training.max_epochs and epoch - best_epoch < training.patience:
        epoch += 1
        order = torch.from_numpy(np.random.Generator(np.random.PCG64([seed, epoch])).permutation(len(points)))
        train_loss = _epoch(model, optimiser, points[order], training.batch, micro_batch, accelerator)
        steps += -(-len(points) // training.batch)
        validation_loss = mean_loss(model, validation, training.evaluation_batch, accelerator)
        if not np.isfinite([train_loss, validation_loss]).all():
            raise RunError(
                f"the loss is not finite in epoch {epoch}: {train_loss} trained, {validation_loss} validated"
            )
        if validation_loss < curve[best_epoch].validation_loss:
            best_epoch = epoch
            best = {name: value.detach().clone() for name, value in model.state_dict().items()}
        curve.append(Epoch(epoch, train_loss, validation_loss, time.monotonic() - began))
    if best_epoch == 0:
        loss = loss_zero_shot
    else:
        model.load_state_dict(best)
        loss = mean_loss(model, heldout, training.evaluation_batch, accelerator)
    # accelerate keeps every optimiser it prepared, and AdamW's state is twice the model.
    accelerator.free_memory()
    return Result(
        loss=loss,
        loss_validation=curve[best_epoch].validation_loss,
        loss_zero_shot=loss_zero_shot,
        best_epoch=best_epoch,
        optimizer_steps=steps,
        tokens_seen=epoch * train.size,
        micro_batch=micro_batch,
        peak_memory_bytes=_peak_memory(accelerator.device),
        device=_device_name(accelerator.device),
        wall_s=time.monotonic() - began,
        curve=tuple(curve),
    )


def _epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    points: Tensor,
    batch: int,
    micro_batch: int,
    accelerator: Accelerator,
) -> float:
    """One pass over `points` in their order: the mean loss, each token weighing the same in its batch."""
    model.train()
    total = torch.zeros((), device=points.device)
    for effective in torch.split(points, batch):
        predicted = effective[:, 1:].numel()
        passes = torch.split(effective, micro_batch)
        for number, part in enumerate(passes, 1):
            last = number == len(passes)
            with contextlib.nullcontext() if last else accelerator.no_sync(model):
                loss = token_losses(model, part).sum() / predicted
                accelerator.backward(loss)
            total += loss.detach() * predicted
        optimiser.step()
        optimiser.zero_grad()
    return total.item() / points[:, 1:].numel()


def token_losses(model: nn.Module, points: Tensor) -> Tensor:
    """Cross-entropy of each token given those before it, nats; (points, context) → (points·(context-1),)."""
    logits = model(input_ids=points).logits[:, :-1]
    return nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(), points[:, 1:].reshape(-1), reduction="none"
    )


@torch.no_grad()
def mean_loss(model: nn.Module, points: Points, batch: int, accelerator: Accelerator) -> float:
    """Mean cross-entropy over `points` (data points × context), nats per token."""
    model.eval()
    total = torch.zeros((), dtype=torch.float64, device=accelerator.device)
    for part in torch.split(torch.from_numpy(points.astype(np.int64)), batch):
        total += token_losses(model, part.to(accelerator.device)).double().sum()
    return total.item() / points[:, 1:].size


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
