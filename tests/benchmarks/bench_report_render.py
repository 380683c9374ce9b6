"""Times rendering: python tests/benchmarks/bench_report_render.py [WAREHOUSE STUDY]

Without a warehouse: the paper's study, 750 runs drawn from Table 2 and 50 from scratch, with every fit, score
and allocation that a report shows. How long each took is printed first; they stay in the folder named.
Prints the seconds by the clock, the most memory that quarto and all it started held at once, and the sizes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.simulated import SIZES, STEPS, TABLE2, simulate
from tests.workplace import ROOT

COMMANDS = (
    "warehouse migrate",
    "dbt.cli.main build --quiet --exclude-resource-type unit_test",
    "analysis fit --replicates 1000",
    "analysis transfer --replicates 200",
    "analysis allocate --budget 143000 --cost-step 1 --cost-point 130",
    "analysis cv",
)


def prepared(folder: Path) -> Path:
    """The warehouse of the paper's study, simulated and analysed."""
    url = folder / "warehouse.duckdb"
    simulate(
        str(url), study="paper", parameters=TABLE2, pretrain_steps=STEPS, data_points=SIZES, with_scratch=True
    )
    for command in COMMANDS:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            env=os.environ | {"TRANSFER_LAWS_WAREHOUSE": str(url)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        print(f"{command:<70}{time.perf_counter() - began:8.1f} s", flush=True)
    return url


def rendered(url: Path, study: str) -> None:
    """Render a copy of the report, and print what that took."""
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch)
        ignored = shutil.ignore_patterns("_output", ".quarto", "__pycache__")
        for room in ("report", "warehouse", "models"):
            shutil.copytree(ROOT / room, project / room, ignore=ignored)
        said = (project / "said").open("w+")
        began, most = time.perf_counter(), 0
        quarto = subprocess.Popen(
            ["quarto", "render", "report/", "-P", f"study:{study}"],
            cwd=project,
            env=os.environ
            | {"TRANSFER_LAWS_WAREHOUSE": str(url.absolute()), "QUARTO_PYTHON": sys.executable},
            stdout=said,
            stderr=said,
        )
        while quarto.poll() is None:
            most = max(most, held(quarto.pid))
            time.sleep(0.2)
        if quarto.returncode:
            sys.exit((project / "said").read_text())
        print(f"rendered {study} in {time.perf_counter() - began:.1f} s, {most / 1e9:.2f} GB at most")
        for path in sorted((project / "report" / "_output").iterdir()):
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


def held(pid: int) -> int:
    """Bytes of memory of a process and all below it, pages that they share counted once for each."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    if len(sys.argv) == 3:
        rendered(Path(sys.argv[1]), sys.argv[2])
    else:
        folder = Path(tempfile.mkdtemp(prefix="bench_report_"))
        print(f"in {folder}")
        rendered(prepared(folder), "paper")
