"""The manuscript as quarto runs it, without quarto: its cells and inline expressions, in order."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from IPython.display import Markdown
from matplotlib.figure import Figure

REPORT = Path(__file__).parents[2] / "report"
CELL = re.compile(r"```\{python\}\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`\{python\} ([^`]+)`")
OPTION = re.compile(r"^#\| ([a-z-]+): (.*)$", re.MULTILINE)


def source() -> str:
    """index.qmd with its sections in place."""
    text = (REPORT / "index.qmd").read_text(encoding="utf-8")
    return re.sub(r"\{\{< include (\S+) >\}\}", lambda m: (REPORT / m[1]).read_text(encoding="utf-8"), text)


def options(cell: str) -> dict[str, str]:
    """A cell's `#|` options."""
    return {name: value.strip('"') for name, value in OPTION.findall(cell)}


@dataclass
class Rendered:
    """What the cells gave: the text with every Markdown output in its place, and by label what was drawn."""

    text: str = ""
    shown: dict[str, object] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, Figure]:
        return {label: thing for label, thing in self.shown.items() if isinstance(thing, Figure)}


def render(url: Path, study: str, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    """Run the whole manuscript for a study; errors in a cell are raised."""
    monkeypatch.setenv("TRANSFER_LAWS_WAREHOUSE", str(url))
    monkeypatch.chdir(REPORT)
    rendered, names, done = Rendered(), {}, 0
    text = source()
    for found in _cells(text):
        rendered.text += text[done : found.start()]
        done = found.end()
        if found.re is INLINE:
            rendered.text += _written(eval(found[1], names))
            continue
        shown = _run(found[1], names)
        if "tags" in options(found[1]):
            names["study"] = study
        label = options(found[1]).get("label")
        if label:
            rendered.shown[label] = shown
        rendered.text += _written(shown)
    rendered.text += text[done:]
    return rendered


def _cells(text: str) -> Iterator[re.Match[str]]:
    yield from sorted((*CELL.finditer(text), *INLINE.finditer(text)), key=lambda found: found.start())


def _run(cell: str, names: dict[str, object]) -> object:
    tree = ast.parse(cell)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "cell", "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def _written(shown: object) -> str:
    return str(shown.data) if isinstance(shown, Markdown) else ""
