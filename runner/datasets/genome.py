"""`cat-genome`: the domestic cat's genome (Felis_catus_9.0), windows of it, from FASTA.

A window is a stretch of `WINDOW` letters without a gap, in capitals (small ones only mark repeats), in lines
of 60 as FASTA has them. All chromosomes and scaffolds are cut; a sample by seed is what models see.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from runner.datasets.archives import decompressed, readable
from runner.datasets.document import DatasetError, Document
from runner.datasets.sources import fetched_dataset, obtain_from

ADDRESS = (
    "https://ftp.ensembl.org/pub/release-111/fasta/felis_catus/dna/"
    "Felis_catus.Felis_catus_9.0.dna.toplevel.fa.gz"
)
WINDOW = 2_400
SHORTEST = 600  # of what is left of a stretch after its last whole window
LINE = 60
CHARACTERS = 8_000_000
_BLOCK = 2**20
_HEADER = re.compile(rb"^>(.*)$", re.MULTILINE)
_IUPAC = b"ACGTURYKMSWBDHVN-"
_STRETCH = re.compile(rb"[ACGT]+")


def documents(path: Path) -> Iterator[Document]:
    """Windows of every sequence of a FASTA file, plain or compressed.

    Raises DatasetError where it is no FASTA of nucleotides; it names the sequence.
    """
    name, position, stretch = "", 0, b""
    for header, letters in _blocks(path):
        if header is not None:
            yield from _windows(name, position, stretch, end=True)
            name, position, stretch = header, 0, b""
        if foreign := letters.translate(None, _IUPAC):
            raise DatasetError(
                f"{path}: sequence {name}: {foreign[:1].decode('latin-1')!r} is no nucleotide (IUPAC code)"
            )
        start = position + len(stretch)
        for found in _STRETCH.finditer(letters):
            if found.start() or not stretch:
                yield from _windows(name, position, stretch, end=True)
                position, stretch = start + found.start(), b""
            stretch += found.group()
            if found.end() < len(letters):
                yield from _windows(name, position, stretch, end=True)
                position, stretch = start + found.end(), b""
        whole = len(stretch) // WINDOW * WINDOW
        yield from _windows(name, position, stretch[:whole], end=False)
        position, stretch = position + whole, stretch[whole:]
        if not letters.endswith((b"A", b"C", b"G", b"T")):
            yield from _windows(name, position, stretch, end=True)
            position, stretch = start + len(letters), b""
    yield from _windows(name, position, stretch, end=True)


def _windows(name: str, position: int, stretch: bytes, *, end: bool) -> Iterator[Document]:
    for first in range(0, len(stretch), WINDOW):
        letters = stretch[first : first + WINDOW].decode()
        if len(letters) == WINDOW or (end and len(letters) >= SHORTEST):
            lines = (letters[place : place + LINE] for place in range(0, len(letters), LINE))
            yield Document(f"{name}:{position + first + 1}", "\n".join(lines))


def _blocks(path: Path) -> Iterator[tuple[str | None, bytes]]:
    """Letters in capitals and without line ends, block by block; with the name where a sequence begins."""
    with path.open("rb") as raw, readable(str(path)), decompressed(raw) as stream:
        if not stream.peek(1).startswith(b">"):
            raise DatasetError(f"{path}: no FASTA: it does not begin with '>'")
        left = b""
        while block := stream.read(_BLOCK):
            block = left + block
            # A header that the block cuts waits for the next one.
            cut = block.rfind(b"\n") + 1 if b">" in block[block.rfind(b"\n") + 1 :] else len(block)
            left, block = block[cut:], block[:cut]
            yield from _parts(block)
        yield from _parts(left)


def _parts(block: bytes) -> Iterator[tuple[str | None, bytes]]:
    name: str | None = None
    for place, part in enumerate(_HEADER.split(block)):
        if place % 2:
            name = (part.split() or [b"unnamed"])[0].decode("latin-1")
        elif part or name is not None:
            yield name, part.translate(None, b" \r\n\t").upper()


DATASET = fetched_dataset(
    name="cat-genome",
    source=f"genome of the domestic cat, Felis_catus_9.0 (Ensembl 111), windows of {WINDOW:,} bases",
    licence="no restriction on use (Ensembl)",
    read=documents,
    obtain=partial(obtain_from, url=ADDRESS),
    letters=True,
    characters=CHARACTERS,
)
