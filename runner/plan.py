"""What a study is, what of it is done, and what the rest will cost; answered without torch."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from runner import hub
from runner.checkpoints import absent
from runner.compute import training_flops
from runner.declaration import suite_from
from runner.memory import Device, needs, parameters, refuse_what_cannot_fit, this_machine
from runner.prepare import prepared, unfetched
from runner.study import Cell, Model, Study
from runner.sweep import Progress, progress
from warehouse import store

EPOCHS = 11.5  # what Barnett 2024's total compute implies (barnett2024.yml); until a run has been measured
BYTES_A_PARAMETER = 2  # Pythia is kept in float16
UTILISATION = 0.2  # of this CPU's matrix product, which small models reach; used until then too


@dataclass(frozen=True)
class Experience:
    """Epochs to convergence and FLOP per second, and where they come from."""

    epochs: float
    flop_per_s: float
    source: str


def plan(study: Study, source: str, url: str, cache: Path, *, device: Device | None = None) -> None:
    """Print the grid, what is done and missing in the warehouse, and what the rest will cost.

    Raises StudyError at the end where a run does not fit the device: this machine's, if none is given.
    """
    ready = prepared(study, source, cache)
    state = progress(study, ready, url)
    print(f"{study.study}: {study.description}")
    for label, values in (
        ("models", [m.name for m in study.models]),
        ("pre-training steps", study.pretrain_steps),
        ("datasets", study.datasets),
        (f"data points of {study.context} tokens", study.data_points),
        ("seeds", study.seeds),
        ("methods", study.methods),
    ):
        print(f"  {label:<30} {', '.join(map(str, values))}")
    print(f"  {'law fitted from step':<30} {study.fit.min_steps}\n")
    _print_grid(study, state)
    print()
    print_progress(study, state, url)
    for reason in unfetched(study).values():
        print(reason)
    _print_checkpoints(study, state.missing, cache)
    if ready is None:
        print("sizes are checked against the datasets once these are tokenised, before anything is trained")
    n_params = {m: parameters(m, study, cache) for m in study.models}
    for model, count in n_params.items():
        if count is None:
            print(f"{model.name}: its parameters are not known until the hub is asked; its FLOP are left out")
    _print_published(study, n_params)
    if not state.missing:
        return
    device = device or this_machine(study.workers)
    _print_memory(study, n_params, device, cache)
    experience = _experience(url)
    flops = experience.epochs * sum(_flops(study, cell, n_params) for cell in state.missing)
    print(
        f"left to train: {flops:.3g} FLOP (6·N·D over {experience.epochs:.1f} epochs, D = f·context), "
        f"about {_duration(flops / experience.flop_per_s / study.workers)} "
        f"with workers: {study.workers}, each {experience.flop_per_s:.2g} FLOP/s ({experience.source})"
    )
    refuse_what_cannot_fit(study, source, n_params, device, cache)


def print_progress(study: Study, state: Progress, url: str) -> None:
    """One line: runs done, failed and missing."""
    counts = len(state.done), len(state.failed), len(state.missing)
    done, failed, missing = counts
    print(f"{study.study}: {sum(counts)} runs, {done} done, {failed} failed, {missing} missing in {url}")


def _print_grid(study: Study, state: Progress) -> None:
    """Steps down, sizes across: runs done of those wanted, over datasets, models, seeds and methods."""
    done: dict[tuple[int, int], int] = {}
    for cell in state.done:
        where = cell.pretrain_steps, cell.data_points
        done[where] = done.get(where, 0) + 1
    each = len(study.models) * len(study.datasets) * len(study.seeds) * len(study.methods)
    width = max(7, *(len(str(f)) + 2 for f in study.data_points))
    print(f"  {'step / points':>14}" + "".join(f"{f:>{width}}" for f in study.data_points))
    for steps in study.pretrain_steps:
        counts = (f"{done.get((steps, f), 0)}/{each}" for f in study.data_points)
        print(f"  {steps:>14}" + "".join(f"{count:>{width}}" for count in counts))


def _print_checkpoints(study: Study, missing: Sequence[Cell], cache: Path) -> None:
    """Which models are not here yet, and the disk that the checkpoints still to be trained from need."""
    unasked: dict[str, int] = {}
    for model in study.models:
        lacking = absent(model, study, cache)
        if lacking and model.hub is not None:
            unasked[model.name] = len(lacking)
        elif lacking:
            suite = suite_from(str(model.suite))
            seen = max(suite.steps) * suite.batch * suite.context
            flops = 6.0 * (parameters(model, study, cache) or 0) * seen
            print(f"{model.name} is not pre-trained yet; the sweep does that first ({flops:.2g} FLOP)")
    if unasked:
        models = ", ".join(f"{name} ({count} revisions)" for name, count in unasked.items())
        print(f"the hub has not been asked yet about {models}; the sweep does that first")
    sizes: list[float] = []
    guessed = False
    for model, steps in {(cell.model, cell.pretrain_steps): None for cell in missing}:
        if model.hub is not None:
            revision = hub.known(model, steps, cache)
            guessed |= revision is None
            sizes.append(
                BYTES_A_PARAMETER * (model.parameters or 0)
                if revision is None
                else sum(file.size for file in revision.missing)
            )
    if any(sizes):
        how = (
            f", at {BYTES_A_PARAMETER} bytes a parameter where the hub has not been asked" if guessed else ""
        )
        dropped = f"; two at a time, {2 * max(sizes) / 1e9:.1f} GB, as keep_checkpoints is false"
        print(
            f"checkpoints to fetch: {sum(size > 0 for size in sizes)}, {sum(sizes) / 1e9:.1f} GB{how}"
            f"{'' if study.keep_checkpoints else dropped}"
        )


def _print_published(study: Study, n_params: dict[Model, int | None]) -> None:
    """The study's compute beside that of the publication it repeats, and why they differ."""
    if study.published is None:
        return
    tokens = sum(_flops(study, cell, n_params) for cell in study.cells())
    points = tokens / study.context
    epochs = study.published.flops / points
    print(
        f"{study.published.by} gives {study.published.flops:.3g} FLOP for all runs. That is {epochs:.1f} "
        f"epochs of 6·N·f = {points:.3g} FLOP, a data point counted as one token; with the {study.context} "
        f"tokens that it has, the same epochs are {epochs * tokens:.3g} FLOP"
    )


