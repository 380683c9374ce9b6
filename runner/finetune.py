"""One run: a checkpoint fine-tuned on f data points until its validation loss stops falling.

AdamW on all trainable parameters at a constant rate, early stopping by patience, best epoch kept. Stopping is
decided on the validation split; the reported loss is of the held-out split (Barnett 2024 uses one for both,
which flatters small f). An effective batch passes through the model in as many parts as memory asks for, and
on as many processes as were launched: each of its tokens weighs the same however it was divided.
"""

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from runner.course import StoppedError
from runner.resume import Keeper, State
from runner.study import Training
from runner.tokens import Points


class RunError(Exception):
    """A run that cannot be finished: one line."""


@dataclass
class Passes:
    """Data points that one process passes at once, training and evaluating; less where memory runs out."""

    micro_batch: int
    evaluation_batch: int


@dataclass(frozen=True)
class Epoch:
    """Losses after so many epochs, nats per token; epoch 0 is the checkpoint as it came."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    elapsed_s: float


@dataclass(frozen=True)
class Result:
    """What a run measured. Losses are nats per token, those of the best epoch.

    `train_s` is the part of `wall_s` in which it trained; the rest is evaluation and copies of weights.
    """

    loss: float
    loss_validation: float
    loss_zero_shot: float
    best_epoch: int
    optimizer_steps: int
    tokens_seen: int
    trainable_params: int
    processes: int
    micro_batch: int
    evaluation_batch: int
    peak_memory_bytes: int
    device: str
    wall_s: float
    train_s: float
    curve: tuple[Epoch, ...]


def finetune(
    model: nn.Module,
    train: Points,
    validation: Points,
    heldout: Points,
    loss_zero_shot: float,
    validation_zero_shot: float,
    training: Training,
    passes: Passes,
    seed: int,
    accelerator: Accelerator,
    keeper: Keeper | None = None,
) -> Result:
    """Train `model` in place on `train` (data points × context) and measure it at its best epoch.

    The order of epoch e is a shuffle drawn from (seed, e), the same for every checkpoint. With a keeper the
    run goes on from the state that it has, and ends bit by bit as if it had never been interrupted.
    Raises RunError where a loss is not finite, torch's own error where a training pass exceeds the memory,
    StoppedError where the keeper's course says so, the state being saved.
    """
    began = time.monotonic()
    torch.manual_seed(seed)
    if accelerator.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    optimiser = accelerator.prepare(
        torch.optim.AdamW(
            trainable(model),
            lr=training.learning_rate,
            betas=training.betas,
            eps=training.eps,
            weight_decay=training.weight_decay,
            fused=True,
        )
    )
    points = torch.from_numpy(train.astype(np.int64)).to(accelerator.device)
    best: list[Tensor] = []
    curve = [Epoch(0, None, validation_zero_shot, 0.0)]
    best_epoch = epoch = done = 0
    total = torch.zeros((), device=points.device)
    train_s = 0.0
    if keeper is not None and (state := keeper.load()) is not None:
        facts = state.facts
        best, total = _resume(model, optimiser, state, accelerator)
        curve = [Epoch(*values) for values in facts["curve"]]
        best_epoch, epoch, done, train_s = (facts[k] for k in ("best_epoch", "epoch", "batches", "train_s"))
        began -= facts["elapsed_s"]
        passes.micro_batch = min(passes.micro_batch, facts["micro_batch"])

    def after_batch(batches: int, total: Tensor) -> None:
        if keeper is None or not (keeper.due() or keeper.course.stopping()):
            return
        now = time.monotonic()
        facts = {
            "curve": [astuple(one) for one in curve],
            "best_epoch": best_epoch,
            "epoch": epoch,
            "batches": batches,
            "train_s": train_s + now - epoch_began,
            "elapsed_s": now - began,
            "micro_batch": passes.micro_batch,
            "scaler": accelerator.scaler.state_dict() if accelerator.scaler else None,
        }
        keeper.save(State(facts, _tensors(model, optimiser, best, total)))
        if keeper.course.stopping():
            raise StoppedError

    while epoch < training.max_epochs and epoch - best_epoch < training.patience:
        order = torch.from_numpy(
            np.random.Generator(np.random.PCG64([seed, epoch + 1])).permutation(len(points))
        )
        epoch_began = time.monotonic()
        train_loss = _epoch(
            model,
            optimiser,
            points[order],
            training.batch,
            passes.micro_batch,
            accelerator,
            done,
            total,
            after_batch,
        )
        epoch += 1
        done, total = 0, torch.zeros((), device=points.device)
        train_s += time.monotonic() - epoch_began
        validation_loss = evaluate(model, validation, passes, accelerator)
        if not np.isfinite([train_loss, validation_loss]).all():
            raise RunError(
                f"the loss is not finite in epoch {epoch}: {train_loss} trained, {validation_loss} validated"
            )
        if validation_loss < curve[best_epoch].validation_loss:
            best_epoch = epoch
            best = weights_of(model)
        curve.append(Epoch(epoch, train_loss, validation_loss, time.monotonic() - began))
        if keeper is not None:
            keeper.course.told(epoch)
    if best_epoch == 0:
        loss = loss_zero_shot
    else:
        restore(model, best)
        loss = evaluate(model, heldout, passes, accelerator)
    # accelerate keeps every optimiser it prepared, and AdamW's state is twice the model.
    accelerator.free_memory()
    return Result(
        loss=loss,
        loss_validation=curve[best_epoch].validation_loss,
        loss_zero_shot=loss_zero_shot,
        best_epoch=best_epoch,
        optimizer_steps=epoch * -(-len(points) // training.batch),
        tokens_seen=epoch * train.size,
        trainable_params=sum(p.numel() for p in trainable(model)),
        processes=accelerator.num_processes,
        micro_batch=passes.micro_batch,
        evaluation_batch=min(passes.evaluation_batch, max(len(validation), len(heldout))),
        peak_memory_bytes=_peak_memory(accelerator.device),
        device=_device_name(accelerator.device),
        wall_s=time.monotonic() - began,
        train_s=train_s,
        curve=tuple(curve),
    )


def _epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    points: Tensor,
    batch: int,
    micro_batch: int,
    accelerator: Accelerator,
    done: int,
    total: Tensor,
    after_batch: Callable[[int, Tensor], None],
) -> float:
    """One pass over `points` in their order: the mean loss, each token weighing the same in its batch.

    It begins after so many effective batches that are done, whose losses `total` has.
    """
    model.train()
    for batches, effective in enumerate(torch.split(points, batch)[done:], done + 1):
        # Processes average their gradients where the batch wants their sum.
        scale = accelerator.num_processes / effective[:, 1:].numel()
        share, stand_ins = _share(effective, accelerator)
        parts = torch.split(share, micro_batch)
        for number, part in enumerate(parts, 1):
            last = number == len(parts)
            with contextlib.nullcontext() if last else accelerator.no_sync(model):
                loss = token_losses(model, part)[: len(part) - stand_ins * last].sum()
                accelerator.backward(loss * scale)
            total += loss.detach()
        optimiser.step()
        optimiser.zero_grad()
        after_batch(batches, total)
    return _sum(total, accelerator) / points[:, 1:].numel()


def _tensors(
    model: nn.Module, optimiser: torch.optim.Optimizer, best: list[Tensor], total: Tensor
) -> dict[str, Tensor]:
    """All tensors that a run needs to go on, in the host's memory."""
    tensors = {"total": total.cpu(), "rng.cpu": torch.get_rng_state()}
    if total.is_cuda:
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    for kind, weights in (("weights", weights_of(model)), ("best", best)):
        tensors |= {f"{kind}.{number}": weight for number, weight in enumerate(weights)}
    for number, held in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value.cpu() for name, value in held.items()}
    return tensors


