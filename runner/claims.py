"""Who trains which run: claims that the sweeps of a study take, so that no run is trained twice at once.

A claim is one run's, exclusive, and renewed by its sweep every few seconds. Beside a DuckDB file it is a
file in the spool's folder `claims/`, made by a hard link, which fails where its name is taken; beside a lake
it is a row in a table of the catalogue's PostgreSQL, under a unique key. A claim that is taken over gets the
next generation, and one generation exists once: of many that take over, one does.

A lease has run out where a claim was not renewed for that long *as seen from here*, by this machine's
monotonic clock: no two clocks are compared, and none that is set back or forth matters. A claimant of this
very machine that is dead is known to be at once. Claims say who trains now; what is done, the warehouse says.
"""

import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import duckdb

from warehouse import lake
from warehouse.place import Place, place

LEASE_S = 120.0
BEATS = 6  # in a lease
_SIZE = 1024  # bytes of a claim's file, so that it is rewritten in place
_TABLE = "transfer_laws_claims"

Answer = TypeVar("Answer")


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

    def take(self, claim: Claim) -> bool:
        """Make the claim the run's latest: False where its generation exists."""
        ...

    def put(self, claim: Claim) -> bool:
        """Rewrite the claim: False where it is no longer the run's latest."""
        ...


class Files:
    """Claims as files `RUN_KEY.GENERATION` in a folder that the machines share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, keys: Collection[str] | None = None) -> dict[str, Claim]:
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  # Path.iterdir makes a path of each
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ClaimsError(f"{self.folder}: cannot be read: {error.strerror}") from None
        latest: dict[str, int] = {}
        for name in names:
            key, _, generation = name.partition(".")
            if key and generation.isdecimal() and (keys is None or key in keys):
                latest[key] = max(latest.get(key, 0), int(generation))
        return {key: self._one(key, generation) for key, generation in latest.items()}

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
        only = "" if keys is None else f" where run_key in ({', '.join(map(_text, keys)) or 'null'})"
        found = (_decoded(bytes.fromhex(row[0])) for row in self._query(f"select about from {_TABLE}{only}"))
        return {claim.run_key: claim for claim in found if claim}

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

    def _is_latest(self, statement: str, claim: Claim) -> bool:
        """Whether the claim is the run's after the statement, even where that was done and not answered."""
        with self._lock, self._told():
            self._connection().execute(f"call postgres_execute('claims', {lake.quoted(statement)})")
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
                self._open.close()
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


def _about(claim: Claim) -> str:
    return f"'{json.dumps(asdict(claim)).encode().hex()}'"


def store_of(url: str) -> Store:
    """Where the claims on a warehouse's runs are kept."""
    where = place(url)
    return Table(where) if where.file is None else Files(where.spool / "claims")


