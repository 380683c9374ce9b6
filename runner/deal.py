"""In which order the runs of a sweep go to its workers."""

from collections.abc import Callable, Iterable, Sequence

from runner.study import Cell
from runner.worker import Job


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
