"""dbt as a user runs it: a process in the project's root."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Dbt = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt(url, "build"): with target and log folders of its own, as other dbts may be running here."""
    folder = tmp_path_factory.mktemp("dbt")

    def run(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "--no-use-colors",
                "--log-path",
                str(folder / "logs"),
                *arguments,
                "--target-path",
                str(folder / "target"),
            ],
            cwd=ROOT,
            env=os.environ | {"TRANSFER_LAWS_WAREHOUSE": url},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
