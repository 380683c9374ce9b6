"""`python`: source code of the standard library, its docstrings taken out.

Docstrings of the standard library are in the pre-training text (`documentation`), so a file is given here
without them: no text is in both. Comments and all other text of the code stay as they are.
"""

import ast
import tokenize
from collections.abc import Iterator

from runner.datasets.docstrings import MIN_CHARACTERS, definitions, parse
from runner.datasets.document import Dataset, Document
from runner.datasets.stdlib import source_files


def documents() -> Iterator[Document]:
    """Every source file of the standard library as one document."""
    for module, file in source_files():
        with tokenize.open(file) as lines:
            text = without_docstrings(lines.read()).strip()
        if len(text) >= MIN_CHARACTERS:
            yield Document(module, text)


def without_docstrings(source: str) -> str:
    """`source` with every docstring removed; where it was a body's only statement, `pass` takes its place."""
    lines = source.encode().splitlines(keepends=True)
    found = [
        (node.body[0], len(node.body) == 1 and not isinstance(node, ast.Module))
        for _, node in definitions(parse(source), "")
        if ast.get_docstring(node, clean=False) is not None
    ]
    for statement, alone in sorted(found, key=lambda pair: -pair[0].lineno):
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        before, after = lines[first][: statement.col_offset], lines[last][statement.end_col_offset :]
        if not alone and not before.strip() and not after.strip():
            lines[first : last + 1] = []
        else:
            lines[first : last + 1] = [before + b"pass" + after]
    return b"".join(lines).decode()


DATASET = Dataset(
    name="python",
    source="source code of Python's standard library without docstrings, as installed",
    licence="PSF-2.0",
    documents=documents,
)
