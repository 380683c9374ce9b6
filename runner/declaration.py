"""Studies and suites, read from YAML and checked as a whole: a fault is one line naming file and key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from runner import datasets
from runner.datasets import DatasetError
from runner.datasets.own import files_of
from runner.study import Model, OwnData, Study, Suite

STUDIES = Path(__file__).parent / "studies"
SUITES = Path(__file__).parent / "suites"


class StudyError(Exception):
    """A declaration that cannot be used: one line that names the file and the key, and what is known."""


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
    if ("lora" in study.methods) != (study.lora is not None):
        raise StudyError(f"{path}: lora: its block goes with lora in methods, and that with the block")
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
    sources = [name for name in ("suite", "path", "hub") if getattr(model, name) is not None]
    if len(sources) != 1:
        raise StudyError(
            f"{path}: {key}: give either suite and size, or path and tokens_per_step, "
            "or hub and tokens_per_step"
        )
    if model.hub is None:
        for name, default in (("revision", "step{steps}"), ("parameters", None)):
            if getattr(model, name) != default:
                raise StudyError(f"{path}: {key}.{name}: goes with hub, not with {sources[0]}")
    elif len({model.revision_at(steps) for steps in study.pretrain_steps}) < len(study.pretrain_steps):
        raise StudyError(
            f"{path}: {key}.revision: {model.revision} is the same at every step; "
            "write {steps} where the number of steps stands"
        )
    if model.suite is None:
        if model.size is not None:
            raise StudyError(f"{path}: {key}.size: goes with suite, not with {sources[0]}")
        if model.tokens_per_step is None:
            raise StudyError(f"{path}: {key}.tokens_per_step: missing, and goes with {sources[0]}")
        return
    if model.tokens_per_step is not None:
        raise StudyError(f"{path}: {key}.tokens_per_step: goes with path or hub; a suite has its own")
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
    except RecursionError:
        raise StudyError(f"{path}: not readable as YAML: nested too deep") from None
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}") from None
    if not isinstance(declared, dict):
        raise StudyError(f"{path}: expected a mapping with the keys {', '.join(_keys(kind))}")
    if kind is Study:
        declared = _with_own_data(path, declared)
    return _checked(kind, declared, f"{path}: ")


def _with_own_data(path: Path, declared: dict[str, Any]) -> dict[str, Any]:
    """The declaration with its own data apart: an entry of `datasets` that is a mapping becomes a name."""
    if "own" in declared:
        raise StudyError(f"{path}: own: unknown key; a study's own data are entries of datasets")
    if not isinstance(declared.get("datasets"), list):
        return declared
    own: list[OwnData] = []
    names = []
    for index, entry in enumerate(declared["datasets"]):
        if not isinstance(entry, dict):
            names.append(entry)
            continue
        if isinstance(entry.get("text"), str):
            entry = {**entry, "text": [entry["text"]]}
        where = f"{path}: datasets[{index}]"
        data: OwnData = _checked(OwnData, entry, f"{where}.")
        data = replace(data, text=data.text and tuple(str((path.parent / p).absolute()) for p in data.text))
        _check_own_data(where, data)
        own.append(data)
        names.append(data.name)
    return {**declared, "datasets": names, "own": tuple(own)}


def _check_own_data(where: str, data: OwnData) -> None:
    if data.name in datasets.known():
        raise StudyError(f"{where}.name: {data.name} is the name of a dataset that is here already")
    if (data.text is None) == (data.huggingface is None):
        raise StudyError(f"{where}: give either text (paths) or huggingface (a dataset of the hub)")
    if data.text is None:
        if data.split is None:
            raise StudyError(f"{where}.split: missing, and goes with huggingface")
        return
    for key in ("config", "split", "revision"):
        if getattr(data, key) is not None:
            raise StudyError(f"{where}.{key}: goes with huggingface, not with text")
    try:
        files_of(data.text)
    except DatasetError as error:
        raise StudyError(f"{where}.text: {error}") from None


def _checked(kind: type, declared: Any, where: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(declared)
    except ValidationError as error:
        raise StudyError(f"{where}{_first_problem(kind, error)}") from None


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
    return [key for key in getattr(kind, "__dataclass_fields__", {}) if key != "own"]
