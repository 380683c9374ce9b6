"""One job in this process: what all runs of a checkpoint share is done once, and a row appended for each."""

import contextlib
import gc
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.checkpoints import Checkpoint, CheckpointError
from runner.course import Course, PoisonedError, StoppedError
from runner.hub_client import FetchError
from runner.job import Job, Outcome, states
from runner.record import append, told
from runner.study import Cell, Lora, Model, Study, Training
from runner.tokens import Tokens, TokensError, points_of

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn
    from transformers import PreTrainedModel

    from runner.finetune import Passes, Result


class LaunchError(Exception):
    """Runs that could not go on: one line."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint on the device: bare, prepared by accelerate, and a copy of its weights to go back to."""

    bare: "PreTrainedModel"
    model: "nn.Module"
    weights: "list[Tensor]"
    accelerator: "Accelerator"
    sharded: bool


def launched() -> bool:
    """Whether this is one of several processes of `accelerate launch` or torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_main_process() -> bool:
    """Whether this process is the one that reports and records."""
    return os.environ.get("RANK", "0") == "0"


def run(job: Job, course: Course | None = None) -> Outcome:
    """Train one job and append its row. A run that fails, however it does, is a row too.

    Raises LaunchError where one of several launched processes fails alone, for the others wait for it;
    FetchError where the hub or the disk fails them all; StoppedError where the course says so; PoisonedError
    where CUDA can do no more in this process.
    """
    from runner.finetune import RunError

    started_at = datetime.now(UTC)
    result = error = None
    try:
        result = _train(job, course or Course())
    except (StoppedError, FetchError):
        raise
    except Exception as why:  # noqa: BLE001  # whatever it is, it is this run's and not the sweep's
        error = told(why)
        if launched() and not isinstance(why, RunError | CheckpointError | TokensError):
            raise LaunchError(
                f"{job.cell}: {error}; over several processes training.micro_batch is not found but declared"
            ) from None
        if _is_poisoned():
            raise PoisonedError(error) from None
    if is_main_process():
        append(job, result, error, started_at)
    return Outcome(job.cell, job.run_key, None if result is None else result.loss, error)


def _is_poisoned() -> bool:
    """Whether an error has broken this process's CUDA, in which case every call fails from now on."""
    import torch

    if not torch.cuda.is_available():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


