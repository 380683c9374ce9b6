"""Each loader on real input of its format, made here by the tools that make it."""

import base64
import gzip
import io
import random
import re
import tarfile
import textwrap
from email.message import EmailMessage
from pathlib import Path

import pytest
from fpdf import FPDF

from runner.datasets import arxiv, deduplicate, enron, genome, latex, python_code, textbook
from runner.datasets.document import DatasetError
from runner.datasets.duplicates import THRESHOLD, shingles
from runner.datasets.html import text_of

RNG = random.Random(0)
VOCABULARY = ["".join(RNG.choices("abcdefghijklmnop", k=RNG.randrange(3, 10))) for _ in range(900)]


def prose(words: int, rng: random.Random = RNG) -> str:
    return " ".join(rng.choices(VOCABULARY, k=words))


# LaTeX

MAIN = r"""\documentclass{amsart}
\usepackage{x} % preamble
\title{Gone}
\begin{document}
\maketitle
%% a line of its own
A share of 5\% holds, see \url{http://x.org/a%20b}. % gone
\input{sections/one}
\include{two}
\begin{verbatim}
kept % here
\end{verbatim}
\begin{comment}
gone
\end{comment}
\verb|a%b| stays.\\% gone
\input missing
\end{document}
gone as well
"""
FILES = {
    "paper/main.tex": MAIN.encode(),
    "paper/sections/one.tex": "One, Erdős. \\input{sections/deep.tex}".encode(),
    "paper/sections/deep.tex": b"Deep; \\input{sections/one} not twice.",
    "paper/two.tex": rb"\documentclass{subfiles}\begin{document}Two.\end{document}",
    "paper/unused.tex": b"Nobody asks for this.",
}


def test_a_paper_of_several_files_is_one_text() -> None:
    assert latex.papers(FILES) == [
        (
            "paper/main.tex",
            "\\maketitle\nA share of 5\\% holds, see \\url{http://x.org/a%20b}.\n"
            "One, Erdős. Deep;  not twice.\nTwo.\n"
            "\\begin{verbatim}\nkept % here\n\\end{verbatim}\n\n\\verb|a%b| stays.\\\\",
        )
    ]


def test_inputs_that_double_without_end_end() -> None:
    files = {f"f{i}.tex": b"x" * 1000 + rb"\input{f%d}\input{f%d}" % (i + 1, i + 1) for i in range(40)}
    files["main.tex"] = rb"\documentclass{a}\begin{document}\input{f0}\end{document}"
    ((_, text),) = latex.papers(files)
    assert len(text) < 2 * latex.LONGEST


def packed(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def paper(text: str) -> bytes:
    return f"\\documentclass{{article}}\n\\begin{{document}}\n{text}\n\\end{{document}}\n".encode("latin-1")


def test_eprints_as_arxiv_gives_them(tmp_path: Path) -> None:
    texts = [prose(600) for _ in range(4)]
    several = {"main.tex": paper(r"\input{body}"), "body.tex": texts[0].encode(), "figure.pdf": b"%PDF-1.5"}
    bundle = {
        "2401/2401.00001.gz": packed(several),
        "2401/2401.00002.gz": gzip.compress(paper(texts[1] + " caf\xe9")),
        "2401/2401.00003.pdf": b"%PDF-1.5 withdrawn source",
        "2401.00004v1": packed({"x.tex": paper(texts[2])}, "w"),
        "2401.00005v1": b"%PDF-1.5",
        "2401.00006v1": b"",
        "loose/alone.tex": paper(texts[3]),
        "loose/short.tex": paper("too short"),
    }
    (tmp_path / "eprints.tar").write_bytes(packed(bundle, "w"))
    documents = list(arxiv.documents(tmp_path / "eprints.tar"))
    assert [d.id for d in documents] == ["2401.00001", "2401.00002", "2401.00004v1", "loose/alone.tex"]
    assert [d.text for d in documents] == [texts[0], texts[1] + " café", *texts[2:]]
    for name, content in bundle.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(content)
    assert {d.text for d in arxiv.documents(tmp_path / "f")} == {d.text for d in documents}


def test_an_eprint_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "2401.00001.gz").write_bytes(packed({"a.tex": prose(3000).encode()})[:3000])
    with pytest.raises(DatasetError, match=r"2401.00001.gz: truncated or damaged"):
        list(arxiv.documents(tmp_path))


# A textbook

SENTENCES = [f"{prose(RNG.randrange(8, 30)).capitalize()}." for _ in range(1200)]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of a dozen pages with running heads, page numbers, two chapters and words cut at lines' ends."""

    class Book(FPDF):
        def header(self) -> None:
            self.cell(0, 8, f"CHAPTER {1 + self.page_no() // 7}. REGRESSION AND MORE", align="R")
            self.ln(12)

        def footer(self) -> None:
            self.set_y(-15)
            self.cell(0, 8, f"Page {self.page_no()}", align="C")

    pdf = Book()
    pdf.set_font("Times", size=11)
    pdf.add_page()
    for first in range(0, 560, 7):
        lines = textwrap.wrap(" ".join(SENTENCES[first : first + 7]), 90)
        for place in range(0, len(lines) - 1, 2):  # a word cut, as TeX cuts it
            head, tail = lines[place].rsplit(" ", 1)[0], lines[place].rsplit(" ", 1)[-1]
            if len(tail) > 5:
                lines[place], lines[place + 1] = f"{head} {tail[:3]}-", f"{tail[3:]} {lines[place + 1]}"
        pdf.multi_cell(0, 5, "\n".join(lines) + "\n\n", new_x="LMARGIN", new_y="NEXT")
    path = tmp_path_factory.mktemp("book") / "book.pdf"
    pdf.output(str(path))
    return path


