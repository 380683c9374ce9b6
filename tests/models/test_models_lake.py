"""dbt builds the same tables on a lake as on a file, from the same raw rows."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.simulated import simulate
from warehouse.imports import import_file
from warehouse.store import connect
from warehouse.transfer import copy

ROOT = Path(__file__).parents[2]
LAW = {"A": 300.0, "G": 1.0, "alpha": 0.7, "beta": 0.15, "E": 1.0}
SCHEMAS = "('staging', 'experiments', 'cross_validation', 'report', 'published')"


def tables(url: str) -> dict[str, tuple[list[tuple[str, str]], list[str]]]:
    """Of every relation that dbt made its columns and types, and its rows as text, doubles exact."""
    with connect(url, read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            f" where table_schema in {SCHEMAS} and table_catalog = current_database()"
        ).fetchall()
        found = {}
        for (name,) in names:
            columns = connection.execute(f"select column_name, column_type from (describe {name})").fetchall()
            rows = connection.execute(f"from {name}").fetchall()
            found[name] = (columns, sorted(map(repr, rows)))
        return found


def test_every_table_is_identical_on_a_file_and_on_a_lake(lake: str, tmp_path: Path, dbt: Any) -> None:
    file = str(tmp_path / "warehouse.duckdb")
    simulate(
        file,
        parameters={"d": LAW, "e": LAW | {"G": 0.3}},
        pretrain_steps=[10, 100, 1000, 10000],
        data_points=[10, 100, 1000],
        seeds=(0, 1),
        with_scratch=True,
    )
    grid = itertools.product([10, 100, 1000, 10000], [10, 100, 1000])
    outside = tmp_path / "outside.csv"
    outside.write_text("p,f,loss\n" + "".join(f"{p},{f},{1 + 3 * p**-0.3 + f**-0.2}\n" for p, f in grid))
    import_file(
        file, outside, "theirs", {c: c for c in ("p", "f", "loss")}, {"dataset": "x", "context": "256"}
    )
    built = dbt(file, "build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    fitted = subprocess.run(
        [sys.executable, "-m", "analysis", "fit", "--replicates", "10", "--warehouse", file],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert fitted.returncode == 0, fitted.stderr
    copy(file, lake)
    built = dbt(lake, "build", "--exclude-resource-type", "test", "unit_test")
    assert built.returncode == 0, built.stdout
    on_file, on_lake = tables(file), tables(lake)
    assert on_lake.keys() == on_file.keys()
    assert any("theirs" in row for row in on_file["report.table_parameters"][1])
    assert {name for name in on_file if on_file[name] != on_lake[name]} == set()