def _train(job: Job, course: Course) -> "Result":
    import torch

    from runner.finetune import can_retry, finetune, restore
    from runner.resume import Keeper

    study, cell = job.study, job.cell
    training = study.training_of(cell)
    torch.set_num_threads(training.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would write every result twice. torch.utils.deterministic makes its attributes as it is imported.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    loaded = _loaded(job.checkpoint, training.precision, training.gradient_checkpointing)
    points = _points(study, cell.model, cell.dataset, job.cache)
    if points.facts.fingerprint != job.dataset_fingerprint:
        raise TokensError(f"the text of {cell.dataset} has changed since the sweep began: start it again")
    passes = _passes(training, cell, loaded.accelerator.device.type)
    validation_zero_shot, loss_zero_shot = _zero_shot(job, loaded, points, passes)
    keeper = None
    if loaded.accelerator.num_processes == 1:
        keeper = Keeper(states(job.url) / job.run_key, training.save_every_s, course)
    while True:
        restore(loaded.model, loaded.weights)
        with _method(loaded, study.lora if cell.method == "lora" else None, cell.seed) as model:
            try:
                return finetune(
                    model,
                    points.subset(cell.data_points, cell.seed),
                    points.validation,
                    points.heldout,
                    loss_zero_shot,
                    validation_zero_shot,
                    training,
                    passes,
                    cell.seed,
                    loaded.accelerator,
                    keeper,
                )
            except StoppedError:
                loaded.accelerator.free_memory()
                raise
            except RuntimeError as error:
                if passes.micro_batch == 1 or not can_retry(error, loaded.accelerator):
                    raise
        loaded.accelerator.free_memory()
        # The effective batch stays, in twice as many parts; what fits is remembered for the runs to come.
        passes.micro_batch = max(1, min(passes.micro_batch, cell.data_points) // 2)


@cache
def _settle() -> None:
    """Keep what libraries made at their import from being looked through after every run.

    accelerate collects garbage then, which takes a quarter of a second with it, and nothing without.
    """
    gc.freeze()


_held: list[tuple[tuple[str, str, bool], Loaded]] = []


def _loaded(checkpoint: Checkpoint, precision: str, gradient_checkpointing: bool) -> Loaded:
    """The checkpoint on the device; the one before it is let go first, for both may not fit."""
    import torch
    from accelerate import Accelerator
    from torch.distributed.fsdp import fully_shard

    from runner.checkpoints import load
    from runner.finetune import weights_of

    key = (checkpoint.digest, precision, gradient_checkpointing)
    if _held and _held[0][0] == key:
        return _held[0][1]
    if _held:
        _held.pop()[1].accelerator.free_memory()
    _settle()
    sharded = _sharded()
    # Left to itself, accelerate takes processes without a GPU for as many single ones.
    accelerator = Accelerator(mixed_precision=precision, cpu=launched() and not torch.cuda.is_available())
    bare = load(checkpoint)
    bare.config.use_cache = False
    if gradient_checkpointing:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # its new name is not in all of transformers 5
            bare.gradient_checkpointing_enable({"use_reentrant": False})
    if sharded:
        bare.forward = accelerator.autocast()(bare.forward)
        for module in bare.modules():
            if type(module).__name__ in (bare._no_split_modules or ()):
                fully_shard(module)
        # Its weights are put back and copied between a forward pass and the next: sharded, as the rest.
        model: nn.Module = fully_shard(bare, reshard_after_forward=True)
    else:
        model = accelerator.prepare(bare)
    _held.append((key, Loaded(bare, model, weights_of(model), accelerator, sharded)))
    return _held[0][1]


@cache
def _sharded() -> bool:
    """Whether `accelerate launch --use_fsdp` asked for weights split over its processes.

    accelerate's own FSDP takes a model together with its one optimiser, and here every run has another: the
    request is taken from it, and torch's fully_shard answers.
    """
    return os.environ.pop("ACCELERATE_USE_FSDP", "false").lower() == "true" and launched()


@contextlib.contextmanager
def _method(loaded: Loaded, lora: Lora | None, seed: int) -> Iterator["nn.Module"]:
    """The model to train: all of it, or with adapters that are gone afterwards.

    Raises RunError where the model has no layer of the names that `lora.targets` gives.
    """
    import torch

    from runner.finetune import RunError

    if lora is None:
        yield loaded.model
        return
    if loaded.sharded:
        raise RunError("method lora is not sharded: leave out --use_fsdp, adapters need little memory")
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, task_type="CAUSAL_LM")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers
            adapted = get_peft_model(loaded.bare, config)
    except ValueError as error:
        raise RunError(f"lora.targets: {error}") from None
    try:
        yield loaded.accelerator.prepare(adapted)
    finally:
        adapted.unload()
        loaded.bare.requires_grad_(True)


_all_passes: dict[tuple[Model, str], "Passes"] = {}


def _passes(training: Training, cell: Cell, device: str) -> "Passes":
    """What one pass holds: as declared, and as earlier runs of the model found that memory allows."""
    from runner.finetune import Passes

    whole_split = 1 << 30
    return _all_passes.setdefault(
        (cell.model, cell.method),
        Passes(
            training.micro_batch or training.batch,
            training.evaluation_batch or (64 if device == "cpu" else whole_split),
        ),
    )


@lru_cache(maxsize=16)
def _points(study: Study, model: Model, dataset: str, cache: Path) -> Tokens:
    return points_of(study, model, dataset, cache)


_zero_shots: dict[tuple[str, str, str], tuple[float, float]] = {}


def _zero_shot(job: Job, loaded: Loaded, points: Tokens, passes: "Passes") -> tuple[float, float]:
    """Validation and held-out loss of the checkpoint as it came, measured once for its runs on a dataset."""
    from runner.finetune import evaluate, restore

    key = (job.checkpoint.digest, job.dataset_fingerprint, job.study.training.precision)
    if key not in _zero_shots:
        restore(loaded.model, loaded.weights)
        _zero_shots[key] = (
            evaluate(loaded.model, points.validation, passes, loaded.accelerator),
            evaluate(loaded.model, points.heldout, passes, loaded.accelerator),
        )
    return _zero_shots[key]
