"""`arxiv-math`: papers of arXiv's mathematics in LaTeX, newer than the Pile.

From a folder or a tar of e-prints as arXiv gives them (.tar.gz, .gz) or of .tex files; from a text file of
arXiv ids; or, by default, the first papers of a month. E-prints are asked of the export service one at a
time, three seconds apart, as arXiv's terms of use for its API say, and those here are not asked again.
"""

import io
import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from tqdm import tqdm

from runner.datasets.archives import MEMBER_BYTES, members, members_of
from runner.datasets.document import DatasetError, Document
from runner.datasets.download import RefusedError, download, text_at
from runner.datasets.latex import papers
from runner.datasets.sources import fetched_dataset, obtain_from, packed

EXPORT = "https://export.arxiv.org"
MONTH = "[202401010000 TO 202401312359]"
PAPERS = 300
PAUSE_S = 3.0
MIN_CHARACTERS = 2_000
_ID = re.compile(r"(?:arxiv:)?((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?)", re.IGNORECASE)
_TEX = (".tex", ".ltx", ".latex")


def documents(path: Path) -> Iterator[Document]:
    """One document a paper: the text of the longest main file of an e-print, or of each loose one.

    E-prints without LaTeX (PDF, plain TeX, HTML) are passed over.
    """
    loose: dict[str, bytes] = {}
    together: str | None = None
    for name, content in members(path, _wanted):
        if not name.lower().endswith(_TEX):
            yield from _eprint(path, name, content)
            continue
        first = name.split("/")[0] if "/" in name else ""
        if first != together or sum(map(len, loose.values())) + len(content) > MEMBER_BYTES:
            yield from _loose(loose)
            loose, together = {}, first
        loose[name] = content
    yield from _loose(loose)


def _wanted(name: str) -> bool:
    """Papers and archives of them; of names without a known ending, those that arXiv gives its e-prints."""
    name = name.rsplit("/", 1)[-1].lower()
    return name.endswith((*_TEX, ".gz", ".tgz", ".tar")) or bool(_ID.fullmatch(name.replace("_", "/")))


def _loose(files: dict[str, bytes]) -> Iterator[Document]:
    for name, text in papers(files):
        if len(text) >= MIN_CHARACTERS:
            yield Document(name, text)


def _eprint(path: Path, name: str, content: bytes) -> Iterator[Document]:
    if content.startswith(b"%PDF"):
        return
    files = {}
    size = 0
    inside = re.sub(r"(?:\.tar)?\.gz$|\.tgz$|\.tar$", "", name)
    # One file that gzip packed has no name of its own: arXiv means its main file.
    for part, source in members_of(io.BytesIO(content), f"{path}: {name}", f"{inside}.tex", _is_tex):
        size += len(source)
        if size > MEMBER_BYTES:
            raise DatasetError(f"{path}: {name}: more than {MEMBER_BYTES:,} bytes of LaTeX in one e-print")
        files[part] = source
    longest = max((text for _, text in papers(files)), key=len, default="")
    if len(longest) >= MIN_CHARACTERS:
        yield Document(inside.rsplit("/", 1)[-1], longest)


def _is_tex(name: str) -> bool:
    return name.lower().endswith(_TEX)


def obtain(given: Path | None, folder: Path) -> tuple[Path, str]:
    """The archive or folder given; or the e-prints of a file of ids, or of the month, packed."""
    if given is not None and (given.is_dir() or _ids(given) is None):
        return obtain_from(given, folder)
    if given is not None:
        ids = _ids(given) or []
    else:
        listed = folder / "month.txt"
        if not listed.is_file():
            listed.write_text("\n".join(first_of_month()))
        ids = _ids(listed) or []
    where = f"{EXPORT}/e-print/, {len(ids)} papers"
    return packed(eprints(ids, folder / "eprints"), folder / "eprints.tar"), where


def first_of_month() -> list[str]:
    """Ids of the first `PAPERS` papers of `MONTH` whose first category is one of mathematics."""
    question = {
        "search_query": f"cat:math.* AND submittedDate:{MONTH}",
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
        "max_results": PAPERS,
    }
    url = f"{EXPORT}/api/query?{urlencode(question)}"
    answer = text_at(url)
    try:
        entries = ElementTree.fromstring(answer).iter("{http://www.w3.org/2005/Atom}id")
    except ElementTree.ParseError as error:
        raise DatasetError(f"{url}: not the list of papers that was asked for ({error})") from None
    ids = [entry.text.rsplit("/abs/", 1)[-1] for entry in entries if entry.text and "/abs/" in entry.text]
    if not ids:
        raise DatasetError(f"{url}: no paper in the answer")
    return ids


def eprints(ids: list[str], folder: Path) -> Path:
    """The sources of those papers in `folder`, one file each; an empty one where arXiv has none to give."""
    folder.mkdir(exist_ok=True)
    asked = False
    for one in tqdm(ids, desc="e-prints", unit=" papers", leave=False, disable=None):
        file = folder / one.replace("/", "_")
        if file.is_file():
            continue
        if asked:
            time.sleep(PAUSE_S)
        asked = True
        try:
            download(f"{EXPORT}/e-print/{one}", file)
        except RefusedError as error:
            if error.status not in (400, 404, 410):
                raise
            file.touch()
    wanted = {one.replace("/", "_") for one in ids}
    for other in (file for file in folder.iterdir() if file.name not in wanted):
        other.unlink()  # of another list
    return folder


def _ids(path: Path) -> list[str] | None:
    """The ids of a text file that lists arXiv ids, or None where its first line is none."""
    with path.open("rb") as file:
        start = file.read(2**20)
    if b"\0" in start or not start.strip():
        return None
    ids: list[str] = []
    for number, line in enumerate(start.decode(errors="replace").splitlines(), 1):
        word = line.split("#")[0].strip()
        if word and not (found := _ID.fullmatch(word)):
            if not ids:
                return None
            raise DatasetError(f"{path}: line {number}: {word[:40]!r} is no arXiv id, such as 2401.01234")
        if word and found:
            ids.append(found[1])
    return ids


DATASET = fetched_dataset(
    name="arxiv-math",
    source="papers of mathematics on arXiv, in LaTeX",
    licence="those of the papers; most are arXiv's own, which permits no redistribution",
    read=documents,
    obtain=obtain,
)