def test_a_pdf_is_running_text_without_furniture_and_hyphens(book: Path) -> None:
    documents = list(textbook.documents(book))
    text = " ".join(" ".join(d.text for d in documents).split())
    assert len(documents) > 5
    assert "REGRESSION" not in text
    assert "Page" not in text
    assert "-" not in text
    # All that was written is there, but for sentences that a page's end parts.
    assert sum(sentence in text for sentence in SENTENCES[:560]) > 550


def test_a_pdf_without_text_and_what_is_no_pdf_are_one_line(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(10, 10, 50, 50)
    pdf.output(str(tmp_path / "scan.pdf"))
    with pytest.raises(DatasetError, match=r"scan.pdf: this PDF has no text, only images of its 1 pages"):
        list(textbook.documents(tmp_path / "scan.pdf"))
    (tmp_path / "no.pdf").write_text("no PDF")
    with pytest.raises(DatasetError, match=r"no.pdf: not a PDF that can be read"):
        list(textbook.documents(tmp_path / "no.pdf"))


PAGE = """<!doctype html><html><head><title>x</title><style>p {}</style></head><body>
<nav><a href="1.html">Chapter 1</a></nav><div class="book-header">Book</div><main>
<h1>Linear <em>models</em></h1><p>The slope <span class="math inline">\\(\\beta\\)</span> is
&lt;b&gt; 0<sup>2</sup>.</p><script>no()</script>
<ul><li>One</li><li>Two <b>bold</b></li></ul><pre><code>y &lt;- lm(a ~ b)
  summary(y)</code></pre><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<math><mi>x</mi><annotation encoding="application/x-tex">x^2</annotation></math>
<p hidden>hidden</p></main><footer>Made with a tool</footer></body></html>"""


def test_a_web_page_is_its_main_part_block_by_block() -> None:
    assert text_of(PAGE).split("\n\n") == [
        "Linear models",
        "The slope \\(\\beta\\) is <b> 02.",
        "One",
        "Two bold",
        "y <- lm(a ~ b)\n  summary(y)",
        "a b",
        "1 2",
        "$x^2$",
    ]


def test_sections_of_a_site_end_at_headings(tmp_path: Path) -> None:
    body = "".join(f"<h2>Section {i}</h2><p>{prose(300)}</p>" for i in range(12))
    (tmp_path / "a.html").write_text(f"<main>{body}</main>")
    documents = list(textbook.documents(tmp_path))
    assert len(documents) > 3
    assert all(d.text.startswith("Section") for d in documents)
    assert sum(d.text.count("Section") for d in documents) == 12


# Mail


def mail(body: str, subject: str = "Forecast", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Date"] = "a@enron.com", "Mon, 14 May 2001 16:39:00 -0700"
    message["Subject"] = subject
    for name, value in headers.items():
        message[name] = value
    message.set_content(body, **({"cte": "quoted-printable"} if not body.isascii() else {}))
    return message


def test_mail_is_its_subject_and_what_its_writer_wrote(tmp_path: Path) -> None:
    first, answer = prose(60), prose(40)
    quoted = "\n".join(f"> {line}" for line in textwrap.wrap(first, 70))
    html = mail(prose(30))
    html.set_content(f"<p>{answer}</p><p>in <b>HTML</b></p>", subtype="html")
    mails = {
        "1.": mail(first),
        "2.": mail(f"{answer} naïve\n\n-----Original Message-----\nFrom: b\n{first}", "Réponse"),
        "3.": mail(f"{quoted}\n{answer}"),
        "4.": mail(f'{answer}\n\n"B" <b@x.com> on 05/01/2001 09:15:00 AM\nTo: a@enron.com\ncc:\n{first}'),
        "5.": mail("Thanks!"),
        "6.": html,
    }
    for name, message in mails.items():
        (tmp_path / name).write_bytes(message.as_bytes())
    undeclared = f"From: a\nDate: b\nContent-Transfer-Encoding: 7bit\n\n{answer}=20\nsoft=\n line 3=3D3"
    (tmp_path / "7.").write_text(undeclared)
    (tmp_path / "DELETIONS.txt").write_text(prose(90))
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 4)
    found = {d.id: d.text for d in enron.documents(tmp_path)}
    assert list(found) == ["1.", "2.", "3.", "4.", "6.", "7."]
    assert found["1."] == f"Subject: Forecast\n\n{first}"
    assert found["2."] == f"Subject: Réponse\n\n{answer} naïve"
    assert found["3."] == found["4."] == f"Subject: Forecast\n\n{answer}"
    assert found["6."] == f"Subject: Forecast\n\n{answer}\n\nin HTML"
    assert found["7."] == f"{answer}\nsoft line 3=3"


def test_copies_and_near_copies_of_mail_are_dropped(tmp_path: Path) -> None:
    texts = [prose(80) for _ in range(30)]
    with tarfile.open(tmp_path / "enron.tar.gz", "w:gz") as tar:
        for number, text in enumerate(texts):
            for folder, body in (("sent", text), ("all", text), ("inbox", f"{text} and {prose(10)}")):
                content = mail(body).as_bytes()
                info = tarfile.TarInfo(f"maildir/{folder}/{number}.")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    kept, dropped = deduplicate(enron.documents(tmp_path / "enron.tar.gz"))
    assert (len(kept), dropped) == (30, 60)
    for number, document in enumerate(kept):
        mine = set(shingles(document.text).tolist())
        for other in kept[:number]:
            assert len(mine & set(shingles(other.text).tolist())) < THRESHOLD * len(mine)


def test_mail_with_odd_encodings_is_read() -> None:
    body = base64.encodebytes("Grüße aus München".encode("cp1252"))
    raw = b"From: a\nDate: b\nSubject: =?nonsense?Q?x?=\nContent-Type: text/plain; charset=no-such-set\n"
    message = enron.message_from_bytes(raw + b"Content-Transfer-Encoding: base64\n\n" + body)
    assert enron.own_text(message).endswith("Grüße aus München")


# A genome


def fasta(sequences: dict[str, str]) -> str:
    records = (f">{name} dna:chromosome\n" + "\n".join(textwrap.wrap(s, 60)) for name, s in sequences.items())
    return "\n".join(records) + "\n"


@pytest.fixture(scope="module")
def sequences() -> dict[str, str]:
    made = {}
    for name in ("A1", "X", "MT"):
        stretches = ("".join(RNG.choices("ACGTacgt", k=RNG.randrange(300, 9000))) for _ in range(5))
        made[name] = "NNN".join(stretches) + "N" * RNG.randrange(0, 900)
    return made


@pytest.mark.parametrize("block", [2**20, 997, 61])
def test_windows_of_a_genome_are_its_stretches_without_gaps(
    sequences: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(genome, "_BLOCK", block)
    expected = [
        (f"{name}:{stretch.start() + first + 1}", window)
        for name, letters in sequences.items()
        for stretch in re.finditer("[ACGT]+", letters.upper())
        for first in range(0, len(stretch.group()), genome.WINDOW)
        if len(window := stretch.group()[first : first + genome.WINDOW]) >= genome.SHORTEST
    ]
    (tmp_path / "plain.fa").write_text(fasta(sequences))
    (tmp_path / "packed.fa.gz").write_bytes(gzip.compress(fasta(sequences).encode()))
    for path in (tmp_path / "plain.fa", tmp_path / "packed.fa.gz"):
        found = list(genome.documents(path))
        assert [(d.id, d.text.replace("\n", "")) for d in found] == expected
        assert max(len(line) for d in found for line in d.text.split("\n")) == 60


def test_repeats_of_a_genome_are_near_duplicates_wherever_their_lines_end(tmp_path: Path) -> None:
    repeat = "".join(RNG.choices("ACGT", k=2300))
    windows = [repeat, "".join(RNG.choices("ACGT", k=100)) + repeat, "".join(RNG.choices("ACGT", k=2400))]
    (tmp_path / "g.fa").write_text(fasta({f"{i}": w for i, w in enumerate(windows)}))
    kept, dropped = deduplicate(genome.documents(tmp_path / "g.fa"), letters=True)
    assert ([d.id for d in kept], dropped) == (["1:1", "2:1"], 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (">A1\nACGTMKLV*EF\n", "sequence A1: 'L' is no nucleotide"),
        (">A1\nACGT\n>B2\nAC!GT\n", "sequence B2: '!' is no nucleotide"),
        ("ACGT\n", "no FASTA: it does not begin with '>'"),
    ],
)
def test_what_is_no_genome_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "g.fa").write_text(content)
    with pytest.raises(DatasetError, match=re.escape(said)):
        list(genome.documents(tmp_path / "g.fa"))


# Source code


def test_source_files_are_read_in_the_encoding_that_they_declare(tmp_path: Path) -> None:
    code = "x = 'é'  # comment\n" * 20
    bundle = {
        "p/a.py": code.encode(),
        "p/b.py": b"# coding: latin-1\n" + code.encode("latin-1"),
        "p/bad.py": b"# coding: utf-8\n" + code.encode("latin-1"),
        "p/none.py": b"# coding: no-such-thing\n" + code.encode(),
        "p/readme.md": code.encode(),
        "p/short.py": b"x = 1\n",
    }
    (tmp_path / "code.tar.gz").write_bytes(packed(bundle))
    documents = list(python_code.documents(tmp_path / "code.tar.gz"))
    assert [d.id for d in documents] == ["p/a.py", "p/b.py"]
    assert all(code.strip() in d.text for d in documents)
