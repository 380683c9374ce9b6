"""Real processes killed, locked out or handed rubbish: no record is lost, none is appended twice."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse import spool
from warehouse.place import place
from warehouse.store import Record, WarehouseError, append, connect, drain

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from datetime import UTC, datetime
from warehouse.store import Record, append

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(count):
    row = {"run_id": f"{name}-{number}", "epoch": number, "validation_loss": 1.5, "elapsed_s": 0.0}
    append(Record(f"{name}-{number}", {"raw.epochs": [row, row | {"epoch": -1}]}), url)
    print(f"{name}-{number}", flush=True)
"""

# Dies as kill -9 would, at the first file to be removed after its rows were committed.
KILLED_AFTER_COMMIT = """
import os, signal, sys
from warehouse.store import drain

removed = os.unlink
def unlink(file, *others, **named):
    if str(file).endswith(".json"):
        os.kill(os.getpid(), signal.SIGKILL)
    removed(file, *others, **named)
os.unlink = unlink
drain(sys.argv[1])
"""

# Files may not grow beyond a limit, as on a disk that is full; drains at every append.
FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
from warehouse.place import place
from warehouse.store import Record, append

url = sys.argv[1]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = Path(url).stat().st_size + 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in range(30):
    lock = place(url).spool / ".lock"
    if lock.exists():
        os.utime(lock, (0, 0))
    row = {"run_id": f"r{number}", "epoch": 0, "validation_loss": 1.5, "elapsed_s": 0.0}
    rows = [row | {"run_id": os.urandom(400).hex()} for _ in range(60)]
    append(Record(f"r{number}", {"raw.epochs": [row, row | {"epoch": -1}, *rows]}), url)
    print(f"r{number}", flush=True)
"""

HOLDER = """
import sys
from warehouse.store import connect

with connect(sys.argv[1], read_only=sys.argv[2] == "reader") as connection:
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = str(tmp_path / "warehouse.duckdb")
    with connect(url):
        pass
    return url


def record(name: str) -> Record:
    row = {"run_id": name, "epoch": 0, "validation_loss": 1.5, "elapsed_s": 0.0}
    return Record(name, {"raw.epochs": [row, row | {"epoch": -1}]})


def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(url: str, how: str) -> Iterator[None]:
    """The database held by another process."""
    with start(HOLDER, url, how) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("\n")


def appended(url: str) -> dict[str, int]:
    """Rows of every run in the warehouse."""
    with connect(url, read_only=True) as connection:
        return dict(connection.execute("select run_id, count(*) from raw.epochs group by run_id").fetchall())


@pytest.mark.parametrize("how", ["writer", "reader"])
def test_a_locked_database_keeps_records_in_the_spool(url: str, how: str) -> None:
    with held(url, how):
        append(record("a"), url)
        append(record("b"), url)
        assert len(spool.pending(place(url).spool)) == 2
    append(record("c"), url)
    assert appended(url) == {"a": 2, "b": 2, "c": 2}
    assert spool.pending(place(url).spool) == []


def test_a_lock_is_waited_for_and_then_named(url: str) -> None:
    with held(url, "writer"):
        named = r"locked by another process \(PID \d+\), still after 0\.2 s"
        with pytest.raises(WarehouseError, match=named), connect(url, read_only=True, wait_s=0.2):
            pass
        append(record("a"), url)
        waiting = start(f"from warehouse.store import drain; print(drain({url!r}))")
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.0)
    assert waiting.communicate()[0] == "1\n"
    assert appended(url) == {"a": 2}


def test_killed_between_commit_and_unlink_appends_nothing_twice(url: str) -> None:
    for name in "abc":
        spool.write(place(url).spool, spool.checked(record(name)))
    killed = start(KILLED_AFTER_COMMIT, url)
    killed.communicate()
    assert killed.returncode == -9
    assert len(spool.pending(place(url).spool)) == 3
    assert appended(url) == {"a": 2, "b": 2, "c": 2}
    assert drain(url) == 0
    assert appended(url) == {"a": 2, "b": 2, "c": 2}
    assert spool.pending(place(url).spool) == []


