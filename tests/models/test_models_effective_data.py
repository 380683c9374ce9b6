"""Effective data, from raw runs to `python -m analysis transfer`, where the truth is known in closed form."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.allocate import Coefficients
from analysis.transfer import closed_form_multiplier
from tests.simulated import MODEL, simulate
from warehouse.store import connect

STEPS, SIZES, CONTEXT = (1, 4, 16, 64), (10, 20, 40, 80, 160, 320, 640), 16
SHIFTED = {"A": 2.0, "G": 1.0, "alpha": 0.3, "beta": 0.5, "E": 0.0}
LAWS = {
    "without floor": SHIFTED,
    "floor": SHIFTED | {"E": 1.0},
    "hurts": SHIFTED | {"A": 1.0, "alpha": -0.1},
    "lower floor": SHIFTED | {"E": 1.0},
    "sizes": SHIFTED,
}
HERNANDEZ = {"alpha": 0.18, "beta": 0.38}
K = {1: 2.0, 4: 4.0, 16: 8.0, 64: 10.0}
N = {MODEL: 800_000, "large": 80_000_000}

Row = dict[str, Any]


def exact_loss(dataset: str, model: str, p: int, f: int) -> float:
    """What the shifted law gives without noise; two datasets depart from it once pre-training begins."""
    law = LAWS[dataset]
    if dataset == "sizes":
        tokens = f * CONTEXT
        transferred = K[p] * tokens ** HERNANDEZ["alpha"] * N[model] ** HERNANDEZ["beta"] if p else 0.0
        return 10.0 * ((tokens + transferred) / CONTEXT) ** -0.5
    floor = 0.9 if dataset == "lower floor" and p else law["E"]
    return (law["A"] * (p + 1) ** -law["alpha"] + law["G"]) * f ** -law["beta"] + floor


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, dbt: Any) -> str:
    url = str(tmp_path_factory.mktemp("effective") / "warehouse.duckdb")
    simulate(
        url, parameters=LAWS, pretrain_steps=STEPS, data_points=SIZES, with_scratch=True, context=CONTEXT
    )
    with connect(url) as connection:
        connection.execute("create temp table larger as select * from raw.runs where dataset = 'sizes'")
        connection.execute(
            "update larger set run_key = 'large ' || run_key, run_id = 'large ' || run_id, model = 'large', "
            f"n_params_non_embedding = {N['large']}"
        )
        connection.execute(
            "insert into raw.study_runs select study, declaration_digest, 'large ' || run_key "
            "from raw.study_runs semi join (select substr(run_key, 7) as run_key from larger) using (run_key)"
        )
        connection.execute("insert into raw.runs select * from larger")
        runs = connection.execute(
            "select run_id, dataset, model, pretrain_steps, data_points from raw.runs"
        ).fetchall()
        connection.executemany(
            "update raw.runs set loss = ? where run_id = ?", [(exact_loss(*run[1:]), run[0]) for run in runs]
        )
    built = dbt(url, "build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    return url


@pytest.fixture(scope="module")
def said(url: str) -> Row:
    """What the command prints, once for all tests here."""
    folder = Path(url).parent
    with (folder / "said.json").open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        assert main(["transfer", "--warehouse", url, "--replicates", "40", "--json"]) == 0
    loaded: Row = json.loads((folder / "said.json").read_text())
    return loaded


def of(said: Row, dataset: str) -> list[Row]:
    return [row for row in said["experiments"] if row["dataset"] == dataset]


def test_the_measured_curve_gives_the_closed_form(said: Row) -> None:
    law = Coefficients(**LAWS["without floor"])
    rows = of(said, "without floor")
    assert len(rows) == len(STEPS) * len(SIZES)
    assert {row["reading"] for row in rows} == {"interpolated", "extrapolated"}
    for row in rows:
        multiplier = float(closed_form_multiplier(law, row["pretrain_steps"]))
        inside = row["data_points"] * multiplier <= SIZES[-1]
        assert row["reading"] == ("interpolated" if inside else "extrapolated")
        # A power law is straight in logarithms; beyond the curve it is fitted.
        assert row["multiplier"] == pytest.approx(multiplier, rel=1e-9 if inside else 1e-4)
        effective = row["data_points"] * row["multiplier"]
        assert row["effective_points"] == pytest.approx(effective)
        assert row["transferred_tokens"] == pytest.approx((effective - row["data_points"]) * CONTEXT)
        assert row["fraction"] == pytest.approx(1 - 1 / row["multiplier"])
        assert (row["ossified"], row["stale"]) == (False, False)


def test_with_a_floor_the_law_beyond_the_curve_is_exact_and_the_curve_close(said: Row) -> None:
    law = Coefficients(**LAWS["floor"])
    for row in of(said, "floor"):
        multiplier = float(closed_form_multiplier(law, row["pretrain_steps"]))
        exact = row["reading"] == "extrapolated"
        assert row["multiplier"] == pytest.approx(multiplier, rel=1e-4 if exact else 0.03)
        if exact:
            assert row["lower"] <= row["effective_points"] * (1 + 1e-4)


def test_effective_data_rise_with_data_and_with_pre_training(said: Row) -> None:
    for dataset in ("without floor", "floor"):
        found = {
            (row["pretrain_steps"], row["data_points"]): row["effective_points"] for row in of(said, dataset)
        }
        for p, q in itertools.pairwise(STEPS):
            assert all(found[p, f] < found[q, f] for f in SIZES)
        for f, g in itertools.pairwise(SIZES):
            assert all(found[p, f] < found[p, g] for p in STEPS)


def test_pre_training_that_hurts_is_ossification(said: Row) -> None:
    for row in of(said, "hurts"):
        assert row["ossified"] is True
        assert row["loss"] > row["loss_from_scratch"]
        if row["reading"] == "censored":
            assert (row["at_most_points"], row["effective_points"]) == (SIZES[0], None)
        else:
            assert row["transferred_points"] < 0
    assert {row["reading"] for row in of(said, "hurts")} == {"censored", "interpolated"}


def test_a_loss_below_the_floor_of_the_curve_is_censored(said: Row) -> None:
    rows = of(said, "lower floor")
    for row in rows:
        below = row["loss"] < 1.0
        assert (row["reading"] == "censored") == below
        if below:
            assert (row["effective_points"], row["at_least_points"]) == (None, SIZES[-1])
            assert row["ossified"] is False
    assert sum(row["reading"] == "censored" for row in rows) >= 2


def test_hernandez_s_law_over_two_sizes(said: Row, url: str) -> None:
    (law,) = [one for one in said["laws"] if one["dataset"] == "sizes"]
    assert law["model"] == f"{MODEL}, large"
    assert law["reason"] is None
    estimates = {symbol: one["value"] for symbol, one in law["parameters"].items()}
    assert estimates == pytest.approx(HERNANDEZ | {"k": K[64]}, rel=1e-6)
    outside = sum(row["reading"] != "interpolated" for row in of(said, "sizes"))
    assert law["n"] == 2 * len(STEPS) * len(SIZES) - outside
    assert law["left_out"]["outside the from-scratch curve"] == outside > 0
    with connect(url, read_only=True) as connection:
        rows = connection.execute(
            "select parameter, estimate, interval_method from analysis.parameters where fit_id = "
            "(select fit_id from analysis.fits where law = 'effective-data' and dataset = 'sizes')"
        ).fetchall()
    assert {row[0]: row[1] for row in rows} == pytest.approx(estimates)
    assert {row[2] for row in rows} == {"cluster-robust"}


def test_one_size_is_fitted_without_it_and_none_transferred_is_said(said: Row) -> None:
    laws = {one["dataset"]: one for one in said["laws"]}
    assert set(laws["without floor"]["parameters"]) == {"k", "alpha"}
    # D_T is a fixed multiple of D_F under the closed form.
    assert laws["without floor"]["parameters"]["alpha"]["value"] == pytest.approx(1.0, abs=1e-6)
    assert laws["hurts"]["reason"] == "no experiment transfers data inside the measured from-scratch curve"


def test_again_changes_nothing_and_a_changed_curve_is_stale_until_then(url: str, said: Row, dbt: Any) -> None:
    assert said["curves"]
    query = "select fit_id, law, dataset from analysis.fits order by all"
    with connect(url, read_only=True) as connection:
        before = connection.execute(query).fetchall()
    assert main(["transfer", "--warehouse", url, "--replicates", "40"]) == 0
    with connect(url) as connection:
        assert connection.execute(query).fetchall() == before
        connection.execute(
            "update raw.runs set loss = loss * 1.01 "
            "where dataset = 'floor' and pretrain_steps = 0 and data_points = 80"
        )
    assert dbt(url, "run").returncode == 0
    stale = "select distinct dataset from report.data_transferred where stale"
    with connect(url, read_only=True) as connection:
        assert connection.execute(stale).fetchall() == [("floor",)]
    assert main(["transfer", "--warehouse", url, "--replicates", "40"]) == 0
    with connect(url, read_only=True) as connection:
        assert connection.execute(stale).fetchall() == []


def test_what_is_missing_is_one_line(tmp_path: Path, dbt: Any, capsys: pytest.CaptureFixture[str]) -> None:
    url = str(tmp_path / "warehouse.duckdb")
    simulate(url, parameters={"d": SHIFTED}, pretrain_steps=STEPS, data_points=SIZES)
    assert main(["transfer", "--warehouse", url]) == 2
    assert capsys.readouterr().err == (
        "error: the warehouse has no experiments.scratch_curves yet: run `dbt build` first\n"
    )
    assert dbt(url, "build", "--resource-type", "model", "--resource-type", "seed").returncode == 0
    assert main(["transfer", "--warehouse", url]) == 2
    assert capsys.readouterr().err.startswith("error: no study has a from-scratch curve")
    simulate(
        url,
        parameters={"d": SHIFTED},
        study="t",
        pretrain_steps=STEPS,
        data_points=SIZES[:2],
        with_scratch=True,
    )
    assert dbt(url, "build", "--resource-type", "model", "--resource-type", "seed").returncode == 0
    assert main(["transfer", "--warehouse", url, "--study", "simulated"]) == 2
    assert capsys.readouterr().err == "error: no from-scratch curve of study 'simulated'; known: t\n"
    assert main(["transfer", "--warehouse", url]) == 2
    said = capsys.readouterr()
    assert "error: t · d · drawn · full: the from-scratch curve: 2 points cannot fit" in said.err
    assert "censored" in said.out
