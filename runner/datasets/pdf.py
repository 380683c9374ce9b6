"""Running text of a PDF: lines joined to paragraphs, words to wholes, without what each page repeats."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pypdfium2

from runner.datasets.document import DatasetError

EDGE = 2  # lines at the top and at the bottom of a page that may be a running head or foot
REPEATED = 3  # pages on which a line at the edge must stand to be one
FULL_LINE = 0.85  # of the page's width in characters: a shorter line may end a paragraph
_PAGE_NUMBER = re.compile(r"(?:page )?[ivxlcdm\d]+(?: of \d+)?[.:]?|[-–] ?\d+ ?[-–]", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:Chapter )?\d+(?:\.\d+)*\.? [A-Z]")  # a heading
_ENDS = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_HYPHENATED = re.compile(r"([^\W\d_]+)[-\u2010\u00ad]\n([^\W\d_]+)")
_CUT_AT_THE_END = re.compile(r".*[^\W\d_][-\u2010\u00ad]")
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\u00ad]")


def pages(path: Path, content: bytes) -> list[str]:
    """The text of each page of a PDF called `path`. Raises DatasetError where it is none or has no text."""
    try:
        with pypdfium2.PdfDocument(content) as document:
            raw = [page.get_textpage().get_text_range() for page in document]
    except pypdfium2.PdfiumError as error:
        raise DatasetError(f"{path}: not a PDF that can be read ({error})") from None
    if not any(page.strip() for page in raw):
        raise DatasetError(f"{path}: this PDF has no text, only images of its {len(raw)} pages")
    return cleaned(raw)


def cleaned(raw: Sequence[str]) -> list[str]:
    """Pages of text as PDFium gives it → running text of each page, without furniture and hyphenation."""
    # PDFium writes a hyphen and the end of its line as one character.
    raw = [page.replace("\ufffe", "-\n") for page in raw]
    split = [[line.strip() for line in page.splitlines() if line.strip()] for page in raw]
    edges = Counter(
        key for lines in split for key in {_furniture_key(line) for line in lines[:EDGE] + lines[-EDGE:]}
    )
    vocabulary = Counter(
        word.lower() for page in raw for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", page)
    )
    bodies = [_without_furniture(lines, edges) for lines in split]
    for body, following in pairwise(bodies):
        if body and following and _CUT_AT_THE_END.fullmatch(body[-1]):
            rest, _, following[0] = following[0].partition(" ")
            body.append(rest)
    return [_paragraphs(body, vocabulary) for body in bodies]


def _without_furniture(lines: list[str], edges: Counter[str]) -> list[str]:
    body = list(lines)
    for place in (0, -1):
        for _ in range(EDGE):
            if body and (
                edges[_furniture_key(body[place])] >= REPEATED or _PAGE_NUMBER.fullmatch(body[place])
            ):
                del body[place]
    return body


def _furniture_key(line: str) -> str:
    """A line as it is on every page: without its numbers."""
    return re.sub(r"\d+", "#", line.lower())


def _paragraphs(lines: list[str], vocabulary: Counter[str]) -> str:
    width = sorted(map(len, lines))[int(0.8 * len(lines))] if lines else 0
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        short = len(line) < FULL_LINE * width
        # A short line ends a paragraph where a sentence ends, or a heading where a capital or digit follows.
        sentence = bool(_ENDS.search(line))
        ends = short and (sentence or following[:1].isupper() or following[:1].isdigit())
        ends |= sentence and len(following) < FULL_LINE * width and bool(_NUMBERED.match(following))
        text += line + ("\n\n" if ends else "\n")
    text = _LIGATURE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = _HYPHENATED.sub(lambda found: _joined(found[1], found[2], vocabulary), text)
    text = _CONTROL.sub("", text)
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text).strip()


def _joined(first: str, second: str, vocabulary: Counter[str]) -> str:
    """A word that was cut at a line's end: with its hyphen where the book writes it so elsewhere."""
    whole, compound = first + second, f"{first}-{second}"
    return compound if vocabulary[compound.lower()] > vocabulary[whole.lower()] else whole