def _resume(
    model: nn.Module, optimiser: torch.optim.Optimizer, state: State, accelerator: Accelerator
) -> tuple[list[Tensor], Tensor]:
    """Put back what `_tensors` took; returns the best weights so far and the sum of losses."""
    lists: dict[str, dict[int, Tensor]] = {"weights": {}, "best": {}}
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.tensors.items():
        kind, _, rest = key.partition(".")
        if kind in lists:
            lists[kind][int(rest)] = tensor
        elif kind == "optimiser":
            number, _, name = rest.partition(".")
            moments.setdefault(int(number), {})[name] = tensor
    restore(model, [lists["weights"][number] for number in sorted(lists["weights"])])
    optimiser.load_state_dict(
        {"state": moments, "param_groups": optimiser.state_dict()["param_groups"]},
    )
    torch.set_rng_state(state.tensors["rng.cpu"])
    if "rng.cuda" in state.tensors and accelerator.device.type == "cuda":
        torch.cuda.set_rng_state(state.tensors["rng.cuda"])
    if accelerator.scaler and state.facts["scaler"]:
        accelerator.scaler.load_state_dict(state.facts["scaler"])
    best = [lists["best"][number] for number in sorted(lists["best"])]
    return best, state.tensors["total"].to(accelerator.device)


