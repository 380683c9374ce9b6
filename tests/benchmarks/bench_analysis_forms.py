"""The five forms of Table 5: python tests/benchmarks/bench_analysis_forms.py [WAREHOUSE …]

Is a form that contains form 1 four times worse, as Table 5 has it? For losses drawn from each row of Table 2
on the paper's grid (1 % noise), and for the experiments of each warehouse named (after `dbt build`), prints
per form the error of the fit, the lowest pooled errors of step-wise cross-validation, and the held-out
extrapolation, as models/report/table_forms.sql pools and defines them.

Then the paper's recipe as far as it is known, on the fictional encyclopedia's row: SciPy's basin-hopping over
BFGS from one random start, with a numeric gradient, of the mean Huber loss in natural parameters and in
logarithms. Prints how far above the global minimum such fits end, and the error that they leave.
"""

import sys
from pathlib import Path

import duckdb
import numpy as np
from scipy.optimize import basinhopping

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis import fit, laws
from analysis.crossval import PENALTIES, Scores, cross_validate
from analysis.fit import huber
from analysis.laws import Law
from analysis.predict import predict
from tests.simulated import SIZES, STEPS, TABLE2, transfer_loss

FORMS = ("transfer", "table5-2", "table5-3", "table5-4", "table5-5")
NOISE = 0.01
DELTA = 1e-3
STARTS = 10  # of SciPy's, one seed each
HOPS = 20

Data = tuple[np.ndarray, np.ndarray, np.ndarray]  # p, f, loss


def drawn(law: dict[str, float], seed: int = 0) -> Data:
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    z = np.random.default_rng(seed).normal(size=p.size)
    return p, f, transfer_loss(law, p, f) * np.exp(NOISE * z)


def measured(url: str) -> dict[str, Data]:
    with duckdb.connect(url, read_only=True) as connection:
        rows = connection.execute(
            "select study || ' · ' || dataset, pretrain_steps, data_points, loss "
            "from experiments.experiments where in_fit order by all"
        ).fetchall()
    return {
        name: tuple(np.array([row[1:] for row in rows if row[0] == name], dtype=float).T)
        for name in dict.fromkeys(row[0] for row in rows)
    }


def compared(name: str, data: Data) -> None:
    """Print the forms on one dataset, compared on the splits that all of them fit."""
    p, f, loss = data
    variables = {"p": p, "f": f}
    steps, sizes = np.unique(p), np.unique(f)
    thresholds = np.array([(a, b) for a in steps for b in sizes if ((p <= a) & (f <= b)).any()][:-1])
    scores = {law: cross_validate(laws[law], variables, loss, *thresholds.T) for law in FORMS}
    common = np.all([one.fitted for one in scores.values()], axis=0)
    medians = np.quantile(steps, 0.5, method="inverted_cdf"), np.quantile(sizes, 0.5, method="inverted_cdf")
    (held_out,) = np.flatnonzero((thresholds == medians).all(axis=1))
    print(f"\n{name}: {p.size} experiments, {common.sum()} splits of {len(thresholds)}; nats")
    print(
        f"{'form':<10}{'parameters':>11}{'fit, MAE':>10}{'fit, %':>8}{'cv RMSE':>10}{'cv MAE':>10}"
        f"{'unpenalised MAE':>17}{'extrapolated MAE':>18}{'bias':>9}"
    )
    for law, one in scores.items():
        result = fit(laws[law], variables, loss)
        rmse, mae, plain = pooled(one, common)
        print(
            f"{law:<10}{len(laws[law].parameters):>11}{result.mean_absolute_error:>10.4f}"
            f"{100 * result.mean_relative_error:>8.2f}{rmse:>10.4f}{mae:>10.4f}{plain:>17.4f}"
            f"{one.mae_beyond[held_out, 0]:>18.4f}{one.bias_beyond[held_out, 0]:>9.4f}",
            flush=True,
        )


def pooled(scores: Scores, common: np.ndarray) -> tuple[float, float, float]:
    """The lowest pooled RMSE and MAE over regularisations, and the MAE without any."""
    n = scores.n_test[common, None] / scores.n_test[common].sum()
    rmse, mae = (n * scores.rmse[common] ** 2).sum(axis=0) ** 0.5, (n * scores.mae[common]).sum(axis=0)
    return float(np.nanmin(rmse)), float(np.nanmin(mae)), float(mae[0])


def scipy_fits(law: Law, data: Data, logs: bool) -> list[tuple[float, float, bool]]:
    """From each start: summed Huber, mean absolute error, and whether SciPy calls it a success."""
    p, f, loss = data
    variables = {"p": p, "f": f}
    positive = np.array([one.kind != "exponent" for one in law.parameters])

    def natural(theta: np.ndarray) -> np.ndarray:
        return np.where(positive, np.exp(np.minimum(theta, 50.0)), theta) if logs else theta

    def residual(theta: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            predicted = predict(law, natural(theta)[None, :], variables)[0]
            found = np.log(predicted) - np.log(loss)
        return np.where(np.isfinite(found), found, 1e3)

    fits = []
    for seed in range(STARTS):
        rng = np.random.default_rng(seed)
        start = rng.uniform(0.0, 1.0, size=positive.size)
        found = basinhopping(
            lambda theta: float(huber(residual(theta), DELTA).mean()),
            start,
            niter=HOPS,
            minimizer_kwargs={"method": "BFGS"},
            rng=seed,
        )
        with np.errstate(over="ignore"):
            error = np.abs(np.expm1(residual(found.x)) * loss).mean()
        fits.append(
            (
                float(huber(residual(found.x), DELTA).sum()),
                float(error),
                bool(found.lowest_optimization_result.success),
            )
        )
    return fits


def main(urls: list[str]) -> None:
    print(f"Table 2's laws on the paper's grid, {100 * NOISE:g} % noise; {len(PENALTIES)} regularisations")
    for name, law in TABLE2.items():
        compared(name, drawn(law))
    for url in urls:
        for name, data in measured(url).items():
            compared(f"{url}: {name}", data)
    data = drawn(TABLE2["fictional encyclopedia"])
    print(f"\nSciPy on the fictional encyclopedia's row: {STARTS} random starts, {HOPS} hops each")
    print(
        f"{'form':<10}{'in':>9}{'objective / global':>34}{'MAE of the fits':>30}"
        f"{'global MAE':>12}{'successes':>11}"
    )
    print(f"{'':<19}{'best':>12}{'median':>11}{'worst':>11}{'best':>10}{'median':>10}{'worst':>10}")
    for law in FORMS:
        best = fit(laws[law], {"p": data[0], "f": data[1]}, data[2])
        for logs in (False, True):
            fits = scipy_fits(laws[law], data, logs)
            picked = [0, STARTS // 2, STARTS - 1]
            above = np.sort([one[0] / best.objective for one in fits])[picked]
            errors = np.sort([one[1] for one in fits])[picked]
            print(
                f"{law:<10}{'logs' if logs else 'natural':>9}"
                + f"{above[0]:>12.4g}{above[1]:>11.4g}{above[2]:>11.4g}"
                + "".join(f"{error:>10.4f}" for error in errors)
                + f"{best.mean_absolute_error:>12.4f}{sum(one[2] for one in fits):>11}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
