"""How the warehouse grows: 1e3 … 1e6 runs in datasets of 150, from append to what the analysis reads.

python -m tests.benchmarks.bench_warehouse_growth 1e3 1e4            # one line each
python -m tests.benchmarks.bench_warehouse_growth 1e5 --epochs 20
python -m tests.benchmarks.bench_warehouse_growth 1e6 --folder /big  # needs 10 GB there

append: median of 200 single appends, and of their part beyond the two fsyncs. drain: records of the spool
(one run with its epochs each; at most 50,000, the others were there before) appended per second. build: wall
seconds and peak memory of `dbt build` with its tests. read: analysis.io.experiments of all datasets.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from analysis import io
from warehouse import spool
from warehouse.place import place
from warehouse.store import Record, append, changing, connect, drain

ROOT = Path(__file__).parents[2]
STEPS, SIZES = 15, 10  # of a dataset's grid, 150 runs
SPOOLED = 50_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Runs from..to in one statement: what a bulk import would leave. The loss is a transfer law's with noise.
RUNS = f"""
create temp table made as
select i, i // {STEPS * SIZES} as d, (2 ** (i % {STEPS}))::bigint as p,
    (10 * 2 ** (i // {STEPS} % {SIZES}))::bigint as f,
    (300 * pow(p, -0.7) + 1) * pow(f, -0.15) + 1 + hash(i) / 2.0 ** 64 / 100 as loss
from range(?::bigint, ?::bigint) as runs (i)
"""
COLUMNS = {
    "run_id": "'run' || i",
    "run_key": "md5('key' || i)",
    "dataset": "'dataset ' || d",
    "dataset_fingerprint": "md5('dataset' || d)",
    "model": "'drawn'",
    "revision": "'step' || p",
    "checkpoint_digest": "md5('checkpoint' || p)",
    "pretrain_steps": "p",
    "pretrain_tokens": "p * 2097152",
    "n_params": "1000000",
    "n_params_non_embedding": "800000",
    "data_points": "f",
    "context": "256",
    "tokens": "f * 256",
    "seed": "0",
    "method": "'full'",
    "status": "'ok'",
    "loss": "loss",
    "loss_validation": "loss",
    "loss_zero_shot": "loss * 1.5",
    "epochs": "{epochs}",
    "best_epoch": "{epochs}",
    "optimizer_steps": "f",
    "tokens_seen": "f * 256",
    "flops": "6e6 * f * 256",
    "wall_s": "5e-1",
    "peak_memory_bytes": "100000000",
    "device": "'none'",
    "host": "'nowhere'",
    "started_at": "'2026-01-01 00:00:00+00'::timestamptz",
    "finished_at": "'2026-01-01 00:00:01+00'::timestamptz",
    "config": """'{{"batch": 16, "learning_rate": 0.0001, "patience": 3, "micro_batch": 16}}'""",
    "provenance": """'{{"commit": "0", "python": "3.11", "packages": {{"torch": "2.9"}}, "cores": 2}}'""",
}


def declare(url: str, runs: int) -> None:
    """The study that wants them all."""
    with changing(url) as connection:
        declaration = {
            "datasets": [f"dataset {d}" for d in range(runs // (STEPS * SIZES))],
            "models": [{"suite": None, "size": None, "path": "drawn", "hub": None}],
            "methods": ["full"],
            "pretrain_steps": [2**step for step in range(STEPS)],
            "data_points": [10 * 2**size for size in range(SIZES)],
            "seeds": [0],
        }
        connection.execute(
            "insert into raw.studies values ('grown', 'd', 256, 1, true, ?, now())", [json.dumps(declaration)]
        )
        connection.execute(
            "insert into raw.datasets select 'dataset ' || d, md5('dataset' || d), 'a law', 'none', 1, 0, 1,"
            " 't', 256, 1, 5120, 64, 256, 'no text', now() from range(?) as _ (d)",
            [runs // (STEPS * SIZES)],
        )
        connection.execute(
            "insert into raw.checkpoints select 'drawn', 'step' || p, p, md5('checkpoint' || p), 'a law',"
            " p * 2097152, 1000000, 800000, null, now()"
            " from (select (2 ** i)::bigint as p from range(?) as _ (i))",
            [STEPS],
        )
        connection.execute(
            "insert into raw.study_runs select 'grown', 'd', md5('key' || i) from range(?) as _ (i)", [runs]
        )


def fill(url: str, first: int, last: int, epochs: int) -> None:
    """Runs that were appended long ago, without a spool."""
    with changing(url) as connection:
        connection.execute(RUNS, [first, last])
        columns = ", ".join(f"{text.format(epochs=epochs)} as {name}" for name, text in COLUMNS.items())
        connection.execute(f"insert into raw.runs by name select {columns} from made")
        connection.execute(
            "insert into raw.epochs select 'run' || i, e, loss + 0.1, loss + (? - e) * 0.01, e / 40"
            " from made cross join range(?::bigint) as _ (e)",
            [epochs, epochs + 1],
        )
        connection.execute("insert into raw.spool_records select 'run' || i, now() from made")


def records(url: str, first: int, last: int, epochs: int) -> list[Record]:
    """Those runs as a sweep would append them."""
    with connect(url, read_only=True) as connection:
        connection.execute(RUNS, [first, last])
        columns = ", ".join(f"{text.format(epochs=epochs)} as {name}" for name, text in COLUMNS.items())
        found = connection.execute(f"select {columns} from made")
        names = [column[0] for column in found.description]
        runs = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [
        Record(
            run["run_id"],
            {
                "raw.runs": [run | {"finished_at": NOW, "started_at": NOW}],
                "raw.epochs": [
                    {
                        "run_id": run["run_id"],
                        "epoch": epoch,
                        "train_loss": run["loss"],
                        "validation_loss": run["loss"] + (epochs - epoch) * 0.01,
                        "elapsed_s": 0.1,
                    }
                    for epoch in range(epochs + 1)
                ],
            },
        )
        for run in runs
    ]


def appended(url: str, some: list[Record]) -> tuple[float, float]:
    """Median seconds of an append, and of its part beyond fsync."""
    real, synced = os.fsync, 0.0

    def timed(descriptor: int) -> None:
        nonlocal synced
        began = time.perf_counter()
        real(descriptor)
        synced += time.perf_counter() - began

    os.fsync = timed
    whole, beyond = [], []
    try:
        for record in some:
            synced, began = 0.0, time.perf_counter()
            append(record, url)
            whole.append(time.perf_counter() - began)
            beyond.append(whole[-1] - synced)
    finally:
        os.fsync = real
    return statistics.median(whole), statistics.median(beyond)


def spooled(url: str, some: list[Record]) -> None:
    """Into the spool as writers would have left them, without waiting for the disk."""
    real, os.fsync = os.fsync, lambda _: None
    try:
        for record in some:
            spool.write(place(url).spool, spool.checked(record))
    finally:
        os.fsync = real


def built(url: str, folder: Path) -> tuple[float, float]:
    """Wall seconds and peak memory (GB) of dbt build."""
    code = (
        "import resource, subprocess, sys;"
        " done = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        " sys.exit(done.stdout[-2000:]) if done.returncode else"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    dbt = str(Path(sys.executable).with_name("dbt"))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, dbt, "--log-path", str(folder), "build", "--target-path", str(folder)],
        cwd=ROOT,
        env=os.environ | {"TRANSFER_LAWS_WAREHOUSE": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"dbt build failed: {done.stderr}")
    return time.monotonic() - began, int(done.stdout) * 1024 / 1e9


def measure(runs: int, epochs: int, folder: Path) -> str:
    url = str(folder / "warehouse.duckdb")
    with connect(url):
        pass
    declare(url, runs)
    in_spool, single = min(SPOOLED, runs // 2), min(200, runs // 10)
    fill(url, 0, runs - in_spool - single, epochs)
    at = runs - in_spool - single
    whole, beyond = appended(url, records(url, at, at + single, epochs))
    drain(url)
    spooled(url, records(url, runs - in_spool, runs, epochs))
    began, cpu = time.monotonic(), time.process_time()
    drained = drain(url)
    assert drained == in_spool
    drain_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
    build_s, peak = built(url, folder / "dbt")
    size = Path(url).stat().st_size / 1e6
    began = time.monotonic()
    experiments = io.experiments(url)
    read_s = time.monotonic() - began
    assert sum(len(one.loss) for one in experiments) == runs
    return (
        f"{runs:>9,} runs, {epochs} epochs: append {whole * 1e3:.1f} ms ({beyond * 1e3:.2f} beyond fsync); "
        f"drain {drained / drain_s:,.0f} records/s ({drained / cpu_s:,.0f} per CPU second); dbt build "
        f"{build_s:.1f} s, {peak:.2f} GB; read {read_s:.2f} s; file {size:.1f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=float, default=[1e3, 1e4])
    parser.add_argument("--epochs", type=int, default=3, help="of each run (default: 3)")
    parser.add_argument("--folder", type=Path, help="to work in (default: a temporary one)")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for runs in options.runs:
        folder = Path(tempfile.mkdtemp(prefix="laws-growth-", dir=options.folder))
        try:
            print(measure(int(runs) // (STEPS * SIZES) * STEPS * SIZES, options.epochs, folder), flush=True)
        finally:
            shutil.rmtree(folder)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
