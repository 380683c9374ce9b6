"""The runner's command line.

python -m runner plan [--study demo]       the grid, what is done and missing, estimated FLOPs and time
python -m runner sweep [--study demo]      run what is missing
python -m runner pretrain [--suite demo]   make a suite's checkpoints (a sweep does so by itself)
python -m runner status [--study demo]     done, failed with their errors, missing
python -m runner data list                 the datasets; fetch NAME [--from PATH], show NAME
"""

import argparse
import os
import sys

from runner import datasets
from runner.checkpoints import CheckpointError
from runner.data import add_data_command, data
from runner.datasets import DatasetError
from runner.datasets.sources import cache_folder
from runner.declaration import StudyError, study_from, suite_from
from runner.hub_client import FetchError
from runner.launch import LaunchError
from runner.memory import Device
from runner.plan import plan, status
from runner.sweep import sweep
from runner.tokens import TokensError
from warehouse import store


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m runner", description="Train the runs of a study.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("plan", "print the grid, what is done and missing, estimated FLOPs and time"),
        ("sweep", "run what is missing and append a row per run to the warehouse"),
        ("status", "print what is done, failed and missing"),
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
            return status(study, options.study, options.warehouse, cache)
        return (
            1
            if sweep(study, options.study, options.warehouse, cache, retry_failed=options.retry_failed)
            else 0
        )
    except (
        StudyError,
        DatasetError,
        CheckpointError,
        FetchError,
        TokensError,
        store.WarehouseError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except LaunchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or cache}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what had finished is in the warehouse, and the same command goes on", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # workers end with this process, and none of them is waited for


if __name__ == "__main__":
    sys.exit(main())
