"""A study: the models, pre-training steps, datasets, sizes and seeds whose runs a sweep trains.

    for cell in study_from("demo").cells(): ...     # runner/studies/demo.yml, or any path

A declaration is a YAML file, read and checked in runner/declaration.py. Nothing here imports torch.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_strict = ConfigDict(extra="forbid")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Positive = Annotated[int, Field(gt=0)]
Step = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, config=_strict)
class Size:
    """One model of a suite: the shape of a GPT-NeoX (Pythia's architecture)."""

    layers: Positive
    hidden: Positive
    heads: Positive


@dataclass(frozen=True, config=_strict)
class Suite:
    """Checkpoints pre-trained here: one text, one tokenizer, one schedule, one or more sizes of model.

    Steps and sizes can be added later, and what was trained goes on from where it ended; for steps the
    schedule must not depend on which is the last, so `decay_steps` says over how many the rate decays.
    """

    suite: Name
    text: Name
    vocabulary: Annotated[int, Field(ge=300, le=65_000)]
    context: Positive
    batch: Positive
    learning_rate: Rate
    warmup: Step
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    models: dict[Name, Size] = Field(min_length=1)
    decay_steps: Positive | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    seed: int = 0
    threads: Positive = 2

    @property
    def decay(self) -> int:
        """Steps over which the learning rate decays, the warm-up included."""
        return self.decay_steps or max(self.steps)

    def identity(self) -> dict[str, Any]:
        """What determines the weights that a size of the suite has after a step."""
        left_out = ("steps", "models", "threads", "decay_steps")
        declared = {key: value for key, value in asdict(self).items() if key not in left_out}
        return {**declared, "decay": self.decay}


@dataclass(frozen=True, config=_strict)
class Model:
    """Where a model's checkpoints come from: a suite of ours and a size in it, a local directory, or the hub.

    A suite is a name in runner/suites/ or the path to a .yml file.
    A directory holds one folder a revision, `step0`, `step32`, …, each in the hub's layout; a hub repository
    (`EleutherAI/pythia-2.8b`) has a branch or tag for each, spelt as `revision` says. Of both the study says
    how many tokens a step of their pre-training saw. `parameters` is what `plan` counts with until the hub
    has been asked.
    """

    suite: str | None = None
    size: str | None = None
    path: str | None = None
    hub: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")] | None = None
    revision: Annotated[str, Field(pattern=r"^[\w.{}-]+$")] = "step{steps}"
    tokens_per_step: Positive | None = None
    parameters: Positive | None = None

    @property
    def name(self) -> str:
        if self.suite is not None:
            return f"{PurePath(self.suite).name.removesuffix('.yml').removesuffix('.yaml')}-{self.size}"
        return self.hub or PurePath(str(self.path)).name

    def revision_at(self, steps: int) -> str:
        return self.revision.replace("{steps}", str(steps))


@dataclass(frozen=True, config=_strict)
class Training:
    """Hyper-parameters of a run, and how a machine is to bear it.

    `batch` data points make one optimiser step. They pass through the model `micro_batch` at a time (all at
    once where it is not given), and fewer where memory asks for it. `evaluation_batch` is the same of
    evaluation; where it is not given a GPU tries the whole split and a CPU 64. A run that takes longer than
    `save_every_s` seconds is saved so often, and goes on from there after a crash.
    """

    batch: Positive
    learning_rate: Rate
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Rate = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Positive = 3
    max_epochs: Positive = 100
    precision: Literal["no", "bf16", "fp16"] = "no"
    micro_batch: Positive | None = None
    evaluation_batch: Positive | None = None
    gradient_checkpointing: bool = False
    threads: Positive = 1
    save_every_s: Positive = 900


@dataclass(frozen=True, config=_strict)
class Lora:
    """Low-rank adapters (Hu et al. 2021) of the named layers, of all linear ones but the output's by default.

    They often want a higher learning rate than full fine-tuning; by default it is that of `training`.
    """

    rank: Positive = 8
    alpha: Positive = 16
    targets: Literal["all-linear"] | Annotated[tuple[Name, ...], Field(min_length=1)] = "all-linear"
    learning_rate: Rate | None = None


@dataclass(frozen=True, config=_strict)
class Splits:
    """Data points set aside in every dataset: some decide when a run stops, others measure its loss."""

    validation: Positive = 64
    heldout: Positive = 256


@dataclass(frozen=True, config=_strict)
class Fit:
    """The window in which the study's law is fitted."""

    min_steps: Positive = 1


@dataclass(frozen=True, config=_strict)
class Published:
    """The compute that a publication gives for the runs which the study repeats: FLOP over all of them."""

    by: str
    flops: Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Cell:
    """One point of a study's grid: what to fine-tune, on what, on how much of it."""

    dataset: str
    model: Model
    pretrain_steps: int
    data_points: int
    seed: int
    method: str

    @property
    def revision(self) -> str:
        return self.model.revision_at(self.pretrain_steps)

    def __str__(self) -> str:
        seed = f", seed {self.seed}" if self.seed else ""
        method = f", {self.method}" if self.method != "full" else ""
        return (
            f"{self.dataset}, {self.model.name} {self.revision}, {self.data_points} data points{seed}{method}"
        )


@dataclass(frozen=True, config=_strict)
class OwnData:
    """Data that a study brings: text files (paths, folders, patterns), or a dataset of the Hugging Face hub.

    A file is one document; of JSON lines, `field` of each line is one.
    """

    name: Name
    text: tuple[str, ...] | None = None
    huggingface: str | None = None
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    field: str | None = None
    licence: str = "not stated"


@dataclass(frozen=True, config=_strict)
class Study:
    """A grid of runs: models × pre-training steps × datasets × data points × seeds × methods.

    With `samples` false no text of its datasets is recorded, nor shown in its report.
    """

    study: Name
    description: str
    context: Positive
    models: Annotated[tuple[Model, ...], Field(min_length=1)]
    pretrain_steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    data_points: Annotated[tuple[Positive, ...], Field(min_length=1)]
    training: Training
    seeds: Annotated[tuple[Step, ...], Field(min_length=1)] = (0,)
    methods: Annotated[tuple[Literal["full", "lora"], ...], Field(min_length=1)] = ("full",)
    lora: Lora | None = None
    splits: Splits = Splits()
    fit: Fit = Fit()
    workers: Positive = 1
    keep_checkpoints: bool = True
    samples: bool = True
    published: Published | None = None
    own: tuple[OwnData, ...] = ()

    def cells(self) -> Iterator[Cell]:
        """All runs, checkpoint by checkpoint, the cheapest first."""
        grid = itertools.product(
            self.models, self.pretrain_steps, self.datasets, self.methods, self.data_points, self.seeds
        )
        for model, steps, dataset, method, points, seed in grid:
            yield Cell(dataset, model, steps, points, seed, method)

    def training_of(self, cell: Cell) -> Training:
        """The hyper-parameters of the cell's run."""
        if cell.method == "lora" and self.lora and self.lora.learning_rate:
            return replace(self.training, learning_rate=self.lora.learning_rate)
        return self.training

    def declaration(self) -> str:
        """The validated declaration as canonical JSON, defaults filled in."""
        return canonical(asdict(self))


def canonical(value: object) -> str:
    """JSON with one spelling: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, hexadecimal, shortened to 128 bits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]


def run_key(study: Study, cell: Cell, dataset_fingerprint: str, checkpoint_digest: str) -> str:
    """Hash of all that determines the run's result, and of nothing else.

    How a machine bears the work (micro-batch, evaluation batch, gradient checkpointing, threads, how often
    it is saved) is left out: it moves the last bits, not the result.
    """
    training = asdict(study.training_of(cell))
    for how in ("micro_batch", "evaluation_batch", "gradient_checkpointing", "threads", "save_every_s"):
        del training[how]
    lora = {}
    if cell.method == "lora":
        assert study.lora is not None
        lora = {"lora": {key: value for key, value in asdict(study.lora).items() if key != "learning_rate"}}
    return digest(
        {
            "dataset": dataset_fingerprint,
            "checkpoint": checkpoint_digest,
            "data_points": cell.data_points,
            "context": study.context,
            "seed": cell.seed,
            "method": cell.method,
            "training": training,
            **lora,
        }
    )
