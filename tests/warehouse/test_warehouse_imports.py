"""Runs of other tools: every format, once however often, and nothing of a file that cannot be used."""

import csv
import json
import os
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulated import simulate
from warehouse.__main__ import main
from warehouse.imports import Imported, import_file
from warehouse.store import WarehouseError, connect
from warehouse.verify import broken

MAP = {"p": "steps", "f": "examples", "loss": "val_loss"}
SET = {"dataset": "code", "context": "256"}
ROWS = [
    {"steps": p, "examples": f, "val_loss": 5 / p**0.2 + 1 / f**0.3} for p in (10, 100) for f in (8, 64, 512)
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "warehouse.duckdb")


def losses(url: str) -> list[tuple[object, ...]]:
    with connect(url, read_only=True) as connection:
        assert broken(connection) == []
        return connection.execute(
            "select pretrain_steps, data_points, loss from raw.runs where status = 'ok' order by all"
        ).fetchall()


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        lines = path.with_suffix(".lines")
        write(lines.with_suffix(".jsonl"), rows)
        duckdb.sql(f"copy (from '{lines.with_suffix('.jsonl')}') to '{path}' (format parquet)")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
def test_every_format_gives_the_exact_losses_once(url: str, tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"runs{suffix}", ROWS)
    assert import_file(url, file, "theirs", MAP, SET) == Imported(6, 6, 0)
    assert import_file(url, file, "theirs", MAP, SET) == Imported(6, 0, 0)
    assert losses(url) == [tuple(row.values()) for row in ROWS]
    with connect(url, read_only=True) as connection:
        assert connection.execute("select count(*) from raw.studies").fetchone() == (1,)


def test_a_longer_file_adds_its_new_runs_to_the_study(url: str, tmp_path: Path) -> None:
    import_file(url, write(tmp_path / "a.csv", ROWS[:4]), "theirs", MAP, SET)
    more = [*ROWS, {"steps": 1000, "examples": 8, "val_loss": 0.5}]
    assert import_file(url, write(tmp_path / "b.csv", more), "theirs", MAP, SET) == Imported(7, 3, 0)
    with connect(url, read_only=True) as connection:
        declaration, wanted = connection.execute(
            "select declaration, (select count(*) from raw.study_runs where declaration_digest ="
            " studies.declaration_digest) from raw.studies order by declared_at desc limit 1"
        ).fetchall()[0]
    assert wanted == 7
    assert json.loads(declaration)["pretrain_steps"] == [10, 100, 1000]
    assert len(losses(url)) == 7


