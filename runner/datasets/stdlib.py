"""Source files of Python's standard library."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Not the library's own code: installed packages, tests, texts, tables of characters.
_SKIPPED = frozenset(
    {
        "site-packages",
        "dist-packages",
        "test",
        "tests",
        "idle_test",
        "lib2to3",
        "pydoc_data",
        "encodings",
        "_bundled",
    }
)


def source_files() -> Iterator[tuple[str, Path]]:
    """Module name and file of the standard library's modules written in Python, in order of their names."""
    root = Path(sysconfig.get_path("stdlib"))
    for file in sorted(root.rglob("*.py")):
        inside = file.relative_to(root)
        if not _SKIPPED & set(inside.parts) and not file.name.startswith("_sysconfigdata"):
            yield ".".join(inside.with_suffix("").parts), file
