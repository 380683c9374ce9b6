"""Sweeps of real runs that are killed, raced, starved of disk and cut off: what is left of their runs.

python -m tests.faults.torture_sweeps                 # prints the README's table
python -m tests.faults.torture_sweeps --kills 10 --seconds 3
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.postgres import Postgres, embedded
from tests.processes import Started, started
from tests.workplace import Workplace
from warehouse import spool, store
from warehouse.place import place
from warehouse.verify import broken

STUDY = """
study: tortured
description: Runs of a tenth of a second and of a second, on which a state is saved every second.
context: 32
models: [{{suite: smoke, size: tiny}}]
pretrain_steps: [0, 8, 64]
datasets: [python]
data_points: [8, 96]
seeds: {seeds}
training: {{batch: 8, learning_rate: 1e-4, patience: 24, max_epochs: 24, save_every_s: 1}}
splits: {{validation: 16, heldout: 32}}
workers: {workers}
"""
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOLDER = """
import sys, duckdb
database = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""

Losses = dict[str, tuple[float, int]]


@dataclass
class Counted:
    """Faults suffered, and what became of runs: finished ones that are gone, rows too many, rows without all
    of their epochs, losses other than those of a sweep that nothing befell.
    """

    fault: str
    times: int = 0
    runs: int = 0
    lost: int = 0
    twice: int = 0
    halves: int = 0
    other: int = 0
    completed: str = "the same command, started again"
    said: list[str] = field(default_factory=list)

    @property
    def unhurt(self) -> bool:
        return self.runs > 0 and self.lost == self.twice == self.halves == self.other == 0

    def __str__(self) -> str:
        numbers = (self.times, self.runs, self.lost, self.twice, self.halves, self.other)
        return f"| {self.fault} | {' | '.join(map(str, numbers))} | {self.completed} |"


HEAD = """| fault | times | runs | lost | twice | halves | other loss | study completed by |
|---|--:|--:|--:|--:|--:|--:|---|"""


