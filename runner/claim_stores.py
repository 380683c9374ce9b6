"""Where claims are kept: files in a folder that machines share, or a table beside a lake's catalogue."""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import duckdb

from warehouse import lake
from warehouse.place import Place, place

LEASE_S = 120.0
SWEEP = "sweep-"
_SIZE = 1024  # bytes of a claim's file, so that it is rewritten in place
_STALE_S = 86400.0
_TABLE = "transfer_laws_claims"


class ClaimsError(Exception):
    """The place of the claims cannot be reached now: one line."""


@dataclass(frozen=True)
class Claim:
    """One run's claim. `state` is running, or how it ended: ok, failed (both recorded), released (not)."""

    run_key: str
    generation: int
    owner: str
    machine: str
    host: str
    pid: int
    born: str
    lease_s: float
    since: str
    beat: int = 0
    beat_at: str = ""
    worker: str = ""
    epoch: int = 0
    max_epochs: int = 0
    state: Literal["running", "ok", "failed", "released"] = "running"


class Store(Protocol):
    """Where claims are kept. All raise ClaimsError where it cannot be reached."""

    def read(self, keys: Collection[str] | None = None) -> dict[str, Claim]:
        """The latest claim of each run, of all runs if none are named."""
        ...

    def sweeps(self) -> dict[str, Claim]:
        """The sweeps that are registered, by names that begin with SWEEP: a sweep claims its own."""
        ...

    def take(self, claim: Claim) -> bool:
        """Make the claim the run's latest: False where its generation exists."""
        ...

    def put(self, claim: Claim) -> bool:
        """Rewrite the claim: False where it is no longer the run's latest."""
        ...

    def drop(self, keys: Collection[str]) -> None:
        """Forget all claims of these names. Only where no sweep lives that could hold one."""
        ...


class Files:
    """Claims as files `RUN_KEY.GENERATION` in a folder that the machines share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, keys: Collection[str] | None = None) -> dict[str, Claim]:
        return self._latest(lambda key: not key.startswith(SWEEP) if keys is None else key in keys)

    def sweeps(self) -> dict[str, Claim]:
        return self._latest(lambda key: key.startswith(SWEEP))

    def take(self, claim: Claim) -> bool:
        unfinished = self.folder / f".{uuid.uuid4().hex}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    file.write(_encoded(claim))
                    file.flush()
                    os.fsync(file.fileno())
                os.link(unfinished, self._path(claim))
            except FileExistsError:
                return False
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise ClaimsError(f"{self.folder}: cannot be written: {error.strerror}") from None
        return True

    def put(self, claim: Claim) -> bool:
        # In place: a file put under this name by a rename could be another's. Its name stays its own.
        if self._path(replace(claim, generation=claim.generation + 1)).exists():
            return False
        try:
            with self._path(claim).open("r+b") as file:
                file.write(_encoded(claim))
                file.flush()
                os.fsync(file.fileno())  # of a network's folder: only now do others see it
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ClaimsError(f"{self.folder}: cannot be written: {error.strerror}") from None
        return True

    def drop(self, keys: Collection[str]) -> None:
        try:
            for key, _, name in self._names():
                if key in keys:
                    (self.folder / name).unlink(missing_ok=True)
            for unfinished in self.folder.glob(".*"):  # of a process that was killed as it took one
                if time.time() - unfinished.stat().st_mtime > _STALE_S:
                    unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise ClaimsError(f"{self.folder}: cannot be written: {error.strerror}") from None

    def _latest(self, wanted: Callable[[str], bool]) -> dict[str, Claim]:
        latest: dict[str, int] = {}
        for key, generation, _ in self._names():
            if wanted(key):
                latest[key] = max(latest.get(key, 0), generation)
        return {key: self._one(key, generation) for key, generation in latest.items()}

    def _names(self) -> list[tuple[str, int, str]]:
        """The key, generation and file of every claim there is."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  # Path.iterdir makes a path of each
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ClaimsError(f"{self.folder}: cannot be read: {error.strerror}") from None
        parts = [(*name.partition("."), name) for name in names]
        return [(key, int(number), name) for key, _, number, name in parts if key and number.isdecimal()]

    def _path(self, claim: Claim) -> Path:
        return self.folder / f"{claim.run_key}.{claim.generation}"

    def _one(self, key: str, generation: int) -> Claim:
        content = b""
        with suppress(OSError):
            content = (self.folder / f"{key}.{generation}").read_bytes()
        # One that is cut or damaged runs out like one that is not renewed.
        return _decoded(content) or Claim(key, generation, "?", "?", "?", 0, "?", LEASE_S, "?")


