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
from tests.simulated import SIZES, STEPS, TABLE2, transfer_loss

ROWS = ("fictional encyclopedia", "math arXiv")
NOISE = 0.01
REPLICATES = 400
CLUSTERED = (False, True)
METHODS = tuple(product(("rows", "steps"), ("percentile", "BCa", "profile")))


def holds(row: dict[str, float], shared: bool, simulation: int) -> np.ndarray:
    """Whether each interval of one simulation holds the truth: (methods, parameters)."""
    law = laws["transfer"]
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    of_step = np.searchsorted(STEPS, p)
    rng = np.random.default_rng([simulation, shared])
    own, common = rng.normal(size=p.size), rng.normal(size=len(STEPS))[of_step]
    z = np.sqrt(0.5) * (own + common) if shared else own
    result = fit(law, {"p": p, "f": f}, transfer_loss(row, p, f) * np.exp(NOISE * z))
    found = []
    for cluster in (None, of_step):
        resampled = result.bootstrap(REPLICATES, cluster=cluster, seed=simulation)
        profiled = result.calibrated_profiles(cluster=cluster, seed=simulation)
        found += [
            resampled.percentile(),
            resampled.bca(),
            {s: (one.lower, one.upper) for s, one in profiled.items()},
        ]
    return np.array([[held(of[s], row[s]) for s in law.symbols] for of in found])


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
        for name, shared in product(ROWS, CLUSTERED):
            shares = np.mean(list(pool.map(partial(holds, TABLE2[name], shared), range(simulations))), axis=0)
            noise = "clustered" if shared else "independent"
            for (unit, method), share in zip(METHODS, shares, strict=True):
                columns = "".join(f"{one:>8.3f}" for one in share)
                print(f"{f'{name}, {noise} noise, {method} of {unit}':<62}{columns}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
