"""Sweeps of real runs: what they record, and that nothing finished is lost or done twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from safetensors.torch import load_file, save_file

from tests.processes import Started, ran, started
from tests.workplace import Workplace

STUDY = """
study: few
description: A few of the smoke study's runs.
context: 32
models:
  - {{path: {path}, tokens_per_step: 512}}
pretrain_steps: [0, 8]
datasets: [python]
data_points: [4, 8, 16]
training: {{batch: 8, learning_rate: 2e-3, patience: 2, max_epochs: 4}}
splits: {{validation: 16, heldout: 32}}
workers: {workers}
"""


def suite_of(smoke: Workplace) -> Path:
    (folder,) = (smoke.cache / "suites").glob("smoke-*/tiny-*")
    return folder


def study(workplace: Workplace, path: Path, workers: int = 1) -> str:
    file = workplace.folder / "few.yml"
    file.write_text(STUDY.format(path=path, workers=workers))
    return str(file)


def sweep(workplace: Workplace, file: str, *options: str) -> subprocess.CompletedProcess[str]:
    return ran(["sweep", "--study", file, *options], workplace)


LOSSES = "select pretrain_steps, data_points, loss from raw.runs where status = 'ok' order by all"


@pytest.fixture(scope="module")
def unbroken(smoke: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The few runs, swept in one go."""
    workplace = Workplace(tmp_path_factory.mktemp("unbroken"), smoke.cache)
    done = sweep(workplace, study(workplace, suite_of(smoke)))
    assert done.returncode == 0, done.stderr
    return workplace


def test_a_sweep_records_a_row_per_run_with_all_its_facts(smoke: Workplace) -> None:
    assert smoke.rows("select count(*), count(distinct run_key) from raw.runs where status = 'ok'") == [
        (48, 48)
    ]
    wrong = smoke.rows(
        """
        select count(*) from raw.runs
        where not (loss > 0 and loss_validation > 0 and loss_zero_shot > 0)
            or tokens != data_points * context
            or tokens_seen != epochs * tokens
            or flops != 6.0 * n_params * tokens_seen
            or optimizer_steps != epochs * ceil(data_points / 8)
            or best_epoch > epochs
            or n_params_non_embedding >= n_params
            or pretrain_tokens != pretrain_steps * 16 * 32
            or wall_s <= 0 or peak_memory_bytes < 1e7 or error is not null
            or finished_at < started_at
            or device is null or host is null
            or json_extract_string(provenance, '$.packages.torch') is null
            or json_extract_string(config, '$.micro_batch') != '8'
        """,
    )
    assert wrong == [(0,)]
    assert smoke.rows(
        """
        select count(*) from raw.runs join raw.epochs using (run_id)
        where epoch = best_epoch and validation_loss != loss_validation
        """,
    ) == [(0,)]
    per_run = smoke.rows(
        "select distinct count(*) - any_value(epochs)"
        " from raw.epochs join raw.runs using (run_id) group by run_id",
    )
    assert per_run == [(1,)]  # one row an epoch, and one for epoch 0
    assert smoke.rows("select count(*) from raw.checkpoints where heldout_loss > 0") == [(6,)]
    assert smoke.rows(
        "select count(*) from raw.datasets where train_points > 32 and length(sample) > 100"
    ) == [(2,)]
    assert smoke.rows("select count(*) from raw.study_runs") == [(48,)]


def test_a_sweep_that_has_nothing_left_to_do_changes_nothing(smoke: Workplace) -> None:
    counts = "select table_name, estimated_size from duckdb_tables() where schema_name = 'raw'"
    before = smoke.rows(counts)
    again = ran(["sweep", "--study", "smoke"], smoke)
    assert again.returncode == 0, again.stderr
    assert "48 done, 0 failed, 0 to run" in again.stderr
    assert smoke.rows(counts) == before


def test_plan_and_status_tell_what_is_done(smoke: Workplace) -> None:
    plan = ran(["plan", "--study", "smoke"], smoke)
    assert plan.returncode == 0, plan.stderr
    assert "48 runs, 48 done, 0 failed, 0 missing" in plan.stdout
    assert plan.stdout.count("2/2") == 24
    assert ran(["status", "--study", "smoke"], smoke).returncode == 0


