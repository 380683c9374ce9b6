"""The solver finds what generated the data, and nothing that SciPy finds is better."""

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis import fit, laws
from analysis.fit import huber
from tests.simulated import SIZES, STEPS, TABLE2, transfer_loss

# Barnett 2024, Table 2, and the paper's grid (paper.md).


def paper_grid(row, noise=0.0, seed=0):
    p, f = (axis.ravel().astype(float) for axis in np.meshgrid(STEPS, SIZES, indexing="ij"))
    return {"p": p, "f": f}, transfer_loss(row, p, f) * np.exp(
        noise * np.random.default_rng(seed).normal(size=p.size)
    )


@pytest.mark.parametrize("dataset", TABLE2)
def test_noise_free_losses_give_back_table_2(dataset):
    result = fit(laws["transfer"], *paper_grid(TABLE2[dataset]))
    np.testing.assert_allclose(list(result.parameters.values()), list(TABLE2[dataset].values()), rtol=1e-6)
    assert result.status == "converged"
    assert result.credentials.share_of_starts > 0.5


def scipy_best(variables, loss, starts, delta=1e-3):
    """The best of SciPy's BFGS with exact gradient, in the paper's own coordinates (a, g, alpha, beta, e)."""
    log_p, log_f, y = np.log(variables["p"]), np.log(variables["f"]), np.log(loss)

    def objective(theta):
        a, g, alpha, beta, e = theta
        inner = np.logaddexp(a - alpha * log_p, g)
        outer = inner - beta * log_f
        prediction = np.logaddexp(outer, e)
        residual = prediction - y
        slope = np.clip(residual, -delta, delta) / delta
        on_data = np.exp(outer - prediction)
        on_a = on_data * np.exp(a - alpha * log_p - inner)
        gradient = [on_a, on_data - on_a, -log_p * on_a, -log_f * on_data, 1 - on_data]
        return huber(residual, delta).sum() / delta, np.array([slope @ part for part in gradient])

    found = [minimize(objective, start, jac=True, method="BFGS") for start in starts]
    return min(one.fun for one in found) * delta


@pytest.mark.parametrize(
    ("dataset", "noise", "seed"), [("math arXiv", 0.01, 1), ("house cat genome", 0.03, 2)]
)
def test_scipy_finds_nothing_better(dataset, noise, seed):
    variables, loss = paper_grid(TABLE2[dataset], noise, seed)
    rng = np.random.default_rng(0)
    starts = [
        (
            rng.choice([0, 2, 4, 6, 8]),
            rng.uniform(-5, 5),
            rng.uniform(0, 1),
            rng.uniform(0, 1),
            rng.uniform(0, 2),
        )
        for _ in range(60)
    ]
    ours = fit(laws["transfer"], variables, loss).objective
    assert ours <= scipy_best(variables, loss, starts) * (1 + 1e-9)


def test_few_noisy_points_hide_no_better_minimum():
    """Fifteen points with 30 % noise have many minima: 0.0025864 is one that a search can end in."""
    variables, loss = paper_grid(TABLE2["house cat genome"], 0.3)
    rng = np.random.default_rng(300)
    for _ in range(2):
        rng.choice(150, 8, replace=False)
    some = rng.choice(150, 15, replace=False)
    result = fit(laws["transfer"], {symbol: values[some] for symbol, values in variables.items()}, loss[some])
    assert result.objective <= 0.00258280524 * (1 + 1e-9)


def test_a_fit_is_the_same_wherever_its_arrays_lie_in_memory():
    variables, loss = paper_grid(TABLE2["house cat genome"], 0.03)
    rng = np.random.default_rng(0)
    results = []
    held = []
    for _ in range(6):
        held += [np.empty(rng.integers(1, 5000)) for _ in range(5)]
        result = fit(laws["transfer"], variables, loss)
        results.append((*result.parameters.values(), *result.bootstrap(50).values.ravel()))
    assert len(set(results)) == 1
