"""Where a model pre-trained for p steps comes from: a suite made here, or a local directory.

Both hold one folder a revision (`step0`, `step32`, …) in the hub's layout: config.json, safetensors,
tokenizer.json. Only `load` imports torch.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from runner.declaration import suite_from
from runner.study import Model, Study, Suite, digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EMBEDDINGS = ("embed_in", "embed_out", "wte", "wpe", "lm_head", "embed_tokens")


class CheckpointError(Exception):
    """A checkpoint that is missing or damaged: one line that names the folder."""


@dataclass(frozen=True)
class Checkpoint:
    """One revision of a model. Tokens and parameters are counts; heldout_loss is nats per token.

    Parameters are None where the weights are damaged: the runs that need them fail, each with its reason.
    """

    model: str
    revision: str
    pretrain_steps: int
    digest: str
    source: str
    pretrain_tokens: int
    n_params: int | None
    n_params_non_embedding: int | None
    heldout_loss: float | None
    path: Path


def suite_folder(suite: Suite, cache: Path) -> Path:
    """Where `pretrain` puts the suite's checkpoints; its declaration and text's version are in the name."""
    from runner import datasets

    made_from = [suite.identity(), datasets.get(suite.text).version()]
    return cache / "suites" / f"{suite.suite}-{digest(made_from)[:16]}"


def model_folder(model: Model, cache: Path) -> Path:
    """The folder that holds the model's revisions."""
    if model.path is not None:
        return Path(model.path)
    return suite_folder(suite_from(str(model.suite)), cache) / str(model.size)


def tokenizer_file(model: Model, cache: Path) -> Path:
    """The tokenizer.json that all revisions of the model share."""
    if model.path is None:
        return suite_folder(suite_from(str(model.suite)), cache) / "tokenizer" / "tokenizer.json"
    folders = sorted(Path(model.path).glob("step*/tokenizer.json"))
    if not folders:
        raise CheckpointError(
            f"{model.path}: no step*/tokenizer.json; expected one folder a revision: step0, …"
        )
    return folders[0]


def is_made(model: Model, cache: Path) -> bool:
    """False for a suite that has not been pre-trained yet."""
    return model.path is not None or model_folder(model, cache).is_dir()


def checkpoint(model: Model, steps: int, cache: Path) -> Checkpoint:
    """The model's revision after so many steps, its files digested.

    Raises CheckpointError where the revision is missing, naming those that exist.
    """
    folder = model_folder(model, cache)
    path = folder / f"step{steps}"
    if not (path / "config.json").is_file():
        known = sorted(
            (p.parent.name for p in folder.glob("step*/config.json")), key=lambda r: int(r[4:] or 0)
        )
        raise CheckpointError(f"{folder}: no revision step{steps}; it has {', '.join(known) or 'none'}")
    counts = _count_parameters(path)
    if model.path is None:
        suite = suite_from(str(model.suite))
        per_step = suite.batch * suite.context
        losses = json.loads((folder / "heldout_losses.json").read_text())
        heldout_loss, source = losses[path.name], f"suite {suite.suite}"
    else:
        per_step = int(model.tokens_per_step or 0)
        heldout_loss, source = None, f"directory {model.path}"
    return Checkpoint(
        model=model.name,
        revision=path.name,
        pretrain_steps=steps,
        digest=_digest(path),
        source=source,
        pretrain_tokens=steps * per_step,
        n_params=counts and counts[0],
        n_params_non_embedding=counts and counts[0] - counts[1],
        heldout_loss=heldout_loss,
        path=path,
    )


def checkpoints(study: Study, cache: Path) -> dict[tuple[str, int], Checkpoint]:
    """All checkpoints that the study starts from, by model name and step."""
    return {(m.name, p): checkpoint(m, p, cache) for m in study.models for p in study.pretrain_steps}


def load(where: Checkpoint) -> "PreTrainedModel":
    """The model with its weights, in float32 on the CPU.

    Raises CheckpointError where the files cannot be read or hold a weight that is not finite.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            where.path, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{where.path}: cannot be loaded: {' '.join(str(error).split())}") from error
    if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
        raise CheckpointError(f"{where.path}: holds a weight that is not finite")
    return model


def _count_parameters(path: Path) -> tuple[int, int] | None:
    """All parameters and those of the embeddings, from the headers of the weights; None if damaged."""
    total = embedding = 0
    for file in sorted(path.glob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - safe_open is no mapping
                    count = math.prod(tensors.get_slice(name).get_shape())
                    total += count
                    embedding += count if any(part in EMBEDDINGS for part in name.split(".")) else 0
        except (SafetensorError, OSError):
            return None
    return (total, embedding) if total else None


def _digest(path: Path) -> str:
    """SHA-256 over the files that decide what the model computes, shortened to 128 bits."""
    total = hashlib.sha256()
    for file in sorted([path / "config.json", path / "tokenizer.json", *path.glob("*.safetensors")]):
        with file.open("rb") as stream:
            total.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()[:32]