def _share(points: Tensor, accelerator: Accelerator) -> tuple[Tensor, int]:
    """This process's part of `points`, equally many in each; and how many at its end, 0 or 1, weigh nothing.

    Processes that share gradients or weights have to pass through the model equally often.
    """
    processes = accelerator.num_processes
    share = points[accelerator.process_index :: processes]
    stand_ins = -(-len(points) // processes) - len(share)
    return (torch.cat([share, points[:1]]), 1) if stand_ins else (share, 0)


def _sum(value: Tensor, accelerator: Accelerator) -> float:
    total: Tensor = accelerator.reduce(value, "sum")
    return total.item()


def token_losses(model: nn.Module, points: Tensor) -> Tensor:
    """Cross-entropy of each token given those before it, nats; (points, context) → (points, context-1)."""
    logits = model(input_ids=points).logits
    # The last position has no next token. Its loss, of a wrong one, is dropped: that is cheaper than to cut
    # its logits out of the rest, which copies them.
    targets = points.roll(-1, 1)
    losses = nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
    return losses.view_as(points)[:, :-1]


def evaluate(model: nn.Module, points: Points, passes: Passes, accelerator: Accelerator) -> float:
    """`mean_loss` in the largest passes that memory allows, which `passes` remembers."""
    while True:
        try:
            return mean_loss(model, points, passes.evaluation_batch, accelerator)
        except RuntimeError as error:
            if min(passes.evaluation_batch, len(points)) == 1 or not can_retry(error, accelerator):
                raise
        clear_device_cache(garbage_collection=True)
        passes.evaluation_batch = min(passes.evaluation_batch, len(points)) // 2


def can_retry(error: RuntimeError, accelerator: Accelerator) -> bool:
    """Whether memory ran out where smaller passes help.

    Not so on several processes: while one is out of memory, the others wait for its gradients.
    """
    return accelerator.num_processes == 1 and bool(should_reduce_batch_size(error))


@torch.no_grad()
def mean_loss(model: nn.Module, points: Points, batch: int, accelerator: Accelerator) -> float:
    """Mean cross-entropy over `points` (data points × context), nats per token."""
    model.eval()
    total = torch.zeros((), dtype=torch.float64, device=accelerator.device)
    share, stand_ins = _share(torch.from_numpy(points.astype(np.int64)), accelerator)
    parts = torch.split(share, batch)
    for number, part in enumerate(parts, 1):
        losses = token_losses(model, part.to(accelerator.device))
        total += losses[: len(part) - stand_ins * (number == len(parts))].double().sum()
    return _sum(total, accelerator) / points[:, 1:].size


def trainable(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def weights_of(model: nn.Module) -> list[Tensor]:
    """A copy, in the host's memory, of all that training changes: of a sharded model this process's shard."""
    return [
        torch.empty_like(local, device="cpu", pin_memory=local.is_cuda).copy_(local)
        for local in _local(model)
    ]


def restore(model: nn.Module, weights: list[Tensor]) -> None:
    """Put back what `weights_of` copied, bit by bit."""
    for local, weight in zip(_local(model), weights, strict=True):
        local.copy_(weight)


def _local(model: nn.Module) -> Iterator[Tensor]:
    for parameter in trainable(model):
        tensor = parameter.detach()
        yield tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss begins at what the parent process had
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
