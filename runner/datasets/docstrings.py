"""Docstrings of installed packages, read from their source files without importing them."""

import ast
import gc
import importlib.util
import inspect
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from runner.datasets.document import DatasetError, Document

MIN_CHARACTERS = 200
# Folders that hold no documentation of the package itself: its tests and other projects' code.
SKIPPED = frozenset({"tests", "test", "testing", "idle_test", "_vendor", "_external", "externals", "extern"})
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_ADDERS = frozenset({"add_newdoc", "add_docstr"})
_DOCTEST = re.compile(r"^[ \t]*>>>.*\n(?:.*\S.*\n)*", re.MULTILINE)
_PLACEHOLDER = re.compile(r"^[ \t]*(?:%\(\w+\)s|\{\w+\}|%s)[ \t]*\n", re.MULTILINE)
_EMPTY_SECTION = re.compile(
    r"^[^\n]+\n[ \t]*([-=~])\1{2,}\n\s*(?=\Z|[^\n]+\n[ \t]*[-=~]{3,}\n)", re.MULTILINE
)


def package_folder(package: str) -> Path:
    """The folder of an installed package. Raises DatasetError where it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError(
            f"package {package!r}, whose documentation is read, is not installed;"
            " pip install 'transfer-laws[demo]' brings it"
        )
    return Path(spec.submodule_search_locations[0])


def package_docstrings(
    package: str, folder: str = "", without: frozenset[str] = frozenset()
) -> Iterator[Document]:
    """Docstrings of `package` (of one `folder` of it), those of its folders `without` left out."""
    root = package_folder(package)
    for file in sorted((root / folder).rglob("*.py")):
        inside = file.relative_to(root)
        if not SKIPPED & set(inside.parts) and not without & set(inside.parts[:-1]):
            yield from file_docstrings(file, ".".join((package, *inside.with_suffix("").parts)))


def file_docstrings(file: Path, module: str) -> Iterator[Document]:
    """Docstrings of one source file that are `MIN_CHARACTERS` or longer once cleaned."""
    seen: set[str] = set()
    for name, text in _docstrings(parse(file.read_text(encoding="utf-8")), module):
        text = clean(text)
        if len(text) >= MIN_CHARACTERS and name not in seen:
            seen.add(name)
            yield Document(name, text)


def parse(source: str) -> ast.Module:
    """Parsed source; doubtful escapes in other people's strings are not this program's to warn of."""
    collecting = gc.isenabled()
    gc.disable()  # a tree is a million objects and no garbage: collecting amid them costs a third of the time
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    finally:
        if collecting:
            gc.enable()


def definitions(node: Definition, name: str) -> Iterator[tuple[str, Definition]]:
    """A module, class or function and all those defined in it, with their qualified names."""
    yield name, node
    for statement in _statements(node):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from definitions(statement, f"{name}.{statement.name}")


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a body and of the blocks in it, not those of definitions in it."""
    for child in (child for block in _BLOCKS for child in getattr(node, block, ())):
        yield child
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _statements(child)


def _docstrings(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    for name, node in definitions(tree, module):
        text = ast.get_docstring(node, clean=False)
        if text is not None:
            yield name, text
        for statement in _statements(node):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                yield from _added(statement.value, name)


def _added(call: ast.Call, module: str) -> Iterator[tuple[str, str]]:
    """Documentation of compiled functions, given to numpy's `add_newdoc` and its like in a call."""
    if getattr(call.func, "id", getattr(call.func, "attr", "")) in _ADDERS:
        strings = [
            part.value
            for argument in call.args
            for part in ast.walk(argument)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        if len(strings) > 1:
            text = max(strings, key=len)
            yield ".".join((module, *(string for string in strings if string.isidentifier()))), text


def clean(docstring: str) -> str:
    """Running text of a docstring: unindented, without doctests, placeholders, sections left empty."""
    text = inspect.cleandoc(docstring) + "\n"
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    text = _PLACEHOLDER.sub("", _DOCTEST.sub("", text))
    text = _EMPTY_SECTION.sub("", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
