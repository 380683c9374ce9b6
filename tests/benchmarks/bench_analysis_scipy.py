"""The solver against SciPy's BFGS with exact gradients: python tests/benchmarks/bench_analysis_scipy.py

SciPy's whole job takes from a minute to an hour: it is timed on a sample, and the time of all extrapolated.
"""

import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis import fit, laws
from analysis.fit import huber
from tests.simulated import SIZES, STEPS, TABLE2, transfer_loss

DELTA = 1e-3
GRID = list(
    product(np.arange(0, 9, 2), np.linspace(-5, 5, 7), np.linspace(0, 1, 4), np.linspace(0, 1, 4), range(4))
)  # a, g, alpha, beta, e: paper.md
SAMPLE = 56  # of its 2,240 starts
REPLICATES = 4000
RESAMPLES = 12  # of which SciPy is timed on


def losses(row: dict[str, float], noise: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    z = np.random.default_rng(0).normal(size=p.size)
    return {"p": p, "f": f}, transfer_loss(row, p, f) * np.exp(noise * z)


def objective(
    variables: dict[str, np.ndarray], loss: np.ndarray, weights: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The summed Huber divided by δ and its gradient, in the paper's coordinates."""
    log_p, log_f, y = np.log(variables["p"]), np.log(variables["f"]), np.log(loss)

    def at(theta: np.ndarray) -> tuple[float, np.ndarray]:
        a, g, alpha, beta, e = theta
        inner = np.logaddexp(a - alpha * log_p, g)
        outer = inner - beta * log_f
        prediction = np.logaddexp(outer, e)
        residual = prediction - y
        slope = weights * np.clip(residual, -DELTA, DELTA) / DELTA
        data, pre = np.exp(outer - prediction), np.exp(a - alpha * log_p - inner)
        parts = (data * pre, data * (1 - pre), -log_p * data * pre, -log_f * data, 1 - data)
        return float(weights @ huber(residual, DELTA)) / DELTA, np.array([slope @ part for part in parts])

    return at


def best(at: Callable[[np.ndarray], tuple[float, np.ndarray]], starts: list[tuple[float, ...]]) -> float:
    """SciPy's lowest summed Huber from these starts."""
    return DELTA * min(minimize(at, np.array(start), jac=True, method="BFGS").fun for start in starts)


def main() -> None:
    fit(laws["transfer"], *losses(TABLE2["math arXiv"], 0.01)).bootstrap(2)  # compiles, or loads what is
    picked = [GRID[i] for i in np.linspace(0, len(GRID) - 1, SAMPLE).astype(int)]
    print(f"start grid: SciPy timed on {SAMPLE} of {len(GRID)} starts, seconds of all extrapolated")
    print(f"{'':<30}{'ours s':>8}{'SciPy s':>9}{'ratio':>7}{'ours/SciPy - 1':>16}{'starts reaching':>17}")
    for (name, row), noise in product(TABLE2.items(), (0.01, 0.03)):
        variables, loss = losses(row, noise)
        began = time.perf_counter()
        result = fit(laws["transfer"], variables, loss)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        found = best(objective(variables, loss, np.ones(loss.size)), picked)
        theirs = (time.perf_counter() - began) * len(GRID) / SAMPLE
        print(
            f"{name + f', {noise:g}':<30}{ours:>8.2f}{theirs:>9.0f}{theirs / ours:>7.0f}"
            f"{result.objective / found - 1:>16.1e}{result.credentials.share_of_starts:>17.3f}"
        )

    print(
        f"\nbootstrap of {REPLICATES} replicates: SciPy timed on {RESAMPLES}, five starts each, extrapolated"
    )
    print(f"{'':<30}{'ours s':>8}{'SciPy s':>9}{'ratio':>7}{'changed basin':>16}")
    for name, row in TABLE2.items():
        variables, loss = losses(row, 0.01)
        result = fit(laws["transfer"], variables, loss)
        began = time.perf_counter()
        resampled = result.bootstrap(REPLICATES)
        ours = time.perf_counter() - began
        A, G, alpha, beta, E = result.parameters.values()
        starts = [(np.log(A), np.log(G), alpha, beta, np.log(E)), *picked[5::13][:4]]
        rng = np.random.default_rng(0)
        began = time.perf_counter()
        for _ in range(RESAMPLES):
            weights = rng.multinomial(loss.size, np.full(loss.size, 1 / loss.size)).astype(float)
            best(objective(variables, loss, weights), starts)
        theirs = (time.perf_counter() - began) * REPLICATES / RESAMPLES
        print(f"{name:<30}{ours:>8.2f}{theirs:>9.0f}{theirs / ours:>7.0f}{resampled.changed_basin:>16.3f}")


if __name__ == "__main__":
    main()