def _flops(study: Study, cell: Cell, n_params: dict[Model, int | None]) -> float:
    """FLOP of one epoch of the run; none where the model's parameters are not known."""
    # An adapter is small: it shows in 4·N rather than 6·N, not in parameters of its own.
    adapter = 1 if cell.method == "lora" else 0
    return training_flops(n_params[cell.model] or 0, cell.data_points * study.context, adapter)


def _print_memory(study: Study, n_params: dict[Model, int | None], device: Device, cache: Path) -> None:
    for model, method, need in needs(study, n_params, device, cache):
        parts = ", ".join(f"{name} {size / 1e9:.2g}" for name, size in asdict(need).items() if size)
        parts += "" if need.activations else "; activations once the hub is asked"
        print(
            f"memory: a run of {model.name}, {method}, needs about {need.total / 1e9:.3g} of the "
            f"{device.memory / 1e9:.3g} GB that its {device.kind.upper()} has for it ({parts})"
        )


def _experience(url: str) -> Experience:
    """What the warehouse's runs took, or what the paper and this CPU promise where there is none."""
    if store.exists(url):
        with store.connect(url, read_only=True) as database:
            row = database.execute(
                "select sum(flops * epochs) / sum(flops), sum(flops) / sum(wall_s)"
                " from raw.runs where status = 'ok'"
            ).fetchone()
        if row and row[0] and row[1]:
            return Experience(row[0], row[1], "mean of the runs in the warehouse")
    matrix = np.ones((512, 512), np.float32)
    fastest = float("inf")  # the others share the machine, and the first starts its threads
    for _ in range(8):
        began = time.perf_counter()
        matrix @ matrix
        fastest = min(fastest, time.perf_counter() - began)
    rate = UTILISATION * 2 * 512**3 / fastest
    return Experience(EPOCHS, rate, "guessed from this CPU")


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 100 * 60 else f"{minutes / 1440:.0f} days"
