"""Effective data transferred: Hernandez's power law, and what the transfer law itself extrapolates to.

D_E, the data from scratch that reach the same loss, D_T = D_E − D_F, the multiplier D_E/D_F and the fraction
D_T/D_E of every experiment are SQL's (models effective_data and data_transferred); here is what is fitted
to them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.allocate import Coefficients
from analysis.kernel import Floats
from analysis.problem import AnalysisError


@dataclass(frozen=True)
class Estimate:
    """A parameter with its cluster-robust standard error and 95 % interval, natural units."""

    value: float
    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True)
class TransferredLaw:
    """D_T = k·D_F^alpha·N^beta (Hernandez et al. 2021, eq. 1.1) by least squares on logarithms.

    parameters: by symbol; k is that of `steps`, the most pre-training, in tokens, and every other number of
    steps has a k of its own. beta is missing, and N^beta part of k, where there is one model size. residuals
    (n,): log of the law's D_T over D_T, in the order of the rows fitted. mean_absolute_error: in tokens.
    """

    parameters: dict[str, Estimate]
    steps: int
    n: int
    clusters: int
    r_squared: float
    residuals: Floats
    mean_absolute_error: float


def closed_form_multiplier(law: Coefficients, steps: ArrayLike) -> Floats:
    """((A + G) / (A·(p+1)^-α + G))^(1/β): by what f must be multiplied to do without pre-training.

    Solves L(p, f1) = L(0, f2) for f2/f1 with p shifted by one, so that p = 0 means none (derived from Barnett
    2024, eq. 9 and 10; eq. 11 as printed does not follow from them). An extrapolation: no transfer law is
    fitted at p = 0. nan where β <= 0.
    """
    A, G, alpha, beta = (np.asarray(one, dtype=np.float64) for one in (law.A, law.G, law.alpha, law.beta))
    p = np.asarray(steps, dtype=np.float64) + 1.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out: Floats = np.exp((np.log(A + G) - np.log(A * p**-alpha + G)) / np.where(beta > 0, beta, np.nan))
    return out


def transferred_law(
    tokens: ArrayLike, transferred: ArrayLike, size: ArrayLike, steps: ArrayLike, cluster: ArrayLike
) -> TransferredLaw:
    """Fit D_T = k·D_F^alpha·N^beta with cluster-robust errors, a k for each number of pre-training steps.

    tokens D_F, transferred D_T (positive), size N in non-embedding parameters, steps, cluster (the
    checkpoint): arrays (n,). Raises AnalysisError where these points do not determine the parameters or their
    errors.
    """
    # Statsmodels takes a second to import, which no other command should wait for.
    from statsmodels.regression.linear_model import OLS

    D_F, D_T, N = (np.asarray(one, dtype=np.float64) for one in (tokens, transferred, size))
    p, checkpoints = np.asarray(steps), np.unique(np.asarray(cluster), return_inverse=True)[1]
    if not (np.isfinite(D_T) & (D_T > 0) & (D_F > 0) & (N > 0)).all():
        raise AnalysisError("D_T, D_F and N must be positive and finite")
    levels, sizes, clusters = np.unique(p), np.unique(N), int(np.unique(checkpoints).size)
    names = ["k", "alpha", *(["beta"] if sizes.size > 1 else [])]
    columns = [np.ones(D_F.size), np.log(D_F), *([np.log(N)] if sizes.size > 1 else [])]
    design = np.column_stack([*columns, *(p == level for level in levels[:-1])]).astype(np.float64)
    free = design.shape[1]
    if D_F.size <= free or clusters < 2:
        raise AnalysisError(
            f"{_count(D_F.size, 'point')} of {_count(clusters, 'checkpoint')} cannot give k for "
            f"{_count(levels.size, 'number')} of steps, {' and '.join(names[1:])} with their errors"
        )
    if np.linalg.matrix_rank(design) < free:
        varying = "D_F and N" if sizes.size > 1 else "D_F"
        raise AnalysisError(
            f"{' and '.join(names[1:])} cannot be told from k: {varying} must vary at a fixed number of steps"
        )
    fitted = OLS(np.log(D_T), design).fit(cov_type="cluster", cov_kwds={"groups": checkpoints}, use_t=True)
    ends = fitted.conf_int(0.05)
    parameters = {
        name: Estimate(float(fitted.params[i]), float(fitted.bse[i]), float(ends[i, 0]), float(ends[i, 1]))
        for i, name in enumerate(names)
    }
    log_k = parameters["k"]
    k = float(np.exp(log_k.value))
    with np.errstate(over="ignore"):
        interval = [float(end) for end in np.exp([log_k.lower, log_k.upper])]
    parameters["k"] = Estimate(k, k * log_k.standard_error, *interval)
    residuals = np.asarray(fitted.fittedvalues - np.log(D_T), dtype=np.float64)
    return TransferredLaw(
        parameters=parameters,
        steps=int(levels[-1]),
        n=D_F.size,
        clusters=clusters,
        r_squared=float(fitted.rsquared),
        residuals=residuals,
        mean_absolute_error=float(np.abs(D_T * np.expm1(residuals)).mean()),
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
