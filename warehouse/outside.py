"""Tables that other tools wrote: CSV, JSON lines, Parquet, and both of Weights & Biases' exports of runs.

A file is untrusted input: it is parsed, never executed, and no SQL is made of what it says.
"""

import ast
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb

from warehouse.migrations import WarehouseError

Row = Mapping[str, object]


def rows(path: Path) -> tuple[list[str], list[Row]]:
    """The columns of a file, and its rows. Raises WarehouseError, in one line, for what is no table."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WarehouseError(f"{path}: a table to import is one of {', '.join(_READERS)}")
    if not path.is_file():
        raise WarehouseError(f"{path}: no such file")
    try:
        found = list(reader(path))
    except OSError as error:
        raise WarehouseError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise WarehouseError(f"{path}: not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError, csv.Error, duckdb.Error) as error:
        raise WarehouseError(f"{path}: {' '.join(str(error).split())[:200]}") from None
    if not found:
        raise WarehouseError(f"{path}: no rows")
    return list(dict.fromkeys(name for row in found for name in row)), found


def value(row: Row, name: str) -> object:
    """A column's value, or that of `column.key`, where the column holds a mapping or the text of one.

    None where the row has none. Raises ValueError where the text is no mapping.
    """
    if name in row:
        return row[name]
    column, _, key = name.partition(".")
    held = row.get(column)
    if isinstance(held, str) and key:
        held = _mapping(held)
    while isinstance(held, Mapping) and key:
        if key in held:
            return held[key]
        column, _, key = key.partition(".")
        held = held.get(column)
    return None


def _mapping(text: str) -> object:
    """A mapping as JSON, or as Python prints it: W&B's API examples write summary and config so."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return ast.literal_eval(_NotANumber().visit(tree))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise ValueError(f"no mapping: {text[:40]!r}") from None


class _NotANumber(ast.NodeTransformer):
    """Python prints what was not measured as nan, which is no literal."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(None) if node.id in ("nan", "inf") else node


def _csv(path: Path, delimiter: str = ",") -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(lines, [])
        if twice := [name for name in header if header.count(name) > 1]:
            raise ValueError(f"two columns are named {twice[0]!r}")
        for number, line in enumerate(lines, 1):
            if len(line) != len(header):
                if not line:
                    continue
                raise ValueError(f"row {number} has {len(line)} fields, the header has {len(header)}")
            yield {name: text if text != "" else None for name, text in zip(header, line, strict=True)}


def _tsv(path: Path) -> Iterator[Row]:
    return _csv(path, "\t")


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(json.loads(line), f"line {number}")


def _json(path: Path) -> Iterator[Row]:
    text = path.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text)
    except ValueError:
        yield from _json_lines(path)
        return
    for number, row in enumerate(content if isinstance(content, list) else [content], 1):
        yield _object(row, f"row {number}")


def _object(row: object, where: str) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"{where} is no object: {str(row)[:40]}")  # noqa: TRY004  # of the file, not of a caller
    return row


def _parquet(path: Path) -> Iterator[Row]:
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as connection:
        found = connection.execute("from read_parquet(?)", [str(path)])
        names = [column[0] for column in found.description]
        while some := found.fetchmany(10_000):
            yield from (dict(zip(names, row, strict=True)) for row in some)


_READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
