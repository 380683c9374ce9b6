"""The runner's command line.

python -m runner plan [--study demo]       the grid, what is done and missing, estimated FLOPs and time
python -m runner sweep [--study demo]      run what is missing; --workers auto, --shard 1/4, --retry-failed;
                                           --slurm --nodes 4 --gpus-per-node 8 --time 24:00:00
python -m runner pretrain [--suite demo]   make a suite's checkpoints (a sweep does so by itself)
python -m runner status [--study demo]     done, running, failed with errors, missing; --watch, --json
python -m runner data list                 the datasets; fetch NAME [--from PATH], show NAME
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from runner import datasets
from runner.checkpoints import CheckpointError
from runner.claim_stores import LEASE_S, ClaimsError
from runner.compute import gpus
from runner.course import PreemptedError
from runner.data import add_data_command, data
from runner.datasets import DatasetError
from runner.datasets.sources import cache_folder
from runner.declaration import StudyError, study_from, suite_from
from runner.hub_client import FetchError
from runner.memory import Device
from runner.plan import plan
from runner.prepare import alone
from runner.slurm import SlurmError, add_slurm_options, refuse_without_slurm, submitted
from runner.status import status
from runner.study import Study
from runner.sweep import sweep
from runner.tokens import TokensError
from runner.worker import LaunchError
from warehouse import store


class _Parser(argparse.ArgumentParser):
    """Says in one line what it does not understand."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} ({self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(prog="python -m runner", description="Train the runs of a study.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("plan", "print the grid, what is done and missing, estimated FLOPs and time"),
        ("sweep", "run what is missing and append a row per run to the warehouse"),
        ("status", "print what is done, running and where, failed, and missing"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument(
            "--study", default="demo", help="name in runner/studies/, or path to a .yml file"
        )
        command.add_argument("--warehouse", default=store.default_url(), help="default: %(default)s")
        if name == "plan":
            command.add_argument(
                "--gpu-memory", type=float, help="plan for a GPU of so many GB, not for this machine"
            )
        if name == "sweep":
            command.add_argument("--retry-failed", action="store_true", help="run again what failed before")
            command.add_argument(
                "--workers",
                type=_workers,
                help="processes, or auto: one per visible GPU (default: the study's)",
            )
            command.add_argument(
                "--shard", type=_shard, default=(1, 1), metavar="I/N", help="only the I-th of N fixed parts"
            )
            command.add_argument(
                "--lease",
                type=_lease,
                default=LEASE_S,
                metavar="SECONDS",
                help="a sweep not heard of for so long loses its runs to another (default: %(default)g)",
            )
            add_slurm_options(command)
        if name == "status":
            command.add_argument("--json", action="store_true", help="one object of JSON")
            command.add_argument("--watch", action="store_true", help="again and again until all is done")
    command = commands.add_parser("pretrain", help="make a suite's checkpoints")
    command.add_argument("--suite", default="demo", help="name in runner/suites/, or path to a .yml file")
    add_data_command(commands)
    options = parser.parse_args(arguments)
    cache = cache_folder()
    try:
        if options.command == "data":
            data(options)
            return 0
        if options.command == "pretrain":
            from runner.pretrain import pretrain

            with alone(cache):
                pretrain(suite_from(options.suite), cache)
            return 0
        study = study_from(options.study)
        for name in study.datasets:
            datasets.get(name, study.own)
        if options.command == "plan":
            gpu = Device("gpu", options.gpu_memory * 1e9) if options.gpu_memory else None
            plan(study, options.study, options.warehouse, cache, device=gpu)
            return 0
        if options.command == "status":
            return status(
                study, options.study, options.warehouse, cache, as_json=options.json, watch=options.watch
            )
        if options.slurm:
            print(submitted(sys.argv[1:] if arguments is None else arguments, options.warehouse))
            return 0
        refuse_without_slurm(options)
        return _sweep(options, study, cache)
    except (
        StudyError,
        DatasetError,
        CheckpointError,
        FetchError,
        TokensError,
        ClaimsError,
        SlurmError,
        store.WarehouseError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except LaunchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PreemptedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error.filename or cache}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what had finished is in the warehouse, and the same command goes on", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # workers end with this process, and none of them is waited for


def _sweep(options: argparse.Namespace, study: Study, cache: Path) -> int:
    workers = (len(gpus()) or None) if options.workers == "auto" else options.workers
    failed = sweep(
        study,
        options.study,
        options.warehouse,
        cache,
        retry_failed=options.retry_failed,
        workers=workers,
        part=options.shard,
        lease_s=options.lease,
    )
    return 1 if failed else 0


def _workers(text: str) -> int | str:
    if text == "auto":
        return text
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor auto")
    return int(text)


def _lease(text: str) -> float:
    if not re.fullmatch(r"[1-9]\d{0,6}(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 on")
    return float(text)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N, the I-th of N parts, as in 1/4")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    sys.exit(main())
