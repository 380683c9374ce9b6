"""How a study stands, and the sweep's options that divide it: workers, shards, leases."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from runner import __main__, compute, status
from runner.__main__ import main
from runner.claim_stores import Claim, store_of
from runner.claims import Claims
from runner.declaration import study_from
from runner.job import Job, Outcome
from runner.prepare import prepared
from runner.sweep import progress
from tests.workplace import Workplace


@pytest.fixture
def half(smoke: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """The smoke study with some runs missing and one failed."""
    workplace = Workplace(tmp_path, smoke.cache)
    shutil.copy(smoke.warehouse, workplace.warehouse)
    with duckdb.connect(workplace.warehouse) as database:
        database.execute("delete from raw.runs where data_points = 32 and pretrain_steps = 64")
        database.execute(
            "update raw.runs set status = 'failed', error = 'RunError: too hot', loss = null"
            " where dataset = 'python' and data_points = 4 and pretrain_steps = 8"
        )
    for name, value in workplace.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return workplace


@pytest.fixture
def missing(half: Workplace) -> list[str]:
    """Keys of the runs that are missing, the encyclopedia's first."""
    study = study_from("smoke")
    ready = prepared(study, "smoke", half.cache)
    assert ready is not None
    return [ready.keys[cell] for cell in progress(study, ready, str(half.warehouse)).missing]


Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(half: Workplace, capsys: pytest.CaptureFixture[str]) -> Told:
    def status(*options: str) -> tuple[int, str]:
        code = main(["status", "--study", "smoke", "--warehouse", str(half.warehouse), *options])
        return code, capsys.readouterr().out

    return status


def test_a_real_claim_is_a_run_that_runs_and_its_loss_is_left(
    half: Workplace, missing: list[str], told: Told
) -> None:
    assert len(missing) == 2
    code, before = told()
    assert code == 1
    assert "smoke: 48 runs, 45 done, 1 failed, 2 missing" in before
    assert "failed: python, smoke-tiny step8, 4 data points" in before
    assert "RunError: too hot" in before

    claims = Claims(store_of(str(half.warehouse)))
    claims.begin(missing)
    assert claims.take(missing[0], max_epochs=6) == "taken"
    claims.epoch(missing[0], 4, "GPU 1")
    claims._renew()
    _, during = told()
    assert "45 done, 1 running, 1 failed, 1 missing" in during
    assert "running: encyclopedia, smoke-tiny step64, 32 data points" in during
    assert "GPU 1, since 20" in during
    assert "epoch 4 of at most 6" in during
    assert "time left: about 1 min" in during
    assert "  left: " not in during

    # As if its process had died, and another had got its number.
    store = store_of(str(half.warehouse))
    assert store.put(replace(store.read()[missing[0]], born="1"))
    _, after = told()
    assert "45 done, 1 failed, 2 missing" in after
    assert "left: encyclopedia, smoke-tiny step64, 32 data points" in after
    assert "the next sweep takes it over" in after


def test_a_claim_of_another_machine_is_left_when_it_is_silent_for_its_lease(
    half: Workplace, missing: list[str], told: Told
) -> None:
    claim = Claim(missing[0], 1, "o", "another", "node7", 42, "1", 120.0, "then")
    claim = replace(claim, beat_at="2026-01-01T00:00:00+00:00")
    assert store_of(str(half.warehouse)).take(claim)
    state = json.loads(told("--json")[1])
    assert [(left["host"], left["pid"]) for left in state["left"]] == [("node7", 42)]
    assert state["running"] == []


def test_json_says_what_the_text_says(half: Workplace, missing: list[str], told: Told) -> None:
    claims = Claims(store_of(str(half.warehouse)))
    assert claims.take(missing[1], max_epochs=6) == "taken"
    code, text = told("--json")
    assert code == 1
    assert text.count("\n") == 1
    state = json.loads(text)
    assert (state["study"], state["done"], state["missing"]) == ("smoke", 45, 1)
    assert [(run["run_key"], run["data_points"], run["model"]) for run in state["running"]] == [
        (missing[1], 32, "smoke-tiny")
    ]
    assert [(run["dataset"], run["error"]) for run in state["failed"]] == [("python", "RunError: too hot")]
    assert state["runs_in_the_last_hour"] == 45
    assert state["time_left_s"] > 0


