"""python -m analysis allocate --budget B --cost-step C_p --cost-point C_f   # or --loss L, its least cost"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
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
from analysis.allocate_io import FittedLaw, coefficients, fitted_laws, write_allocations
from analysis.document import plain
from analysis.kernel import Floats
from analysis.problem import AnalysisError

GAPS = np.geomspace(1e-2, 10.0, 41)  # nats·point^β; all of Barnett's Table 2 is inside
RATIOS = np.geomspace(1e-2, 1e2, 41)  # times the cost of a data point that was given

Question = Callable[[Coefficients], Allocation]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The subcommand's own options."""
    command = commands.add_parser(
        "allocate",
        help="divide a budget between pre-training and fine-tuning data, by the fitted transfer law",
    )
    command.set_defaults(run=_run)
    command.add_argument("--dataset", help="this dataset only; default: all")
    command.add_argument("--budget", type=float, help="what may be spent: the least loss for it")
    command.add_argument("--loss", type=float, help="nats per token: the least cost of reaching it")
    command.add_argument("--cost-step", type=float, required=True, help="of one pre-training step")
    command.add_argument(
        "--cost-point", type=float, required=True, help="of one fine-tuning data point, all epochs"
    )
    return command


def _run(options: argparse.Namespace) -> int:
    if options.budget is None and options.loss is None:
        raise AnalysisError("nothing is asked: give --budget, --loss or both")
    laws = fitted_laws(options.warehouse, options.study, options.dataset)
    if not laws:
        raise AnalysisError("no transfer law is fitted yet: run `python -m analysis fit`")
    answers = [(law, row) for law in laws for row in _answers(law, options)]
    write_allocations(options.warehouse, [row for _, row in answers])
    asked = [(law, row) for law, row in answers if row["question"] in ("budget", "loss")]
    if options.json:
        print(json.dumps([_described(*one) for one in asked], indent=2, ensure_ascii=False))
    else:
        print("\n".join(_text(*one) for one in asked))
    return 0


def _answers(law: FittedLaw, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Rows of analysis.allocations: what was asked and, for a budget, how its share moves (Figure 2)."""
    C_p, C_f, budget = options.cost_step, options.cost_point, options.budget
    costs = {"cost_step": C_p, "cost_point": C_f}
    if options.loss is not None:
        question = partial(cheapest, loss=options.loss, cost_step=C_p, cost_point=C_f)
        yield from _rows(law, "loss", question, [costs | {"target_loss": options.loss}])
    if budget is None:
        return
    question = partial(allocate, budget=budget, cost_step=C_p, cost_point=C_f)
    costs["budget"] = budget
    yield from _rows(law, "budget", question, [costs])

    question = partial(against_gap, gaps=GAPS, budget=budget, cost_step=C_p, cost_point=C_f)
    yield from _rows(law, "gap", question, [costs | {"gap": gap} for gap in GAPS.tolist()])
    ratios = RATIOS * C_f / C_p
    ratios = ratios[C_p * (1 + ratios) <= budget]
    question = partial(against_cost_ratio, ratios=ratios, budget=budget, cost_step=C_p)
    yield from _rows(law, "cost ratio", question, [costs | {"cost_point": C_p * r} for r in ratios.tolist()])


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


def _described(law: FittedLaw, row: Mapping[str, object]) -> dict[str, object]:
    window = {"pretrain_steps": law.window["p"], "data_points": law.window["f"]}
    return plain({**vars(law.key), **row, "status": law.status, "stale": law.stale, "fitted": window})


def _text(law: FittedLaw, row: Mapping[str, object]) -> str:
    asked = f"loss {row['target_loss']:g}" if row["question"] == "loss" else f"budget {row['budget']:g}"
    marks = ", ".join(
        mark for mark, holds in (("extrapolated", row["extrapolated"]), ("stale fit", law.stale)) if holds
    )
    heading = f"{law.key}: {asked}{f' ({marks})' if marks and row['cost'] is not None else ''}"
    if row["cost"] is None:
        return f"{heading}: not reachable"
    lines = [
        heading,
        f"  pre-training steps {row['pretrain_steps']:.5g}, data points {row['data_points']:.5g}",
        *(
            f"  {column:<6}{row[column]:>12.5g}"
            f"   [{row[f'{column}_lower']:.5g}, {row[f'{column}_upper']:.5g}]"
            for column in ("share", "loss", "cost")
            if row[f"{column}_lower"] is not None
        ),
    ]
    if row["reached"] != 1.0:
        lines.append(f"  {row['reached']:.1%} of the replicates reach it")
    return "\n".join(lines)
