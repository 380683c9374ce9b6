"""dbt build where there is no warehouse, or an empty one; and what every model says of itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from warehouse.store import connect

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, dbt: Any) -> str:
    """An empty warehouse, built."""
    url = str(tmp_path_factory.mktemp("empty") / "warehouse.duckdb")
    with connect(url):
        pass
    before = {path.name for path in ROOT.iterdir()}
    built = dbt(url, "build")
    assert built.returncode == 0, built.stdout
    assert {path.name for path in ROOT.iterdir()} <= before | {"target", "logs"}
    return url


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    target = tmp_path_factory.mktemp("manifest")
    subprocess.run(
        ["dbt", "--quiet", "--log-path", str(target), "parse", "--target-path", str(target)],
        cwd=ROOT,
        check=True,
    )
    loaded: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return loaded


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]


def test_without_a_warehouse_dbt_says_how_to_get_one_and_makes_nothing(dbt: Any, tmp_path: Path) -> None:
    built = dbt(str(tmp_path / "warehouse.duckdb"), "build")
    assert built.returncode != 0
    said = [line.strip() for line in built.stdout.splitlines() if "no such warehouse" in line]
    assert said == [
        f"{tmp_path}/warehouse.duckdb: no such warehouse: "
        "`python -m runner sweep` makes one with runs in it, `python -m warehouse migrate` an empty one"
    ]
    assert "Traceback" not in built.stdout + built.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_newer_warehouse_is_left_alone(dbt: Any, tmp_path: Path) -> None:
    url = str(tmp_path / "warehouse.duckdb")
    with connect(url) as connection:
        connection.execute("insert into raw.schema_versions values (999, now())")
    built = dbt(url, "build")
    assert built.returncode != 0
    assert "schema version 999, but this code reads version" in built.stdout
    assert "Traceback" not in built.stdout + built.stderr


def test_a_locked_warehouse_is_waited_for(empty: str, dbt: Any) -> None:
    holder = (
        "import sys, time; from warehouse.store import connect\n"
        "with connect(sys.argv[1]): print('held', flush=True); time.sleep(8)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, empty], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        built = dbt(empty, "build", "--select", "stg_studies")
        assert process.poll() == 0  # dbt has not ended before the lock did
    assert built.returncode == 0, built.stdout


def test_an_empty_warehouse_builds_empty_tables_in_their_schemas(
    empty: str, manifest: dict[str, Any]
) -> None:
    with connect(empty, read_only=True) as connection:
        for node in models(manifest):
            row = connection.execute(f"select count(*) from {node['schema']}.{node['name']}").fetchone()
            assert row is not None
            assert (row[0] > 0) == (node["resource_type"] == "seed"), node["name"]
    assert {node["schema"] for node in models(manifest)} == {
        "staging",
        "experiments",
        "cross_validation",
        "report",
        "published",
    }


def test_every_column_is_described_and_every_model_s_grain_is_stated_and_tested(
    empty: str, manifest: dict[str, Any]
) -> None:
    with connect(empty, read_only=True) as connection:
        for node in models(manifest):
            columns = connection.execute(
                "select column_name, comment from duckdb_columns() where schema_name = ? and table_name = ?",
                [node["schema"], node["name"]],
            ).fetchall()
            assert {name for name, _ in columns} == set(node["columns"]), node["name"]
            assert all(c["description"] for c in node["columns"].values()), node["name"]
            assert node["description"].startswith("One row per "), node["name"]
            if node["config"]["materialized"] == "table":
                assert all(comment for _, comment in columns), node["name"]
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and test["test_metadata"]["name"] == "grain"
    }
    assert tested >= {node["unique_id"] for node in models(manifest)}


def test_what_other_rooms_read_has_an_enforced_contract(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        if node["schema"] in ("experiments", "cross_validation", "report"):
            assert node["contract"]["enforced"], node["name"]
        materialized = node["config"]["materialized"]
        assert materialized == {"staging": "view", "report": "view", "published": "seed"}.get(
            node["schema"], "table"
        )


def test_no_usage_is_reported_and_no_network_is_needed() -> None:
    project = (ROOT / "dbt_project.yml").read_text()
    assert "send_anonymous_usage_stats: false" in project
    assert not (ROOT / "packages.yml").exists()
