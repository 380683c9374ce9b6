"""python -m warehouse status | drain | migrate."""

import subprocess
import sys
from pathlib import Path

from warehouse import migrations, spool
from warehouse.place import place
from warehouse.store import Record

ROOT = Path(__file__).parents[2]


def warehouse(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "warehouse", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_migrate_drain_and_status(tmp_path: Path) -> None:
    url = str(tmp_path / "warehouse.duckdb")
    assert warehouse("migrate", "--warehouse", url).stdout == f"{url}: schema version {migrations.latest()}\n"
    row = {"run_id": "r", "epoch": 0, "validation_loss": 1.5, "elapsed_s": 0.0}
    spool.write(place(url).spool, spool.checked(Record("r", {"raw.epochs": [row]})))
    waiting = warehouse("status", "--warehouse", url).stdout
    assert "1 records waiting, 0 set aside" in waiting
    assert warehouse("drain", "--warehouse", url).stdout == f"{url}: 1 records appended\n"
    drained = warehouse("status", "--warehouse", url).stdout
    assert "0 records waiting" in drained
    assert {"raw.epochs": "1", "raw.runs": "0"}.items() <= {
        line.split()[0]: line.split()[1] for line in drained.splitlines() if line.endswith("rows")
    }.items()


def test_an_error_is_one_line_and_makes_nothing(tmp_path: Path) -> None:
    for command, url in [("status", tmp_path / "no.duckdb"), ("migrate", tmp_path / "no" / "no.duckdb")]:
        done = warehouse(command, "--warehouse", str(url))
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(f"error: {url}: ")
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