def test_plan_before_anything_is_there_makes_nothing_and_loads_no_torch(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, tmp_path / "cache")
    program = (
        "import sys; from runner.__main__ import main; code = main(['plan']); "
        "sys.exit(99 if {'torch', 'transformers', 'accelerate'} & set(sys.modules) else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=workplace.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "126 runs, 0 done, 0 failed, 126 missing" in done.stdout
    assert "demo-1m is not pre-trained yet" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_workers_killed_with_their_sweep_lose_and_repeat_nothing(
    smoke: Workplace, unbroken: Workplace, workplace: Workplace
) -> None:
    file = study(workplace, suite_of(smoke), workers=2)
    process = begun(workplace, file, until=2)
    process.kill()
    held = recorded(workplace)
    done = sweep(workplace, file, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert f"{held} done, 0 failed, {6 - held} to run" in done.stderr
    assert workplace.rows(LOSSES) == unbroken.rows(LOSSES)
    assert workplace.rows("select count(*), count(distinct run_key) from raw.runs") == [(6, 6)]


def begun(workplace: Workplace, file: str, until: int) -> Started:
    """A sweep in a process group of its own, once it has recorded so many runs."""
    log = workplace.folder / "log"
    process = started(["sweep", "--study", file], workplace.folder, workplace.environment, log)
    while recorded(workplace) < until:
        assert process.code() is None, process.printed()
        time.sleep(0.02)
    return process


def recorded(workplace: Workplace) -> int:
    """Runs in the database and in the spool, or 0 while a writer has the database."""
    if not workplace.warehouse.exists():
        return 0
    spool = workplace.folder / "warehouse.duckdb.spool"
    waiting = sum('"raw.epochs"' in f.read_text() for f in spool.glob("[!.]*.json") if f.exists())
    try:
        return workplace.rows("select count(*) from raw.runs")[0][0] + waiting
    except duckdb.Error:
        return 0


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(smoke: Workplace, workplace: Workplace) -> None:
    file = study(workplace, suite_of(smoke), workers=2)
    process = begun(workplace, file, until=2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
    assert process.code(60) == 130
    assert "stopped; what had finished is in the warehouse" in process.printed()
    assert "Traceback" not in process.printed()
    assert sweep(workplace, file, "--workers", "1").returncode == 0
    assert workplace.rows("select count(*), count(distinct run_key) from raw.runs") == [(6, 6)]


def test_a_worker_that_dies_is_replaced_and_two_give_the_losses_of_one_to_the_last_bit(
    smoke: Workplace, unbroken: Workplace, workplace: Workplace
) -> None:
    process = begun(workplace, study(workplace, suite_of(smoke), workers=2), until=1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    assert process.code(120) == 0, process.printed()
    assert "Traceback" not in process.printed()
    assert workplace.rows(LOSSES) == unbroken.rows(LOSSES)
    assert workplace.rows("select count(*) from raw.runs where status = 'ok'") == [(6,)]


def test_a_run_that_fails_is_a_row_and_the_sweep_goes_on(smoke: Workplace, workplace: Workplace) -> None:
    suite = workplace.folder / "suite"
    shutil.copytree(suite_of(smoke), suite)
    weights = suite / "step8" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    file = study(workplace, suite)

    damaged = sweep(workplace, file)
    assert damaged.returncode == 1
    assert damaged.stderr.count("failed: python, suite step8") == 3
    statuses = "select pretrain_steps, status, count(*) from raw.runs group by all order by all"
    assert workplace.rows(statuses) == [(0, "ok", 3), (8, "failed", 3)]
    ((error,),) = workplace.rows("select distinct error from raw.runs where status = 'failed'")
    assert "step8" in error
    assert "\n" not in error

    again = sweep(workplace, file)
    assert again.returncode == 1
    assert "3 done, 3 failed, 0 to run" in again.stderr
    assert ran(["status", "--study", file], workplace).returncode == 1

    weights.write_bytes(whole)
    repaired = sweep(workplace, file)
    assert repaired.returncode == 0, repaired.stderr
    assert workplace.rows(statuses) == [(0, "ok", 3), (8, "failed", 3), (8, "ok", 3)]


def test_a_weight_that_is_not_finite_fails_and_can_be_tried_again(
    smoke: Workplace, workplace: Workplace
) -> None:
    suite = workplace.folder / "suite"
    shutil.copytree(suite_of(smoke), suite)
    weights = load_file(suite / "step8" / "model.safetensors")
    weights["embed_out.weight"][0, 0] = float("nan")
    save_file(weights, suite / "step8" / "model.safetensors", metadata={"format": "pt"})
    file = study(workplace, suite)
    assert sweep(workplace, file).returncode == 1
    assert sweep(workplace, file, "--retry-failed").returncode == 1
    errors = workplace.rows("select error, count(*) from raw.runs where status = 'failed' group by error")
    assert len(errors) == 1
    assert "holds a weight that is not finite" in errors[0][0]
    assert errors[0][1] == 6


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("[python]", "[pyhton]", "unknown dataset 'pyhton'; known are"),
        ("[0, 8]", "[0, 9]", "no revision step9; it has step0, step4, step8, step16, step32, step64"),
        ("[4, 8, 16]", "[4, 8, 99999999]", "data_points: 99999999 is above the"),
        ("study: few", "study: few\nmodel: none", "model: unknown key"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_warehouse(
    smoke: Workplace, workplace: Workplace, was: str, becomes: str, says: str
) -> None:
    file = Path(study(workplace, suite_of(smoke)))
    assert was in file.read_text()
    file.write_text(file.read_text().replace(was, becomes))
    done = sweep(workplace, str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(workplace.folder.iterdir()) == [file]


def test_a_warehouse_that_cannot_be_made_or_is_newer_is_refused_before_training(
    smoke: Workplace, workplace: Workplace
) -> None:
    file = study(workplace, suite_of(smoke))
    nowhere = sweep(workplace, file, "--warehouse", str(workplace.folder / "no" / "such" / "w.duckdb"))
    assert nowhere.returncode == 2
    assert nowhere.stderr.startswith("error: ")
    assert nowhere.stderr.count("\n") == 1
    assert not (workplace.folder / "no").exists()


def test_a_declaration_that_changes_is_recorded_beside_the_old_one(
    unbroken: Workplace, workplace: Workplace
) -> None:
    shutil.copy(unbroken.warehouse, workplace.warehouse)
    file = workplace.folder / "few.yml"
    file.write_text((unbroken.folder / "few.yml").read_text().replace("[4, 8, 16]", "[4, 8]"))
    done = sweep(workplace, str(file))
    assert done.returncode == 0, done.stderr
    assert "4 done, 0 failed, 0 to run" in done.stderr
    declared = workplace.rows(
        "select declaration, count(*) from raw.studies join raw.study_runs using (study, declaration_digest)"
        " group by all order by max(declared_at)",
    )
    assert [(json.loads(d)["data_points"], n) for d, n in declared] == [([4, 8, 16], 6), ([4, 8], 4)]