def test_several_writers_append_each_record_once(tmp_path: Path) -> None:
    url = str(tmp_path / "warehouse.duckdb")  # which the writers race to make
    writers = [start(WRITER, url, f"writer{n}", "8") for n in range(4)]
    for writer in writers:
        _, errors = writer.communicate()
        assert (writer.returncode, errors) == (0, "")
    drain(url)
    assert appended(url) == {f"writer{n}-{i}": 2 for n in range(4) for i in range(8)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["warehouse.duckdb", "warehouse.duckdb.spool"]


def test_writers_killed_at_any_moment_lose_nothing_that_they_appended(url: str) -> None:
    random.seed(2)
    reported: set[str] = set()
    for round_ in range(4):
        writers = [start(WRITER, url, f"round{round_}writer{n}", "500") for n in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            reported.add(writer.stdout.readline().strip())
            time.sleep(random.uniform(0.0, 0.3))
            writer.kill()
            reported.update(line.strip() for line in writer.stdout if line.endswith("\n"))
            writer.communicate()
    drain(url)
    found = appended(url)
    assert len(reported) >= 8
    assert reported <= set(found)
    assert set(found.values()) == {2}
    assert spool.pending(place(url).spool) == []


def test_what_is_no_record_is_set_aside_and_reported(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place(url).spool
    whole = spool.write(folder, spool.checked(record("whole")))
    refused = {
        "0-half.json": (whole.read_text()[: len(whole.read_text()) // 2], "not a whole record"),
        "1-empty.json": ("", "not a whole record"),
        "2-list.json": ("[]", "expected {record_id, rows"),
        "3-table.json": ('{"record_id": "x", "rows": {"raw.nothing": [{}]}}', "unknown table 'raw.nothing'"),
        "4-row.json": ('{"record_id": "x", "rows": {"raw.epochs": [3]}}', "expected {record_id, rows"),
        "5-value.json": (
            '{"record_id": "x", "rows": {"raw.epochs": [{"run_id": "x", "epoch": 0, "elapsed_s": NaN}]}}',
            "raw.epochs.validation_loss: missing",
        ),
        "6-deep.json": ("[" * 100_000, "not a whole record"),
    }
    for name, (content, _) in refused.items():
        (folder / name).write_text(content)
    (folder / "7-binary.json").write_bytes(b"\xff\xfe\x00")
    spool.write(folder, spool.checked(record("after")))

    assert drain(url) == 2
    assert appended(url) == {"whole": 2, "after": 2}
    reported = capsys.readouterr().err
    for name, (content, reason) in refused.items():
        assert (folder / "corrupt" / name).read_text() == content
        assert reason in (folder / "corrupt" / f"{name}.reason").read_text()
        assert f"{name}: " in reported
    assert (folder / "corrupt" / "7-binary.json").read_bytes() == b"\xff\xfe\x00"
    assert len(reported.splitlines()) == 8
    assert spool.pending(folder) == []


def test_a_record_that_only_the_database_refuses_does_not_block_others(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # JSON for Python, not for DuckDB: half of a surrogate pair.
    row = {
        "study": "s",
        "declaration_digest": "d",
        "context": 1,
        "fit_min_steps": 1,
        "simulated": True,
        "declaration": '{"x": "\\ud800"}',
        "declared_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    folder = place(url).spool
    for name in "abc":
        spool.write(folder, spool.checked(record(name)))
    spool.write(folder, spool.checked(Record("refused", {"raw.studies": [row], **record("refused").rows})))
    for name in "de":
        spool.write(folder, spool.checked(record(name)))
    assert drain(url) == 5
    assert appended(url) == dict.fromkeys("abcde", 2)
    assert "set aside" in capsys.readouterr().err
    assert len(spool.pending(folder / "corrupt")) == 1


def test_a_half_written_file_is_never_read(url: str) -> None:
    folder = place(url).spool
    whole = spool.write(folder, spool.checked(record("a")))
    (folder / f".{whole.name[:-5]}0.json").write_text(whole.read_text()[:40])
    assert drain(url) == 1
    assert not (folder / "corrupt").exists()


def test_a_file_that_cannot_be_read_is_left_and_reported(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place(url).spool
    spool.write(folder, spool.checked(record("a")))
    (folder / "0-folder.json").mkdir()
    assert drain(url) == 1
    assert "0-folder.json: Is a directory" in capsys.readouterr().err


def test_a_full_disk_keeps_records_in_the_spool(url: str) -> None:
    filled = start(FULL_DISK, url)
    reported, said = filled.communicate()
    assert filled.returncode == 0, said
    assert len(spool.pending(place(url).spool)) > 0
    assert all(line.startswith("warehouse: ") and "stays there" in line for line in said.splitlines())
    assert said != ""
    drain(url)
    assert not (place(url).spool / "corrupt").exists()
    found = {name: rows for name, rows in appended(url).items() if name.startswith("r")}
    assert found == dict.fromkeys(reported.split(), 2)
    assert len(found) == 30


def test_a_damaged_database_keeps_records_in_the_spool(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path(url).read_bytes()
    Path(url).write_bytes(b"no database" * 1000)
    append(record("a"), url)
    append(record("b"), url)
    said = capsys.readouterr().err
    assert "cannot be opened" in said
    assert len(said.splitlines()) == 1
    Path(url).write_bytes(whole)
    assert drain(url) == 2
    assert appended(url) == {"a": 2, "b": 2}


def test_a_record_damaged_since_it_was_written_is_set_aside(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = spool.write(place(url).spool, spool.checked(record("a")))
    file.write_text(file.read_text().replace("1.5", "7.5"))
    assert drain(url) == 0
    assert "does not match its digest" in capsys.readouterr().err


def test_a_clock_that_is_set_back_does_not_keep_the_spool_waiting(url: str) -> None:
    append(record("a"), url)
    append(record("b"), url)
    assert len(spool.pending(place(url).spool)) == 1
    os.utime(place(url).spool / ".lock", (time.time() + 3600, time.time() + 3600))
    append(record("c"), url)
    assert spool.pending(place(url).spool) == []
