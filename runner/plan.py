"""What a study is, what of it is done, and what the rest will cost; answered without torch."""

import sys
import time
from pathlib import Path

import numpy as np

from runner.checkpoints import suite_folder
from runner.study import Cell, Model, Size, Study, suite_from
from runner.sweep import EPOCHS_PUBLISHED, Prepared, Progress, prepared, progress
from warehouse import store

UTILISATION = (
    0.2  # of this CPU's matrix product, which small models reach; used until a run has been measured
)


def plan(study: Study, source: str, url: str, cache: Path) -> None:
    """Print the grid, what is done and missing in the warehouse, and the estimated FLOPs and time of the rest."""
    ready = prepared(study, source, cache)
    state = progress(study, ready, url)
    cells = tuple(study.cells())
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
    print(f"  {'law fitted from step':<30} {study.fit.min_steps}")
    print()
    _print_table(study, state)
    print(
        f"\n{len(cells)} runs: {len(state.done)} done, {len(state.failed)} failed, {len(state.missing)} missing "
        f"in {url}"
    )
    for model in study.models:
        if (
            model.suite
            and not suite_folder(suite_from(model.suite), cache).joinpath(str(model.size)).is_dir()
        ):
            print(f"{model.name} is not pre-trained yet; the sweep does that first")
    if ready is None:
        print("sizes are checked against the datasets once they are tokenised, before anything is trained")
    flops = sum(_flops(study, cell, ready) for cell in state.missing)
    rate, measured = _rate(url)
    print(
        f"left to train: {flops:.3g} FLOP (6·N·D over {_epochs(url):.1f} epochs), "
        f"about {_duration(flops / rate)} at {rate:.2g} FLOP/s {measured}"
    )


def status(study: Study, source: str, url: str, cache: Path) -> int:
    """Print what is done, failed (with each error) and missing; 1 where something failed."""
    state = progress(study, prepared(study, source, cache), url)
    print(
        f"{study.study}: {len(state.done)} done, {len(state.failed)} failed, {len(state.missing)} missing in {url}"
    )
    for cell, error in state.failed.items():
        print(
            f"  {cell.dataset} {cell.model.name} {cell.revision} f={cell.data_points} seed {cell.seed}: {error}"
        )
    return 1 if state.failed else 0


def _print_table(study: Study, state: Progress) -> None:
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


def _flops(study: Study, cell: Cell, ready: Prepared | None) -> float:
    if ready is not None:
        n_params = ready.checkpoints[cell.model.name, cell.pretrain_steps].n_params
    else:
        n_params = _declared_parameters(cell.model)
    return 6.0 * n_params * cell.data_points * study.context * EPOCHS_PUBLISHED


def _declared_parameters(model: Model) -> int:
    """Parameters of a suite's GPT-NeoX before it is made: 12·layers·hidden² and both embeddings."""
    if model.suite is None:
        return 0
    suite = suite_from(model.suite)
    size: Size = suite.models[str(model.size)]
    return 12 * size.layers * size.hidden**2 + 2 * suite.vocabulary * size.hidden


def _epochs(url: str) -> float:
    return EPOCHS_PUBLISHED


def _rate(url: str) -> tuple[float, str]:
    """FLOP per second of the warehouse's runs, or what this CPU promises, and which of the two it is."""
    if store.exists(url):
        with store.connect(url, read_only=True) as database:
            row = database.execute(
                "select sum(flops) / sum(wall_s) from raw.runs where status = 'ok'"
            ).fetchone()
        if row and row[0]:
            return row[0], "(mean of the runs in the warehouse)"
    matrix = np.ones((512, 512), np.float32)
    began = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    return UTILISATION * 4 * 2 * 512**3 / (time.perf_counter() - began), "(guessed from this CPU)"


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
