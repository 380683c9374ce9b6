"""Every derived number of an untidy warehouse, against plain Python over the raw rows."""

import hashlib
import itertools
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.simulated import MODEL, TABLE2, simulate, transfer_loss
from warehouse.store import Record, append, connect

Row = dict[str, Any]
LAW = TABLE2["statistics textbook"]
PANEL = ("study", "dataset", "model", "method")


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, dbt: Any) -> str:
    """Two studies that share runs, one that changed its mind and one that is half done; retries, seeds."""
    url = str(tmp_path_factory.mktemp("untidy") / "warehouse.duckdb")
    grid: dict[str, Any] = {"parameters": {"text": LAW, "code": TABLE2["Enron emails"]}, "context": 64}
    simulate(
        url,
        study="wide",
        pretrain_steps=(32, 64, 128),
        data_points=(8, 16, 32, 64),
        seeds=(0, 1, 2),
        fit_min_steps=64,
        with_scratch=True,
        **grid,
    )
    simulate(url, study="narrow", pretrain_steps=(64, 128), data_points=(16, 32), **grid)
    simulate(url, study="changed", pretrain_steps=(32, 64), data_points=(8, 16), **grid)
    simulate(url, study="changed", pretrain_steps=(64, 128), data_points=(8, 16), **grid)
    with connect(url, read_only=True) as connection:
        retried = query(
            connection, "select * from raw.runs where data_points = 16 and seed = 0 order by run_id"
        )
    append(Record("retries", {"raw.runs": list(attempts(retried))}), url)
    append(Record("half", half_done(retried[0])), url)
    built = dbt(url, "build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    return url


def attempts(runs: list[Row]) -> Iterator[Row]:
    """Of every fourth run a later success, of the next a later failure, of the third an earlier one."""
    for number, run in enumerate(runs):
        later = {
            "finished_at": run["finished_at"] + timedelta(days=1),
            "started_at": run["started_at"] + timedelta(days=1),
        }
        failed = {"status": "failed", "loss": None, "error": "RunError: loss is not finite"}
        if number % 4 == 0:
            yield run | later | {"run_id": f"again-{number}", "loss": run["loss"] * 1.5}
        elif number % 4 == 1:
            yield run | later | failed | {"run_id": f"failed-later-{number}"}
        elif number % 4 == 2:
            earlier = {"finished_at": run["finished_at"] - timedelta(days=1)}
            yield run | failed | earlier | {"run_id": f"failed-before-{number}"}


def half_done(run: Row) -> dict[str, list[Row]]:
    """A study of one done, one failed and two missing runs."""
    failed = {"run_key": "failed", "status": "failed", "loss": None, "seed": 1, "data_points": 16}
    earlier = run["finished_at"] - timedelta(hours=1)
    return {
        "raw.studies": [
            {
                "study": "half",
                "declaration_digest": "h",
                "context": 64,
                "fit_min_steps": 1,
                "simulated": True,
                "declaration": {
                    "datasets": [run["dataset"]],
                    "models": [{"suite": None, "size": None, "path": f"some/where/{MODEL}/"}],
                    "methods": ["full"],
                    "pretrain_steps": [run["pretrain_steps"]],
                    "data_points": [16, 32],
                    "seeds": [0, 1],
                },
                "declared_at": datetime(2026, 5, 5, tzinfo=UTC),
            }
        ],
        "raw.study_runs": [
            {"study": "half", "declaration_digest": "h", "run_key": key}
            for key in (run["run_key"], "failed", "missing", "missing too")
        ],
        "raw.runs": [
            run | failed | {"run_id": "f1", "error": "first", "finished_at": earlier},
            run | failed | {"run_id": "f2", "error": "second"},
        ],
    }


@pytest.fixture
def connection(url: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(url, read_only=True) as connection:
        yield connection


def wanted_runs(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """By study, the runs of its latest declaration that succeeded, each at its latest success."""
    latest: dict[str, Row] = {}
    for row in query(connection, "select * from raw.studies"):
        if row["study"] not in latest or row["declared_at"] > latest[row["study"]]["declared_at"]:
            latest[row["study"]] = row
    best: dict[str, Row] = {}
    for run in query(connection, "select * from raw.runs order by run_id"):
        key = run["run_key"]
        if run["status"] == "ok" and (key not in best or run["finished_at"] > best[key]["finished_at"]):
            best[key] = run
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in query(connection, "select * from raw.study_runs"):
        if row["declaration_digest"] == latest[row["study"]]["declaration_digest"]:
            wanted[row["study"]].add(row["run_key"])
    windows = {study: row["fit_min_steps"] for study, row in latest.items()}
    return {
        study: [best[key] | {"study": study, "window": windows[study]} for key in sorted(keys) if key in best]
        for study, keys in wanted.items()
    }


def by_cell(connection: duckdb.DuckDBPyConnection) -> dict[tuple[Any, ...], list[Row]]:
    cells: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for runs in wanted_runs(connection).values():
        for run in sorted(runs, key=lambda r: r["seed"]):
            cells[(*(run[c] for c in PANEL), run["pretrain_steps"], run["data_points"])].append(run)
    return cells


def by_panel(connection: duckdb.DuckDBPyConnection) -> dict[tuple[Any, ...], list[Row]]:
    panels: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in query(connection, "select * from experiments.experiments"):
        if row["in_fit"]:
            panels[tuple(row[c] for c in PANEL)].append(row)
    return panels


def test_experiments_are_the_wanted_runs_averaged_over_seeds(connection: duckdb.DuckDBPyConnection) -> None:
    cells = by_cell(connection)
    found = query(connection, "select * from experiments.experiments")
    assert len(found) == len(cells)
    assert {row["study"] for row in found} == {"wide", "narrow", "changed", "half"}
    for row in found:
        runs = cells[(*(row[c] for c in PANEL), row["pretrain_steps"], row["data_points"])]
        losses = [run["loss"] for run in runs]
        assert row["runs"] == len(losses)
        assert row["loss"] == pytest.approx(statistics.fmean(losses), rel=1e-15)
        expected = statistics.stdev(losses) if len(losses) > 1 else None
        assert row["loss_sd"] == (expected if expected is None else pytest.approx(expected, rel=1e-12))
        assert row["flops"] == pytest.approx(sum(run["flops"] for run in runs), rel=1e-15)
        assert row["wall_s"] == pytest.approx(sum(run["wall_s"] for run in runs), rel=1e-15)
        assert row["epochs"] == statistics.fmean(run["epochs"] for run in runs)
        assert row["in_fit"] == (row["pretrain_steps"] >= max(runs[0]["window"], 1))
        assert row["tokens"] == row["data_points"] * 64
    # The later successes are among them, or their retries were not tested.
    assert sum(run["run_id"].startswith("again-") for runs in cells.values() for run in runs) > 4


def test_a_run_that_two_studies_want_is_one_run(connection: duckdb.DuckDBPyConnection) -> None:
    runs = wanted_runs(connection)
    shared = {run["run_key"] for run in runs["wide"]} & {run["run_key"] for run in runs["narrow"]}
    assert len(shared) == len(runs["narrow"]) == 8
    counted = query(connection, "select run_key, count(*) as n from staging.stg_runs group by run_key")
    assert {row["n"] for row in counted} == {1}


def test_learning_curves_have_every_epoch_of_the_attempt_that_counts(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    epochs = defaultdict(list)
    for row in query(connection, "select * from raw.epochs"):
        epochs[row["run_id"]].append(row)
    expected = {
        (study, run["run_id"], epoch["epoch"], epoch["validation_loss"], epoch["epoch"] == run["best_epoch"])
        for study, runs in wanted_runs(connection).items()
        for run in runs
        for epoch in epochs[run["run_id"]]
    }
    found = query(connection, "select * from experiments.learning_curves")
    assert {
        tuple(row[c] for c in ("study", "run_id", "epoch", "validation_loss", "is_best")) for row in found
    } == expected
    assert len(found) == len(expected) > 0


def test_fingerprints_are_of_the_fitted_losses(connection: duckdb.DuckDBPyConnection) -> None:
    panels = by_panel(connection)
    found = query(connection, "select * from experiments.fit_inputs")
    assert {tuple(row[c] for c in PANEL) for row in found} == set(panels)
    for row in found:
        points = sorted(
            (e["pretrain_steps"], e["data_points"], e["loss"]) for e in panels[tuple(row[c] for c in PANEL)]
        )
        text = ";".join(f"{p},{f},{loss:.17g}" for p, f, loss in points)
        assert row["fingerprint"] == hashlib.md5(text.encode()).hexdigest()
        assert row["n"] == len(points)
        assert row["n_steps"] == len({p for p, _, _ in points})
        assert row["n_data_points"] == len({f for _, f, _ in points})


def test_splits_are_every_pair_of_thresholds_with_points_on_both_sides(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    expected = set()
    for panel, experiments in by_panel(connection).items():
        steps = sorted({e["pretrain_steps"] for e in experiments})
        sizes = sorted({e["data_points"] for e in experiments})
        for p, f in itertools.product(steps, sizes):
            n_train = sum(e["pretrain_steps"] <= p and e["data_points"] <= f for e in experiments)
            if 0 < n_train < len(experiments):
                expected.add((*panel, p, f, n_train, len(experiments) - n_train))
    found = query(connection, "select * from cross_validation.splits order by all")
    names = (*PANEL, "max_steps", "max_data_points", "n_train", "n_test")
    assert {tuple(row[c] for c in names) for row in found} == expected
    assert len(found) == len(expected) > 0
    for panel in by_panel(connection):
        ordered = [row for row in found if tuple(row[c] for c in PANEL) == panel]
        ordered.sort(key=lambda row: (row["max_steps"], row["max_data_points"]))
        assert [row["split"] for row in ordered] == list(range(1, len(ordered) + 1))


def test_what_failed_and_what_is_missing_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    unfinished = query(connection, "select * from staging.stg_unfinished_runs order by run_key")
    assert [(r["study"], r["run_key"], r["status"], r["attempts"], r["error"]) for r in unfinished] == [
        ("half", "failed", "failed", 2, "second"),
        ("half", "missing", "missing", 0, None),
        ("half", "missing too", "missing", 0, None),
    ]
    facts = {
        row["study"]: row
        for row in query(connection, "select * exclude (declaration) from report.study_facts")
    }
    assert [facts["half"][c] for c in ("wanted", "ok", "failed", "missing")] == [4, 1, 1, 2]
    assert [facts["wide"][c] for c in ("wanted", "ok", "failed", "missing")] == [96, 96, 0, 0]
    grid = query(connection, "select * from report.table_grid where study = 'half'")
    assert [(r["model"], r["wanted"], r["ok"], r["failed"], r["missing"]) for r in grid] == [
        (MODEL, 4, 1, 1, 2)
    ]


def test_study_facts_count_what_falls(connection: duckdb.DuckDBPyConnection) -> None:
    loss = {
        (*(row[c] for c in PANEL), row["pretrain_steps"], row["data_points"]): row["loss"]
        for row in query(connection, "select * from experiments.experiments where study = 'wide'")
    }
    steps, sizes = (0, 32, 64, 128), (8, 16, 32, 64)
    falls = {"steps": 0, "points": 0}
    for dataset in ("text", "code"):
        at = {(p, f): loss["wide", dataset, MODEL, "full", p, f] for p in steps for f in sizes}
        falls["steps"] += sum(at[q, f] < at[p, f] for p, q in itertools.pairwise(steps) for f in sizes)
        falls["points"] += sum(at[p, g] < at[p, f] for p in steps for f, g in itertools.pairwise(sizes))
    (facts,) = query(connection, "select * from report.study_facts where study = 'wide'")
    assert (facts["steps_pairs"], facts["points_pairs"]) == (24, 24)
    assert (facts["steps_falls"], facts["points_falls"]) == (falls["steps"], falls["points"])
    runs = wanted_runs(connection)["wide"]
    assert facts["flops"] == pytest.approx(sum(run["flops"] for run in runs), rel=1e-14)
    assert (facts["experiments"], facts["experiments_in_fit"], facts["n_datasets"]) == (32, 16, 2)


def test_how_made_gives_all_that_occurs(connection: duckdb.DuckDBPyConnection) -> None:
    rows = query(connection, "select what, value from report.how_made where study = 'wide' order by position")
    made = {row["what"]: row["value"] for row in rows}
    runs = wanted_runs(connection)["wide"]
    assert made["commit of the runs"] == "0" * 12
    assert made["hosts of the runs"] == "1"
    assert made["compute of the runs"] == f"{sum(run['flops'] for run in runs):.3g} FLOP"
    assert made["last run ended"] == max(run["finished_at"] for run in runs).astimezone(UTC).strftime(
        "%Y-%m-%d %H:%M UTC"
    )


def test_datasets_and_models_of_a_study(connection: duckdb.DuckDBPyConnection) -> None:
    rows = query(connection, "select study, position, dataset from report.table_datasets order by all")
    assert [tuple(row.values()) for row in rows if row["study"] == "wide"] == [
        ("wide", 1, "text"),
        ("wide", 2, "code"),
    ]
    (model,) = query(connection, "select * from report.study_models where study = 'wide'")
    assert json.loads(model["steps"]) == [0, 32, 64, 128]
    assert model["tokens_per_step"] == 2_097_152


def test_a_new_fit_is_seen_without_a_build_and_a_changed_one_is_stale(url: str) -> None:
    with connect(url, read_only=True) as connection:
        inputs = query(
            connection, "select * from experiments.fit_inputs where study = 'wide' order by dataset"
        )
    append(Record("fits", fits(inputs)), url)
    with connect(url, read_only=True) as connection:
        parameters = query(connection, "select * from report.table_parameters order by all")
        assert {(r["dataset"], r["stale"]) for r in parameters} == {("code", False), ("text", True)}
        assert [r["estimate"] for r in parameters if (r["dataset"], r["parameter"]) == ("text", "A")] == [
            LAW["A"]
        ]
        assert {(r["delta"], r["replicates"], r["resample"], r["starts"]) for r in parameters} == {
            (1e-3, 3, "rows", 4500)
        }
        intervals = query(connection, "select * from report.table_intervals")
        assert len(intervals) == len(parameters) == 2 * 5
        sections = query(connection, "select * from report.figure_cross_sections where study = 'wide'")
        both = [r for r in sections if r["fitted"] is not None and r["loss"] is not None]
        assert {(r["pretrain_steps"], r["data_points"]) for r in both} == {(64.0, 8), (128.0, 8)}
        assert sum(r["loss"] is not None for r in sections) == 32
        assert len(query(connection, "select * from report.figure_iso_loss")) == 2 * 3
        worth = query(connection, "select * from report.pretraining_worth")
        for row in worth:
            near, far = (transfer_loss(LAW | {"beta": 0.0, "E": 0.0}, p, 1.0) for p in (64, 128))
            assert row["multiplier"] == pytest.approx((near / far) ** (1 / LAW["beta"]), rel=1e-12)
        made = query(connection, "select * from report.how_made where study = 'wide' and position = 2")
        assert [r["value"] for r in made] == ["abc with uncommitted changes"]


def fits(inputs: list[Row]) -> dict[str, list[Row]]:
    """Two fits for each input, the older with other values; of `text` the input has changed since."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row, age in itertools.product(inputs, (0, 1)):
        fit_id = f"{row['dataset']}-{age}"
        law = LAW if age == 0 else dict.fromkeys(LAW, 1.0)
        rows["analysis.fits"].append(
            {column: row[column] for column in PANEL}
            | {
                "fit_id": fit_id,
                "law": "transfer",
                "options": {"delta": 1e-3, "replicates": 3, "resample": "rows"},
                "n": row["n"],
                "objective": 0.5,
                "mean_absolute_error": 0.01,
                "mean_relative_error": 0.005,
                "status": "converged",
                "credentials": {"starts": 4500},
                "input_fingerprint": "of before" if row["dataset"] == "text" else row["fingerprint"],
                "provenance": {"commit": "abc", "dirty": True, "python": "3.11.0", "packages": {}},
                "made_at": datetime(2026, 6, 6, tzinfo=UTC) - timedelta(days=age),
            }
        )
        for name, value in law.items():
            rows["analysis.parameters"].append(
                {
                    "fit_id": fit_id,
                    "parameter": name,
                    "estimate": value,
                    "standard_error": 0.1,
                    "lower": value - 0.2,
                    "upper": value + 0.2,
                    "interval_method": "percentile",
                    "status": "identified",
                }
            )
            rows["analysis.bootstrap"] += [
                {"fit_id": fit_id, "replicate": r, "parameter": name, "value": value} for r in range(3)
            ]
        rows["analysis.predictions"] += [
            {"fit_id": fit_id, "pretrain_steps": p, "data_points": f, "loss": 3.0, "lower": 2.9, "upper": 3.1}
            for p, f in ((64.0, 8.0), (128.0, 8.0), (90.5, 11.3))
        ]
    return rows
