"""python -m warehouse status | drain | migrate | verify | export | copy."""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.simulated import simulate
from warehouse import migrations, spool
from warehouse.__main__ import main
from warehouse.place import place
from warehouse.store import Record, connect

ROOT = Path(__file__).parents[2]
LAW = {"A": 300.0, "G": 1.0, "alpha": 0.7, "beta": 0.15, "E": 1.0}


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


def test_an_upgrade_leaves_the_warehouse_as_it_was_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(tmp_path / "warehouse.duckdb")
    simulate(url, parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10])
    version = migrations.latest()
    schema = tmp_path / "schema"
    shutil.copytree(migrations.SCHEMA, schema)
    (schema / f"{version + 1:03}_note.sql").write_text("alter table raw.runs add column note varchar;")
    monkeypatch.setattr(migrations, "SCHEMA", schema)
    assert main(["migrate", "--warehouse", url]) == 0
    backup = f"{url}.version{version}.backup"
    assert capsys.readouterr().out == f"{url}: schema version {version + 1}\nas it was before: {backup}\n"
    with duckdb.connect(backup, read_only=True) as connection:
        assert connection.execute("select count(*) from raw.runs").fetchone() == (2,)
        assert migrations.applied(connection) == version


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("insert into raw.runs from raw.runs limit 1", "a run_id is one attempt"),
        ("delete from raw.epochs where epoch = 2", "a run that is ok has all its epochs, each once"),
        ("delete from raw.runs where pretrain_steps = 10", "an epoch is of a run"),
        ("update raw.datasets set fingerprint = 'x'", "the fingerprint of a run's dataset is recorded"),
        ("update raw.runs set loss = null", "a run that is ok has a loss and no error"),
        ("update raw.runs set run_key = 'x'", "runs of one key are of one experiment"),
        ("alter table raw.runs drop column host", "a table has the columns of the schema"),
    ],
)
def test_verify_names_what_is_broken(
    statement: str, broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(tmp_path / "warehouse.duckdb")
    simulate(url, parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10])
    assert main(["verify", "--warehouse", url]) == 0
    assert capsys.readouterr().out == f"{url}: every invariant holds\n"
    with duckdb.connect(url) as connection:
        connection.execute(statement)
    assert main(["verify", "--warehouse", url]) == 1
    assert f"broken: {broken}: " in capsys.readouterr().out


def test_export_writes_every_table_whole_and_only_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, folder = str(tmp_path / "warehouse.duckdb"), tmp_path / "it's exported"
    simulate(url, parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10])
    assert main(["export", str(folder), "--warehouse", url]) == 0
    with connect(url, read_only=True) as connection:
        for table in (*migrations.catalogue(), "raw.spool_records"):
            file = folder / f"{table.replace('.', '/')}.parquet"
            inside = connection.execute(f"select * from {table} order by all").fetchall()
            assert connection.execute("from read_parquet(?) order by all", [str(file)]).fetchall() == inside
    before = sorted(tmp_path.rglob("*"))
    assert main(["export", str(folder), "--warehouse", url]) == 2
    assert main(["export", str(tmp_path / "no" / "folder"), "--warehouse", str(tmp_path / "no.duckdb")]) == 2
    assert [line[:6] for line in capsys.readouterr().err.splitlines()] == ["error:", "error:"]
    assert sorted(tmp_path.rglob("*")) == before
