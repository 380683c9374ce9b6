"""LaTeX sources of a paper, several files, to the one text between \\begin{document} and \\end{document}."""

import posixpath
import re
from collections.abc import Mapping

LONGEST = 5_000_000  # characters of a paper; files that input one another twice could be without end
_DEPTH = 12
_VERBATIM = r"verbatim\*?|Verbatim|lstlisting|minted|filecontents\*?"
# What a percent sign does not make a comment in, before the comment itself.
_COMMENT = re.compile(
    r"\\begin\{(?P<block>" + _VERBATIM + r")\}.*?\\end\{(?P=block)\}"
    r"|\\(?:verb|lstinline)\*?(?P<bar>[^a-zA-Z\s*{])[^\n]*?(?P=bar)"
    r"|\\(?:url|path|href|nolinkurl)\s*\{[^{}\n]*\}"
    r"|\\[^\n]"
    r"|(?P<line>(?:(?<=\n)|\A)[ \t]*%[^\n]*(?:\n|\Z))"
    r"|(?P<comment>[ \t]*%[^\n]*)",
    re.DOTALL,
)
_LEFT_OUT = re.compile(r"\\begin\{comment\}.*?\\end\{comment\}|\\iffalse\b.*?\\fi\b", re.DOTALL)
_INPUT = re.compile(
    r"\\(?:input|include|subfile|InputIfFileExists)\s*\{\s*(?P<file>[^{}\n]+?)\s*\}"
    r"|\\(?:sub)?(?:import|inputfrom|includefrom)\*?\s*\{(?P<folder>[^{}\n]*)\}\s*\{\s*(?P<from>[^{}\n]+?)\s*\}"
    r"|\\input\s+(?P<bare>[^\s{}\\]+)"
)
_CLASS = re.compile(r"\\document(?:class|style)\b")
_BEGIN, _END = re.compile(r"\\begin\s*\{document\}"), re.compile(r"\\end\s*\{document\}")


def without_comments(source: str) -> str:
    """A source without its comments; a line that is nothing else goes whole. Verbatim text stays as it is."""
    source = _COMMENT.sub(
        lambda found: "" if found["line"] is not None or found["comment"] is not None else found[0],
        source.replace("\r\n", "\n").replace("\r", "\n"),
    )
    return _LEFT_OUT.sub("", source)


def papers(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Main file and text of each paper among the LaTeX files of a folder, by name.

    A main file has a class and a document and is the input of no other. What it inputs stands in its place,
    a file that is not there leaves nothing. Comments and preamble are dropped.
    """
    sources = {
        posixpath.normpath(name): without_comments(_decoded(content)) for name, content in files.items()
    }
    mains = [name for name, source in sources.items() if _CLASS.search(source) and _BEGIN.search(source)]
    inputs = {
        target
        for name, source in sources.items()
        for found in _INPUT.finditer(source)
        if (target := _target(found, name, name, sources)) != name
    }
    texts = []
    for name in mains:
        if name not in inputs:
            whole = _body(_resolved(name, name, sources, [LONGEST], ()))
            text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in whole.splitlines())).strip()
            if text:
                texts.append((name, text))
    return texts


def _resolved(
    name: str, main: str, sources: Mapping[str, str], left: list[int], above: tuple[str, ...]
) -> str:
    source = sources[name]
    if above and _BEGIN.search(source):  # a part that can be typeset by itself
        source = _body(source)
    left[0] -= len(source)

    def inputs(found: re.Match[str]) -> str:
        target = _target(found, name, main, sources)
        if target is None or target in (*above, name) or len(above) == _DEPTH or left[0] < 0:
            return ""
        return _resolved(target, main, sources, left, (*above, name))

    return _INPUT.sub(inputs, source)


def _target(found: re.Match[str], name: str, main: str, sources: Mapping[str, str]) -> str | None:
    """The file that an input means: beside the main file, as TeX looks for it, or beside the one it is in."""
    wanted = posixpath.join(found["folder"] or "", found["from"] or found["file"] or found["bare"])
    for beside in (main, name):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(beside), wanted))
        for candidate in (path, f"{path}.tex", f"{path}.ltx"):
            if candidate in sources:
                return candidate
    return None


def _body(source: str) -> str:
    begin = _BEGIN.search(source)
    source = source[begin.end() :] if begin else source
    end = _END.search(source)
    return source[: end.start()] if end else source


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
