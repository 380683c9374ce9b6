"""Running text of a web page: its main part, block by block, without what surrounds it."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_MAIN = ("main", "[role=main]", "article", "section.normal", "#content", ".body-inner .page-inner", "body")
_FURNITURE = (
    "script,style,noscript,template,svg,nav,footer,aside,form,button,iframe,[hidden],[aria-hidden=true],"
    "[role=navigation],[role=search],.toc,#toc,#TOC,.navigation,.nav-chapters,.book-header,.headerlink,"
    ".anchor-section,.chapter-nav,.sidebar,.footnote-back,.copy-button,.buttons"
)
_BLOCK = re.compile(
    r"address|article|blockquote|br|caption|d[dlt]|details|div|fieldset|fig(caption|ure)|header|hr|li|main|ol|p"
    r"|section|summary|table|t(body|r|foot|head)|ul|h[4-6]"
)
_BACK = re.compile(r"↩\ufe0e?\d*")  # from a footnote to where it is called
_HEADING = re.compile(r"h[1-3]")


def blocks(page: bytes | str) -> Iterator[tuple[bool, str]]:
    """Whether it is a heading, and the text, of each paragraph, list item, listing or heading of a page."""
    tree = LexborHTMLParser(page)
    if tree.body is None:
        return
    for node in tree.css(_FURNITURE):
        node.decompose()
    main = next(found for selector in _MAIN if (found := tree.css_first(selector)) is not None)
    pieces: list[str] = []
    for name, text in _walk(main):
        if name is None:
            pieces.append(_BACK.sub("", text))
        else:
            if joined := " ".join("".join(pieces).split()):
                yield False, joined
            pieces = []
            if text:
                yield bool(_HEADING.fullmatch(name)), text
    if joined := " ".join("".join(pieces).split()):
        yield False, joined


def text_of(page: bytes | str) -> str:
    """All blocks of a page, an empty line between them."""
    return "\n\n".join(text for _, text in blocks(page))


def _walk(node: LexborNode) -> Iterator[tuple[str | None, str]]:
    """Pieces of text (no name), ends of blocks (a name, no text), whole headings and listings (both)."""
    for child in node.iter(include_text=True):
        name = str(child.tag)
        if name == "-text":
            yield None, child.text()
        elif name == "pre":
            yield name, child.text().strip("\n")
        elif name == "math":  # it may hold its own TeX beside what a browser shows
            tex = child.css_first("annotation[encoding='application/x-tex']")
            yield None, child.text() if tex is None else f"${tex.text().strip()}$"
        elif name in ("td", "th"):
            yield from _walk(child)
            yield None, " "
        elif _HEADING.fullmatch(name):
            yield name, " ".join(child.text().split())
        elif _BLOCK.fullmatch(name):
            yield name, ""
            yield from _walk(child)
            yield name, ""
        else:
            yield from _walk(child)
