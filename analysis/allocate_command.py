"""python -m analysis allocate --budget B --cost-step C_p --cost-point C_f   # or --loss L, its least cost"""

import argparse
import json
from collections.abc import Mapping

from analysis.allocate_io import FittedLaw, fitted_laws, write_allocations
from analysis.allocations import Asked, answers
from analysis.document import plain
from analysis.problem import AnalysisError


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
    asked = Asked(options.cost_step, options.cost_point, options.budget, options.loss)
    answered = [(law, row) for law in laws for row in answers(law, asked)]
    write_allocations(options.warehouse, [row for _, row in answered])
    shown = [(law, row) for law, row in answered if row["question"] in ("budget", "loss")]
    if options.json:
        print(json.dumps([_described(*one) for one in shown], indent=2, ensure_ascii=False))
    else:
        print("\n".join(_text(*one) for one in shown))
    return 0


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
