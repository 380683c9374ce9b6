"""The report's figures and tables as files, for where no quarto is installed and for use elsewhere.

    python -m report                              # the demo study, to report/_output/{figures,tables}
    python -m report --study NAME --output DIR    # another study, another folder

Figures are written as PNG, SVG and PDF; tables as HTML, and as CSV with the rows they show. The manuscript
(`quarto render report/`) draws the same figures and tables with the same code.
"""

import argparse
import sys
from pathlib import Path

from great_tables import GT
from matplotlib.figure import Figure

from report import parts, read, style

FORMATS = ("png", "svg", "pdf")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m report", description="Write a study's figures and tables as files."
    )
    parser.add_argument("--study", default="demo", help="the study (default: demo)")
    parser.add_argument(
        "--warehouse", help="the warehouse (default: TRANSFER_LAWS_WAREHOUSE, else warehouse.duckdb)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parent / "_output",
        help="the folder (default: report/_output)",
    )
    arguments = parser.parse_args()
    try:
        write(arguments.study, arguments.output, arguments.warehouse)
    except read.ReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write(study: str, folder: Path, url: str | None = None) -> None:
    """Write all figures and tables of a study into a folder, and say which and what is missing.

    Raises ReportError where the study cannot be read or the folder not be written.
    """
    rows = read.study_rows(study, url)
    try:
        for kind in ("figures", "tables"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in parts.FIGURES:
            _say(name, _write_figure(parts.figure(name, rows), folder / "figures" / name, study))
        for name in parts.TABLES:
            rows[parts.TABLES[name].model or name].to_csv(folder / "tables" / f"{name}.csv", index=False)
            _say(name, _write_table(parts.table(name, rows), folder / "tables" / name))
    except OSError as error:
        raise read.ReportError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _write_figure(figure: object, path: Path, study: str) -> str:
    if not isinstance(figure, Figure):
        return str(figure.data)
    said = {"Title": path.name, "Description": described(figure, study)}
    # Without a date the same rows give the same bytes.
    metadata = {
        "png": said,
        "svg": {"Title": said["Title"], "Date": None},
        "pdf": {"Title": said["Title"], "CreationDate": None},
    }
    with style.applied():
        for kind in FORMATS:
            figure.savefig(path.with_suffix(f".{kind}"), dpi=200, metadata=metadata[kind])
    return f"{path}.{{{','.join(FORMATS)}}}"


def described(figure: Figure, study: str) -> str:
    """What a picture shows, to travel in it: the study, its panels and their axes."""
    titled = [(axes.get_title(loc="left"), axes) for axes in figure.axes]
    panels = [
        f"{title} ({axes.get_ylabel() or figure.get_supylabel()} against {axes.get_xlabel()})"
        for title, axes in titled
        if title
    ]
    return f"study {study}: {'; '.join(panels)}"


def _write_table(table: object, path: Path) -> str:
    if not isinstance(table, GT):
        return str(table.data)
    page = table.opt_table_font(stack="system-ui").as_raw_html(make_page=True)
    path.with_suffix(".html").write_text(page, encoding="utf-8")
    return f"{path}.{{html,csv}}"


def _say(name: str, outcome: str) -> None:
    print(f"{name:<24}{outcome}")


if __name__ == "__main__":
    sys.exit(main())
