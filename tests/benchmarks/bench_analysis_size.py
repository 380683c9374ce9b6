"""Cost against the number of points and of datasets: python tests/benchmarks/bench_analysis_size.py

Grids of 150, 1,500 and 15,000 points in the ranges of the paper's, then 1, 10 and 100 datasets of its grid,
from a row of Table 2 with noise of 1 %. SciPy's fit from the whole grid of starts is timed on a sample of
them, and the time of all extrapolated.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench_analysis_scipy import DELTA, GRID, best, objective

from analysis import fit, laws
from tests.simulated import TABLE2, transfer_loss

GRIDS = ((15, 10), (50, 30), (150, 100))  # steps × sizes
DATASETS = (1, 10, 100)
REPLICATES = 200
SAMPLE = 16  # of SciPy's starts


def losses(steps: int, sizes: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    grid = np.meshgrid(np.geomspace(128, 143_000, steps), np.geomspace(10, 1100, sizes), indexing="ij")
    p, f = (axis.ravel() for axis in grid)
    noise = 0.01 * np.random.default_rng(seed).normal(size=p.size)
    return {"p": p, "f": f}, transfer_loss(TABLE2["house cat genome"], p, f) * np.exp(noise)


def main() -> None:
    law = laws["transfer"]
    fit(law, *losses(15, 10, 0)).bootstrap(2)  # compiles, or loads what is
    picked = [GRID[i] for i in np.linspace(0, len(GRID) - 1, SAMPLE).astype(int)]
    print(f"SciPy timed on {SAMPLE} of {len(GRID)} starts, seconds of all extrapolated")
    print(
        f"{'points':>8}{'fit s':>8}{f'{REPLICATES} replicates s':>18}{'SciPy fit s':>13}{'ratio':>7}"
        f"{'ours/SciPy - 1':>16}"
    )
    for steps, sizes in GRIDS:
        variables, loss = losses(steps, sizes, 0)
        began = time.perf_counter()
        result = fit(law, variables, loss)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        result.bootstrap(REPLICATES)
        resampling = time.perf_counter() - began
        began = time.perf_counter()
        found = best(objective(variables, loss, np.ones(loss.size)), picked)
        theirs = (time.perf_counter() - began) * len(GRID) / SAMPLE
        print(
            f"{loss.size:>8}{ours:>8.2f}{resampling:>18.2f}{theirs:>13.0f}{theirs / ours:>7.0f}"
            f"{result.objective / found - 1:>16.1e}",
            flush=True,
        )
    print(f"\n{'datasets':>8}{'fit s':>8}{f'{REPLICATES} replicates s':>18}{'s each':>8}")
    for count in DATASETS:
        began = time.perf_counter()
        results = [fit(law, *losses(15, 10, seed), delta=DELTA) for seed in range(count)]
        ours = time.perf_counter() - began
        began = time.perf_counter()
        for result in results:
            result.bootstrap(REPLICATES)
        resampling = time.perf_counter() - began
        print(
            f"{count:>8}{ours:>8.2f}{resampling:>18.2f}{(ours + resampling) / count:>8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
