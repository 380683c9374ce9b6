"""Sweeps of real runs that are killed, raced, starved of disk and cut off: what is left of their runs.

python -m tests.faults.torture_sweeps                 # prints the README's table
python -m tests.faults.torture_sweeps --kills 10 --seconds 3
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.sweeps import (
    HEAD,
    Bench,
    Counted,
    can_mount,
    finished,
    held,
    said,
    small_disk,
    some_are_finished,
    until,
)
from tests.postgres import Postgres, embedded
from warehouse import spool

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def killed(bench: Bench, times: int, workers: int, within: float) -> Counted:
    """SIGKILL to a sweep and its workers, at random within so many times its length, and start it again."""
    within *= bench.seconds
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
    file.write_text(bench.study())
    environment = place.environment | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(time_is),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-m", "runner", "sweep", "--study", str(file), "--lease", "4"]
    with (other / "log").open("w") as log:
        beside = subprocess.Popen(command, cwd=place.folder, env=environment, stdout=log, stderr=log)
    while not (place.folder / "warehouse.duckdb.spool" / "claims").is_dir():
        time.sleep(0.05)
    sweep = bench.sweep(place)
    some_are_finished(sweep, place)
    time_is.write_text("-3600")
    assert [sweep.code(600), beside.wait(600)] == [0, 0], sweep.printed() + (other / "log").read_text()
    # A run during which the clock was set back ended, as far as that clock can tell, when it began.
    faked = "finished_at = started_at or finished_at < now() - interval 30 minute"
    assert place.rows(f"select 1 from raw.runs where {faked}"), "no run met the faked hour"
    bench.count(counted, str(place.warehouse))
    return counted


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
        lambda: killed(bench, options.kills - options.kills // 5, workers=1, within=0.4),
        lambda: killed(bench, options.kills // 5, workers=2, within=2.0),
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
    hurt = False
    try:
        bench = Bench(folder, folder / "cache")
        print(HEAD, flush=True)
        for fault in faults:
            print(counted := fault(), flush=True)
            hurt |= not counted.unhurt
    finally:
        server.stop()
        shutil.rmtree(server.folder)
        shutil.rmtree(folder)
    sys.exit(hurt)


if __name__ == "__main__":
    main()
