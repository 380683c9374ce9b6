"""What the rooms' tests share: the smoke study, swept once for all of them."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, embedded
from tests.workplace import Workplace


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: texts are tokenised and suites pre-trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workplace(tmp_path: Path, cache: Path) -> Workplace:
    return Workplace(tmp_path, cache)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Workplace:
    """The smoke study after its sweep, to be read and not written."""
    swept = Workplace(tmp_path_factory.mktemp("smoke"), cache)
    done = swept.run("runner", "sweep", "--study", "smoke")
    assert done.returncode == 0, done.stderr
    return swept


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the session; a test that uses it has a database of its own in it."""
    server = embedded()
    os.environ["PGPASSFILE"] = str(server.passfile)
    yield server
    server.stop()
    del os.environ["PGPASSFILE"]
    shutil.rmtree(server.folder)


@pytest.fixture
def lake(postgres: Postgres, tmp_path: Path) -> str:
    """The URL of a lake that is not there yet."""
    return postgres.url(f"t{uuid.uuid4().hex}", tmp_path / "lake")
