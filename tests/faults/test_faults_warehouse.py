"""A few seconds of tests/faults/torture_warehouse.py, whose full counts are `make torture`'s."""

import time
from pathlib import Path

from tests.faults.torture_warehouse import Counted, torture
from tests.postgres import Postgres


def unhurt(counted: Counted) -> bool:
    return (
        counted.found == counted.distinct == counted.written
        and counted.waiting == counted.halves == counted.invariants == 0
        and counted.reads > 0
    )


def test_writers_and_a_reader_on_a_file_lose_nothing(tmp_path: Path) -> None:
    assert unhurt(torture(str(tmp_path / "warehouse.duckdb"), 2, 60, build=False))


def test_writers_and_a_reader_on_a_lake_whose_server_restarts_lose_nothing(
    lake: str, postgres: Postgres
) -> None:
    def outage() -> None:
        postgres.stop()
        time.sleep(1.0)
        postgres.start()

    assert unhurt(torture(lake, 2, 60, build=False, meanwhile=outage))
