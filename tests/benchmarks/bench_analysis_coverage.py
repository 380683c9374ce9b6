"""How often 95 % intervals hold the truth: python tests/benchmarks/bench_analysis_coverage.py [simulations]

Losses of the paper's grid (paper.md) are drawn from a row of Table 2 with log-normal noise of 1 %,
independent or with half its variance shared by all rows of a pre-training step, fitted, and bootstrapped by
row or by step. Prints the share of simulations in which each interval holds each parameter. With 500
simulations a share of 95 % is known to about 2 points; where an interval is undefined it counts as missing
the truth.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis import fit, laws

ROWS = {
    "fictional encyclopedia": (284.766, 2.570, 0.730, 0.123, 0.538),
    "math arXiv": (317.966, 0.166, 0.756, 0.059, 1.758),
}
STEPS = (128, 256, 512, 1000, 2000, 4000, 8000, 16000, 24000, 33000, 48000, 64000, 96000, 128000, 143000)
SIZES = (10, 20, 40, 75, 130, 220, 370, 550, 800, 1100)
NOISE = 0.01
REPLICATES = 400


CLUSTERED = (False, True)
METHODS = tuple(product(("rows", "steps"), ("percentile", "BCa", "profile")))


def holds(row: tuple[float, ...], shared: bool, simulation: int) -> np.ndarray:
    """Whether each interval of one simulation holds the truth: (methods, parameters)."""
    law = laws["transfer"]
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    of_step = np.searchsorted(STEPS, p)
    A, G, alpha, beta, E = row
    rng = np.random.default_rng([simulation, shared])
    own, common = rng.normal(size=p.size), rng.normal(size=len(STEPS))[of_step]
    z = np.sqrt(0.5) * (own + common) if shared else own
    result = fit(law, {"p": p, "f": f}, ((A * p**-alpha + G) * f**-beta + E) * np.exp(NOISE * z))
    found = []
    for cluster in (None, of_step):
        resampled = result.bootstrap(REPLICATES, cluster=cluster, seed=simulation)
        profiled = result.calibrated_profiles(cluster=cluster, seed=simulation)
        found += [
            resampled.percentile(),
            resampled.bca(),
            {s: (one.lower, one.upper) for s, one in profiled.items()},
        ]
    return np.array([[held(of[s], true) for s, true in zip(law.symbols, row, strict=True)] for of in found])


def held(ends: tuple[float | None, float | None] | None, truth: float) -> bool:
    """Whether an interval holds the truth; open where an end is None, and never where it is undefined."""
    if ends is None:
        return False
    low, high = ends
    return (low is None or low <= truth) and (high is None or truth <= high)


def alone() -> None:
    """One core for each process: the solver uses as many threads as it may."""
    os.sched_setaffinity(0, {os.getpid() % (os.cpu_count() or 1)})


def main(simulations: int) -> None:
    print(f"{simulations} simulations, {REPLICATES} replicates; share of intervals that hold the truth")
    print(f"{'':<62}" + "".join(f"{symbol:>8}" for symbol in laws["transfer"].symbols), flush=True)
    with ProcessPoolExecutor(initializer=alone) as pool:
        for (name, row), shared in product(ROWS.items(), CLUSTERED):
            shares = np.mean(list(pool.map(partial(holds, row, shared), range(simulations))), axis=0)
            noise = "clustered" if shared else "independent"
            for (unit, method), share in zip(METHODS, shares, strict=True):
                columns = "".join(f"{one:>8.3f}" for one in share)
                print(f"{f'{name}, {noise} noise, {method} of {unit}':<62}{columns}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
