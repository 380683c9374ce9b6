"""A law fitted for a diagnostic: from fewer starts than a reported one, and resampled near its optimum."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analysis.bootstrap import clusters, refit, resamples
from analysis.fit import fit
from analysis.kernel import Floats
from analysis.laws import Law
from analysis.problem import AnalysisError, to_natural

REPLICATES = 400  # enough for an interval that is held against zero, or a band that is looked at
NEIGHBOURS = 2  # minima that a resample starts from


def resampled_fit(
    law: Law,
    variables: Mapping[str, Floats],
    loss: Floats,
    *,
    delta: float,
    replicates: int,
    cluster: Floats | None,
    seed: int,
) -> Floats | None:
    """Natural parameters (1 + R, k), R at most REPLICATES: the optimum, then those of resamples.

    What is resampled are rows, or the clusters that cluster (n,) names, and the same ones as by
    analysis.bootstrap under the same seed where there are as many. None where there are not more points than
    parameters, or the law cannot be fitted to them.
    """
    if loss.size <= len(law.parameters):
        return None
    try:
        result = fit(_from_exponents(law), variables, loss, delta=delta)
    except AnalysisError:
        return None
    unit, units = clusters(result.problem, cluster)
    if units < 2:
        return None
    times = resamples(np.random.default_rng([seed, 0]), min(replicates, REPLICATES), units)
    starts = result.search.near(NEIGHBOURS)
    thetas, _ = refit(result.problem, result.settings, starts, times[:, unit])
    return np.vstack([list(result.parameters.values()), to_natural(result.problem, thetas)])


def _from_exponents(law: Law) -> Law:
    """The law whose coefficients have no starts, and are solved for at those of the exponents and offsets."""
    parameters = (replace(p, starts=()) if p.kind == "coefficient" else p for p in law.parameters)
    return replace(law, parameters=tuple(parameters))
