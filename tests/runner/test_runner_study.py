"""Declarations are checked as a whole, and a fault is one line that names the file and the key."""

from dataclasses import fields, replace
from pathlib import Path

import duckdb
import pytest

from runner.declaration import STUDIES, SUITES, StudyError, study_from, suite_from
from runner.prepare import Prepared
from runner.study import Model, run_key
from runner.sweep import declare
from runner.tokens import Facts
from tests.workplace import ROOT
from warehouse.store import connect

DEMO = (STUDIES / "demo.yml").read_text()


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yml")), ids=lambda p: p.stem)
def test_every_study_that_ships_is_valid_and_named_like_its_file(path: Path) -> None:
    study = study_from(path.stem)
    assert study.study == path.stem
    cells = list(study.cells())
    assert len(set(cells)) == len(cells)


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yml")), ids=lambda p: p.stem)
def test_every_suite_that_ships_is_valid_and_named_like_its_file(path: Path) -> None:
    assert suite_from(path.stem).suite == path.stem


def test_the_demo_has_the_grid_it_promises() -> None:
    study = study_from("demo")
    assert 0 in study.pretrain_steps
    assert len([p for p in study.pretrain_steps if p >= study.fit.min_steps]) >= 6
    assert len(study.data_points) >= 6
    assert set(study.datasets) == {"statistics", "encyclopedia", "python"}


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("description:", "descripton:", "descripton: unknown key; known are study, description"),
        ("patience: 3", "patiense: 3", "training.patiense: unknown key; known are batch"),
        ("size: 1m", "syze: 1m", "models[0].syze: unknown key; known are suite, size, path"),
        ("size: 1m", "size: 9m", "models[0].size: suite demo has no '9m'; it has 1m"),
        ("suite: demo,", "suite: pile,", "models[0].suite: unknown suite 'pile': known are demo"),
        ("suite: demo, size: 1m", "path: here", "models[0].tokens_per_step: missing"),
        (
            "suite: demo, size: 1m",
            "path: here, suite: demo",
            "models[0]: give either suite and size, or path",
        ),
        ("suite: demo, size: 1m", "hub: a/b", "models[0].tokens_per_step: missing, and goes with hub"),
        ("suite: demo, size: 1m", "hub: a/../b, tokens_per_step: 1", "models[0].hub: String should match"),
        ("suite: demo, size: 1m", "hub: a/b, size: 1m", "models[0].size: goes with suite, not with hub"),
        (
            "suite: demo, size: 1m",
            "hub: a/b, tokens_per_step: 1, revision: main",
            "models[0].revision: main is the same at every step; write {steps}",
        ),
        ("size: 1m", "size: 1m, revision: main", "models[0].revision: goes with hub, not with suite"),
        ("size: 1m", "size: 1m, parameters: 9", "models[0].parameters: goes with hub, not with suite"),
        (
            "pretrain_steps: [0, 64,",
            "pretrain_steps: [0, 65,",
            "pretrain_steps: suite demo has no step 65; it has 0",
        ),
        ("data_points: [6,", "data_points: [-8,", "data_points[0]: Input should be greater than 0, not -8"),
        ("data_points: [6,", "data_points: [12,", "data_points: 12 is listed twice"),
        ("context: 64", "context: 65", "context: 65 is longer than the 64 tokens"),
        ("context: 64", "context: long", "context: Input should be a valid integer"),
        (
            "learning_rate: 5e-4",
            "learning_rate: .nan",
            "training.learning_rate: Input should be a finite number",
        ),
        ("learning_rate: 5e-4", "learning_rate: 0", "training.learning_rate: Input should be greater than 0"),
        (
            "batch: 8",
            "batch: 8\n  micro_batch: 5",
            "training.micro_batch: 5 does not divide training.batch, 8",
        ),
        ("fit: {min_steps: 64}", "fit: {min_steps: 4096}", "fit.min_steps: 4096 leaves no step to fit"),
        ("study: demo", "study: demo\nstudy: other", 'found duplicate key "study"'),
        ("study: demo", "study: 'x; drop table'", "study: String should match pattern"),
        ("study: demo", "study: [demo", "not readable as YAML"),
        ("datasets: [statistics, encyclopedia, python]", "", "datasets: missing"),
    ],
)
def test_a_fault_is_one_line_that_names_file_and_key(
    tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    assert was in DEMO
    path = tmp_path / "mine.yml"
    path.write_text(DEMO.replace(was, becomes, 1))
    with pytest.raises(StudyError) as caught:
        study_from(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "a scalar", "\x00", "{{{"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text)
    with pytest.raises(StudyError, match=r"mine\.yml: (expected a mapping|not readable)"):
        study_from(str(path))


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(StudyError, match=r"unknown study 'dmeo': known are .*demo.*smoke"):
        study_from("dmeo")
    with pytest.raises(StudyError, match=r"no/where\.yml: no such file"):
        study_from("no/where.yml")


def test_run_key_depends_on_what_determines_the_result_and_nothing_else() -> None:
    study = study_from("demo")
    cell = next(study.cells())
    key = run_key(study, cell, "text", "weights")
    same = [
        replace(study, study="another", description="", datasets=("python",), seeds=(5,), workers=7),
        replace(study, training=replace(study.training, micro_batch=4, threads=2, evaluation_batch=8)),
    ]
    assert [run_key(s, cell, "text", "weights") for s in same] == [key, key]
    other = [
        run_key(study, cell, "other text", "weights"),
        run_key(study, cell, "text", "other weights"),
        run_key(study, replace(cell, data_points=9), "text", "weights"),
        run_key(study, replace(cell, seed=1), "text", "weights"),
        run_key(replace(study, context=32), cell, "text", "weights"),
        run_key(replace(study, training=replace(study.training, patience=4)), cell, "text", "weights"),
        run_key(replace(study, training=replace(study.training, precision="bf16")), cell, "text", "weights"),
    ]
    assert len({key, *other}) == 1 + len(other)


def test_the_warehouse_names_models_as_the_runner_does() -> None:
    models = (
        Model(suite="demo", size="1m"),
        Model(suite="my/own.v2.yml", size="small"),
        Model(path="some/where/suite/", tokens_per_step=1),
        Model(hub="EleutherAI/pythia-2.8b", tokens_per_step=1),
    )
    sql = (ROOT / "models/staging/stg_study_panels.sql").read_text()
    with duckdb.connect() as database:
        database.execute("create table stg_studies (study varchar, declaration json)")
        study = replace(study_from("demo"), models=models, datasets=("python",))
        database.execute("insert into stg_studies values (?, ?)", [study.study, study.declaration()])
        rows = database.execute(sql.replace("{{ ref('stg_studies') }}", "stg_studies")).fetchall()
    names = {row[3] for row in rows}
    assert names == {m.name for m in models}
    assert names == {"demo-1m", "own.v2-small", "suite", "EleutherAI/pythia-2.8b"}


@pytest.mark.parametrize(("option", "recorded"), [("", "private"), ("samples: false", "")])
def test_a_study_can_keep_its_text_to_itself(tmp_path: Path, option: str, recorded: str) -> None:
    declared = DEMO.replace("  - {suite: demo, size: 1m}", "  - {path: somewhere, tokens_per_step: 8}")
    (tmp_path / "mine.yml").write_text(f"{declared}\n{option}\n")
    study, url = study_from(str(tmp_path / "mine.yml")), str(tmp_path / "warehouse.duckdb")
    counted = {field.name: 1 for field in fields(Facts) if field.type is int}
    named = {field.name: "private" for field in fields(Facts) if field.type is str}
    with connect(url):
        pass
    declare(study, Prepared({}, {("somewhere", "python"): Facts(**counted, **named)}, {}), url, tmp_path)
    with duckdb.connect(url, read_only=True) as connection:
        assert connection.execute("select dataset, sample from raw.datasets").fetchall() == [
            ("private", recorded)
        ]
