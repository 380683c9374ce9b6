"""`python -m report`: figures and tables as files, and one clear line where there is nothing to report on."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from report import parts, style
from tests.report.conftest import LAWS, run
from tests.workplace import ROOT

# What needs more of the analysis than `fit`; of a table without rows the CSV has its header.
WANTING = {"table_forms", "figure_model_size"}
FIGURES = sorted(set(parts.FIGURES) - WANTING)
TABLES = sorted(set(parts.TABLES) - WANTING)


@pytest.fixture(scope="module")
def folder(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the whole study."""
    folder = tmp_path_factory.mktemp("files") / "deep" / "folder"
    done = run(fitted, "report", "--output", str(folder))
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder


def test_every_figure_and_table_is_written(fitted: Path, folder: Path) -> None:
    found = {path.name for path in folder.glob("*/*")}
    assert found == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg", "pdf")} | {
        f"{name}.{kind}" for name in TABLES for kind in ("html", "csv")
    } | {f"{name}.csv" for name in WANTING & set(parts.TABLES)}
    assert (folder / "figures" / "figure_losses.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "figures" / "figure_losses.pdf").read_bytes().startswith(b"%PDF")
    assert "http" not in (folder / "tables" / "table_grid.html").read_text()
    with duckdb.connect(fitted, read_only=True) as connection:
        (rows,) = connection.execute(
            "select count(*) from report.table_intervals where study = 'demo'"
        ).fetchone()
    assert len(pd.read_csv(folder / "tables" / "table_intervals.csv")) == rows > 0


def test_the_same_rows_give_the_same_bytes(fitted: Path, folder: Path, tmp_path: Path) -> None:
    assert run(fitted, "report", "--output", str(tmp_path)).returncode == 0
    for path in sorted(folder.glob("*/*")):
        assert path.read_bytes() == (tmp_path / path.parent.name / path.name).read_bytes(), path


PICTURES = re.findall(r"!\[[^\]]+\]\((docs/\w+\.png)\)", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("picture", PICTURES)
def test_the_readmes_pictures_are_what_the_report_draws(folder: Path, picture: str) -> None:
    # The losses are the demo's own; the study here has its name and datasets, so that all else must agree.
    with Image.open(ROOT / picture) as shown:
        name, description, size = shown.info["Title"], shown.info["Description"], shown.size
        colours = {colour for _, colour in shown.convert("RGB").getcolors(2**24)}
    with Image.open(folder / "figures" / f"{name}.png") as drawn:
        assert description == drawn.info["Description"]
        np.testing.assert_allclose(size, drawn.size, rtol=0.02)
    for colour in style.palette(LAWS).values():
        darkest = tuple(round(255 * channel) for channel in style.shades(colour, 3)[-1])
        assert any(max(abs(a - b) for a, b in zip(darkest, one, strict=True)) < 3 for one in colours)


def test_tables_show_what_sql_says(fitted: Path, folder: Path) -> None:
    html = (folder / "tables" / "table_parameters.html").read_text()
    html = html.replace("\u2007", "").replace("\u00a0", " ")
    intervals = (folder / "tables" / "table_intervals.html").read_text()
    intervals = intervals.replace("\u2007", "").replace("\u00a0", " ")
    with duckdb.connect(fitted, read_only=True) as connection:
        rows = connection.execute(
            "select estimate, standard_error, lower, upper from analysis.parameters "
            "where interval_method = 'percentile' and status = 'identified'"
        ).fetchall()
    assert len(rows) > 10
    for estimate, error, lower, upper in rows:
        decimals = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
        assert f"{estimate:.{decimals}f} ({error:.{decimals}f})" in html
        decimals = max(0, -int(f"{min(error, (upper - lower) / 4):.0e}".partition("e")[2]))
        assert f"[{lower:.{decimals}f}, {upper:.{decimals}f}]" in intervals


def test_what_is_missing_is_said_and_the_rest_written(unfitted: Path, tmp_path: Path) -> None:
    done = run(unfitted, "report", "--study", "pairs", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "figure_iso_loss         No law has been fitted to this study yet" in done.stdout
    assert not (tmp_path / "figures" / "figure_iso_loss.png").exists()
    assert (tmp_path / "figures" / "figure_cross_sections.png").exists()


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    return done.stderr


def test_an_unknown_study_is_refused_with_the_known_ones(unfitted: Path, tmp_path: Path) -> None:
    done = run(unfitted, "report", "--study", "dmeo", "--output", str(tmp_path / "out"))
    assert (
        refused(done)
        == "error: unknown study 'dmeo': the warehouse knows demo, many, narrow, pairs, theirs\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_missing_warehouse_is_refused_and_not_made(tmp_path: Path) -> None:
    assert "no such warehouse" in refused(run(tmp_path / "none.duckdb", "report"))
    assert not list(tmp_path.iterdir())


def test_a_warehouse_without_models_is_refused(tmp_path: Path) -> None:
    url = tmp_path / "warehouse.duckdb"
    assert run(url, "warehouse", "migrate").returncode == 0
    assert "run `dbt build`" in refused(run(url, "report"))


def test_a_renamed_warehouse_is_refused(unfitted: Path, tmp_path: Path) -> None:
    # dbt's views name the database that they were built in.
    shutil.copy(unfitted, tmp_path / "renamed.duckdb")
    assert "run `dbt build`" in refused(run(tmp_path / "renamed.duckdb", "report"))


def test_a_folder_that_cannot_be_written_is_refused(unfitted: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(run(unfitted, "report", "--output", str(tmp_path / "file" / "out")))


def test_a_study_that_was_only_declared_is_known(
    unfitted: Path, changed: Callable[..., Path], tmp_path: Path
) -> None:
    declaration = json.dumps(
        {"pretrain_steps": [1], "data_points": [2], "datasets": ["python"], "seeds": [0]}
    )
    url = changed(
        unfitted,
        "insert into raw.studies values "
        f"('declared', 'd', 64, 1, false, '{declaration}', timestamptz '2026-01-01 00:00:00+00')",
    )
    done = run(url, "report", "--study", "declared", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "No run of this study has succeeded yet" in done.stdout


@pytest.mark.parametrize("name", FIGURES)
def test_svg_letters_are_outlines(folder: Path, name: str) -> None:
    # A reader's machine need not have the font.
    svg = (folder / "figures" / f"{name}.svg").read_text()
    assert "<text" not in svg
    assert svg.count("<use") > 20
