"""Checkpoints fetched from the hub ahead of the runs that need them, and dropped behind those done."""

import sys
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack

from runner import hub
from runner.hub_client import FetchError
from runner.job import Job, Outcome


def fetched_ahead(
    jobs: Sequence[Job], outcomes: Iterator[Outcome], *, keep: bool
) -> Generator[Outcome, None, None]:
    """The outcomes as they come, while the checkpoint after the one that trains is fetched.

    The first is fetched before any job starts: raises FetchError where it cannot be had, or where the disk
    cannot take all that are to be kept. What goes wrong in the background is left to the job that needs the
    checkpoint, which tries again and says why. Unless `keep`, a checkpoint whose jobs have all ended is
    dropped from disk; that of another sweep never is.
    """
    wanted = {job.run_key: job.checkpoint.hub for job in jobs if job.checkpoint.hub is not None}
    left = Counter(wanted.values())
    order = list(left)
    holds = {revision: ExitStack() for revision in order}
    if order:
        hub.check_disk(order if keep else order[:1])
        _fetch(order[0], holds[order[0]])
    background: threading.Thread | None = None
    asked = 1
    try:
        while True:
            current = next((place for place, revision in enumerate(order) if left[revision]), len(order))
            if asked <= current + 1 < len(order) and not (background and background.is_alive()):
                asked = current + 2
                following = order[current + 1]
                # A daemon: a sweep that is stopped does not wait for a download.
                background = threading.Thread(
                    target=_try_to_fetch, args=(following, holds[following]), name="ahead", daemon=True
                )
                background.start()
            outcome = next(outcomes, None)
            if outcome is None:
                break
            revision = wanted.get(outcome.run_key)
            if revision is not None:
                left[revision] -= 1
                if not left[revision]:
                    holds[revision].close()
                    if not keep:
                        hub.drop(revision)
            yield outcome
    finally:
        for hold in holds.values():
            hold.close()


def _fetch(revision: hub.Revision, hold: ExitStack) -> None:
    hold.enter_context(hub.held(revision))
    if size := sum(file.size for file in revision.missing):
        print(f"fetching {revision}, {size / 1e9:.1f} GB", file=sys.stderr)
        hub.fetched(revision)


def _try_to_fetch(revision: hub.Revision, hold: ExitStack) -> None:
    try:
        hold.enter_context(hub.held(revision))
        hub.fetched(revision)
    except (FetchError, OSError):
        return
