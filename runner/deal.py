"""Which runs go to the workers of a sweep, and in which order: each claimed, so no other sweep trains it."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from runner.claims import Claims
from runner.job import Job, Outcome
from runner.study import Cell


def work(cell: Cell) -> float:
    """Relative cost of a run: its data points, and a part that does not depend on them."""
    return 20.0 + cell.data_points


def shard(cells: Iterable[Cell], part: int, parts: int) -> list[Cell]:
    """The fixed part of a study's cells, 1 ≤ part ≤ parts: neighbours, so few checkpoints, of equal work."""
    listed = list(cells)
    total = sum(map(work, listed))
    before, mine = 0.0, []
    for cell in listed:
        middle = before + work(cell) / 2
        if (part - 1) * total <= middle * parts < part * total:
            mine.append(cell)
        before += work(cell)
    return mine


class Deal:
    """The jobs that nobody has been given yet.

    A worker stays with its checkpoint until that has no job left, so it loads each at most once, and gets
    the longest of them first: what runs at the end is short. Free, it goes to the checkpoint with the most
    work among those that nobody is at, else among all. Not `spread`, all workers are at one checkpoint at
    a time, in the order given: of those that are fetched and dropped, few are on disk.
    """

    def __init__(self, jobs: Sequence[Job], *, spread: bool = True) -> None:
        self._spread = spread
        self._groups: dict[str, list[Job]] = {}
        for job in jobs:
            self._groups.setdefault(job.checkpoint.digest, []).append(job)
        for group in self._groups.values():
            group.sort(key=lambda job: work(job.cell))

    def next(self, at: str | None, busy: Callable[[], set[str]]) -> Job | None:
        """A job for a worker that is at the checkpoint `at`; `busy` are those that others are at."""
        left = [digest for digest, group in self._groups.items() if group]
        if not left:
            return None
        if at not in left:
            at = left[0]
            if self._spread:
                taken = busy()
                at = max(left, key=lambda d: (d not in taken, sum(work(j.cell) for j in self._groups[d])))
        return self._groups[at].pop()


class Source:
    """Jobs for workers, each claimed; `ended` are those that other sweeps have done meanwhile."""

    def __init__(self, jobs: Sequence[Job], claims: Claims, spread: bool) -> None:
        self._deal = Deal(jobs, spread=spread)
        self._digests = {job.run_key: job.checkpoint.digest for job in jobs}
        self._claims = claims
        self._held: list[Job] = []
        self._again: list[Job] = []
        self._looked_at = float("-inf")
        self._said = False
        self.ended: list[Job] = []

    def next(self, at: str | None, busy: set[str]) -> Job | None:
        """A job that is ours now, or None where there is none at the moment."""
        if self._again:
            return self._again.pop()
        while job := self._deal.next(at, lambda: busy | self._elsewhere()):
            if self._is_ours(job):
                return job
        if time.monotonic() - self._looked_at >= min(self._claims.lease_s / 4, 2.0):
            held, self._held = self._held, []
            self._looked_at = time.monotonic()
            while held:
                if self._is_ours(job := held.pop(0)):
                    self._held += held
                    self._looked_at = float("-inf")
                    return job
        return None

    def waits(self) -> bool:
        """Whether other sweeps train the rest, which is said once."""
        if self._held and not self._said:
            print(f"{len(self._held)} runs are trained by other sweeps: waiting for them", file=sys.stderr)
            self._said = True
        return bool(self._held or self._again)

    def again(self, job: Job) -> None:
        """To be given out once more; the claim is still ours."""
        self._again.append(job)

    def give_up(self, job: Job) -> None:
        """Another sweep has taken it over."""
        self._held.append(job)

    def _is_ours(self, job: Job) -> bool:
        took = self._claims.take(job.run_key, job.study.training.max_epochs)
        if took == "held":
            self._held.append(job)
        elif took == "ended":
            self.ended.append(job)
        return took == "taken"

    def _elsewhere(self) -> set[str]:
        """Checkpoints that other sweeps are at."""
        return {self._digests[key] for key in self._claims.held(self._digests)}

    def take_ended(self) -> Iterator[Outcome]:
        while self.ended:
            yield elsewhere(self.ended.pop())


def elsewhere(job: Job) -> Outcome:
    """A run that another sweep has done."""
    return Outcome(job.cell, job.run_key, None, None, elsewhere=True)
