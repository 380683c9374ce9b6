"""The manuscript through quarto, where it is installed, and its page in a browser, where there is one."""

import base64
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from analysis.allocate import allocate
from analysis.allocate_io import coefficients, fitted_laws
from report import sources
from tests.workplace import ROOT

pytestmark = [
    pytest.mark.quarto,
    pytest.mark.skipif(shutil.which("quarto") is None, reason="quarto is not on PATH"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the manuscript needs, so that rendering leaves the checkout as it is."""
    folder = tmp_path_factory.mktemp("project")
    for room in ("report", "warehouse", "models"):
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
def pages(project: Path, fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the rendered HTML and PDF of the whole study."""
    done = render(project, fitted)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"warn|unable to resolve", said, re.IGNORECASE), said
    kept = tmp_path_factory.mktemp("pages") / "kept"
    return Path(shutil.copytree(project / "report" / "_output", kept))


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


def test_every_page_says_that_the_study_is_simulated(pages: Path) -> None:
    with pypdfium2.PdfDocument(pages / "index.pdf") as pdf:
        texts = [page.get_textpage().get_text_bounded() for page in pdf]
    assert len(texts) > 5
    assert all("Simulated: no model was trained" in text for text in texts)
    html = (pages / "index.html").read_text(encoding="utf-8")
    assert re.search(r"<title>[^<]*\(simulated\)</title>", html)


def test_the_rows_behind_every_part_are_in_the_page(pages: Path, fitted: Path) -> None:
    html = (pages / "index.html").read_text(encoding="utf-8")
    blocks = dict(re.findall(r'<details class="behind" data-of="([^"]+)">(.*?)</details>', html, re.DOTALL))
    assert (
        {"fig-losses", "fig-iso-loss", "tbl-parameters", "tbl-made"} <= set(blocks) <= set(sources.labels())
    )
    links = re.compile(r'download="demo-(\w+)\.(csv\.gz|parquet)" href="data:[\w./+-]+;base64,([^"]+)"')
    found = {(model, kind): base64.b64decode(data) for model, kind, data in links.findall(html)}
    with duckdb.connect(fitted, read_only=True) as connection:
        for model in ("figure_losses", "figure_iso_loss", "table_parameters"):
            rows = connection.execute(sources.query(model, "demo")).df()
            csv = pd.read_csv(io.BytesIO(gzip.decompress(found[model, "csv.gz"])))
            parquet = pd.read_parquet(io.BytesIO(found[model, "parquet"]))
            pd.testing.assert_frame_equal(parquet, rows, check_dtype=False)
            assert list(csv.columns) == list(rows.columns)
            assert len(csv) == len(rows) > 0


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


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Opened:
    """The page as a reader has it, and the errors and the requests of its opening."""

    page: Page
    errors: list[str]
    asked: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        # Without a GPU, WebGL is drawn by the processor.
        arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, pages: Path) -> Opened:
    page = browser.new_page(viewport={"width": 1000, "height": 800}, color_scheme="light")
    errors, asked = [], []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((pages / "index.html").as_uri())
    page.locator("#explorer").scroll_into_view_if_needed()
    page.wait_for_selector("#explorer-curve .main-svg", timeout=60_000)
    return Opened(page, errors, asked)


@pytest.fixture
def page(opened: Opened) -> Iterator[Page]:
    yield opened.page
    opened.page.emulate_media(color_scheme="light")
    opened.page.set_viewport_size({"width": 1000, "height": 800})


def test_the_page_has_no_error_and_asks_nobody(opened: Opened) -> None:
    assert opened.errors == []
    assert {url.partition(":")[0] for url in opened.asked} <= {"file", "data", "blob"}
    assert len([url for url in opened.asked if url.startswith("file:")]) == 1


@pytest.mark.parametrize("width", [360, 1000, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    # Plotly draws anew a moment later.
    page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(f"document.body.classList.contains('quarto-{scheme}')")
    faults = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []


def test_the_page_is_dark_where_its_reader_is_and_a_click_turns_it(page: Page) -> None:
    lightest = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"
    page.wait_for_function(f"{lightest} > 200")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{lightest} < 50")
    page.click(".quarto-color-scheme-toggle")
    page.wait_for_function(f"{lightest} > 200")
    page.click(".quarto-color-scheme-toggle")
    page.wait_for_function(f"{lightest} < 50")
    page.evaluate("localStorage.clear()")


def test_that_the_study_is_simulated_stays_in_sight(page: Page) -> None:
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    said = page.locator(".simulated").bounding_box()
    assert said is not None
    assert 0 <= said["y"] < 100


def test_what_stands_behind_a_part_is_folded_under_it(page: Page) -> None:
    misplaced = "one => document.getElementById(one.dataset.of) !== one.previousElementSibling"
    assert page.evaluate(f"[...document.querySelectorAll('.behind')].filter({misplaced}).length") == 0
    page.locator("details[data-of=tbl-parameters] summary").click()
    with page.expect_download() as download:
        page.locator("details[data-of=tbl-parameters] a", has_text="CSV").click()
    assert download.value.suggested_filename == "demo-table_parameters.csv"
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("study,")


@pytest.mark.parametrize("asked", [(512.0, 1.0, 4.0), (3000.0, 0.2, 40.0), (60.0, 2.0, 0.5)])
def test_the_explorer_divides_a_budget_as_analysis_does(
    page: Page, fitted: Path, asked: tuple[float, float, float]
) -> None:
    (law,) = fitted_laws(str(fitted), "demo", "python")
    best = allocate(coefficients(law.estimate), *asked)
    each = allocate(coefficients(law.replicates), *asked)
    page.select_option("#explorer-panel", label="python")
    for name, value in zip(("budget", "step", "point"), asked, strict=True):
        page.locator(f"#explorer-{name}").evaluate(
            "(slider, x) => { slider.value = Math.log10(x); slider.dispatchEvent(new Event('input')) }", value
        )
    page.evaluate("new Promise(requestAnimationFrame)")
    for name, scale in (("steps", 1), ("points", 1), ("share", 100), ("loss", 1)):
        numbers = re.findall(r"\d[\d,]*\.?\d*(?:e-?\d+)?", page.inner_text(f"#explorer-{name}"))
        shown = [float(number.rstrip(",").replace(",", "")) for number in numbers]
        ends = np.quantile(getattr(each, name), (0.025, 0.975))
        np.testing.assert_allclose(shown, scale * np.array([getattr(best, name), *ends]), rtol=6e-3)
    exact = page.evaluate(
        "asked => transferLaw.allocate(JSON.parse(document.getElementById('explorer-data').textContent)"
        ".find(panel => panel.name === 'python').estimate, ...asked)",
        asked,
    )
    for name, value in exact.items():
        np.testing.assert_allclose(value, getattr(best, name), rtol=1e-3)
    (drawn,) = page.evaluate("document.getElementById('explorer-trade').data.at(-1).x")
    np.testing.assert_allclose(drawn, best.steps, rtol=1e-3)
