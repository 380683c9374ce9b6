"""Where a model pre-trained for p steps comes from: a suite made here, a local directory, or the hub.

The first two hold one folder a revision (`step0`, `step32`, …) in the hub's layout: config.json, safetensors,
tokenizer.json. runner/hub.py sees to the third. Only `load` imports torch.
"""

import hashlib
import json
import math
import pickle
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from runner import hub
from runner.declaration import suite_from
from runner.hub import Revision
from runner.study import Model, Study, Suite, digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel


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
    hub: Revision | None = None


def suite_folder(suite: Suite, cache: Path) -> Path:
    """Where `pretrain` puts the suite's checkpoints; what decides their weights is in the name."""
    from runner import datasets

    made_from = [suite.identity(), datasets.get(suite.text).version()]
    return cache / "suites" / f"{suite.suite}-{digest(made_from)[:16]}"


def size_folder(suite: Suite, size: str, cache: Path) -> Path:
    """Where the checkpoints of one size of the suite are; its shape is in the name."""
    shape = suite.models[size]
    return suite_folder(suite, cache) / f"{size}-{shape.layers}x{shape.hidden}x{shape.heads}"


def suite_tokenizer(suite: Suite, cache: Path) -> Path:
    """The tokenizer.json of the suite, shared by suites of the same text, vocabulary and context."""
    from runner import datasets

    made_from = [datasets.get(suite.text).version(), suite.vocabulary, suite.context]
    return cache / "tokenizers" / f"{suite.text}-{digest(made_from)[:16]}" / "tokenizer.json"


def model_folder(model: Model, cache: Path) -> Path:
    """The folder that holds the revisions of a model which is on this machine."""
    if model.path is not None:
        return Path(model.path)
    return size_folder(suite_from(str(model.suite)), str(model.size), cache)


def tokenizer_file(model: Model, cache: Path) -> Path:
    """The tokenizer.json that all revisions of the model share."""
    if model.hub is not None:
        return hub.tokenizer_file(model, cache)
    if model.suite is not None:
        return suite_tokenizer(suite_from(model.suite), cache)
    folders = sorted(Path(str(model.path)).glob("step*/tokenizer.json"))
    if not folders:
        raise CheckpointError(
            f"{model.path}: no step*/tokenizer.json; expected one folder a revision: step0, …"
        )
    return folders[0]


def absent(model: Model, study: Study, cache: Path) -> list[int]:
    """Steps of which nothing is known yet: of a suite not pre-trained so far, of a hub not asked yet."""
    if model.path is not None:
        return []
    if model.hub is not None:
        return [p for p in study.pretrain_steps if hub.known(model, p, cache) is None]
    folder = model_folder(model, cache)
    return [p for p in study.pretrain_steps if not (folder / f"step{p}").is_dir()]


def checkpoint(model: Model, steps: int, cache: Path) -> Checkpoint:
    """The model's revision after so many steps, its files digested.

    Raises CheckpointError where the revision is missing, naming those that exist, and FetchError where the
    hub has not been asked yet and does not give it.
    """
    if model.hub is not None:
        return _of_the_hub(model, steps, hub.described(model, steps, cache))
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
        heldout_loss = json.loads((path / "heldout_loss.json").read_text())
        source = f"suite {suite.suite}"
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


def _of_the_hub(model: Model, steps: int, revision: Revision) -> Checkpoint:
    return Checkpoint(
        model=model.name,
        revision=revision.revision,
        pretrain_steps=steps,
        digest=revision.digest,
        source=f"hub {revision.hub} at {revision.commit}",
        pretrain_tokens=steps * int(model.tokens_per_step or 0),
        n_params=revision.n_params,
        n_params_non_embedding=revision.n_params_non_embedding,
        heldout_loss=None,
        path=revision.folder,
        hub=revision,
    )


def checkpoints(study: Study, cache: Path) -> dict[tuple[str, int], Checkpoint]:
    """All checkpoints that the study starts from, by model name and step."""
    return {(m.name, p): checkpoint(m, p, cache) for m in study.models for p in study.pretrain_steps}


def load(where: Checkpoint) -> "PreTrainedModel":
    """The model with its weights, in float32 on the CPU; fetched from the hub where it is not on disk yet.

    Raises CheckpointError where the files cannot be read, lack a weight or hold one that is not finite, and
    FetchError where the hub does not give them.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what it would warn of is checked below
    with hub.held(where.hub) if where.hub else nullcontext():
        if where.hub:
            hub.fetched(where.hub)
        # Without safetensors, torch reads the .bin by weights_only: it holds no code.
        safetensors = where.hub is None or any(f.name.endswith(".safetensors") for f in where.hub.files)
        try:
            model: PreTrainedModel
            model, report = AutoModelForCausalLM.from_pretrained(
                where.path,
                dtype=torch.float32,
                use_safetensors=safetensors,
                weights_only=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"{where.path}: cannot be loaded: {reason}") from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"{where.path}: lacks {len(missing)} of the model's weights, {missing[0]} for one"
        )
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
                    embedding += count if any(part in hub.EMBEDDINGS for part in name.split(".")) else 0
        except (SafetensorError, OSError):
            return None
    return (total, embedding) if total else None


def _digest(path: Path) -> str:
    """What identifies a revision's weights, configuration and tokenizer."""
    digests = {}
    for file in sorted([path / "config.json", path / "tokenizer.json", *path.glob("*.safetensors")]):
        with file.open("rb") as stream:
            digests[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hub.digest_of(digests)
