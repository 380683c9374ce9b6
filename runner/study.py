"""A study: the models, pre-training steps, datasets, sizes and seeds whose runs a sweep trains.

    study = study_from("demo")            # runner/studies/demo.yml, or any path
    for cell in study.cells(): ...

A declaration is a YAML file, checked as a whole before anything runs. Nothing here imports torch.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

STUDIES = Path(__file__).parent / "studies"
SUITES = Path(__file__).parent / "suites"

_strict = ConfigDict(extra="forbid")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Positive = Annotated[int, Field(gt=0)]
Step = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class StudyError(Exception):
    """A declaration that cannot be used: one line that names the file and the key, and what is known."""


@dataclass(frozen=True, config=_strict)
class Size:
    """One model of a suite: the shape of a GPT-NeoX (Pythia's architecture)."""

    layers: Positive
    hidden: Positive
    heads: Positive


@dataclass(frozen=True, config=_strict)
class Suite:
    """Checkpoints pre-trained here: one text, one tokenizer, one schedule, one or more sizes of model."""

    suite: Name
    text: Name
    vocabulary: Annotated[int, Field(ge=300, le=65_000)]
    context: Positive
    batch: Positive
    learning_rate: Rate
    warmup: Step
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    models: dict[Name, Size] = Field(min_length=1)
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    seed: int = 0
    threads: Positive = 2

    def identity(self) -> dict[str, Any]:
        """What determines the suite's weights: the declaration without the number of threads."""
        return {key: value for key, value in asdict(self).items() if key != "threads"}


@dataclass(frozen=True, config=_strict)
class Model:
    """Where a model's checkpoints come from: a suite of ours and a size in it, or a local directory.

    A directory holds one folder a revision, `step0`, `step32`, …, each in the hub's layout, and its study
    says how many tokens a step of its pre-training saw.
    """

    suite: str | None = None
    size: str | None = None
    path: str | None = None
    tokens_per_step: Positive | None = None

    @property
    def name(self) -> str:
        return f"{self.suite}-{self.size}" if self.suite else Path(str(self.path)).name


@dataclass(frozen=True, config=_strict)
class Training:
    """Hyper-parameters of a run. `batch` data points make one optimiser step, `micro_batch` one pass."""

    batch: Positive
    learning_rate: Rate
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Rate = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Positive = 3
    max_epochs: Positive = 100
    precision: Literal["no", "bf16", "fp16"] = "no"
    micro_batch: Positive | None = None
    evaluation_batch: Positive = 64
    threads: Positive = 1


@dataclass(frozen=True, config=_strict)
class Splits:
    """Data points set aside in every dataset: some decide when a run stops, others measure its loss."""

    validation: Positive = 64
    heldout: Positive = 256


@dataclass(frozen=True, config=_strict)
class Fit:
    """The window in which the study's law is fitted."""

    min_steps: Positive = 1


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
        return f"step{self.pretrain_steps}"

    def __str__(self) -> str:
        seed = f", seed {self.seed}" if self.seed else ""
        return f"{self.dataset}, {self.model.name} {self.revision}, {self.data_points} data points{seed}"


@dataclass(frozen=True, config=_strict)
class Study:
    """A grid of runs: models × pre-training steps × datasets × data points × seeds × methods."""

    study: Name
    description: str
    context: Positive
    models: Annotated[tuple[Model, ...], Field(min_length=1)]
    pretrain_steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    data_points: Annotated[tuple[Positive, ...], Field(min_length=1)]
    training: Training
    seeds: Annotated[tuple[Step, ...], Field(min_length=1)] = (0,)
    methods: Annotated[tuple[Literal["full"], ...], Field(min_length=1)] = ("full",)
    splits: Splits = Splits()
    fit: Fit = Fit()
    workers: Positive = 1

    def cells(self) -> Iterator[Cell]:
        """All runs, checkpoint by checkpoint, the cheapest first."""
        grid = itertools.product(
            self.models, self.pretrain_steps, self.datasets, self.methods, self.data_points, self.seeds
        )
        for model, steps, dataset, method, points, seed in grid:
            yield Cell(dataset, model, steps, points, seed, method)

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

    How a machine splits the work (micro-batch, threads, evaluation batch) is left out: it moves the last
    bits, not the result.
    """
    training = asdict(study.training)
    for how in ("micro_batch", "evaluation_batch", "threads"):
        del training[how]
    return digest(
        {
            "dataset": dataset_fingerprint,
            "checkpoint": checkpoint_digest,
            "data_points": cell.data_points,
            "context": study.context,
            "seed": cell.seed,
            "method": cell.method,
            "training": training,
        }
    )


def study_from(name_or_path: str) -> Study:
    """The study of that name in runner/studies/, or in the YAML file at that path.

    Raises StudyError where it is unknown, malformed or contradicts itself.
    """
    path = declaration_path(name_or_path, STUDIES, "study")
    study: Study = _validated(Study, path)
    for key in ("models", "pretrain_steps", "datasets", "data_points", "seeds", "methods"):
        _reject_repeats(path, key, getattr(study, key))
    for index, model in enumerate(study.models):
        _check_model(path, f"models[{index}]", model, study)
    _reject_repeats(path, "models", tuple(m.name for m in study.models))
    micro = study.training.micro_batch
    if micro is not None and study.training.batch % micro:
        raise StudyError(
            f"{path}: training.micro_batch: {micro} does not divide training.batch, {study.training.batch}"
        )
    fitted = [p for p in study.pretrain_steps if p >= study.fit.min_steps]
    if not fitted:
        raise StudyError(
            f"{path}: fit.min_steps: {study.fit.min_steps} leaves no step to fit; "
            f"pretrain_steps ends at {max(study.pretrain_steps)}"
        )
    return study


def suite_from(name_or_path: str) -> Suite:
    """The suite of that name in runner/suites/, or in the YAML file at that path; errors as study_from."""
    path = declaration_path(name_or_path, SUITES, "suite")
    suite: Suite = _validated(Suite, path)
    _reject_repeats(path, "steps", suite.steps)
    for name, size in suite.models.items():
        if size.hidden % size.heads:
            raise StudyError(
                f"{path}: models.{name}.heads: {size.heads} does not divide hidden, {size.hidden}"
            )
    return suite


def declaration_path(name_or_path: str, folder: Path, kind: str) -> Path:
    """The file that a name or a path means."""
    path = Path(name_or_path)
    if path.suffix not in (".yml", ".yaml"):
        path = folder / f"{name_or_path}.yml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
            raise StudyError(
                f"unknown {kind} '{name_or_path}': known are {known}, or give a path to a .yml file"
            )
    if not path.is_file():
        raise StudyError(f"{path}: no such file")
    return path


def _check_model(path: Path, key: str, model: Model, study: Study) -> None:
    if (model.suite is None) == (model.path is None):
        raise StudyError(f"{path}: {key}: give either suite and size, or path and tokens_per_step")
    if model.path is not None:
        if model.size is not None:
            raise StudyError(f"{path}: {key}.size: goes with suite, not with path")
        if model.tokens_per_step is None:
            raise StudyError(f"{path}: {key}.tokens_per_step: missing, and goes with path")
        return
    if model.tokens_per_step is not None:
        raise StudyError(f"{path}: {key}.tokens_per_step: goes with path; a suite has its own")
    try:
        suite = suite_from(str(model.suite))
    except StudyError as error:
        raise StudyError(f"{path}: {key}.suite: {error}") from None
    if model.size not in suite.models:
        raise StudyError(
            f"{path}: {key}.size: suite {suite.suite} has no '{model.size}'; it has {', '.join(suite.models)}"
        )
    if missing := sorted(set(study.pretrain_steps) - set(suite.steps)):
        raise StudyError(
            f"{path}: pretrain_steps: suite {suite.suite} has no step {', '.join(map(str, missing))}; "
            f"it has {', '.join(map(str, suite.steps))}"
        )
    if study.context > suite.context:
        raise StudyError(
            f"{path}: context: {study.context} is longer than the {suite.context} tokens "
            f"that suite {suite.suite} was trained on"
        )


def _reject_repeats(path: Path, key: str, values: tuple[Any, ...]) -> None:
    if repeated := [v for i, v in enumerate(values) if v in values[:i]]:
        raise StudyError(f"{path}: {key}: {getattr(repeated[0], 'name', repeated[0])} is listed twice")


def _validated(kind: type, path: Path) -> Any:
    try:
        # YAML 1.2: 1e-5 is a number, no is a word, and a key given twice is an error.
        declared = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise StudyError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from None
    if not isinstance(declared, dict):
        raise StudyError(f"{path}: expected a mapping with the keys {', '.join(_keys(kind))}")
    try:
        return TypeAdapter(kind).validate_python(declared)
    except ValidationError as error:
        raise StudyError(f"{path}: {_first_problem(kind, error)}") from None


def _first_problem(kind: type, error: ValidationError) -> str:
    # A misspelt key is also a missing one: say the cause, not the consequence.
    problem = min(error.errors(include_url=False), key=lambda e: e["type"] != "unexpected_keyword_argument")
    key = ""
    for part in problem["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    if problem["type"] == "unexpected_keyword_argument":
        owner: Any = kind
        for part in problem["loc"][:-1]:
            owner = _member(owner, part)
        return f"{key}: unknown key; known are {', '.join(_keys(owner))}"
    if problem["type"] == "missing":
        return f"{key}: missing"
    value = repr(problem["input"])
    return f"{key}: {problem['msg']}, not {value if len(value) < 60 else value[:57] + '…'}"


def _member(owner: Any, part: int | str) -> Any:
    """The declared type one step down from `owner`; of a tuple or a mapping, that of its items."""
    if part in _keys(owner):
        owner = owner.__dataclass_fields__[part].type
    while not hasattr(owner, "__dataclass_fields__") and getattr(owner, "__args__", None):
        owner = next(a for a in owner.__args__[::-1] if a is not Ellipsis)
    return owner


def _keys(kind: Any) -> list[str]:
    return list(getattr(kind, "__dataclass_fields__", {}))
