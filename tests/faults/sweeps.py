"""A study to torture, what its runs are where nothing befalls it, and what can befall it."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.processes import Started, started
from tests.workplace import Workplace
from warehouse import spool, store
from warehouse.place import place
from warehouse.verify import broken

STUDY = """
study: tortured
description: Runs of a tenth of a second and of up to two, of which a state is saved every second.
context: 32
models: [{{suite: smoke, size: tiny}}]
pretrain_steps: [0, 8]
datasets: [python]
data_points: [8, 96]
seeds: {seeds}
training: {{batch: 8, learning_rate: 1e-4, patience: {epochs}, max_epochs: {epochs}, save_every_s: 1}}
splits: {{validation: 16, heldout: 32}}
workers: {workers}
"""
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

    def __init__(self, folder: Path, cache: Path, seeds: int = 2, epochs: int = 48) -> None:
        self.folder = folder
        self.cache = cache
        self.seeds = list(range(seeds))
        self.epochs = epochs
        self.runs = 4 * seeds
        place = self.workplace()
        assert self.sweep(place).code(600) == 0
        self.unbroken = losses(str(place.warehouse))
        assert len(self.unbroken) == self.runs
        took = "select epoch(max(finished_at)) - epoch(min(started_at)) from raw.runs"
        self.seconds = float(place.rows(took)[0][0])

    def workplace(self, folder: Path | None = None) -> Workplace:
        folder = Path(tempfile.mkdtemp(dir=self.folder)) if folder is None else folder
        (folder / "logs").mkdir()
        return Workplace(folder, self.cache)

    def study(self, workers: int = 1) -> str:
        return STUDY.format(seeds=self.seeds, epochs=self.epochs, workers=workers)

    def sweep(
        self, place: Workplace, url: str | None = None, workers: int = 1, logs: Path | None = None
    ) -> Started:
        file = (logs or place.folder / "logs") / "tortured.yml"
        file.write_text(self.study(workers))
        command = ["sweep", "--study", str(file), "--warehouse", url or str(place.warehouse)]
        return started(command, place.folder, place.environment, file.with_name("log"))

    def count(self, counted: Counted, url: str, seen: Collection[str] = ()) -> None:
        """Add what a study's warehouse holds in the end."""
        with store.connect(url, read_only=True) as connection:
            ((rows, halves),) = connection.execute(
                "select count(*), count(*) filter (epochs + 1 != (select count(*) from raw.epochs e"
                " where e.run_id = r.run_id)) from raw.runs r where status = 'ok'"
            ).fetchall()
            halves += len(broken(connection))
        found = losses(url)
        counted.runs += len(found)
        counted.lost += len(set(seen) - found.keys()) + (self.runs - len(found))
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
