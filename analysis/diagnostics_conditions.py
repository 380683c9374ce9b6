"""The four conditions of Barnett 2024, appendix A, each tested on a law that may depart from it.

    f → ∞   L → E, whatever p               the floor may fall with p:       … + E·p^-gamma
    p → ∞   L → G·f^-β + E                  its f-exponent may be its own:   A·p^-α·f^-gamma + G·f^-β
    p = 0   L = C·f^-β + E                  the curve from scratch, fitted by itself
    f = 0   L = A·p^-α + G + E              the losses before fine-tuning, fitted by themselves

A condition says that a difference is zero; the difference is estimated, and its interval is from resamples.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.bootstrap import Bootstrap
from analysis.diagnostics_resampled import resampled_fit
from analysis.fit import Fit
from analysis.kernel import Flags, Floats
from analysis.laws import Parameter, Term, laws

_TRANSFER = laws["transfer"]
_GAMMA = Parameter(
    "gamma", "how fast what the law holds constant falls", "1", "exponent", (0.0, 1 / 3, 2 / 3, 1.0)
)

FLOOR_FALLS = replace(
    _TRANSFER,
    name="floor-falls",
    formula="(A·p^-alpha + G)·f^-beta + E·p^-gamma",
    parameters=(*_TRANSFER.parameters, _GAMMA),
    terms=(*_TRANSFER.terms[:2], Term("E", {"p": "gamma"})),
)
TWO_EXPONENTS = replace(
    _TRANSFER,
    name="two-exponents",
    formula="A·p^-alpha·f^-gamma + G·f^-beta + E",
    parameters=(*_TRANSFER.parameters, _GAMMA),
    terms=(Term("A", {"p": "alpha", "f": "gamma"}), *_TRANSFER.terms[1:]),
)


@dataclass(frozen=True)
class Limits:
    """What was measured outside the law's window: losses (m,) at p = 0 by f, and (s,) at f = 0 by p."""

    scratch_points: Floats
    scratch_loss: Floats
    zero_shot_steps: Floats
    zero_shot_loss: Floats
    fingerprint: str


def limits_of(p: Floats, f: Floats, fitted: Flags, zero_shot: Floats, loss: Floats) -> Limits:
    """What a study's experiments (n,) measure at p = 0, and before fine-tuning at the steps that are fitted.

    zero_shot (n,): the loss before fine-tuning, NaN where it was not measured; the mean is taken over f.
    """
    scratch = (p == 0) & (f > 0)
    started = fitted & np.isfinite(zero_shot)
    steps = np.unique(p[started])
    means = np.array([zero_shot[started & (p == step)].mean() for step in steps])
    seen = repr([values.tolist() for values in (f[scratch], loss[scratch], steps, means)])
    fingerprint = hashlib.md5(seen.encode()).hexdigest()
    return Limits(f[scratch], loss[scratch], steps, means, fingerprint)


@dataclass(frozen=True)
class Difference:
    """One difference that a condition says is zero, with its 95 % interval, from n losses."""

    condition: str
    quantity: str
    estimate: float
    lower: float
    upper: float
    n: int


def conditions(
    fitted: Fit,
    drawn: Bootstrap,
    variables: Mapping[str, Floats],
    loss: Floats,
    limits: Limits,
    *,
    cluster: Floats | None,
    seed: int,
) -> list[Difference]:
    """The differences that can be estimated, from a fit of the transfer law and its resamples.

    variables (n,) by symbol and loss (n,), as they were fitted; cluster (n,): what is resampled together,
    rows where it is None. Floor and exponents are fitted to the same losses as the law. The curve from
    scratch is resampled by itself, for its runs are others; the losses before fine-tuning are of the same
    checkpoints, and resampled with them.
    """
    if fitted.law is not _TRANSFER:
        return []
    again = partial(resampled_fit, delta=fitted.settings.delta, replicates=len(drawn.values))
    found: list[Difference] = []

    falling = again(FLOOR_FALLS, variables, loss, cluster=cluster, seed=seed)
    if falling is not None:
        E, gamma = (falling[:, FLOOR_FALLS.symbols.index(symbol)] for symbol in ("E", "gamma"))
        first, last = variables["p"].min(), variables["p"].max()
        fall = E * (first**-gamma - last**-gamma)
        found.append(_difference("f to infinity", "fall of the floor", fall, loss.size))

    apart = again(TWO_EXPONENTS, variables, loss, cluster=cluster, seed=seed)
    if apart is not None:
        beta, gamma = (apart[:, TWO_EXPONENTS.symbols.index(symbol)] for symbol in ("beta", "gamma"))
        quantity = "difference of the exponents of f"
        found.append(_difference("p to infinity", quantity, gamma - beta, loss.size))

    A, G, alpha, beta, E = np.vstack([list(fitted.parameters.values()), drawn.values]).T
    curve, n = laws["power-floor"], limits.scratch_loss.size
    own = again(curve, {"f": limits.scratch_points}, limits.scratch_loss, cluster=None, seed=seed + 1)
    if own is not None:
        of_law = slice(len(own))
        exponent, floor = own[:, 1] - beta[of_law], own[:, 2] - E[of_law]
        found.append(_difference("p at zero", "exponent of f from scratch", exponent, n))
        found.append(_difference("p at zero", "floor from scratch", floor, n))

    n = limits.zero_shot_loss.size
    if n:
        stated = A[:, None] * limits.zero_shot_steps ** -alpha[:, None] + (G + E)[:, None]
        rise = (limits.zero_shot_loss - stated).mean(axis=1)
        found.append(_difference("f at zero", "loss before fine-tuning", rise, n))
    own = again(curve, {"f": limits.zero_shot_steps}, limits.zero_shot_loss, cluster=None, seed=seed)
    if own is not None:
        exponent = own[:, 1] - alpha[: len(own)]
        found.append(_difference("f at zero", "exponent of p before fine-tuning", exponent, n))
    return found


def _difference(condition: str, quantity: str, values: Floats, n: int) -> Difference:
    """From the estimate and its replicates (1 + R,)."""
    lower, upper = np.quantile(values[1:], [0.025, 0.975])
    return Difference(condition, quantity, float(values[0]), float(lower), float(upper), n)
