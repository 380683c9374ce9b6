"""How long `plan` takes for the paper's 750 runs, before anything is fetched.

python tests/benchmarks/bench_runner_plan.py

A process of its own each time, imports included, with an empty cache and no warehouse; a GPU of 80 GB is
planned for, so that nothing is refused for the memory of this machine.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAN = ("-m", "runner", "plan", "--study", "barnett2024", "--gpu-memory", "80")
TIMES = 7


def main() -> None:
    walls = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TRANSFER_LAWS_CACHE": f"{folder}/cache"}
        for _ in range(TIMES):
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, *PLAN],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            walls.append(time.perf_counter() - began)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / TIMES
    print("\n".join(line for line in done.stdout.splitlines() if "FLOP" in line or "runs" in line))
    print(
        f"planned {TIMES} times: median {sorted(walls)[TIMES // 2]:.2f} s, slowest {max(walls):.2f} s, "
        f"{cpu:.2f} s of CPU each, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
