"""Who trains which run: claims that the sweeps of a study take, so that no run is trained twice at once.

A claim is one run's, exclusive, and renewed by its sweep every few seconds. Beside a DuckDB file it is a
file in the spool's folder `claims/`, made by a hard link, which fails where its name is taken; beside a lake
it is a row in a table of the catalogue's PostgreSQL, under a unique key. A claim that is taken over gets the
next generation, and one generation exists once: of many that take over, one does.

A lease has run out where a claim was not renewed for that long *as seen from here*, by this machine's
monotonic clock: no two clocks are compared, and none that is set back or forth matters. A claimant of this
very machine that is dead is known to be at once. Claims say who trains now; what is done, the warehouse says.

Once a study has no run left, the last of its sweeps deletes its claims.
"""

import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from runner.claim_stores import LEASE_S, SWEEP, Claim, ClaimsError, Store

BEATS = 6  # in a lease

Answer = TypeVar("Answer")


class Claims:
    """The claims of this sweep, renewed by a thread while `kept` lasts."""

    def __init__(self, store: Store, lease_s: float = LEASE_S) -> None:
        self.store = store
        self.lease_s = lease_s
        self._owner = uuid.uuid4().hex
        self._name = SWEEP + self._owner
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
        was deleted, or failed and is to be tried again. From here on this sweep is registered.
        """
        registered = self._claim(self._name, None, 0)
        if self.store.take(registered):
            self._mine[self._name] = registered
        self._note(self.store.sweeps())
        found = self.store.read(frozenset(keys))
        self._ended_before = {
            key: claim.generation for key, claim in found.items() if claim.state in ("ok", "failed")
        }

    def take(self, key: str, max_epochs: int = 0) -> Literal["taken", "held", "ended"]:
        """Claim a run: taken; or held by another sweep that lives; or ended by one since this one began."""
        return self._patiently(lambda: self._take(key, max_epochs))

    def held(self, keys: Collection[str]) -> set[str]:
        """Those that other sweeps hold."""
        found = self._patiently(lambda: self._look(keys))
        return {key for key, claim in found.items() if self._standing(claim) == "held"}

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

    def clean(self, keys: Collection[str]) -> bool:
        """Forget the claims on runs that the warehouse is known to have, unless another sweep lives.

        One that lives may not know yet that they are done: their claims tell it. One that begins later asks
        the warehouse after it has registered, so it either is seen here or sees them there.
        """
        with self._lock:
            self._mine.pop(self._name, None)
        with suppress(ClaimsError):  # the next sweep does it
            self.store.drop([self._name])
            others = self.store.sweeps()
            self._note(others)
            if not any(self._standing(claim) == "held" for claim in others.values()):
                self.store.drop([*keys, *others])
                return True
        return False

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
            with suppress(ClaimsError), self._lock:
                if self._mine.pop(self._name, None):
                    self.store.drop([self._name])
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
        claim = self._claim(key, latest, max_epochs)
        if not self.store.take(claim):
            return "held"
        with self._lock:
            self._mine[key] = claim
            self._lost.discard(key)
        return "taken"

    def _claim(self, key: str, latest: Claim | None, max_epochs: int) -> Claim:
        now = _now()
        return Claim(
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

    def _look(self, keys: Collection[str]) -> dict[str, Claim]:
        try:
            found = self.store.read(frozenset(keys))
        except ClaimsError:
            self._seen.clear()  # nobody could renew what nobody could read
            raise
        self._note(found)
        return found

    def _note(self, found: Mapping[str, Claim]) -> None:
        """Remember since when a claim is as it is, seen from here."""
        now = time.monotonic()
        for key, claim in found.items():
            if key not in self._seen or self._seen[key][0] != claim:
                self._seen[key] = claim, now

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