def test_both_exports_of_weights_and_biases(url: str, tmp_path: Path) -> None:
    table = tmp_path / "wandb_export.csv"
    table.write_text(
        '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","examples","steps","val_loss"\n'
        '"warm-sun-1","finished","-","ann","","2026-01-02T03:04:05.000Z","62","","8","10","2.5"\n'
        '"warm-sun-2","finished","-","ann","","2026-01-02T03:04:05.000Z","62","","8","10","2.75"\n'
        '"dark-sky-3","crashed","-","ann","","2026-01-02T03:04:05.000Z","6","","8","100",""\n'
        '"cold-sea-4","running","-","ann","","2026-01-02T03:04:05.000Z","6","","8","1000","3.5"\n'
    )
    assert import_file(url, table, "table", MAP, SET) == Imported(4, 3, 1)
    assert losses(url) == [(10, 8, 2.5), (10, 8, 2.75)]
    api = tmp_path / "project.csv"
    with api.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["", "summary", "config", "name"],
                [
                    0,
                    {"val_loss": 2.25, "_wandb": {"runtime": 3}, "x": float("nan")},
                    {"steps": 7, "n": {"f": 9}},
                    "a-1",
                ],
            ]
        )
    columns = {"p": "config.steps", "f": "config.n.f", "loss": "summary.val_loss"}
    assert import_file(url, api, "api", columns, SET) == Imported(1, 1, 0)
    assert (7, 9, 2.25) in losses(url)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.xlsx", b"", "one of .csv"),
        ("missing.csv", None, "no such file"),
        ("x.csv", b"", "no rows"),
        ("x.csv", b"steps,examples,val_loss\n1,2\n", "row 1 has 2 fields, the header has 3"),
        (
            "x.csv",
            b"steps,examples,loss\n1,2,3\n",
            "no column 'val_loss' (loss); it has steps, examples, loss",
        ),
        ("x.csv", b"steps,examples,val_loss\n1,2,nan\n", "row 1: loss is missing"),
        ("x.csv", b"steps,examples,val_loss\n1,2,-3\n", "row 1: loss is -3"),
        ("x.csv", b"steps,examples,val_loss\n1.5,2,3\n", "row 1: p is 1.5, not a count"),
        ("x.csv", b"steps,examples,val_loss\n1,many,3\n", "row 1: f is 'many', not a count"),
        ("x.csv", b"steps,examples,val_loss\n1,2,3\n1,2,4\n", "rows 1 and 2 are one run with two results"),
        ("x.csv", b"steps,steps,val_loss\n1,2,3\n", "two columns are named 'steps'"),
        ("x.csv", b"\xff\xfe,\n", "not UTF-8"),
        ("x.jsonl", b'{"steps": 1\n', "Expecting"),
        ("x.jsonl", b"[1]\n", "line 1 is no object"),
        ("x.parquet", b"PAR1 nothing", "x.parquet: "),
    ],
)
def test_what_cannot_be_used_is_one_line_and_makes_nothing(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.iterdir())
    maps = [f"{field}={column}" for field, column in MAP.items()]
    command = ["import", str(tmp_path / name), "--study", "s", "--warehouse", url, "--map", *maps]
    assert main([*command, "--set", "dataset=code", "context=256"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_missing_and_a_sweep_s_study_are_refused(url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "runs.csv", ROWS)
    with pytest.raises(WarehouseError, match=r"no dataset, context: say --map dataset=COLUMN or --set"):
        import_file(url, file, "theirs", MAP, {})
    law = {"A": 1.0, "G": 1.0, "alpha": 0.5, "beta": 0.1, "E": 1.0}
    simulate(url, study="swept", parameters={"d": law}, pretrain_steps=[1, 2], data_points=[1])
    before = losses(url)
    with pytest.raises(WarehouseError, match="a sweep has declared a study of that name"):
        import_file(url, file, "swept", MAP, SET)
    assert losses(url) == before


CELL = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.none(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
TABLES = st.lists(
    st.dictionaries(st.sampled_from(["steps", "examples", "val_loss", "config", "Name", "State"]), CELL),
    max_size=4,
)
FILES = st.one_of(
    st.tuples(st.just(".jsonl"), TABLES.map(lambda t: "\n".join(map(json.dumps, t)).encode())),
    st.tuples(
        st.just(".csv"),
        TABLES.map(lambda t: "\n".join(",".join(map(str, r.values())) for r in t).encode("utf-8", "replace")),
    ),
    st.tuples(
        st.just(".csv"),
        st.lists(st.tuples(CELL, CELL, CELL), max_size=4).map(
            lambda t: ("steps,examples,val_loss\n" + "\n".join(",".join(map(str, r)) for r in t)).encode(
                "utf-8", "replace"
            )
        ),
    ),
    st.tuples(st.sampled_from([".csv", ".json", ".jsonl", ".parquet"]), st.binary(max_size=60)),
)


@settings(
    max_examples=int(os.environ.get("TRANSFER_LAWS_TORTURE_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(FILES)
def test_any_file_is_imported_whole_or_refused_in_one_line(tmp_path: Path, drawn: tuple[str, bytes]) -> None:
    suffix, content = drawn
    url, file = str(tmp_path / "fuzzed.duckdb"), tmp_path / f"fuzzed{suffix}"
    file.write_bytes(content)
    said = ""
    try:
        done = import_file(url, file, "fuzzed", MAP, SET)
    except WarehouseError as error:
        said = str(error)
    if said:
        assert len(said.splitlines()) == 1
        assert not Path(url).exists()
    else:
        assert done.new == len(losses(url)) + _failed(url)
        Path(url).unlink()


def _failed(url: str) -> int:
    with connect(url, read_only=True) as connection:
        row = connection.execute("select count(*) from raw.runs where status = 'failed'").fetchone()
    assert row is not None
    return int(row[0])
