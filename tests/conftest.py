"""What the rooms' tests share: the smoke study, swept once for all of them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Workplace:
    """A folder to run the project's commands in, with a cache and a warehouse of its own."""

    folder: Path
    cache: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "TRANSFER_LAWS_CACHE": str(self.cache),
            "TRANSFER_LAWS_WAREHOUSE": str(self.warehouse),
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `python -m …` there."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: texts are tokenised and suites pre-trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workplace(tmp_path: Path, cache: Path) -> Workplace:
    return Workplace(tmp_path, cache)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Workplace:
    """The smoke study after its sweep, to be read and not written."""
    swept = Workplace(tmp_path_factory.mktemp("smoke"), cache)
    done = swept.run("runner", "sweep", "--study", "smoke")
    assert done.returncode == 0, done.stderr
    return swept
