"""A few seconds of tests/faults/torture_sweeps.py, whose full counts are `make torture`'s."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.sweeps import Bench, Counted, can_mount
from tests.faults.torture_sweeps import full_disk, killed, locked, outage, read_only, together
from tests.postgres import Postgres


@pytest.fixture(scope="module")
def bench(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("tortured"), cache, seeds=1, epochs=4)


def test_killed_at_random_moments_nothing_finished_is_lost_or_done_twice(bench: Bench) -> None:
    assert killed(bench, 5, workers=1, within=1.0).unhurt


def test_two_sweeps_started_together_share_the_runs(bench: Bench) -> None:
    assert together(bench, 1).unhurt


def test_a_lakes_server_that_restarts_stops_no_sweep(bench: Bench, postgres: Postgres) -> None:
    assert outage(bench, postgres, 1.0).unhurt


def test_a_locked_database_delays_rows_and_loses_none(bench: Bench) -> None:
    assert locked(bench, 1.0).unhurt


@pytest.mark.skipif(not can_mount(), reason="only root can make a small disk")
@pytest.mark.parametrize("fault", [lambda bench: full_disk(bench, 2.0), read_only])
def test_a_disk_that_takes_nothing_loses_nothing(bench: Bench, fault: Callable[[Bench], Counted]) -> None:
    assert fault(bench).unhurt
