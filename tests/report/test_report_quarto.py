"""The manuscript through quarto itself, where it is installed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workplace import ROOT

pytestmark = [
    pytest.mark.quarto,
    pytest.mark.skipif(shutil.which("quarto") is None, reason="quarto is not on PATH"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the manuscript needs, so that rendering leaves the checkout as it is."""
    folder = tmp_path_factory.mktemp("project")
    for room in ("report", "warehouse"):
        ignored = shutil.ignore_patterns("_output", ".quarto", "__pycache__")
        shutil.copytree(ROOT / room, folder / room, ignore=ignored)
    return folder


def render(project: Path, url: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["quarto", "render", "report/", *arguments],
        cwd=project,
        env=os.environ
        | {"TRANSFER_LAWS_WAREHOUSE": str(url), "QUARTO_PYTHON": sys.executable, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def pages(project: Path, fitted: Path) -> Path:
    """The folder with the rendered HTML and PDF of the whole study."""
    done = render(project, fitted)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"warn|unable to resolve", said, re.IGNORECASE), said
    return project / "report" / "_output"


def test_html_stands_alone(pages: Path) -> None:
    html = (pages / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|srcset)=["']?(?:https?:)?//""", html)
    assert not re.search(r"""<link[^>]+href=["']?(?:https?:)?//""", html)
    assert not re.search(r"""url\(["']?(?:https?:)?//""", html)
    assert html.count("<math") > 10
    assert len(html) < 15_000_000


def test_references_are_links_to_numbered_things(pages: Path) -> None:
    html = (pages / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\?@(fig|tbl|eq)-", html)
    for number in (1, 2, 3):
        assert re.search(rf"Figure(?:&nbsp;|\s){number}</a>", html)
        assert re.search(rf"Equation(?:&nbsp;|\s){number}</a>", html) or number > 1
    assert html.count("<figcaption") >= 8
    assert all(len(alt) > 60 for alt in re.findall(r'<img[^>]+alt="([^"]*)"', html))


def test_the_order_of_the_tables_is_the_papers(pages: Path) -> None:
    captions = re.findall(
        r"Table(?:&nbsp;|\s)(\d): ([\w ]+)", (pages / "index.html").read_text(encoding="utf-8")
    )
    opening = {int(number): text for number, text in captions}
    assert opening[1].startswith("The datasets")
    assert opening[2].startswith("Fitted parameters")
    assert opening[3].startswith("Percentile intervals")
    assert opening[4].startswith("The grid of runs")


def test_pdf_has_pages(pages: Path) -> None:
    pdf = (pages / "index.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 50_000


def test_a_study_without_fits_renders_without_a_warning(project: Path, unfitted: Path) -> None:
    done = render(project, unfitted, "-P", "study:pairs")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"warn|unable to resolve", said, re.IGNORECASE), said
    html = (project / "report" / "_output" / "index.html").read_text(encoding="utf-8")
    assert "No law has been fitted to this study yet" in html
    assert not re.search(r"\?@(fig|tbl|eq)-", html)


def test_an_unknown_study_ends_in_one_clear_line(project: Path, unfitted: Path) -> None:
    done = render(project, unfitted, "--to", "html", "-P", "study:dmeo")
    assert done.returncode != 0
    assert "error: unknown study 'dmeo': the warehouse knows demo, many, narrow, pairs, theirs" in done.stderr
    assert "line 12" not in done.stderr
