"""`statistics-textbook`: Fieberg's Statistics for Ecologists, or another book, as PDF or web pages.

A document is a section of the book, a few pages long, so that sections of every chapter are held out.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

from tqdm import tqdm

from runner.datasets.archives import members
from runner.datasets.document import Document
from runner.datasets.download import download
from runner.datasets.sources import fetched_dataset, obtain_from, packed

ADDRESS = "https://statistics4ecologists-v3.netlify.app/"
SECTION = 4_000  # characters from which a section ends at the next heading or page
SHORTEST = 200
PAGES_AT_MOST = 500
PAUSE_S = 1.0


def documents(path: Path) -> Iterator[Document]:
    """Sections of the PDF, of the web pages of a folder or archive, in order of their names.

    Raises DatasetError where a PDF cannot be read or has no text.
    """
    for name, content in members(path, lambda name: name.lower().endswith((".pdf", ".html", ".htm"))):
        pieces = _pdf_pieces(path, content) if name.lower().endswith(".pdf") else _html_pieces(content)
        yield from _sections(name, pieces)


def _pdf_pieces(path: Path, content: bytes) -> Iterator[tuple[bool, str]]:
    from runner.datasets.pdf import pages

    for page in pages(path, content):
        yield True, page


def _html_pieces(content: bytes) -> Iterator[tuple[bool, str]]:
    from runner.datasets.html import blocks

    return blocks(content)


def _sections(name: str, pieces: Iterator[tuple[bool, str]]) -> Iterator[Document]:
    """Successive pieces together; a section of `SECTION` characters ends where a piece may begin one."""
    section: list[str] = []
    number = 1
    for begins, piece in pieces:
        if begins and sum(map(len, section)) >= SECTION:
            yield Document(f"{name} {number}", "\n\n".join(section))
            section, number = [], number + 1
        section += [piece] if piece else []
    if sum(map(len, section)) >= SHORTEST:
        yield Document(f"{name} {number}", "\n\n".join(section))


def obtain(given: Path | None, folder: Path) -> tuple[Path, str]:
    """The path given, or the pages of the book's site, one request at a time, packed."""
    if given is not None:
        return obtain_from(given, folder)
    return packed(site(ADDRESS, folder / "pages"), folder / "pages.tar"), ADDRESS


def site(address: str, folder: Path) -> Path:
    """The pages below `address` that links reach, in `folder`; those that are there are not asked for."""
    from selectolax.lexbor import LexborHTMLParser

    folder.mkdir(exist_ok=True)
    waiting, seen = [address], {address}
    with tqdm(desc=address, unit=" pages", leave=False, disable=None) as bar:
        while waiting and bar.n < PAGES_AT_MOST:
            page = waiting.pop(0)
            name = urlsplit(page).path.removeprefix(urlsplit(address).path).replace("/", "_") or "index.html"
            file = folder / (name if name.endswith((".html", ".htm")) else f"{name}.html")
            if not file.is_file():
                if bar.n:
                    time.sleep(PAUSE_S)
                download(page, file)
            bar.update()
            for link in LexborHTMLParser(file.read_bytes()).css("a[href]"):
                target = urldefrag(urljoin(page, link.attributes["href"] or "")).url
                ending = Path(urlsplit(target).path).suffix
                if target.startswith(address) and target not in seen and ending in ("", ".html", ".htm"):
                    seen.add(target)
                    waiting.append(target)
    return folder


DATASET = fetched_dataset(
    name="statistics-textbook",
    source="a textbook of statistics; by default Fieberg, Statistics for Ecologists",
    licence="that of the book",
    read=documents,
    obtain=obtain,
)