def test_watching_ends_when_all_is_done(
    half: Workplace, missing: list[str], told: Told, smoke: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = Claims(store_of(str(half.warehouse)))
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            assert claims.take(missing[0], max_epochs=6) == "taken"
            assert claims.take(missing[1], max_epochs=6) == "taken"
        else:
            shutil.copy(smoke.warehouse, half.warehouse)
            for key in missing:
                claims.end(key, "ok")

    monkeypatch.setattr(status.time, "sleep", sleep)
    code, text = told("--watch")
    assert code == 0
    first, second, last = (line for line in text.splitlines() if line.startswith("smoke:"))
    assert "1 failed, 2 missing" in first
    assert "2 running, 1 failed, 0 missing" in second
    assert "48 done, 0 failed, 0 missing" in last
    assert len(waited) == 2


FOUR = """
study: four
description: Four runs of a moment.
context: 32
models: [{suite: smoke, size: tiny}]
pretrain_steps: [0, 8]
datasets: [python]
data_points: [4, 8]
training: {batch: 8, learning_rate: 2e-3, max_epochs: 1}
splits: {validation: 16, heldout: 32}
"""


@pytest.fixture
def four(workplace: Workplace) -> list[str]:
    """The command that sweeps it."""
    file = workplace.folder / "four.yml"
    file.write_text(FOUR)
    return ["sweep", "--study", str(file), "--warehouse", str(workplace.warehouse)]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, float]]:
    """Runs, workers and lease of every sweep, none of which trains."""
    given: list[tuple[int, int, float]] = []

    def launch(jobs: list[Job], workers: int, claims: Claims, **_: object) -> Iterator[Outcome]:
        given.append((len(jobs), workers, claims.lease_s))
        yield from ()

    monkeypatch.setattr("runner.sweep.launch", launch)
    return given


@pytest.mark.usefixtures("smoke")
def test_two_shards_make_exactly_the_study(
    workplace: Workplace, four: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSFER_LAWS_CACHE", str(cache))
    counts = []
    for part in ("1/2", "2/2"):
        assert main([*four, "--shard", part]) == 0
        with duckdb.connect(workplace.warehouse, read_only=True) as database:
            query = "select count(*), count(distinct run_key), count(distinct pretrain_steps) from raw.runs"
            counts += database.execute(query).fetchall()
    assert counts == [(2, 2, 1), (4, 4, 2)]
    # The first could not know that nobody else would come; the second was the last.
    assert not list((workplace.folder / "warehouse.duckdb.spool" / "claims").iterdir())


@pytest.mark.usefixtures("smoke")
def test_workers_are_the_visible_gpus_the_number_given_or_the_studys(
    four: list[str], launched: list[tuple[int, int, float]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSFER_LAWS_CACHE", str(cache))
    Path(four[2]).write_text(FOUR + "workers: 2\n")
    main([*four, "--workers", "auto"])
    monkeypatch.setattr(__main__, "gpus", lambda: ("0", "1", "5"))
    main([*four, "--workers", "auto", "--lease", "7"])
    main([*four, "--workers", "4"])
    main(four)
    assert launched == [(4, 2, 120.0), (4, 3, 7.0), (4, 4, 120.0), (4, 2, 120.0)]


def test_visible_gpus_are_those_that_the_driver_has_and_the_environment_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compute, "nvidia_smi", lambda _: ["0", "1", "2"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert compute.gpus.__wrapped__() == ("0", "1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert compute.gpus.__wrapped__() == ("2", "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert compute.gpus.__wrapped__() == ()
    monkeypatch.setattr(compute, "nvidia_smi", lambda _: [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert compute.gpus.__wrapped__() == ()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--workers none", "'none' is neither a number from 1 on nor auto"),
        ("--workers 0", "'0' is neither"),
        ("--shard 3/2", "'3/2' is not I/N, the I-th of N parts, as in 1/4"),
        ("--shard 0/2", "'0/2' is not I/N"),
        ("--lease 0", "'0' is not a number of seconds from 1 on"),
        ("--lease soon", "'soon' is not a number of seconds from 1 on"),
        ("--lease nan", "'nan' is not a number of seconds from 1 on"),
        ("--watch", "unrecognized arguments: --watch"),
    ],
)
def test_options_that_mean_nothing_are_one_line(
    four: list[str], workplace: Workplace, options: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*four, *options.split()])
    errors = capsys.readouterr().err
    assert left.value.code == 2
    assert errors.startswith("error: ")
    assert says in errors
    assert errors.count("\n") == 1
    assert list(workplace.folder.iterdir()) == [Path(four[2])]
