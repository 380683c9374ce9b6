"""How a study stands: runs done, running now and where, failed with their errors, missing, and the time left.

What is done, the warehouse says; what runs, the claims of the sweeps that train it.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.claim_stores import Claim, store_of
from runner.claims import is_dead
from runner.deal import work
from runner.prepare import prepared
from runner.study import Cell, Study
from runner.sweep import Progress, progress
from warehouse import store

_WATCH_S = 5.0


@dataclass(frozen=True)
class Status:
    """A study's runs. `per_hour` are those that ended in the last hour; `left_s` is an estimate, or None."""

    progress: Progress
    running: dict[Cell, Claim]
    silent: dict[Cell, Claim]
    per_hour: int
    left_s: float | None


def status_of(study: Study, source: str, url: str, cache: Path) -> Status:
    """How the study stands now. Raises WarehouseError where its warehouse cannot be read, ClaimsError."""
    ready = prepared(study, source, cache)
    state = progress(study, ready, url)
    if ready is None:
        return Status(state, {}, {}, 0, None)
    claims = store_of(url).read(frozenset(ready.keys.values())) if store.exists(url) else {}
    done = set(state.done)
    claimed = {
        cell: claims[key]
        for cell, key in ready.keys.items()
        if cell not in done and key in claims and claims[key].state == "running"
    }
    silent = {
        cell: claim for cell, claim in claimed.items() if is_dead(claim) or _silence(claim) > claim.lease_s
    }
    running = {cell: claim for cell, claim in claimed.items() if cell not in silent}
    # What is tried again is not yet failed.
    failed = {cell: error for cell, error in state.failed.items() if cell not in running}
    state = Progress(state.done, failed, tuple(c for c in state.missing if c not in running))
    per_hour, seconds = (
        _pace(url, {key: cell for cell, key in ready.keys.items()}) if state.done else (0, None)
    )
    rest = sum(map(work, state.missing)) + sum(
        work(cell) * (1 - claim.epoch / max(claim.max_epochs, 1)) for cell, claim in running.items()
    )
    left = rest * seconds / (len(running) or study.workers) if seconds is not None else None
    return Status(state, running, silent, per_hour, left)


def status(
    study: Study, source: str, url: str, cache: Path, *, as_json: bool = False, watch: bool = False
) -> int:
    """Print how the study stands, again and again while it is watched and not done; 1 where runs failed."""
    while True:
        found = status_of(study, source, url, cache)
        if as_json:
            print(json.dumps(_as_json(study, found, url)))
        else:
            if watch and sys.stdout.isatty():
                print("\033[H\033[2J", end="")
            _print(study, found, url)
        sys.stdout.flush()
        if not watch or not (found.progress.missing or found.running):
            return 1 if found.progress.failed else 0
        time.sleep(_WATCH_S)


def _pace(url: str, cells: dict[str, Cell]) -> tuple[int, float | None]:
    """Runs that ended in the last hour, and mean seconds of a run for each unit of its work."""
    with store.connect(url, read_only=True) as database:
        rows = database.execute(
            "select run_key, epoch(finished_at) - epoch(started_at), finished_at > ?"
            " from raw.runs where status = 'ok' and run_key in (select unnest(?))",
            [datetime.now(UTC) - timedelta(hours=1), list(cells)],
        ).fetchall()
    done = sum(work(cells[key]) for key, _, _ in rows)
    return sum(late for _, _, late in rows), sum(s for _, s, _ in rows) / done if done else None


def _silence(claim: Claim) -> float:
    """Seconds since the claim was renewed, as far as this machine's clock agrees with the other's."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(claim.beat_at)).total_seconds()
    except ValueError:
        return float("inf")


def _where(claim: Claim) -> str:
    return f"{claim.host}, process {claim.pid}" + (f", {claim.worker}" if claim.worker else "")


def _print(study: Study, found: Status, url: str) -> None:
    state = found.progress
    total = len(state.done) + len(state.failed) + len(found.running) + len(state.missing)
    running = f"{len(found.running)} running, " if found.running else ""
    print(
        f"{study.study}: {total} runs, {len(state.done)} done, {running}"
        f"{len(state.failed)} failed, {len(state.missing)} missing in {url}"
    )
    for cell, claim in found.running.items():
        print(
            f"  running: {cell}: {_where(claim)}, since {claim.since}, "
            f"epoch {claim.epoch} of at most {claim.max_epochs}"
        )
    for cell, claim in found.silent.items():
        print(
            f"  left: {cell}: {_where(claim)} was last heard of at {claim.beat_at}; "
            "the next sweep takes it over"
        )
    for cell, error in state.failed.items():
        print(f"  failed: {cell}: {error}")
    if state.missing or found.running:
        left = "unknown" if found.left_s is None else f"about {_duration(found.left_s)}"
        print(f"  {found.per_hour} runs ended in the last hour; time left: {left}")


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _as_json(study: Study, found: Status, url: str) -> dict[str, object]:
    def one(cell: Cell) -> dict[str, object]:
        return {**asdict(cell), "model": cell.model.name}

    def claimed(cell: Cell, claim: Claim) -> dict[str, object]:
        kept = ("run_key", "host", "pid", "worker", "since", "beat_at", "epoch", "max_epochs")
        return {**one(cell), **{key: value for key, value in asdict(claim).items() if key in kept}}

    return {
        "study": study.study,
        "warehouse": url,
        "done": len(found.progress.done),
        "running": [claimed(*item) for item in found.running.items()],
        "left": [claimed(*item) for item in found.silent.items()],
        "failed": [{**one(cell), "error": error} for cell, error in found.progress.failed.items()],
        "missing": len(found.progress.missing),
        "runs_in_the_last_hour": found.per_hour,
        "time_left_s": found.left_s,
    }
