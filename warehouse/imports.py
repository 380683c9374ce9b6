"""Runs that other tools made, as runs of a study of their own."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse import drain, outside, spool
from warehouse.migrations import WarehouseError
from warehouse.place import place
from warehouse.spool import Record
from warehouse.store import changing

# What --map and --set name: the column of raw.runs, and what its values are.
FIELDS = {
    "p": ("pretrain_steps", "count"),
    "f": ("data_points", "count"),
    "N": ("n_params_non_embedding", "count"),
    "loss": ("loss", "number"),
    "dataset": ("dataset", "text"),
    "model": ("model", "text"),
    "method": ("method", "text"),
    "context": ("context", "count"),
    "seed": ("seed", "count"),
    "run": ("run", "text"),
    "status": ("status", "text"),
    "n_params": ("n_params", "count"),
    "pretrain_tokens": ("pretrain_tokens", "count"),
    "loss_validation": ("loss_validation", "number"),
    "loss_zero_shot": ("loss_zero_shot", "number"),
    "flops": ("flops", "number"),
    "wall_s": ("wall_s", "number"),
    "device": ("device", "text"),
    "host": ("host", "text"),
}
_NEEDED = ("p", "f", "loss", "dataset", "context")
_DEFAULTS = {"model": "imported", "method": "full"}
_OK = ("ok", "finished", "completed", "success", "done")
_RUNNING = ("running", "pending", "preempting", "queued")
_LIMITS = {"context": 2**31}


@dataclass(frozen=True)
class Imported:
    """What came of an import: rows of the file, runs that were new, rows of runs that had not ended."""

    rows: int
    new: int
    running: int


def import_file(
    url: str,
    path: Path,
    study: str,
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    fit_min_steps: int = 1,
) -> Imported:
    """Make a study's runs of the rows of a file, all or none; a run that is there already is not added again.

    columns: for each of FIELDS the file's column; constants: for each the value of all rows. A run is what
    its dataset, model, method, p, f, context and seed or name make it; another loss of the same run is a
    later attempt at it. Raises WarehouseError for a file, column or value that cannot be used, and where a
    study of that name was declared by a sweep.
    """
    if not study:
        raise WarehouseError("--study: a study needs a name")
    for name in (*columns, *constants):
        if name not in FIELDS:
            raise WarehouseError(f"unknown field {name!r}; known are {', '.join(FIELDS)}")
    names, found = outside.rows(path)
    columns = _with_wandb(names, columns, constants)
    if missing := [name for name in _NEEDED if name not in columns and name not in constants]:
        raise WarehouseError(
            f"{path}: no {', '.join(missing)}: say --map {missing[0]}=COLUMN or --set {missing[0]}=VALUE"
            + (
                " (context: tokens in one data point, 1 where that has no meaning)"
                if "context" in missing
                else ""
            )
        )
    for name, column in columns.items():
        if column not in names and column.partition(".")[0] not in names:
            raise WarehouseError(f"{path}: no column {column!r} ({name}); it has {', '.join(names)[:300]}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    runs, running = _runs(path, found, columns, constants, digest)
    if not runs:
        raise WarehouseError(f"{path}: no run in it has ended")
    with changing(url) as connection:
        new = _write(connection, place(url).spool, study, list(runs.values()), fit_min_steps)
    return Imported(len(found), new, running)


def _with_wandb(
    names: Sequence[str], columns: Mapping[str, str], constants: Mapping[str, str]
) -> dict[str, str]:
    """W&B's exports say in columns of their own which run it is and how it ended."""
    if "Name" in names and "State" in names:
        known = {"status": "State", "run": "ID" if "ID" in names else "Name"}
    elif {"summary", "config", "name"} <= set(names):
        known = {"run": "name"}
    else:
        known = {}
    return {field: column for field, column in known.items() if field not in constants} | dict(columns)


def _runs(
    path: Path,
    found: Sequence[outside.Row],
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    digest: str,
) -> tuple[dict[str, dict[str, object]], int]:
    runs: dict[str, dict[str, object]] = {}
    cells: dict[str, tuple[int, object]] = {}
    running = 0
    now = datetime.now(UTC)
    for number, row in enumerate(found, 1):
        given: dict[str, object] = {
            FIELDS[name][0]: _typed(path, 0, name, text) for name, text in constants.items()
        }
        for name, column in columns.items():
            try:
                text = outside.value(row, column)
            except ValueError as error:
                raise WarehouseError(f"{path}: row {number}, {column}: {error}") from None
            given[FIELDS[name][0]] = _typed(path, number, name, text)
        status = str(given.pop("status", None) or "ok").lower()
        if status in _RUNNING:
            running += 1
            continue
        run = _run(path, number, given, status in _OK, status)
        config = {"imported": {"file": path.name, "sha256": digest, "row": number}}
        run |= {
            "config": config,
            "provenance": {"imported": path.name},
            "started_at": now,
            "finished_at": now,
        }
        key, result = str(run["run_key"]), (run["status"], run["loss"])
        if key in cells and cells[key][1] != result:
            raise WarehouseError(
                f"{path}: rows {cells[key][0]} and {number} are one run with two results: tell them apart by "
                "--map seed=COLUMN or --map run=COLUMN"
            )
        cells.setdefault(key, (number, result))
        runs.setdefault(str(run["run_id"]), run)
    return runs, running


