"""How much memory a run needs, estimated before anything starts. Imports no torch.

Weights, gradients and AdamW's two moments in float32, what the layers keep for the backward pass, the logits,
and the process itself. An upper estimate: its parts do not all stand at their highest at once.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from runner import hub
from runner.checkpoints import checkpoint, model_folder
from runner.compute import nvidia_smi
from runner.declaration import StudyError, suite_from
from runner.study import Model, Study

# Bytes kept for the backward pass by one token in one layer: for each hidden unit and for each unit in the
# middle of its MLP; in float32, and under autocast to 16 bits. Counted with saved_tensors_hooks on
# transformers' layers with attention that is not materialised (tests/runner/test_runner_memory.py).
KEPT = {
    "gpt_neox": ((40, 8), (22.5, 4)),
    "gpt2": ((32, 20), (20.5, 10)),
    "llama": ((40, 16), (34.5, 8)),
}
# Logits, their log-softmax and its gradient: two of them at once in float32, and a 16-bit copy.
LOGITS = {"no": 8, "bf16": 10, "fp16": 10}
PROCESS = {"cpu": 700e6, "gpu": 1000e6}  # libraries, CUDA's context, workspaces


@dataclass(frozen=True)
class Shape:
    """What of a model's configuration decides its activations."""

    architecture: str
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int


@dataclass(frozen=True)
class Device:
    """Where runs train: "cpu" or "gpu", the bytes that one run may use, and over how many it is sharded."""

    kind: str
    memory: float
    shards: int = 1


@dataclass(frozen=True)
class Need:
    """Bytes of one run at their highest."""

    weights: float
    gradients: float
    optimiser: float
    copies: float
    activations: float
    logits: float
    process: float

    @property
    def total(self) -> float:
        return float(sum(asdict(self).values()))


def shape_from(config: Path) -> Shape:
    """The shape that a config.json of transformers describes. Raises StudyError where it lacks a size."""
    read = json.loads(config.read_text())

    def first(*names: str) -> int:
        for name in names:
            if read.get(name):
                return int(read[name])
        raise StudyError(f"{config}: {names[0]}: missing, and memory cannot be estimated without it")

    hidden = first("hidden_size", "n_embd")
    return Shape(
        architecture=str(read.get("model_type")),
        layers=first("num_hidden_layers", "n_layer"),
        hidden=hidden,
        intermediate=int(read.get("intermediate_size") or read.get("n_inner") or 4 * hidden),
        vocabulary=first("vocab_size"),
    )


def shape_of(model: Model, study: Study, cache: Path) -> Shape | None:
    """The model's shape, or None for one of the hub's that has not been asked for it yet."""
    if model.suite is not None:
        suite = suite_from(model.suite)
        size = suite.models[str(model.size)]
        return Shape("gpt_neox", size.layers, size.hidden, 4 * size.hidden, suite.vocabulary)
    if model.path is not None:
        return shape_from(model_folder(model, cache) / f"step{study.pretrain_steps[0]}" / "config.json")
    revision = hub.known(model, study.pretrain_steps[0], cache)
    config = None if revision is None else revision.folder / "config.json"
    return shape_from(config) if config and config.is_file() else None


def parameters(model: Model, study: Study, cache: Path) -> int | None:
    """The model's parameters: once the hub was asked those of its configuration, until then as declared."""
    if model.hub is not None:
        asked = (hub.known(model, steps, cache) for steps in study.pretrain_steps)
        return next((revision.n_params for revision in asked if revision), model.parameters)
    if model.path is not None:
        return checkpoint(model, study.pretrain_steps[0], cache).n_params
    suite = suite_from(str(model.suite))
    size = suite.models[str(model.size)]
    h = size.hidden
    return size.layers * (12 * h**2 + 13 * h) + 2 * h + 2 * suite.vocabulary * h


def needed(shape: Shape | None, n_params: int, study: Study, method: str, device: Device) -> Need:
    """Bytes that a run of the method needs at the study's largest number of data points.

    On a CPU passes are as large as declared. On a GPU they are found: what is needed is room for one data
    point. Without a shape activations and logits count nothing.
    """
    training = study.training
    tokens = logits_of = study.context
    if device.kind == "cpu":
        points = min(training.micro_batch or training.batch, max(study.data_points))
        tokens = points * study.context
        largest_split = max(study.splits.validation, study.splits.heldout)
        logits_of = max(tokens, min(training.evaluation_batch or 64, largest_split) * study.context)
    sixteen_bit = training.precision != "no"
    trained = float(n_params)
    if method == "lora":
        assert study.lora is not None
        # Rank times what goes in and out of a layer's four linear maps; a gated MLP has a fifth.
        widths = 6 * shape.hidden + 3 * (shape.hidden + shape.intermediate) if shape else 0
        trained = float(study.lora.rank * widths * shape.layers) if shape else 0.0
    activations = logits = 0.0
    if shape is not None:
        per_hidden, per_intermediate = KEPT.get(shape.architecture, KEPT["llama"])[sixteen_bit]
        layer = per_hidden * shape.hidden + per_intermediate * shape.intermediate
        kept = layer * shape.layers
        if training.gradient_checkpointing:
            kept = 4 * shape.hidden * shape.layers + layer
        activations = tokens * kept
        logits = logits_of * shape.vocabulary * LOGITS[training.precision]
    return Need(
        weights=(4 + 2 * sixteen_bit) * n_params / device.shards,
        gradients=4 * trained / device.shards,
        optimiser=8 * trained / device.shards,
        # The weights to go back to, and those of the best epoch: in the host's memory.
        copies=4 * (n_params + trained) if device.kind == "cpu" else 0.0,
        activations=activations,
        logits=logits,
        process=PROCESS[device.kind],
    )


def this_machine(workers: int) -> Device:
    """The device that each of so many workers has, or each process of `accelerate launch`."""
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    shards = launched if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true" else 1
    processes = launched if launched > 1 else workers
    told = nvidia_smi("memory.total")
    if told:
        each = -(-processes // len(told))
        return Device("gpu", min(map(float, told)) * 2**20 / each, shards)
    return Device("cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / processes, shards)


def needs(
    study: Study, n_params: dict[Model, int | None], device: Device, cache: Path
) -> Iterator[tuple[Model, str, Need]]:
    """What a run of each model and method needs; models whose size is not known are left out."""
    for model in study.models:
        count = n_params[model]
        if count is not None:
            for method in study.methods:
                yield model, method, needed(shape_of(model, study, cache), count, study, method, device)


def refuse_what_cannot_fit(
    study: Study, source: str, n_params: dict[Model, int | None], device: Device, cache: Path
) -> None:
    """Raises StudyError for the model that needs most, where its runs do not fit the device."""
    for model, method, need in needs(study, n_params, device, cache):
        if need.total > device.memory:
            remedy = (
                "its weights split over several GPUs (accelerate launch --use_fsdp) or gradient_checkpointing"
                if device.kind == "gpu"
                else "a smaller micro_batch or evaluation_batch, fewer workers, a GPU (plan --gpu-memory)"
            )
            raise StudyError(
                f"{source}: models: a run of {model.name}, {method}, needs about {need.total / 1e9:.1f} GB "
                f"and its {device.kind.upper()} has {device.memory / 1e9:.1f} GB for it; what helps: {remedy}"
            )
