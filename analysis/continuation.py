"""The optima of every split under every regularisation, each offered to its neighbours as a start.

Splits are neighbours where one threshold is the next, regularisations where one penalty is. Neighbouring
problems have nearly the same optimum, which a few Newton steps find; where they do not, the neighbour's often
lies in the better basin. So only the unpenalised problems are searched from dispersed starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.kernel import Flags, Floats, Ints
from analysis.problem import Problem, starts
from analysis.solver import Batch, Settings, solve

DISPERSED = 8  # starts of a split's unpenalised problem
ANOTHER = 1e-6  # a relative improvement by more than this is news to the neighbours
ROUNDS = 6  # of offers at most: along a flat valley, news of small improvements would never end

Step = tuple[Ints, Ints]  # problems that are started, and those whose optima they start from


@dataclass(frozen=True)
class Optima:
    """objective (S, R) in the solver's scale and thetas (S, R, k), of S splits under R penalties."""

    objective: Floats
    thetas: Floats


def optima(
    posed: Problem, settings: Settings, train: Floats, thresholds: Floats, penalties: Floats
) -> Optima:
    """The optimum of each split's experiments, train (S, n), under each of the penalties.

    thresholds (S, 2) of p and f make splits neighbours; penalties (I, J, 2) are a grid of (exponents,
    coefficients), the first (0, 0), growing along both axes, and number R = I·J in the result.
    """
    flat = penalties.reshape(-1, 2)
    splits, regularisations, k = len(train), len(flat), posed.lower.size
    objective, best = np.full(splits * regularisations, np.inf), np.zeros((splits * regularisations, k))

    def offer(problems: Ints, thetas: Floats, release: bool = False) -> Flags:
        """Start problems, numbered split by split, from thetas; keep the better; which improved (S·R,)."""
        split, regularisation = np.divmod(problems, regularisations)
        batch = Batch(thetas, split, train, release, release, penalty=flat[regularisation])
        solved = solve(posed, settings, batch)
        order = np.argsort(solved.objective, kind="stable")
        at, first = np.unique(problems[order], return_index=True)
        found, known = solved.objective[order[first]], objective[at]
        news = np.zeros(objective.size, dtype=bool)
        with np.errstate(invalid="ignore"):
            news[at] = (found < known) & ~(found >= known - ANOTHER * (known + 1e-3))
        better = found < known
        objective[at[better]] = found[better]
        best[at[better]] = solved.thetas[order[first]][better]
        return news

    def settle(ways: Sequence[Sequence[Step]]) -> None:
        """Offer optima along every way, first all and then those that are news, until there are none."""
        fresh = np.ones((len(ways), objective.size), dtype=bool)
        for _ in range(ROUNDS):
            for number, way in enumerate(ways):
                for target, source in way:
                    new = fresh[number, source]
                    if new.any():
                        fresh |= offer(target[new], best[source[new]])
                fresh[number] = False

    every = np.arange(splits) * regularisations
    first = _dispersed(posed)
    offer(np.repeat(every, len(first)), np.tile(first, (splits, 1)), release=True)
    target, source = _neighbours(thresholds)
    settle([[(target * regularisations, source * regularisations)]])
    numbers = np.arange(regularisations)
    between = [(one[:, None] * regularisations + numbers).ravel() for one in (target, source)]
    paths = [_path(one.reshape(penalties.shape[:2])) for one in (numbers, numbers[::-1])]
    along = [
        [((every[:, None] + to.ravel()).ravel(), (every[:, None] + of.ravel()).ravel()) for to, of in path]
        for path in paths
    ]
    settle([*along, [(between[0], between[1])]])
    return Optima(objective.reshape(splits, regularisations), best.reshape(splits, regularisations, k))


def _dispersed(posed: Problem) -> Floats:
    """Starts (M, k) spread over the law's grid of exponents and offsets."""
    grid = starts(posed)
    released = grid.thetas[grid.release]
    out: Floats = released[np.unique(np.linspace(0, len(released) - 1, DISPERSED).astype(int))]
    return out


def _neighbours(thresholds: Floats) -> Step:
    """Splits of which one threshold is the same and the other the next, both ways."""
    ranks = [np.unique(values, return_inverse=True)[1].tolist() for values in thresholds.T]
    at = {pair: split for split, pair in enumerate(zip(*ranks, strict=True))}
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
    pairs = [(i, at[p + s, f + d]) for (p, f), i in at.items() for s, d in steps if (p + s, f + d) in at]
    both = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _path(numbers: Ints) -> list[Step]:
    """From the first of a grid of numbers (I, J) to all: down its first column, then along the rows."""
    down = [(numbers[i, :1], numbers[i - 1, :1]) for i in range(1, numbers.shape[0])]
    return down + [(numbers[:, j], numbers[:, j - 1]) for j in range(1, numbers.shape[1])]
