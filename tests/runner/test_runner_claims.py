"""Claims: one run is one sweep's, until it ends or is not heard of any more."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner import claims
from runner.claim_stores import LEASE_S, Files, Store, Table, store_of
from runner.claims import Claims


@pytest.fixture(params=["files", "table"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "files":
        return Files(tmp_path / "claims")
    return store_of(request.getfixturevalue("lake"))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no claimant were of this machine, so that only leases tell who is dead."""
    monkeypatch.setattr(claims, "_machine", lambda: "")


def of_another(store: Store) -> Store:
    """The same place, as another process opens it."""
    return Table(store.where) if isinstance(store, Table) else store


def test_of_many_that_claim_at_once_one_does(store: Store) -> None:
    sweeps = [Claims(of_another(store)) for _ in range(6)]
    together = threading.Barrier(len(sweeps))
    took: list[str] = []

    def take(sweep: Claims) -> None:
        sweep.begin(["a", "b"])
        together.wait()
        took.extend(key + sweep.take(key) for key in ("a", "b"))

    threads = [threading.Thread(target=take, args=(sweep,)) for sweep in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(took) == {"ataken": 1, "btaken": 1, "aheld": 5, "bheld": 5}


@pytest.mark.usefixtures("elsewhere")
def test_a_claim_runs_out_where_it_is_not_renewed_and_only_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: clock[0])
    dead, living, other = Claims(store, 60), Claims(store, 60), Claims(store, 60)
    assert dead.take("a", max_epochs=9) == living.take("b") == "taken"
    for _ in range(5):
        assert other.take("a") == other.take("b") == "held"
        clock[0] += 59 / 4
        living.epoch("b", 3, "GPU 1")
        living._renew()
    assert other.take("a") == "taken"
    assert other.take("b") == "held"
    assert store.read()["b"].epoch == 3
    assert store.read(["b"])["b"].worker == "GPU 1"
    dead._renew()  # it was only asleep
    assert dead.lost() == {"a"}
    dead.end("a", "ok")
    assert store.read()["a"].state == "running"


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_takes_no_claim_and_keeps_none(
    store: Store, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: clock[0])
    living, other = Claims(store, 60), Claims(store, 60)
    assert living.take("a") == "taken"
    assert other.take("a") == "held"
    jumped = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
    monkeypatch.setattr(claims, "_now", lambda: jumped)
    clock[0] += 59
    living._renew()
    assert other.take("a") == "held"
    clock[0] += 59
    assert other.take("a") == "held"
    clock[0] += 1  # a lease since it was renewed
    assert other.take("a") == "taken"


def test_what_has_ended_is_not_done_again_unless_the_warehouse_lacks_it(store: Store) -> None:
    first, beside = Claims(store), Claims(store)
    for sweep in (first, beside):
        sweep.begin(["a", "b"])
    assert first.take("a") == first.take("b") == "taken"
    first.end("a", "ok")
    first.end("b", "released")
    assert beside.take("a") == "ended"
    assert beside.take("b") == "taken"
    later = Claims(store)
    later.begin(["a", "b"])
    assert later.take("a") == "taken"
    assert later.take("b") == "held"
    assert beside.take("a") == "held"


def test_a_claimant_of_this_machine_that_is_dead_is_known_at_once(tmp_path: Path) -> None:
    store = Files(tmp_path)
    dead = Claims(store)
    assert dead.take("a") == "taken"
    claim = store.read()["a"]
    assert Claims(store).take("a") == "held"
    assert store.put(replace(claim, born="1"))  # of an earlier process of the same number
    assert Claims(store).take("a") == "taken"


@pytest.mark.usefixtures("elsewhere")
def test_a_damaged_claim_blocks_for_a_lease_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: clock[0])
    (tmp_path / "a.1").write_bytes(b'{"run_key": "a", "gen')
    sweep = Claims(Files(tmp_path))
    assert sweep.take("a") == "held"
    clock[0] += LEASE_S
    assert sweep.take("a") == "taken"


def test_claims_wait_for_a_server_that_is_away(
    postgres, lake: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = Claims(store_of(lake))
    assert sweep.take("a") == "taken"
    postgres.stop()
    monkeypatch.setattr(claims.time, "sleep", lambda _: postgres.start())
    sweep._renew()
    sweep.end("a", "ok")
    assert sweep.take("b") == "taken"
    sweep._renew()
    postgres.stop()
    assert sweep.held(["a", "b"]) == {"b"}
    assert {key: claim.state for key, claim in store_of(lake).read().items()} == {"a": "ok", "b": "running"}
    errors = capsys.readouterr().err
    assert "trying until it can" in errors
    assert "password" not in errors


def test_the_last_sweep_of_a_study_deletes_its_claims_and_no_other_does(store: Store) -> None:
    first, beside = Claims(store), Claims(store)
    with beside.kept():
        with first.kept():
            for sweep in (first, beside):
                sweep.begin(["a"])
            assert first.take("a") == "taken"
            first.end("a", "ok")
            assert not first.clean(["a"])
        assert beside.take("a") == "ended"  # it would have trained the run again
        assert set(store.sweeps()) == {beside._name}
        assert beside.clean(["a"])
    assert store.read() == store.sweeps() == {}


@pytest.mark.usefixtures("elsewhere")
def test_a_sweep_that_died_elsewhere_keeps_claims_for_a_lease_and_no_longer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: clock[0])
    dead, last = Claims(store, 60), Claims(store, 60)
    dead.begin(["a"])
    assert dead.take("a") == "taken"
    last.begin(["a"])
    assert not last.clean(["a"])
    clock[0] += 60
    assert last.clean(["a"])
    assert store.read() == store.sweeps() == {}
