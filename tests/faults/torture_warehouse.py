"""Writers, dbt and a reader on one warehouse at once, a file or a lake whose server stops: rows counted.

python -m tests.faults.torture_warehouse                     # 8 writers x 500 rows each, server down for 30 s
python -m tests.faults.torture_warehouse --rows 50 --down 3
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import embedded
from warehouse.place import place
from warehouse.spool import names
from warehouse.store import connect, drain
from warehouse.verify import broken

ROOT = Path(__file__).parents[2]

# Drains far oftener than an append does by itself, to meet the others.
WRITER = """
import sys
from contextlib import suppress
from datetime import UTC, datetime
from warehouse.store import Record, WarehouseError, append, drain

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
now = datetime.now(UTC)
for number in range(count):
    run_id = f"{name}-{number}"
    run = dict(run_id=run_id, run_key=run_id, dataset="d", dataset_fingerprint="x", model="m",
        revision="step1", checkpoint_digest="c", pretrain_steps=1, data_points=1, context=1, tokens=1,
        seed=0, method="full", status="failed", error="none",
        started_at=now, finished_at=now, config={}, provenance={})
    epochs = [dict(run_id=run_id, epoch=e, validation_loss=1.5, elapsed_s=0.0) for e in range(2)]
    append(Record(run_id, {"raw.runs": [run], "raw.epochs": epochs}), url)
    if number % 50 == 49:
        with suppress(WarehouseError):
            drain(url, wait_s=0.2)
"""

READER = """
import select, sys, time
from contextlib import suppress
from warehouse.store import WarehouseError, connect

reads = halves = 0
while not select.select([sys.stdin], [], [], 0)[0]:  # until its standard input is closed
    with suppress(WarehouseError), connect(sys.argv[1], read_only=True, wait_s=5.0) as connection:
        runs, epochs = connection.execute(
            "select (select count(*) from raw.runs), (select count(*) from raw.epochs)").fetchone()
        reads, halves = reads + 1, halves + (epochs != 2 * runs)
    time.sleep(0.1)
print(reads, halves, flush=True)
"""


@dataclass(frozen=True)
class Counted:
    """written: rows the writers appended. found, distinct: rows of them in the warehouse. waiting: records
    still in the spool, or set aside. reads, halves: times a reader looked, and saw half a record. builds: dbt
    builds that succeeded, of those started. invariants: how many do not hold.
    """

    written: int
    found: int
    distinct: int
    waiting: int
    reads: int
    halves: int
    builds: tuple[int, int]
    invariants: int
    seconds: float

    def __str__(self) -> str:
        return "; ".join(
            (
                f"{self.found:,} of {self.written:,}, {self.found - self.distinct} twice",
                f"{self.waiting} left over",
                f"{self.reads} reads, {self.halves} of half a record",
                f"{self.builds[0]} of {self.builds[1]} dbt builds",
                f"{self.invariants} invariants broken",
                f"{self.seconds:.0f} s",
            )
        )


def torture(
    url: str, writers: int, rows: int, *, build: bool = True, meanwhile: Callable[[], None] | None = None
) -> Counted:
    """Run them all until the writers have ended, drain what they left, and count."""
    began = time.monotonic()
    with connect(url):
        pass
    environment = os.environ | {
        "TRANSFER_LAWS_WAREHOUSE": url,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    logs = tempfile.mkdtemp()

    def start(code: str, *arguments: str, pipe: int | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def dbt() -> "subprocess.Popen[bytes]":
        command = [
            str(Path(sys.executable).with_name("dbt")),
            "--log-path",
            logs,
            "build",
            "--target-path",
            logs,
        ]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    reader = start(READER, url, pipe=subprocess.PIPE)
    working = [start(WRITER, url, f"writer{n}", str(rows)) for n in range(writers)]
    building = dbt() if build else None
    ended = []
    if meanwhile is not None:
        time.sleep(1.0)
        meanwhile()
    while any(writer.poll() is None for writer in working) or (building and building.poll() is None):
        if building and building.poll() is not None:
            ended.append(building.returncode)
            building = dbt()
        time.sleep(0.05)
    if building:
        ended.append(building.returncode)
    assert [writer.returncode for writer in working] == [0] * writers
    reads, halves = map(int, reader.communicate()[0].split())
    drain(url)
    with connect(url, read_only=True) as connection:
        counts = connection.execute("select count(*), count(distinct run_id) from raw.runs").fetchone()
        invariants = len(broken(connection))
    assert counts is not None
    left = len(names(place(url).spool)) + len(names(place(url).spool / "corrupt"))
    builds = (ended.count(0), len(ended))
    seconds = time.monotonic() - began
    return Counted(writers * rows, *counts, left, reads, halves, builds, invariants, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--rows", type=int, default=500, help="of each writer")
    parser.add_argument("--down", type=float, default=30.0, help="seconds that PostgreSQL is stopped for")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="laws-torture-"))
    print("file:", torture(str(folder / "warehouse.duckdb"), options.writers, options.rows), flush=True)
    server = embedded()
    os.environ["PGPASSFILE"] = str(server.passfile)

    def outage() -> None:
        server.stop()
        time.sleep(options.down)
        server.start()

    try:
        url = server.url("torture", folder / "lake")
        print("lake:", torture(url, options.writers, options.rows), flush=True)
        url = server.url("outage", folder / "outage")
        counted = torture(url, options.writers, options.rows, meanwhile=outage)
        print(f"lake, PostgreSQL stopped for {options.down:g} s:", counted, flush=True)
    finally:
        server.stop()
        shutil.rmtree(server.folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
