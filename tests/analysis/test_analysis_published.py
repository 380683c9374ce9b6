"""Published fits of other people's data are met or beaten; skipped where the shared folder is not there."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from analysis import fit, laws

SHARED = Path(os.environ.get("TRANSFER_LAWS_SHARED", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published data at {SHARED}")


def gemstones(name):
    rows = [json.loads(line) for line in (SHARED / f"{name}.jsonl").read_text().splitlines()]
    variables = {"N": [row["params_active_precise"] for row in rows], "D": [row["tokens"] for row in rows]}
    return variables, [row["final_loss"] for row in rows], [row["run_name"] for row in rows]


@pytest.mark.parametrize(
    ("name", "published"), [("gemstones_hot", 0.0019816129), ("gemstones_cool_end", 0.0019640865)]
)
def test_objectives_are_met(name, published):
    variables, loss, _ = gemstones(name)
    # Published to ten decimals.
    assert fit(laws["chinchilla"], variables, loss).objective <= published + 5e-11


def test_rows_of_one_run_are_not_independent():
    variables, loss, runs = gemstones("gemstones_hot")
    result = fit(laws["chinchilla"], variables, loss)
    rows = result.bootstrap(200).standard_errors["alpha"]
    clusters = result.bootstrap(200, cluster=runs).standard_errors["alpha"]
    assert rows == pytest.approx(0.017, abs=0.006)
    assert clusters > 2.5 * rows


def test_the_floor_of_lin2024_is_not_identified():
    with (SHARED / "lin2024_flan.csv").open() as file:
        rows = list(csv.DictReader(file))
    sizes = [column for column in rows[0] if column.isdigit() and int(column) > 0]
    for row in rows[::6]:
        loss = np.array([float(row[size]) for size in sizes])
        result = fit(laws["power-floor"], {"f": [float(size) for size in sizes]}, loss)
        assert result.parameter_status["E"] == "not identified"
        assert 0.0 < result.profiles["E"].bound < loss.min()


def test_the_extrapolation_of_the_ladder_agrees_with_the_published_one():
    with (SHARED / "olmo_ladder_c4.csv").open() as file:
        rows = list(csv.DictReader(file))
    train = [row for row in rows if row["split"] == "train"]
    (target,) = [row for row in rows if row["split"] != "train" and row["config"].startswith("13B")]
    columns = {symbol: [float(row[symbol]) for row in train] for symbol in ("N", "D")}
    result = fit(laws["chinchilla"], columns, [float(row["c4_loss"]) for row in train])
    (prediction,) = result.predict({symbol: [float(target[symbol])] for symbol in ("N", "D")})
    assert prediction == pytest.approx(2.34439, abs=0.02)
