"""Near-duplicate documents: every pair that can be one is compared, by the runs of words that both have.

A run (shingle) is `WORDS` successive words, or `LETTERS` successive letters of a text that has no words (a
genome). Runs are compared by a hash of 64 bits: among the ten million of a large dataset, the chance that any
two different ones are taken for one is below one in a hundred thousand.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from runner.datasets.document import Document

WORDS = 5
LETTERS = 31
THRESHOLD = 0.5
Codes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def runs(text: str, length: int, letters: bool = False) -> Codes:
    """Hashes of the distinct runs of `length` words (letters) of `text`, sorted; a shorter text is one run.

    Case and punctuation are ignored. Codes can be compared within one process, not with another's.
    """
    if letters:
        joined = re.sub(r"\s+", "", text.lower()).encode()
        units = np.frombuffer(joined, np.uint8).astype(np.uint64) + np.uint64(1)
    else:
        found = re.findall(r"\w+", text.lower())
        units = np.fromiter(map(hash, found), np.int64, len(found)).view(np.uint64)
    length = min(length, len(units))
    if not length:
        return units
    codes = np.full(len(units) - length + 1, np.uint64(length))
    for place in range(length):
        codes = codes * _MULTIPLIER + units[place : place + len(codes)]
    codes = (codes ^ (codes >> np.uint64(31))) * _MULTIPLIER
    return np.unique(codes ^ (codes >> np.uint64(29)))


def shingles(text: str, letters: bool = False) -> Codes:
    """The runs by which near-duplicates are told."""
    return runs(text, LETTERS if letters else WORDS, letters)


def deduplicate(documents: Iterable[Document], letters: bool = False) -> tuple[list[Document], int]:
    """The documents left when near-duplicates are dropped, in their order, and how many were dropped.

    A document is dropped when at least `THRESHOLD` of its distinct shingles are in one document that is kept
    and no shorter (in shingles; of equally long ones the first is kept). Every pair that can qualify is
    compared: the rarest shingles of a document, one more than it may lack, include one that such a pair
    shares (prefix filtering; Chaudhuri, Ganti and Kaushik 2006), so only documents found there are counted.
    """
    distinct: list[Document] = []
    seen: set[bytes] = set()
    number = 0
    for document in documents:
        number += 1
        text = blake2b(document.text.encode(errors="surrogatepass"), digest_size=16).digest()
        if text not in seen:
            seen.add(text)
            distinct.append(document)
    kept = _kept([shingles(document.text, letters) for document in distinct])
    return [distinct[index] for index in np.flatnonzero(kept)], number - int(kept.sum())


def _kept(codes: list[Codes]) -> npt.NDArray[np.bool_]:
    """Which of the sets of shingles are kept. Empties `codes`: it is what takes the memory."""
    sizes = np.array([len(of_one) for of_one in codes], np.int64)
    together = np.concatenate([np.empty(0, np.uint64), *codes])
    together.sort()
    several = np.unique(together[1:][together[1:] == together[:-1]])  # the shingles that several texts have
    del together
    shared = []
    for of_one in codes:
        place = np.searchsorted(several, of_one)
        found = place < len(several)
        found[found] = several[place[found]] == of_one[found]
        shared.append(place[found].astype(np.int32))
    codes.clear()
    held = np.concatenate([np.empty(0, np.int32), *shared])
    owners = np.repeat(np.arange(len(sizes), dtype=np.int32), [len(of_one) for of_one in shared])
    holders = owners[np.argsort(held, kind="stable")]
    frequency = np.bincount(held, minlength=len(several))
    starts = np.cumsum(frequency) - frequency
    del held, owners
    kept: npt.NDArray[np.bool_] = sizes == 0
    for index in np.argsort(-sizes, kind="stable"):
        mine, needed = shared[index], THRESHOLD * sizes[index]
        kept[index] = True
        if len(mine) >= max(needed, 1):
            rare = int(len(mine) - needed) + 1
            rarest = mine[np.argsort(frequency[mine], kind="stable")[:rare]]
            if _most_shared(rarest, starts, frequency, holders, kept, index):
                kept[index] = _most_shared(mine, starts, frequency, holders, kept, index) < needed
    return kept


def _most_shared(
    of: npt.NDArray[np.int32],
    starts: Indices,
    frequency: Indices,
    holders: npt.NDArray[np.int32],
    kept: npt.NDArray[np.bool_],
    index: int,
) -> int:
    """How many of the shingles `of` are in the kept document, other than `index`, that holds most of them."""
    found = holders[_ranges(starts[of], frequency[of])]
    found = found[kept[found] & (found != index)]
    return int(np.unique(found, return_counts=True)[1].max()) if len(found) else 0


def _ranges(starts: Indices, lengths: Indices) -> Indices:
    """The integers of all ranges start, …, start + length - 1, one range after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def unlike(documents: Iterable[Document], others: Iterable[Document]) -> Iterator[Document]:
    """The documents that are near-duplicates of none of `others`.

    A document is left out when it and one of `others` share at least `THRESHOLD` of the shingles of the
    shorter of the two.
    """
    codes = [shingles(other.text) for other in others]
    sizes = np.array([len(of_one) for of_one in codes], np.int64)
    together = np.concatenate([np.empty(0, np.uint64), *codes])
    order = np.argsort(together, kind="stable")
    together, holders = together[order], np.repeat(np.arange(len(sizes)), sizes)[order]
    for document in documents:
        of_one = shingles(document.text)
        left, right = np.searchsorted(together, of_one), np.searchsorted(together, of_one, "right")
        who, shared = np.unique(holders[_ranges(left, right - left)], return_counts=True)
        if np.all(shared < THRESHOLD * np.minimum(sizes[who], len(of_one))):
            yield document