def _run(path: Path, number: int, given: Mapping[str, object], ok: bool, status: str) -> dict[str, object]:
    run: dict[str, object] = {
        **_DEFAULTS,
        **{name: value for name, value in given.items() if value is not None},
    }
    name = run.pop("run", None)
    for field in _NEEDED:
        column = FIELDS[field][0]
        if column not in run and (ok or column != "loss"):
            raise WarehouseError(f"{path}: row {number}: {field} is missing")
    if name is not None and "seed" not in run:
        run["seed"] = int(_digest("seed", name)[:7], 16)
    run.setdefault("seed", 0)
    run.setdefault("loss", None)
    steps, points, context = (int(str(run[c])) for c in ("pretrain_steps", "data_points", "context"))
    identity = [run[c] for c in ("dataset", "model", "method", "seed")]
    key = _digest("run", *identity, steps, points, context, name)
    if points * context >= 2**63:
        raise WarehouseError(f"{path}: row {number}: f is too large")
    return run | {
        "run_key": key,
        "run_id": _digest("attempt", key, *(run[c] for c in sorted(run))),
        "dataset_fingerprint": _digest("dataset", run["dataset"], context),
        "revision": f"step{steps}",
        "checkpoint_digest": _digest("checkpoint", run["model"], steps),
        "tokens": points * context,
        "status": "ok" if ok else "failed",
        "error": None if ok else f"{status}, in the file that it was imported from",
    }


def _typed(path: Path, number: int, name: str, value: object) -> object:
    kind = FIELDS[name][1]
    where = f"{path}: row {number}: {name}" if number else f"--set {name}"
    if isinstance(value, bool):
        raise WarehouseError(f"{where} is {value}, not a {kind}")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind == "text":
        text = str(value)
        if not text.isprintable() or len(text) > 200:
            raise WarehouseError(f"{where} is no name: {text[:40]!r}")
        return text
    try:
        measured = float(str(value))
    except ValueError:
        raise WarehouseError(f"{where} is {str(value)[:40]!r}, not a {kind}") from None
    if math.isnan(measured):
        return None
    if not math.isfinite(measured) or measured < 0 or (name.startswith("loss") and measured == 0):
        raise WarehouseError(f"{where} is {measured:g}, not a {kind} above 0")
    if kind == "number":
        return measured
    # Above 2^53 a double is not every whole number, so a count is read as its digits where it is digits.
    digits = str(value).strip()
    whole = int(digits) if digits.isdecimal() and len(digits) < 20 else int(measured)
    if float(whole) != measured or whole >= _LIMITS.get(name, 2**63):
        raise WarehouseError(f"{where} is {str(value)[:40]}, not a {kind}")
    return whole


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    study: str,
    runs: Sequence[Mapping[str, object]],
    fit_min_steps: int,
) -> int:
    latest = connection.execute(
        "select declaration_digest, declaration from raw.studies where study = ?"
        " order by declared_at desc, declaration_digest limit 1",
        [study],
    ).fetchone()
    before: dict[str, object] = json.loads(latest[1]) if latest else {}
    if latest and not before.get("imported"):
        raise WarehouseError(
            f"--study {study}: a sweep has declared a study of that name: import under another"
        )
    contexts = {run["context"] for run in runs} | ({before["context"]} if latest else set())
    if len(contexts) > 1:
        raise WarehouseError(f"--study {study}: one study has one context, not {sorted(map(str, contexts))}")
    keys = {str(run["run_key"]) for run in runs}
    if latest:
        wanted = connection.execute(
            "select run_key from raw.study_runs where study = ? and declaration_digest = ?",
            [study, latest[0]],
        ).fetchall()
        keys |= {key for (key,) in wanted}
    records = [Record(str(run["run_id"]), {"raw.runs": [run]}) for run in runs]
    declaration = _declaration(study, before, runs, fit_min_steps)
    digest = _digest("study", json.dumps(declaration, sort_keys=True), sorted(keys))
    head = {
        "study": study,
        "declaration_digest": digest,
        "context": runs[0]["context"],
        "fit_min_steps": fit_min_steps,
        "simulated": False,
        "declaration": declaration,
        "declared_at": datetime.now(UTC),
    }
    wants = [{"study": study, "declaration_digest": digest, "run_key": key} for key in sorted(keys)]
    new = 0
    for start in range(0, len(records), 10_000):
        lines = [spool.encoded(spool.checked(record)) for record in records[start : start + 10_000]]
        new += drain.insert(connection, lines, folder)
    if latest is None or latest[0] != digest:
        declared = Record(f"import-{digest}", {"raw.studies": [head], "raw.study_runs": wants})
        drain.insert(connection, [spool.encoded(spool.checked(declared))], folder)
    return new


def _declaration(
    study: str, before: Mapping[str, object], runs: Sequence[Mapping[str, object]], fit_min_steps: int
) -> dict[str, object]:
    def all_of(name: str, column: str) -> list[object]:
        known = before.get(name, [])
        assert isinstance(known, list)
        return list(dict.fromkeys([*known, *(run[column] for run in runs)]))

    held = before.get("models", [])
    assert isinstance(held, list)
    models = dict.fromkeys([*(model["hub"] for model in held), *(run["model"] for run in runs)])
    return {
        "study": study,
        "imported": True,
        "description": "Runs imported from elsewhere.",
        "context": runs[0]["context"],
        "models": [{"suite": None, "size": None, "path": None, "hub": model} for model in models],
        "pretrain_steps": sorted(all_of("pretrain_steps", "pretrain_steps"), key=lambda p: int(str(p))),
        "datasets": all_of("datasets", "dataset"),
        "data_points": sorted(all_of("data_points", "data_points"), key=lambda f: int(str(f))),
        "seeds": sorted(all_of("seeds", "seed"), key=lambda s: int(str(s))),
        "methods": all_of("methods", "method"),
        "fit": {"min_steps": fit_min_steps},
    }


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
