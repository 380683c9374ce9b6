"""The whole paper's analysis, timed: python tests/benchmarks/bench_analysis_paper.py [replicates]

Five datasets drawn from Table 2 on the paper's grid with 1 % noise: the fit from the whole grid of starts,
the bootstrap (4,000 replicates), and the exhaustive cross-validation of five forms × 35 regularisations.
Prints the seconds by the clock and of the processor for each part, and the peak memory; compiling is apart.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis import fit, laws
from analysis.crossval import PENALTIES, cross_validate
from tests.simulated import SIZES, STEPS, TABLE2, transfer_loss

FORMS = ("transfer", "table5-2", "table5-3", "table5-4", "table5-5")
NOISE = 0.01
Seconds = np.ndarray  # by the clock, of the processor


def timed(work: Callable[[], object]) -> tuple[object, Seconds]:
    began = time.perf_counter(), time.process_time()
    out = work()
    return out, np.array([time.perf_counter() - began[0], time.process_time() - began[1]])


def main(replicates: int) -> None:
    law = laws["transfer"]
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    variables = {"p": p, "f": f}
    thresholds = np.array([(a, b) for a in STEPS for b in SIZES][:-1], dtype=float)
    grid = [axis.ravel() for axis in np.meshgrid(STEPS[:4], SIZES[:3], indexing="ij")]
    tiny = {"p": grid[0].astype(float), "f": grid[1].astype(float)}
    small = transfer_loss(TABLE2["math arXiv"], tiny["p"], tiny["f"])

    def warm() -> None:
        fit(law, tiny, small).bootstrap(2)
        for form in FORMS:
            cross_validate(laws[form], tiny, small, tiny["p"][:-1], tiny["f"][:-1])

    print(f"compiling, or loading what is compiled: {timed(warm)[1][0]:.1f} s")
    names = ["fit", f"{replicates} replicates", *(f"cv {form}" for form in FORMS), "all"]
    print(f"seconds by the clock / of the processor; {len(thresholds)} splits, {len(PENALTIES)} penalties")
    print(f"{'':<24}" + "".join(f"{name:>17}" for name in names))
    total = np.zeros((len(names), 2))
    for number, (dataset, row) in enumerate(TABLE2.items()):
        z = np.random.default_rng(number).normal(size=p.size)
        loss = transfer_loss(row, p, f) * np.exp(NOISE * z)
        result, fitting = timed(lambda loss=loss: fit(law, variables, loss))
        parts = [fitting, timed(lambda result=result: result.bootstrap(replicates))[1]]
        for form in FORMS:
            score = timed(
                lambda loss=loss, form=form: cross_validate(laws[form], variables, loss, *thresholds.T)
            )
            parts.append(score[1])
        parts.append(np.sum(parts, axis=0))
        total += parts
        print(
            f"{dataset:<24}" + "".join(f"{f'{one[0]:.1f} / {one[1]:.1f}':>17}" for one in parts), flush=True
        )
    print(f"{'all':<24}" + "".join(f"{f'{one[0]:.1f} / {one[1]:.1f}':>17}" for one in total))
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9:.2f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
