"""What the residuals of a fit say: are they even, normal and independent, and which runs carry the fit.

The tests take the law as given and every residual as one observation; they describe a fit and decide nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from analysis.bootstrap import JACKKNIFE, refit, replicate_starts
from analysis.fit import Fit
from analysis.kernel import Floats
from analysis.predict import predict
from analysis.problem import to_natural

NOISE_FREE = 1e-9  # mean log residuals below this are rounding


@dataclass(frozen=True)
class Residuals:
    """One row per point (n,), all of log losses.

    residual: measured less fitted. deleted: the same, by the fit to all other points. quantile: the standard
    normal's at the residual's rank (Blom 1958). influence: Cook's distance, from those fits; both None where
    there are more than JACKKNIFE points to leave out one by one.
    """

    fitted: Floats
    residual: Floats
    quantile: Floats
    deleted: Floats | None
    influence: Floats | None


@dataclass(frozen=True)
class Finding:
    """A number about the residuals, and the probability of one as large were they even, normal or
    independent; None where the number is a description.
    """

    name: str
    statistic: float
    p_value: float | None


def residuals_of(fit: Fit, variables: Mapping[str, Floats]) -> Residuals:
    """The fit's residuals at its own points, and what leaving each point out does.

    variables (n,) by symbol, as they were fitted. Cook's distance (1977) is the sum of squares by which all
    fitted log losses move, over the number of free parameters times the residual variance; the fit to the
    other points is made in full and not by linearisation, so it holds for a Huber fit and at a boundary.
    """
    residual = -fit.residuals
    n = residual.size
    fitted = np.log(fit.predict(variables))
    quantile = norm.ppf((rankdata(residual) - 0.375) / (n + 0.25))
    deleted = influence = None
    free = len(fit.law.parameters) - len(fit.settings.fixed)
    if free < n <= JACKKNIFE:
        starts = replicate_starts(fit.problem, fit.settings, fit.search, fit.weights)
        weights = (1.0 - np.eye(n)) * fit.weights
        without = to_natural(fit.problem, refit(fit.problem, fit.settings, starts, weights)[0])
        moved = np.log(predict(fit.law, without, variables)) - fitted
        deleted = residual - np.diag(moved)
        variance = float((residual**2).sum()) / (n - free)
        if np.abs(residual).mean() >= NOISE_FREE:
            influence = (moved**2).sum(axis=1) / (free * variance)
    return Residuals(fitted, residual, quantile, deleted, influence)


def findings(residual: Floats, variables: Mapping[str, Floats]) -> list[Finding]:
    """Tests of residuals (n,) against the variables (n,) that they were fitted over, by symbol.

    heteroscedasticity: Breusch and Pagan's, studentised (Koenker 1981), against the logarithms of all
    variables that vary. normality: Jarque and Bera's, with the skewness and kurtosis that it is made of.
    clustering by v: the intraclass correlation of residuals that share a value of v, by one-way analysis of
    variance, with its F test. None of a fit without noise, or of fewer than eight points.
    """
    n = residual.size
    if n < 8 or np.abs(residual).mean() < NOISE_FREE:
        return []
    # Statsmodels takes a second to import, which a fit that is current should not wait for.
    from statsmodels.stats.diagnostic import het_breuschpagan
    from statsmodels.stats.stattools import jarque_bera

    varying = {symbol: values for symbol, values in variables.items() if np.unique(values).size > 1}
    design = np.column_stack([np.ones(n), *(np.log(values) for values in varying.values())])
    spread, spread_p, _, _ = het_breuschpagan(residual, design)
    bell, bell_p, skewness, kurtosis = jarque_bera(residual)
    found = [
        Finding("heteroscedasticity", _settled(spread), _settled(spread_p)),
        Finding("normality", _settled(bell), _settled(bell_p)),
        Finding("skewness", _settled(skewness), None),
        Finding("kurtosis", _settled(kurtosis), None),
    ]
    for symbol, values in varying.items():
        groups = [residual[values == value] for value in np.unique(values)]
        if 1 < len(groups) < n:
            found.append(_clustering(f"clustering by {symbol}", groups))
    return found


def _clustering(name: str, groups: Sequence[Floats]) -> Finding:
    from statsmodels.stats.oneway import anova_oneway

    between = anova_oneway(groups, use_var="equal")
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    # The size that stands for unequal ones (Donner 1986).
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (sizes.size - 1)
    F = float(between.statistic)
    return Finding(name, _settled((F - 1.0) / (F + size - 1.0)), _settled(between.pvalue))


def _settled(value: float) -> float:
    # LAPACK's last bits vary with where its arrays lie in memory; a fit made again should say the same.
    return float(f"{float(value):.10g}")
