"""The questions that a fitted law answers, and their rows of analysis.allocations.

`python -m analysis allocate` answers what it is asked; `python -m analysis fit` asks one question of every
law that has had none, so that the report can draw Barnett 2024's Figure 2.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np

from analysis.allocate import (
    Allocation,
    Coefficients,
    against_cost_ratio,
    against_gap,
    allocate,
    cheapest,
)
from analysis.allocate_io import FittedLaw, coefficients, fitted_laws, unanswered, write_allocations
from analysis.kernel import Floats

GAPS = np.geomspace(1e-2, 10.0, 41)  # nats·point^β; all of Barnett's Table 2 is inside
RATIOS = np.geomspace(1e-2, 1e2, 41)  # times the cost ratio that was given

Question = Callable[[Coefficients], Allocation]


@dataclass(frozen=True)
class Asked:
    """What is asked of a law: the least loss for a budget, the least cost of a loss, or both.

    Costs are of one pre-training step and of one data point, in the unit of the budget; the loss is in nats
    per token.
    """

    cost_step: float
    cost_point: float
    budget: float | None = None
    loss: float | None = None


def of_its_window(law: FittedLaw) -> Asked:
    """What is asked where nobody has said what things cost: a step costs one, and the budget pays for the
    most steps that were fitted alone, or for the most data points alone: hardly for more than was measured.
    """
    steps, points = law.window["p"][1], law.window["f"][1]
    cost_point = steps / points
    # Where the most is one step or one data point, the other one must be paid for too.
    return Asked(cost_step=1.0, cost_point=cost_point, budget=max(steps, 1.0 + cost_point))


def answer_unanswered(url: str | None, study: str | None = None) -> None:
    """Divide a budget by each law by which none has been: the one `of_its_window`. What was asked is kept."""
    new = unanswered(url)
    if not new:
        return
    laws = [law for law in fitted_laws(url, study) if law.fit_id in new]
    write_allocations(url, [row for law in laws for row in answers(law, of_its_window(law))])


def answers(law: FittedLaw, asked: Asked) -> Iterator[dict[str, object]]:
    """Rows of analysis.allocations: what was asked and, for a budget, how its share moves (Figure 2)."""
    C_p, C_f, budget = asked.cost_step, asked.cost_point, asked.budget
    costs = {"cost_step": C_p, "cost_point": C_f}
    if asked.loss is not None:
        question = partial(cheapest, loss=asked.loss, cost_step=C_p, cost_point=C_f)
        yield from _rows(law, "loss", question, [costs | {"target_loss": asked.loss}])
    if budget is None:
        return
    question = partial(allocate, budget=budget, cost_step=C_p, cost_point=C_f)
    costs["budget"] = budget
    yield from _rows(law, "budget", question, [costs])

    question = partial(against_gap, gaps=GAPS, budget=budget, cost_step=C_p, cost_point=C_f)
    yield from _rows(law, "gap", question, [costs | {"gap": gap} for gap in GAPS.tolist()])
    ratios = RATIOS * C_f / C_p
    ratios = ratios[C_f * (1 + 1 / ratios) <= budget]
    question = partial(against_cost_ratio, ratios=ratios, budget=budget, cost_point=C_f)
    yield from _rows(law, "cost ratio", question, [costs | {"cost_step": C_f / r} for r in ratios.tolist()])


def _rows(
    law: FittedLaw, name: str, question: Question, given: list[dict[str, float]]
) -> Iterator[dict[str, object]]:
    """One row for each of the m things given: the optimum, its intervals and whether it was ever measured."""
    best = question(coefficients(law.estimate))
    replicates = question(coefficients(law.replicates))
    reached = np.isfinite(_of(replicates.cost, len(law.replicates), len(given)))
    columns: dict[str, Floats] = {
        "pretrain_steps": np.atleast_1d(best.steps),
        "data_points": np.atleast_1d(best.points),
    }
    for column in ("share", "loss", "cost"):
        columns[column] = np.atleast_1d(getattr(best, column))
        values = _of(getattr(replicates, column), len(law.replicates), len(given))
        for end, tail in (("lower", 0.025), ("upper", 0.975)):
            columns[f"{column}_{end}"] = _percentile(
                values, reached, tail, unreached_is_dear=column == "cost"
            )
    for i, one in enumerate(given):
        row = {column: float(values[i]) for column, values in columns.items()}
        p, f = row["pretrain_steps"], row["data_points"]
        yield {
            "fit_id": law.fit_id,
            "question": name,
            **one,
            **{column: None if np.isnan(value) else value for column, value in row.items()},
            "reached": float(reached[:, i].mean()),
            "extrapolated": isfinite(p) and not (_inside(p, law.window["p"]) and _inside(f, law.window["f"])),
        }


def _of(values: Floats, replicates: int, given: int) -> Floats:
    out: Floats = np.broadcast_to(values, (replicates, given))
    return out


def _percentile(values: Floats, reached: np.ndarray, tail: float, *, unreached_is_dear: bool) -> Floats:
    """Percentiles (m,) over replicates (R, m); of a cost infinite, otherwise absent, where not reached."""
    if unreached_is_dear:
        values = np.where(reached, values, np.inf)
        return np.asarray(np.quantile(values, tail, axis=0, method="inverted_cdf"), dtype=np.float64)
    kept = (column[one] for column, one in zip(values.T, reached.T, strict=True))
    return np.array([np.quantile(one, tail) if one.size else np.nan for one in kept])


def _inside(value: float, ends: tuple[float, float]) -> bool:
    # The optimum is exact to rounding only, and the edge of the window is inside.
    return ends[0] * (1 - 1e-9) <= value <= ends[1] * (1 + 1e-9)