class Table:
    """Claims as rows of a table beside the lake's catalogue."""

    def __init__(self, where: Place) -> None:
        self.where = where
        self._lock = threading.Lock()
        self._open: duckdb.DuckDBPyConnection | None = None

    def read(self, keys: Collection[str] | None = None) -> dict[str, Claim]:
        return self._where(f"run_key not like '{SWEEP}%'" if keys is None else _among(keys))

    def sweeps(self) -> dict[str, Claim]:
        return self._where(f"run_key like '{SWEEP}%'")

    def take(self, claim: Claim) -> bool:
        return self._is_latest(
            f"insert into {_TABLE} values ({_text(claim.run_key)}, {claim.generation}, {_about(claim)})"
            " on conflict (run_key) do update"
            " set generation = excluded.generation, about = excluded.about"
            f" where {_TABLE}.generation = excluded.generation - 1",
            claim,
        )

    def put(self, claim: Claim) -> bool:
        return self._is_latest(
            f"update {_TABLE} set about = {_about(claim)}"
            f" where run_key = {_text(claim.run_key)} and generation = {claim.generation}",
            claim,
        )

    def drop(self, keys: Collection[str]) -> None:
        self._execute(f"delete from {_TABLE} where {_among(keys)}")

    def _where(self, condition: str) -> dict[str, Claim]:
        rows = self._query(f"select about from {_TABLE} where {condition}")
        found = (_decoded(bytes.fromhex(row[0])) for row in rows)
        return {claim.run_key: claim for claim in found if claim}

    def _execute(self, statement: str) -> None:
        with self._lock, self._told():
            self._connection().execute(f"call postgres_execute('claims', {lake.quoted(statement)})")

    def _is_latest(self, statement: str, claim: Claim) -> bool:
        """Whether the claim is the run's after the statement, even where that was done and not answered."""
        self._execute(statement)
        found = self.read((claim.run_key,)).get(claim.run_key)
        return found is not None and (found.owner, found.generation) == (claim.owner, claim.generation)

    def _query(self, query: str) -> list[tuple[str]]:
        with self._lock, self._told():
            return (
                self._connection().execute(f"from postgres_query('claims', {lake.quoted(query)})").fetchall()
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            if self._open is not None:
                lake.close(self._open)
                self._open = None
            raise ClaimsError(str(lake.told(self.where, error))) from None

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            connection = duckdb.connect(":memory:", config={"threads": 1})
            self._open = connection
            lake.load_extensions(connection)
            connection.execute(f"attach {lake.quoted(self.where.catalogue)} as claims (type postgres)")
            there = f"select to_regclass('{_TABLE}')::varchar"
            statement = (
                f"create table if not exists {_TABLE}"
                " (run_key text primary key, generation bigint not null, about text not null)"
            )
            if connection.execute(f"from postgres_query('claims', {lake.quoted(there)})").fetchone() == (
                None,
            ):
                with suppress(duckdb.Error):  # of two that make it at once one fails, and it is there
                    connection.execute(f"call postgres_execute('claims', {lake.quoted(statement)})")
        return self._open


def _encoded(claim: Claim) -> bytes:
    return json.dumps(asdict(claim)).encode().ljust(_SIZE - 1) + b"\n"


def _decoded(content: bytes) -> Claim | None:
    try:
        return Claim(**json.loads(content))
    except (ValueError, TypeError):
        return None


def _text(value: str) -> str:
    # Hexadecimal, so no character of it means anything in a statement.
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"


def _among(keys: Collection[str]) -> str:
    return f"run_key in ({', '.join(map(_text, keys)) or 'null'})"


def _about(claim: Claim) -> str:
    return f"'{json.dumps(asdict(claim)).encode().hex()}'"


def store_of(url: str) -> Store:
    """Where the claims on a warehouse's runs are kept."""
    where = place(url)
    return Table(where) if where.file is None else Files(where.spool / "claims")