class Bench:
    """A folder for studies, and the losses that their runs have where nothing goes wrong."""

    def __init__(self, folder: Path, cache: Path, seeds: int = 2) -> None:
        self.folder = folder
        self.cache = cache
        self.seeds = seeds
        self.runs = 6 * seeds
        place = self.workplace()
        assert self.sweep(place).code(600) == 0
        self.unbroken = losses(str(place.warehouse))
        assert len(self.unbroken) == self.runs

    def workplace(self, folder: Path | None = None) -> Workplace:
        folder = Path(tempfile.mkdtemp(dir=self.folder)) if folder is None else folder
        (folder / "logs").mkdir()
        return Workplace(folder, self.cache)

    def sweep(
        self, place: Workplace, url: str | None = None, workers: int = 1, logs: Path | None = None
    ) -> Started:
        file = (logs or place.folder / "logs") / "tortured.yml"
        file.write_text(STUDY.format(seeds=list(range(self.seeds)), workers=workers))
        command = ["sweep", "--study", str(file), "--warehouse", url or str(place.warehouse)]
        return started(command, place.folder, place.environment, file.with_name("log"))

    def count(self, counted: Counted, url: str, seen: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Add what a study's warehouse holds in the end."""
        with store.connect(url, read_only=True) as connection:
            ((rows, halves),) = connection.execute(
                "select count(*), count(*) filter (epochs + 1 != (select count(*) from raw.epochs e"
                " where e.run_id = r.run_id)) from raw.runs r where status = 'ok'"
            ).fetchall()
            halves += len(broken(connection))
        found = losses(url)
        counted.runs += len(found)
        counted.lost += len(seen - found.keys()) + (self.runs - len(found))
        counted.twice += rows - len(found)
        counted.halves += halves + len(spool.names(place(url).spool / "corrupt"))
        counted.other += sum(self.unbroken[key] != value for key, value in found.items())


def losses(url: str) -> Losses:
    with store.connect(url, read_only=True) as connection:
        rows = connection.execute(
            "select run_key, loss, optimizer_steps from raw.runs where status = 'ok'"
        ).fetchall()
    return {key: (loss, steps) for key, loss, steps in rows}


def finished(file: Path) -> set[str]:
    """The runs that a file has or its spool, read without draining this."""
    keys: set[str] = set()
    for record in spool.pending(place(str(file)).spool):
        rows = json.loads(record.read_bytes())["rows"].get("raw.runs", [])
        keys.update(row["run_key"] for row in rows if row["status"] == "ok")
    if file.exists():
        with duckdb.connect(file, read_only=True) as database:
            if database.execute("from duckdb_tables() where table_name = 'runs'").fetchone():
                ok = database.execute("select run_key from raw.runs where status = 'ok'").fetchall()
                keys.update(key for (key,) in ok)
    return keys


def until(sweep: Started, true: Callable[[], bool]) -> None:
    while not true():
        assert sweep.code() is None, sweep.printed()
        time.sleep(0.01)


def some_are_finished(sweep: Started, place: Workplace, count: int = 2) -> None:
    """Wait until a sweep has recorded so many runs."""
    folder = place.folder / "warehouse.duckdb.spool"
    until(sweep, lambda: len(spool.names(folder)) >= count or recorded(place.warehouse) >= count)


def recorded(file: Path) -> int:
    try:
        return len(finished(file))
    except (duckdb.Error, OSError):  # a writer has it, or takes the record out of the spool
        return 0


def killed(bench: Bench, times: int, workers: int, within: float) -> Counted:
    """SIGKILL to a sweep and its workers, at random within such a part of its length, and start it again."""
    began = time.monotonic()
    whole = bench.sweep(bench.workplace(), workers=workers)
    assert whole.code(600) == 0, whole.printed()
    within *= time.monotonic() - began
    counted = Counted(f"kill -9 at a random moment, {workers} worker{'s' * (workers > 1)}")
    chance = random.Random(workers)
    while counted.times < times:
        place, seen = bench.workplace(), set[str]()
        while True:
            sweep = bench.sweep(place, workers=workers)
            code = sweep.code(chance.uniform(0, within) if counted.times < times else 600)
            if code is not None:
                assert code == 0, sweep.printed()
                break
            sweep.kill()
            counted.times += 1
            seen |= finished(place.warehouse)
        bench.count(counted, str(place.warehouse), seen)
        left = [*Path(place.folder, "warehouse.duckdb.spool").glob("*/*")]
        assert not left, f"claims and states are left: {left}"
        shutil.rmtree(place.folder)
    return counted


def together(bench: Bench, times: int) -> Counted:
    """Two sweeps of one study started at once."""
    counted = Counted("two sweeps started together", completed="both, each run by one")
    for _ in range(times):
        place = bench.workplace()
        other = place.folder / "other"
        other.mkdir()
        both = [bench.sweep(place), bench.sweep(place, logs=other)]
        assert [sweep.code(600) for sweep in both] == [0, 0], [sweep.printed() for sweep in both]
        counted.times += 1
        bench.count(counted, str(place.warehouse))
    return counted


def outage(bench: Bench, server: Postgres, seconds: float) -> Counted:
    """A lake's server stopped in mid-sweep."""
    counted = Counted(f"PostgreSQL stopped for {seconds:g} s in mid-sweep", 1, completed="the sweep itself")
    place = bench.workplace()
    url = server.url(f"t{random.randrange(1 << 40)}", place.folder / "lake")
    sweep = bench.sweep(place, url)
    until(sweep, lambda: len(spool.names(place.folder / "lake.spool")) >= 2)
    server.stop()
    assert sweep.code(seconds) is None, sweep.printed()
    server.start()
    assert sweep.code(600) == 0, sweep.printed()
    bench.count(counted, url)
    counted.said = said(sweep)
    return counted


def locked(bench: Bench, seconds: float) -> Counted:
    """The database's file held by another process in mid-sweep."""
    counted = Counted(f"database locked for {seconds:g} s in mid-sweep", 1, completed="the sweep itself")
    place = bench.workplace()
    sweep = bench.sweep(place)
    some_are_finished(sweep, place, 1)
    with held(place.warehouse):
        time.sleep(seconds)
        assert sweep.code() is None, sweep.printed()
    assert sweep.code(600) == 0, sweep.printed()
    bench.count(counted, str(place.warehouse))
    counted.said = said(sweep)
    return counted


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Another process has the database to itself."""
    while True:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert holder.stdout is not None
        if holder.stdout.readline():
            break
        holder.wait()
    yield
    holder.communicate()


@contextmanager
def small_disk(folder: Path, megabytes: int = 24) -> Iterator[Path]:
    """A disk of its own, which only root can make."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def full_disk(bench: Bench, seconds: float) -> Counted:
    """The disk of warehouse and spool full in mid-sweep, and then not."""
    counted = Counted(f"disk full for {seconds:g} s in mid-sweep", 1, completed="the sweep itself")
    with small_disk(bench.folder / "small") as folder:
        place, logs = bench.workplace(folder), Path(tempfile.mkdtemp(dir=bench.folder))
        sweep = bench.sweep(place, logs=logs)
        some_are_finished(sweep, place)
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                while True:
                    try:
                        file.write(bytes(size))
                    except OSError:
                        break
        assert sweep.code(seconds) is None, sweep.printed()
        seen = finished(place.warehouse)
        filler.unlink()
        assert sweep.code(600) == 0, sweep.printed()
        bench.count(counted, str(place.warehouse), seen)
    counted.said = said(sweep)
    return counted


def read_only(bench: Bench) -> Counted:
    """A sweep killed half-way whose warehouse is then read-only: refused in one line, and later completed."""
    counted = Counted("read-only warehouse", 1)
    with small_disk(bench.folder / "readonly") as folder:
        place, logs = bench.workplace(folder), Path(tempfile.mkdtemp(dir=bench.folder))
        sweep = bench.sweep(place, logs=logs)
        some_are_finished(sweep, place)
        sweep.kill()
        seen = finished(place.warehouse)
        sweep.log.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        refused = bench.sweep(place, logs=logs)
        assert refused.code(600) == 2, refused.printed()
        counted.said = said(refused)
        assert len(counted.said) == 1, refused.printed()
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        again = bench.sweep(place, logs=logs)
        assert again.code(600) == 0, again.printed()
        bench.count(counted, str(place.warehouse), seen)
    return counted


def clock(bench: Bench) -> Counted:
    """Two sweeps, of which one is told, in its midst, that it is an hour earlier."""
    counted = Counted("clock set back an hour in mid-sweep, beside another sweep", 1, completed="both sweeps")
    place = bench.workplace()
    other = place.folder / "other"
    other.mkdir()
    time_is = place.folder / "time"
    time_is.write_text("+0")
    file = other / "tortured.yml"
    file.write_text(STUDY.format(seeds=list(range(bench.seeds)), workers=1))
    environment = place.environment | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(time_is),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-m", "runner", "sweep", "--study", str(file), "--lease", "4"]
    with (other / "log").open("w") as log:
        faked = subprocess.Popen(command, cwd=place.folder, env=environment, stdout=log, stderr=log)
    while not (place.folder / "warehouse.duckdb.spool" / "claims").is_dir():
        time.sleep(0.05)
    sweep = bench.sweep(place)
    some_are_finished(sweep, place)
    time_is.write_text("-3600")
    assert [sweep.code(600), faked.wait(600)] == [0, 0], sweep.printed() + (other / "log").read_text()
    with store.connect(str(place.warehouse), read_only=True) as connection:
        ((early,),) = connection.execute(
            "select count(*) from raw.runs where finished_at < now() - interval 30 minute"
        ).fetchall()
    assert early, "no run ended in the faked hour"
    bench.count(counted, str(place.warehouse))
    return counted


def said(sweep: Started) -> list[str]:
    """Its lines, without the bar."""
    lines = sweep.printed().replace("\r", "\n").split("\n")
    return [line for line in lines if line and "%|" not in line]


def can_mount() -> bool:
    folder = Path(tempfile.mkdtemp())
    try:
        with small_disk(folder / "disk"):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="of an outage; a lock lasts twice as long"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="laws-torture-"))
    server = embedded()
    os.environ["PGPASSFILE"] = str(server.passfile)
    faults: list[Callable[[], Counted]] = [
        lambda: killed(bench, options.kills - options.kills // 5, workers=1, within=0.3),
        lambda: killed(bench, options.kills // 5, workers=2, within=1.0),
        lambda: together(bench, 5),
        lambda: outage(bench, server, options.seconds),
        lambda: locked(bench, 2 * options.seconds),
    ]
    if can_mount():
        faults += [lambda: full_disk(bench, options.seconds), lambda: read_only(bench)]
    else:
        print("no small disk could be mounted: left out", flush=True)
    if FAKETIME.exists():
        faults.append(lambda: clock(bench))
    else:
        print("libfaketime is not installed: the clock is left out", flush=True)
    try:
        bench = Bench(folder, folder / "cache")
        print(HEAD, flush=True)
        for fault in faults:
            print(fault(), flush=True)
    finally:
        server.stop()
        shutil.rmtree(server.folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