class Claims:
    """The claims of this sweep, renewed by a thread while `kept` lasts."""

    def __init__(self, store: Store, lease_s: float = LEASE_S) -> None:
        self.store = store
        self.lease_s = lease_s
        self._owner = uuid.uuid4().hex
        self._mine: dict[str, Claim] = {}
        self._ending: dict[str, Claim] = {}
        self._lost: set[str] = set()
        self._seen: dict[str, tuple[Claim, float]] = {}
        self._ended_before: dict[str, int] = {}
        self._lock = threading.Lock()
        self._told = False

    def begin(self, keys: Collection[str]) -> None:
        """To be called before the warehouse is asked what is done. Raises ClaimsError; later this waits.

        A claim that has ended by now says nothing that the warehouse does not: where it lacks the run, it
        was deleted, or failed and is to be tried again.
        """
        found = self.store.read(frozenset(keys))
        self._ended_before = {
            key: claim.generation for key, claim in found.items() if claim.state in ("ok", "failed")
        }

    def take(self, key: str, max_epochs: int = 0) -> Literal["taken", "held", "ended"]:
        """Claim a run: taken; or held by another sweep that lives; or ended by one since this one began."""
        return self._patiently(lambda: self._take(key, max_epochs))

    def held(self, keys: Collection[str]) -> set[str]:
        """Those that other sweeps hold."""
        return {key for key, claim in self._look(keys).items() if self._standing(claim) == "held"}

    def epoch(self, key: str, epoch: int, worker: str = "") -> None:
        """Say how far a run is, for `status`; written with the next renewal."""
        with self._lock:
            if key in self._mine:
                self._mine[key] = replace(
                    self._mine[key], epoch=epoch, worker=worker or self._mine[key].worker
                )

    def end(self, key: str, state: Literal["ok", "failed", "released"]) -> None:
        """Give the claim up: the run is recorded, or was not finished."""
        with self._lock:
            claim = self._mine.pop(key, None)
            self._lost.discard(key)
            if claim is not None:
                self._ending[key] = replace(claim, state=state, beat=claim.beat + 1, beat_at=_now())
                self._put_ended()

    def lost(self) -> set[str]:
        """Claims that others have taken over, since this sweep could not renew them in time."""
        with self._lock:
            return set(self._lost)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew what is claimed; at the end what is still claimed is released."""
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(self.lease_s / BEATS):
                self._renew()

        thread = threading.Thread(target=renew, name="claims", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=10.0)
            for key in list(self._mine):
                self.end(key, "released")

    def _put_ended(self) -> None:
        try:
            for key, claim in list(self._ending.items()):
                self.store.put(claim)
                del self._ending[key]
        except ClaimsError as error:
            self._say(error)

    def _renew(self) -> None:
        with self._lock:
            self._put_ended()
        for key in list(self._mine):
            with self._lock:
                claim = self._mine.get(key)
                if claim is None:
                    continue
                claim = replace(claim, beat=claim.beat + 1, beat_at=_now())
                self._mine[key] = claim
                try:
                    renewed = self.store.put(claim)
                except ClaimsError as error:
                    self._say(error)
                    return
                self._told = False
                if not renewed:
                    del self._mine[key]
                    self._lost.add(key)

    def _take(self, key: str, max_epochs: int) -> Literal["taken", "held", "ended"]:
        latest = self._look((key,)).get(key)
        standing = "free" if latest is None else self._standing(latest)
        if standing != "free":
            return "held" if standing == "held" else "ended"
        now = _now()
        claim = Claim(
            run_key=key,
            generation=1 if latest is None else latest.generation + 1,
            owner=self._owner,
            machine=_machine(),
            host=socket.gethostname(),
            pid=os.getpid(),
            born=_born(os.getpid()) or "",
            lease_s=self.lease_s,
            since=now,
            beat_at=now,
            max_epochs=max_epochs,
        )
        if not self.store.take(claim):
            return "held"
        with self._lock:
            self._mine[key] = claim
            self._lost.discard(key)
        return "taken"

    def _look(self, keys: Collection[str]) -> dict[str, Claim]:
        try:
            found = self.store.read(frozenset(keys))
        except ClaimsError:
            self._seen.clear()  # nobody could renew what nobody could read
            raise
        now = time.monotonic()
        for key, claim in found.items():
            if key not in self._seen or self._seen[key][0] != claim:
                self._seen[key] = claim, now
        return found

    def _standing(self, claim: Claim) -> Literal["free", "held", "ended"]:
        if claim.state == "released":
            return "free"
        if claim.state != "running":
            return "free" if self._ended_before.get(claim.run_key) == claim.generation else "ended"
        if is_dead(claim):
            return "free"
        seen, since = self._seen[claim.run_key]
        return "free" if seen == claim and time.monotonic() - since >= claim.lease_s else "held"

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        while True:
            try:
                answer = ask()
            except ClaimsError as error:
                self._say(error)
                time.sleep(1.0)
            else:
                self._told = False
                return answer

    def _say(self, error: ClaimsError) -> None:
        if not self._told:
            print(f"claims: {error}; trying until it can", file=sys.stderr)
        self._told = True


def is_dead(claim: Claim) -> bool:
    """Whether the claim's process is known to have ended: one of this machine, and gone."""
    return claim.machine == _machine() and claim.machine != "" and _born(claim.pid) != claim.born


def _machine() -> str:
    """This boot of this machine and its table of processes, or nothing where they have no names."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116
    except OSError:
        return ""


def _born(pid: int) -> str | None:
    """When a process of this machine began, in ticks; None where there is none that lives."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
