"""Warehouses to report on: a whole study with fits, and the same one with parts missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.simulated import simulate
from tests.workplace import ROOT

LAWS = {
    "statistics": {"A": 2.6, "G": 0.9, "alpha": 0.45, "beta": 0.12, "E": 1.9},
    "encyclopedia": {"A": 3.5, "G": 1.9, "alpha": 0.4, "beta": 0.2, "E": 1.1},
    "python": {"A": 2.0, "G": 2.6, "alpha": 0.35, "beta": 0.15, "E": 1.3},
}


def run(url: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`python -m …` in the project's root, on that warehouse."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"TRANSFER_LAWS_WAREHOUSE": str(url)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], None]:
    """dbt(url, command), with target and log folders of its own; unit tests are tests/models' to run."""
    folder = tmp_path_factory.mktemp("dbt")

    def built(url: Path, command: str) -> None:
        logs = ["--log-path", str(folder / "logs")]
        few = ["--exclude-resource-type", "unit_test"] if command == "build" else []
        done = run(url, "dbt.cli.main", *logs, command, *few, "--target-path", str(folder / "target"))
        assert done.returncode == 0, done.stdout

    return built


@pytest.fixture(scope="session")
def unfitted(tmp_path_factory: pytest.TempPathFactory, dbt: Callable[[Path, str], None]) -> Path:
    """Studies without a fit: `demo` with a from-scratch curve, `pairs` with two seeds, `narrow` of one run,
    `many` of ten datasets with long names, all simulated, and `theirs`, imported."""
    url = tmp_path_factory.mktemp("unfitted") / "warehouse.duckdb"
    steps, sizes = (16, 32, 64, 128, 256, 512), (8, 16, 32, 64, 128)
    simulate(
        str(url),
        study="demo",
        parameters=LAWS,
        pretrain_steps=steps,
        data_points=sizes,
        with_scratch=True,
        fit_min_steps=32,
        noise=0.002,
        context=64,
    )
    two = {"python": LAWS["python"]}
    simulate(str(url), study="pairs", parameters=two, pretrain_steps=steps, data_points=sizes, seeds=(0, 1))
    simulate(str(url), study="narrow", parameters=two, pretrain_steps=(64,), data_points=(16,))
    names = [f"the {number} of many texts, with_a_name_that_is_long" for number in range(10)]
    many = dict.fromkeys(names, LAWS["python"])
    simulate(str(url), study="many", parameters=many, pretrain_steps=(32, 256), data_points=(16, 64))
    table = url.with_name("theirs.csv")
    measured = [f"{p},{f},{9 / (p * f) ** 0.1}" for p in steps for f in sizes]
    table.write_text("\n".join(["steps,examples,loss", *measured]))
    of_theirs = (
        "--study",
        "theirs",
        "--map",
        "p=steps",
        "f=examples",
        "loss=loss",
        "--set",
        "dataset=code",
        "context=64",
    )
    done = run(url, "warehouse", "import", str(table), *of_theirs)
    assert done.returncode == 0, done.stderr
    dbt(url, "build")
    return url


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory, unfitted: Path) -> Path:
    """The same after `python -m analysis fit --study demo`."""
    url = tmp_path_factory.mktemp("fitted") / "warehouse.duckdb"
    shutil.copy(unfitted, url)
    done = run(url, "analysis", "fit", "--study", "demo", "--replicates", "40")
    assert done.returncode == 0, done.stderr
    return url


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """changed(url, statement, …): a copy of a warehouse after those statements."""

    def copy(url: Path, *statements: str) -> Path:
        target = tmp_path / url.name
        shutil.copy(url, target)
        with duckdb.connect(target) as connection:
            for statement in statements:
                connection.execute(statement)
        return target

    return copy
