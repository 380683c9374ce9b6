"""What is appended is what is read: exact values, valid records only, one schema."""

import math
import random
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from warehouse import migrations, spool
from warehouse.place import place
from warehouse.store import Record, WarehouseError, append, connect, default_url, drain, exists

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=timezone(timedelta(hours=5, minutes=30)))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "warehouse.duckdb")


def checkpoint(**other: object) -> dict[str, object]:
    row: dict[str, object] = {
        "model": "m",
        "revision": "step1",
        "pretrain_steps": 1,
        "digest": "d",
        "source": "s",
        "pretrain_tokens": 2,
        "n_params": 3,
        "n_params_non_embedding": 2,
        "heldout_loss": None,
        "recorded_at": NOW,
    }
    return row | other


def study(**other: object) -> dict[str, object]:
    row: dict[str, object] = {
        "study": "s",
        "declaration_digest": "d",
        "context": 64,
        "fit_min_steps": 1,
        "simulated": True,
        "declaration": {},
        "declared_at": NOW,
    }
    return row | other


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    with connect(url, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_doubles_are_exact(url: str) -> None:
    random.seed(1)
    patterns = [struct.unpack("<d", random.randbytes(8))[0] for _ in range(5000)]
    values = [v for v in patterns if math.isfinite(v)] + [
        0.1,
        5e-324,
        1.7976931348623157e308,
        -0.0,
        2.0**53 + 2,
    ]
    append(Record("r", {"raw.checkpoints": [checkpoint(heldout_loss=v) for v in values]}), url)
    read = [v for (v,) in rows(url, "select heldout_loss from raw.checkpoints order by rowid")]
    assert [struct.pack("<d", v) for v in read] == [struct.pack("<d", v) for v in values]


def test_integers_text_json_and_times_come_back(url: str) -> None:
    text = "naïve 'quoted' \"twice\"\n\\ 😀 \u2028; drop table raw.runs"
    written = {"loss": 0.1, "text": text, "nested": [1, {"a": None}]}
    append(
        Record(
            "r", {"raw.checkpoints": [checkpoint(n_params=2**63 - 1, pretrain_steps=2**53 + 1, source=text)]}
        ),
        url,
    )
    append(Record("s", {"raw.studies": [study(study=text, declaration=written)]}), url)
    assert rows(url, "select n_params, pretrain_steps, source from raw.checkpoints") == [
        (2**63 - 1, 2**53 + 1, text)
    ]
    with connect(url, read_only=True) as connection:
        found = connection.execute(
            "select study, declaration ->> '$.text', (declaration ->> '$.loss')::double,"
            " declaration ->> '$.nested', epoch_us(declared_at) from raw.studies"
        ).fetchone()
    microseconds = (NOW - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert found == (text, text, 0.1, '[1,{"a":null}]', microseconds)


@pytest.mark.parametrize(
    ("table", "row", "named"),
    [
        (
            "raw.checkpoints",
            checkpoint(heldout_loss=math.nan),
            "raw.checkpoints.heldout_loss: not a valid DOUBLE: nan",
        ),
        ("raw.checkpoints", checkpoint(heldout_loss=-math.inf), "not a valid DOUBLE: -inf"),
        ("raw.checkpoints", checkpoint(heldout_loss="2.5"), "not a valid DOUBLE: '2.5'"),
        ("raw.checkpoints", checkpoint(n_params=2**63), "raw.checkpoints.n_params: not a valid BIGINT"),
        ("raw.checkpoints", checkpoint(n_params=1.0), "not a valid BIGINT: 1.0"),
        ("raw.checkpoints", checkpoint(n_params=True), "not a valid BIGINT: True"),
        ("raw.checkpoints", checkpoint(model="\udcff"), "raw.checkpoints.model: not a valid VARCHAR"),
        ("raw.checkpoints", checkpoint(model=None), "raw.checkpoints.model: missing"),
        (
            "raw.checkpoints",
            checkpoint(recorded_at=datetime(2026, 1, 1)),
            "recorded_at: not a valid TIMESTAMP",
        ),
        ("raw.checkpoints", checkpoint(loss=1.0), "unknown column 'loss'; known are model, revision"),
        ("raw.studies", study(context=2**31), "raw.studies.context: not a valid INTEGER"),
        ("raw.studies", study(simulated=1), "raw.studies.simulated: not a valid BOOLEAN"),
        ("raw.studies", study(declaration="{"), "raw.studies.declaration: not a valid JSON"),
        ("raw.studies", study(declaration={"x": math.nan}), "raw.studies.declaration: not a valid JSON"),
        ("raw.studies", study(declaration={"x": object()}), "raw.studies.declaration: not a valid JSON"),
        ("raw.losses", {}, "unknown table 'raw.losses'; known are analysis.allocations"),
        ("raw.spool_records", {}, "unknown table 'raw.spool_records'"),
    ],
)
def test_a_record_that_is_not_valid_is_refused_before_it_is_written(
    url: str, table: str, row: dict[str, object], named: str
) -> None:
    with pytest.raises(WarehouseError, match="record r: ") as refusal:
        append(Record("r", {table: [row]}), url)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert list(Path(url).parent.iterdir()) == []


def test_rows_of_a_record_are_appended_together_or_not_at_all(url: str) -> None:
    with pytest.raises(WarehouseError):
        append(Record("r", {"raw.checkpoints": [checkpoint()], "raw.studies": [study(context="x")]}), url)
    append(Record("s", {"raw.checkpoints": [checkpoint(), checkpoint()], "raw.studies": [study()]}), url)
    assert rows(url, "select (select count(*) from raw.checkpoints), (select count(*) from raw.studies)") == [
        (2, 1)
    ]


def test_a_record_is_appended_once_however_often_it_is_written(url: str) -> None:
    record = Record("r", {"raw.checkpoints": [checkpoint()]})
    append(record, url)
    append(record, url)
    for _ in range(3):
        spool.write(place(url).spool, spool.checked(record))
    spool.write(place(url).spool, spool.checked(Record("other", record.rows)))
    spool.write(place(url).spool, spool.checked(Record("other", record.rows)))
    assert drain(url) == 1
    assert rows(url, "select count(*) from raw.checkpoints") == [(2,)]
    assert spool.pending(place(url).spool) == []


def test_reading_makes_nothing_and_says_how_to_get_a_warehouse(url: str) -> None:
    with (
        pytest.raises(WarehouseError, match=r"no such warehouse: `python -m runner sweep`"),
        connect(url, read_only=True),
    ):
        pass
    assert not exists(url)
    assert drain(url) == 0
    assert list(Path(url).parent.iterdir()) == []


def test_writing_makes_a_warehouse_whose_columns_are_described(url: str) -> None:
    with connect(url):
        pass
    assert exists(url)
    assert [path.name for path in Path(url).parent.iterdir()] == ["warehouse.duckdb"]
    assert rows(url, "select version from raw.schema_versions order by 1") == [
        (version,) for version in range(1, migrations.latest() + 1)
    ]
    undescribed = rows(
        url,
        "select table_name, column_name from duckdb_columns()"
        " where schema_name in ('raw', 'analysis') and comment is null",
    )
    assert undescribed == []


def test_the_default_is_the_environment_s(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TRANSFER_LAWS_WAREHOUSE", url)
    assert default_url() == url
    with connect():
        pass
    assert exists(url)
    monkeypatch.delenv("TRANSFER_LAWS_WAREHOUSE")
    assert default_url() == "warehouse.duckdb"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_schema_is_left_alone(url: str, read_only: bool) -> None:
    with connect(url) as connection:
        connection.execute("insert into raw.schema_versions values (999, now())")
    named = rf"version 999, but this code reads version {migrations.latest()}: update"
    with pytest.raises(WarehouseError, match=named), connect(url, read_only=read_only):
        pass


def test_a_record_for_a_newer_schema_stays_in_the_spool(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with connect(url) as connection:
        connection.execute("insert into raw.schema_versions values (999, now())")
    append(Record("r", {"raw.checkpoints": [checkpoint()]}), url)
    assert "version 999" in capsys.readouterr().err
    assert len(spool.pending(place(url).spool)) == 1


def test_an_older_schema_is_migrated_by_a_writer_only(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    append(Record("r", {"raw.checkpoints": [checkpoint()]}), url)
    schema = tmp_path / "schema"
    schema.mkdir()
    for file in migrations.SCHEMA.glob("*.sql"):
        (schema / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(migrations, "SCHEMA", schema)
    later = migrations.latest() + 1
    (schema / f"{later:03}_broken.sql").write_text(
        "create table raw.half (x integer); select no_such_function();"
    )
    with pytest.raises(duckdb.CatalogException), connect(url):
        pass
    (schema / f"{later:03}_broken.sql").unlink()
    assert rows(url, "select count(*) from duckdb_tables() where table_name = 'half'") == [(0,)]
    (schema / f"{later:03}_note.sql").write_text("alter table raw.checkpoints add column note varchar;")
    with (
        pytest.raises(WarehouseError, match=r"run `python -m warehouse migrate`"),
        connect(url, read_only=True),
    ):
        pass
    with connect(url):
        pass
    assert rows(url, "select model, note from raw.checkpoints") == [("m", None)]


def test_another_database_is_no_warehouse(url: str) -> None:
    with duckdb.connect(url) as connection:
        connection.execute("create table mine (x integer)")
    before = Path(url).read_bytes()
    with (
        pytest.raises(WarehouseError, match=r"other tables \(main\.mine, …\), not a warehouse"),
        connect(url),
    ):
        pass
    assert Path(url).read_bytes() == before
    Path(url).write_text("not a database at all, but a text of some length" * 100)
    with (
        pytest.raises(WarehouseError, match=r"cannot be opened: .*not a valid DuckDB database"),
        connect(url),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record = Record("r", {"raw.checkpoints": [checkpoint()]})
    for folder in (tmp_path / "file", tmp_path / "missing"):
        database = folder / "warehouse.duckdb"
        with (
            pytest.raises(WarehouseError, match=rf"{database}: cannot be made: {folder} is no folder"),
            connect(str(database)),
        ):
            pass
        with pytest.raises(WarehouseError, match=rf"{database}.spool: cannot be written: "):
            append(record, str(database))
    (tmp_path / "warehouse.duckdb.spool").write_text("")
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb\.spool: cannot be written: "):
        append(record, str(tmp_path / "warehouse.duckdb"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "warehouse.duckdb.spool"]
