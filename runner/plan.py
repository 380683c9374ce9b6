"""What a study is, what of it is done, and what the rest will cost; answered without torch."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.checkpoints import is_made
from runner.declaration import suite_from
from runner.study import Cell, Model, Study
from runner.sweep import Prepared, Progress, prepared, progress
from warehouse import store

EPOCHS = 10.0  # what Barnett 2024's total compute implies; used until a run has been measured
UTILISATION = 0.2  # of this CPU's matrix product, which small models reach; used until then too


@dataclass(frozen=True)
class Experience:
    """Epochs to convergence and FLOP per second, and where they come from."""

    epochs: float
    flop_per_s: float
    source: str


def plan(study: Study, source: str, url: str, cache: Path) -> None:
    """Print the grid, what is done and missing in the warehouse, and what the rest will cost."""
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
    for model in study.models:
        if not is_made(model, cache):
            print(f"{model.name} is not pre-trained yet; the sweep does that first")
    if ready is None:
        print("sizes are checked against the datasets once these are tokenised, before anything is trained")
    if not state.missing:
        return
    experience = _experience(url)
    flops = sum(_flops(study, cell, ready, experience.epochs) for cell in state.missing)
    print(
        f"left to train: {flops:.3g} FLOP (6·N·D over {experience.epochs:.1f} epochs, D = f·context), "
        f"about {_duration(flops / experience.flop_per_s / study.workers)} "
        f"with workers: {study.workers}, each {experience.flop_per_s:.2g} FLOP/s ({experience.source})"
    )


def status(study: Study, source: str, url: str, cache: Path) -> int:
    """Print what is done, failed (with each error) and missing; 1 where something failed."""
    state = progress(study, prepared(study, source, cache), url)
    print_progress(study, state, url)
    for cell, error in state.failed.items():
        print(f"  {cell}: {error}")
    return 1 if state.failed else 0


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


def _flops(study: Study, cell: Cell, ready: Prepared | None, epochs: float) -> float:
    if ready is not None:
        n_params = ready.checkpoints[cell.model.name, cell.pretrain_steps].n_params or 0
    else:
        n_params = _declared_parameters(cell.model)
    return 6.0 * n_params * cell.data_points * study.context * epochs


def _declared_parameters(model: Model) -> int:
    """Parameters of a suite's GPT-NeoX before it is made: 12·layers·hidden² and both embeddings."""
    suite = suite_from(str(model.suite))
    size = suite.models[str(model.size)]
    return 12 * size.layers * size.hidden**2 + 2 * suite.vocabulary * size.hidden


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
    began = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    rate = UTILISATION * 4 * 2 * 512**3 / (time.perf_counter() - began)
    return Experience(EPOCHS, rate, "guessed from this CPU")


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
