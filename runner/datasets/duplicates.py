"""Near-duplicate documents, found exactly: two texts are compared by the runs of five words they share."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from runner.datasets.document import Document

WORDS = 5
THRESHOLD = 0.5
_BITS = 24


class Shingler:
    """Turns texts into sets of shingles, each an exact integer code of `WORDS` successive words.

    Codes of one shingler can be compared with each other, not with another's.
    """

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict(lambda: len(self._ids) + 1)

    def shingles(self, text: str) -> frozenset[int]:
        """Distinct shingles of `text`, case and punctuation ignored; a shorter text is a single one."""
        return frozenset(self._codes(text))

    def _codes(self, text: str) -> Iterator[int]:
        mask = (1 << _BITS * WORDS) - 1
        code = 0
        words = re.findall(r"\w+", text.lower())
        for position, word in enumerate(words, start=1):
            code = (code << _BITS | self._ids[word]) & mask
            if position >= min(WORDS, len(words)):
                yield code


def deduplicate(documents: Iterable[Document]) -> tuple[list[Document], int]:
    """The documents left when near-duplicates are dropped, in their order, and how many were dropped.

    A document is dropped when at least `THRESHOLD` of its distinct shingles are in one document that is kept
    and no shorter (in shingles; of equally long ones the first is kept). Every pair that can qualify is
    compared: the rarest shingles of a document, one more than it may lack, include one that such a pair
    shares (prefix filtering; Chaudhuri, Ganti and Kaushik 2006), so only documents found there are counted.
    """
    documents = list(documents)
    shingler = Shingler()
    shingles = [shingler.shingles(document.text) for document in documents]
    frequency = Counter(code for codes in shingles for code in codes)
    longest_first = sorted(range(len(documents)), key=lambda index: -len(shingles[index]))
    kept: set[int] = set()
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for index in longest_first:
        codes = shingles[index]
        shared = [code for code in codes if frequency[code] > 1]
        needed = THRESHOLD * len(codes)
        if len(shared) < needed or not _contained(shared, needed, frequency, holders, shingles):
            kept.add(index)
            for code in shared:
                holders[code].append(index)
    return [document for index, document in enumerate(documents) if index in kept], len(documents) - len(kept)


def _contained(
    shared: Sequence[int],
    needed: float,
    frequency: Counter[int],
    holders: defaultdict[int, list[int]],
    shingles: Sequence[frozenset[int]],
) -> bool:
    rarest = sorted(shared, key=lambda code: (frequency[code], code))[: int(len(shared) - needed) + 1]
    candidates = {index for code in rarest for index in holders.get(code, ())}
    return any(sum(code in shingles[index] for code in shared) >= needed for index in candidates)


def unlike(documents: Iterable[Document], others: Iterable[Document]) -> Iterator[Document]:
    """The documents that are near-duplicates of none of `others`.

    A document is left out when it and one of `others` share at least `THRESHOLD` of the shingles of the
    shorter of the two.
    """
    shingler = Shingler()
    sizes: list[int] = []
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for index, other in enumerate(others):
        codes = shingler.shingles(other.text)
        sizes.append(len(codes))
        for code in codes:
            holders[code].append(index)
    for document in documents:
        codes = shingler.shingles(document.text)
        overlaps = Counter(index for code in codes if code in holders for index in holders[code])
        if all(n < THRESHOLD * min(sizes[index], len(codes)) for index, n in overlaps.items()):
            yield document
