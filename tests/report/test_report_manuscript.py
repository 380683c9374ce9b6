"""The manuscript on a whole study and on partial ones: every cell runs, every reference resolves."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from great_tables import GT

from report import parts
from tests.report import manuscript
from tests.report.manuscript import CELL, INLINE, REPORT, Rendered, options, render

Changed = Callable[..., Path]
MATHS = re.compile(r"\$\$.*?\$\$|\$[^$]+\$", re.DOTALL)
CITED = re.compile(r"@((?!fig-|tbl-|eq-|sec-)[a-z]+[0-9]{4})")
REFERRED = re.compile(r"@((?:fig|tbl|eq)-[a-z-]+)")
LABELS = {options(cell).get("label", "") for cell in CELL.findall(manuscript.source())}
FIGURES = {label for label in LABELS if label.startswith("fig-")}
TABLES = {label for label in LABELS if label.startswith("tbl-")}
# What needs more of the analysis than `fit`, or more than one size of model.
WANTING = {"tbl-forms", "fig-model-size"}


@pytest.fixture
def whole(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    return render(fitted, "demo", monkeypatch)


def test_every_cell_runs_and_every_figure_and_table_is_there(whole: Rendered) -> None:
    assert set(whole.figures) == FIGURES - WANTING
    assert {label for label, thing in whole.shown.items() if isinstance(thing, GT)} == TABLES - WANTING
    drawn = re.findall(r"""parts\.(?:figure|table)\("(\w+)", rows\)""", manuscript.source())
    assert sorted(drawn) == sorted([*parts.FIGURES, *parts.TABLES])
    assert "None" not in whole.text
    assert not re.search(r"\bnan\b", whole.text)


def test_every_reference_resolves_and_every_label_is_referred_to(whole: Rendered) -> None:
    text = manuscript.source()
    labels = {options(cell)["label"] for cell in CELL.findall(text) if "label" in options(cell)}
    labels |= set(re.findall(r"\{#(eq-[a-z-]+)\}", text))
    referred = set(REFERRED.findall(whole.text)) | set(REFERRED.findall(text))
    assert referred <= labels
    assert {label for label in labels if label.startswith(("fig-", "tbl-"))} <= referred


def test_every_citation_is_in_the_bibliography_and_the_other_way_round() -> None:
    written = manuscript.source() + "".join(path.read_text() for path in REPORT.rglob("*.py"))
    known = set(re.findall(r"^@[a-z]+\{([a-z0-9]+),", (REPORT / "references.bib").read_text(), re.MULTILINE))
    assert set(CITED.findall(written)) == known


@pytest.mark.parametrize("option", ["fig-alt", "fig-cap"])
def test_every_figure_is_described(option: str) -> None:
    cells = [options(cell) for cell in CELL.findall(manuscript.source())]
    figures = [cell for cell in cells if cell.get("label", "").startswith("fig-")]
    assert len(figures) == len(FIGURES)
    assert all(len(cell[option]) > 60 for cell in figures)


# Digits that are no measurement: the level of the intervals and the name of a random initialisation.
FIXED = re.compile(r"95 %|\b0 steps")


def test_no_number_is_typed_by_hand_in_the_manuscript() -> None:
    text = manuscript.source().split("---", 2)[2]
    captions = " ".join(value for cell in CELL.findall(text) for value in options(cell).values())
    prose = INLINE.sub("", CELL.sub("", text)) + captions
    prose = re.sub(r"\[eq\. \d+\]", "", CITED.sub("", MATHS.sub("", prose)))
    assert not re.findall(r".{0,20}\d.{0,20}", FIXED.sub("", prose))


@pytest.mark.parametrize(
    "name", ["phrases.py", "parts.py", *(f"prose/{path.name}" for path in (REPORT / "prose").glob("*.py"))]
)
def test_no_number_is_typed_by_hand_in_computed_prose(name: str) -> None:
    tree = ast.parse((REPORT / name).read_text())
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef)]
    apart = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    apart |= {id(part) for node in formatted for part in node.values}
    texts = [
        "".join(part.value for part in node.values if isinstance(part, ast.Constant)) for node in formatted
    ]
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in apart]
    texts += [node.value for node in constants if isinstance(node.value, str)]
    for text in texts:
        left = FIXED.sub("", CITED.sub("", MATHS.sub("", " ".join(text.split()))))
        assert not re.search(r"\d", left), text


def test_a_simulated_study_says_so_before_all_else(whole: Rendered) -> None:
    assert whole.text.index("Simulated") < whole.text.index("# The law")
    assert "No model was trained" in whole.text


def test_a_study_without_fits_renders_with_a_sentence_for_each_part(
    unfitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = render(unfitted, "demo", monkeypatch)
    of_runs = {"fig-losses", "fig-cross-sections", "fig-epochs", "fig-splits", "fig-transferred"}
    assert set(rendered.figures) == of_runs
    assert "python -m analysis fit" in rendered.text
    for label in ("tbl-parameters", "tbl-intervals", "fig-iso-loss", "fig-exchange", "fig-allocation"):
        assert "No law has been fitted" in rendered.shown[label].data
    titles = [axes.get_title(loc="left") for axes in rendered.figures["fig-cross-sections"].axes]
    assert titles == ["statistics (no fit)", "encyclopedia (no fit)", "python (no fit)"]


def test_a_study_without_runs_renders(
    unfitted: Path, changed: Changed, dbt: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = changed(unfitted, "delete from raw.runs", "delete from raw.checkpoints", "delete from raw.datasets")
    dbt(url, "run")
    rendered = render(url, "demo", monkeypatch)
    assert not rendered.figures
    assert "105 are missing" in rendered.text
    assert "No run of this study has succeeded yet" in rendered.shown["fig-losses"].data
    assert "No dataset has been recorded yet" in rendered.shown["tbl-datasets"].data


@pytest.mark.parametrize("study", ["narrow", "many", "theirs"])
def test_one_run_many_datasets_and_imported_runs_render(
    unfitted: Path, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = render(unfitted, study, monkeypatch)
    assert not re.search(r"\bnan\b|\bNone\b(?! of)", rendered.text)
    assert "No law has been fitted" in rendered.shown["law-explorer"].data
    drawn = rendered.figures["fig-losses"]
    drawn.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in drawn.axes if axes.get_title(loc="left")]
    assert all(title.x1 <= drawn.bbox.x1 for title in titles)
    assert ("The runs were made elsewhere" in rendered.text) == (study == "theirs")


def test_failed_and_missing_runs_are_counted_and_a_dataset_may_be_absent(
    fitted: Path, changed: Changed, dbt: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = changed(
        fitted,
        "delete from raw.runs where dataset = 'python'",
        "update raw.runs set status = 'failed', loss = null, error = 'no memory' "
        "where dataset = 'statistics' and pretrain_steps = 512",
    )
    dbt(url, "run")
    rendered = render(url, "demo", monkeypatch)
    assert "5 have failed and 35 are missing" in rendered.text
    assert "rests on the 65 that succeeded" in rendered.text
    # The fits of both have lost runs.
    assert "The runs on statistics and python have changed" in rendered.text
    titles = [axes.get_title(loc="left") for axes in rendered.figures["fig-losses"].axes]
    assert [title for title in titles if title] == ["statistics", "encyclopedia"]
    assert "statistics (stale)" in rendered.shown["tbl-parameters"].as_raw_html()
    titles = [axes.get_title(loc="left") for axes in rendered.figures["fig-iso-loss"].axes]
    assert titles == ["statistics (stale fit)", "encyclopedia", "python (stale fit)"]


def test_parameters_that_the_data_do_not_tell_are_marked(
    fitted: Path, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = "fit_id = (select fit_id from analysis.fits where dataset = 'python')"
    url = changed(
        fitted,
        "update analysis.parameters set status = 'not identified', bound = 3.4567 "
        f"where parameter = 'G' and {fit}",
        f"update analysis.parameters set status = 'at a boundary' where parameter = 'E' and {fit}",
    )
    rendered = render(url, "demo", monkeypatch)
    for label in ("tbl-parameters", "tbl-intervals"):
        html = rendered.shown[label].as_raw_html()
        assert "≤ 3.46†" in html.replace("\u2007", "").replace("\u00a0", " ")
        assert "† not identified" in html
        assert "‡ at a boundary" in html
    assert "do not identify $G$ on python" in rendered.text
    assert "put at its boundary $E$ on python" in rendered.text


def test_forms_are_compared_where_there_are_scores(
    fitted: Path, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "have not been compared" in render(fitted, "demo", monkeypatch).shown["tbl-forms"].data
    one_split = """
        insert into analysis.cv_scores by name
        select study, dataset, model, method, law, 1e-3 as delta, 1 as split, 64 as max_steps,
            32 as max_data_points, 0 as penalty_exponents, 0 as penalty_coefficients, 9 as n_train,
            4 as n_test, 0.375 as rmse, 0.0625 as mae, 4 as n_beyond,
            case when form < 4 then 0.25 end as mae_beyond, now() as made_at,
            case when dataset = 'python' then 'of before' else fingerprint end as input_fingerprint
        from experiments.fit_inputs cross join published.barnett2024_table5 where study = 'demo'
    """
    table = render(changed(fitted, one_split), "demo", monkeypatch).shown["tbl-forms"]
    html = table.as_raw_html()
    assert html.count(">0.375<") == html.count(">0.062<") == 3 * 5
    assert html.count(">0.615<") == 3
    # One form is not fitted at the medians.
    assert html.count(">–<") >= 3 * 2
    assert html.count("python (stale)") == 5


def test_nothing_is_said_of_a_missing_fit_in_the_abstract(
    fitted: Path, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = "fit_id in (select fit_id from analysis.fits where dataset <> 'python')"
    tables = ("parameters", "bootstrap", "predictions", "fits")
    url = changed(fitted, *(f"delete from analysis.{table} where {one}" for table in tables))
    text = render(url, "demo", monkeypatch).text
    assert re.search(r"mean error of [\d.]+\s% on python, as a share", text)
    assert "do not overlap" not in text
