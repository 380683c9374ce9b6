"""The project's commands, run as a user runs them, in a folder with a cache and a warehouse of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

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

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers."""
        with duckdb.connect(self.warehouse, read_only=True) as database:
            return database.execute(query).fetchall()
