"""A lake is a warehouse like a file: the same rows in, the same rows out, and no record lost or twice."""

import os
import random
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.simulated import simulate
from warehouse import spool
from warehouse.__main__ import main
from warehouse.place import place
from warehouse.store import Record, WarehouseError, append, connect, drain, exists, state
from warehouse.verify import broken

ROOT = Path(__file__).parents[2]
LAW = {"A": 300.0, "G": 1.0, "alpha": 0.7, "beta": 0.15, "E": 1.0}


def checkpoint(loss: float | None) -> dict[str, object]:
    return {
        "model": "m ' 😀",
        "revision": "step1",
        "pretrain_steps": 2**53 + 1,
        "digest": "d",
        "source": 'naïve "quoted"\n\\',
        "pretrain_tokens": 2**63 - 1,
        "n_params": 3,
        "n_params_non_embedding": 2,
        "heldout_loss": loss,
        "recorded_at": datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC),
    }


@pytest.mark.parametrize("rows", [3, 3000])
def test_values_are_exact_whether_inlined_or_in_files(lake: str, rows: int) -> None:
    random.seed(3)
    doubles = [struct.unpack("<d", struct.pack("<Q", random.getrandbits(62)))[0] for _ in range(rows)] + [
        -0.0,
        5e-324,
    ]
    append(Record("r", {"raw.checkpoints": [checkpoint(x) for x in [*doubles, None]]}), lake)
    with connect(lake, read_only=True) as connection:
        found = connection.execute(
            "select model, source, pretrain_steps, pretrain_tokens, recorded_at::varchar, heldout_loss"
            " from raw.checkpoints order by rowid"
        ).fetchall()
    assert [struct.pack("<d", x) for *_, x in found[:-1]] == [struct.pack("<d", x) for x in doubles]
    assert found[-1][-1] is None
    told = ("m ' 😀", 'naïve "quoted"\n\\', 2**53 + 1, 2**63 - 1, "2026-03-04 05:06:07.891011+00")
    assert {row[:-1] for row in found} == {told}


def test_a_lake_is_made_by_a_writer_only_and_read_at_any_snapshot(lake: str) -> None:
    assert not exists(lake)
    with pytest.raises(WarehouseError, match="no such warehouse"), connect(lake, read_only=True):
        pass
    simulate(lake, study="one", parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10, 100])
    assert exists(lake)
    with connect(lake, read_only=True) as connection:
        assert broken(connection) == []
        before = state(connection)
    number = before.split()[1].rstrip(",")
    assert before.startswith(f"snapshot {number}, 1 record (last 20")
    simulate(lake, study="two", parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10, 100])
    counted = "select count(*) from raw.studies"
    with connect(lake, read_only=True) as connection:
        assert connection.execute(counted).fetchone() == (2,)
    then = f"{lake} snapshot={number}"
    with connect(then, read_only=True) as connection:
        assert connection.execute(counted).fetchone() == (1,)
        assert state(connection) == before
    with pytest.raises(WarehouseError, match="read and not written"), connect(then):
        pass


def test_a_server_that_is_down_keeps_records_in_the_spool(
    lake: str, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"run_id": "r", "epoch": 0, "validation_loss": 1.5, "elapsed_s": 0.0}
    append(Record("before", {"raw.epochs": [row]}), lake)
    assert spool.pending(place(lake).spool) == []
    postgres.stop()
    try:
        os.utime(place(lake).spool / ".lock", (0, 0))
        append(Record("while", {"raw.epochs": [row]}), lake)
        with pytest.raises(WarehouseError, match="PostgreSQL does not answer") as caught:
            drain(lake, wait_s=0.0)
    finally:
        postgres.start()
    said = capsys.readouterr().err + str(caught.value)
    assert len(said.splitlines()) == 2
    assert postgres.passfile.read_text().split(":")[-1].strip() not in said
    assert "user=" not in said
    with connect(lake, read_only=True) as connection:
        assert connection.execute("select count(*) from raw.epochs").fetchone() == (2,)


def test_a_server_that_goes_away_between_two_queries_is_one_line(lake: str, postgres: Postgres) -> None:
    append(Record("r", {"raw.epochs": []}), lake)

    def read_twice() -> None:
        with connect(lake, read_only=True) as connection:
            connection.execute("select count(*) from raw.runs")
            postgres.stop()
            connection.execute("select count(*) from raw.epochs").fetchone()

    try:
        with pytest.raises(WarehouseError, match="PostgreSQL does not answer") as caught:
            read_twice()
    finally:
        postgres.start()
    assert len(str(caught.value).splitlines()) == 1
    assert "user=" not in str(caught.value)


def test_one_record_in_two_spools_is_appended_once(lake: str, tmp_path: Path) -> None:
    row = {"run_id": "r", "epoch": 0, "validation_loss": 1.5, "elapsed_s": 0.0}
    with connect(lake):
        pass
    urls = [f"{lake} spool={tmp_path}/spool{n}" for n in range(2)]
    for url in urls:
        for number in range(20):
            spool.write(place(url).spool, spool.checked(Record(f"r{number}", {"raw.epochs": [row]})))
    code = "import sys; from warehouse.store import drain; drain(sys.argv[1])"
    drainers = [subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT) for url in urls]
    assert [drainer.wait() for drainer in drainers] == [0, 0]
    with connect(lake, read_only=True) as connection:
        assert connection.execute("select count(*) from raw.epochs").fetchone() == (20,)


def test_copies_between_a_file_and_a_lake_add_what_is_lacking_once(lake: str, tmp_path: Path) -> None:
    file, other = str(tmp_path / "warehouse.duckdb"), str(tmp_path / "other.duckdb")
    simulate(file, study="one", parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10, 100])
    simulate(lake, study="two", parameters={"d": LAW}, pretrain_steps=[10, 100], data_points=[10, 100])
    for source, target in [(file, lake), (lake, file), (lake, other), (file, other)]:
        assert main(["copy", source, "--warehouse", target]) == 0
    tables = {}
    for url in (file, lake, other):
        assert main(["verify", "--warehouse", url]) == 0
        with connect(url, read_only=True) as connection:
            tables[url] = [
                connection.execute(f"select {columns} from raw.{table} order by all").fetchall()
                for table, columns in [("studies", "*"), ("study_runs", "*"), ("runs", "*"), ("epochs", "*")]
            ]
    assert len(tables[file][2]) == 8
    assert tables[file] == tables[lake] == tables[other]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "ducklake:postgres:dbname=x password=hunter2 data_path=/d",
            "holds a password: give it in PGPASSWORD",
        ),
        ("ducklake:postgres:dbname=x", "no data_path"),
        ("ducklake:postgres:dbname=x data_path=s3://b/d", "needs a spool=FOLDER"),
        ("ducklake:postgres:dbname=x data_path=/d colour=blue", "unknown key 'colour'"),
        ("ducklake:postgres:postgresql://me:hunter2@host/x", "is not ducklake:postgres:key=value"),
        ("ducklake:postgres:dbname=x data_path=/d snapshot=last", "snapshot is a number, not 'last'"),
        ("ducklake:sqlite:x.db", "catalogue is in PostgreSQL"),
    ],
)
def test_a_wrong_url_is_one_line_without_the_password(
    url: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--warehouse", url]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "hunter2" not in error
    assert len(error.splitlines()) == 1
