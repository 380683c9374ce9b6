"""A part of a stream that is too long to keep: which part depends on the texts and a seed alone."""

import heapq
from collections.abc import Iterable
from hashlib import blake2b

from runner.datasets.document import Document

CHARACTERS = 32_000_000


def sampled(documents: Iterable[Document], characters: int = CHARACTERS, seed: int = 0) -> list[Document]:
    """The documents whose texts have the smallest hashes, as many as have `characters` together, in order.

    That is a simple random sample of the distinct texts, the same whatever the order of the stream. Copies of
    a text that is in it are in it too and share its memory, which is bounded by `characters`. A stream that
    is shorter is given whole.
    """
    largest: list[tuple[int, str]] = []
    found: dict[int, list[tuple[int, str]]] = {}
    texts: dict[int, str] = {}
    total, beyond = 0, 2**64
    salt = seed.to_bytes(8)
    for number, document in enumerate(documents):
        text = document.text.encode(errors="surrogatepass")
        hashed = int.from_bytes(blake2b(text, digest_size=8, salt=salt).digest())
        if hashed in found:
            found[hashed].append((number, document.id))
        elif hashed < beyond:
            found[hashed], texts[hashed] = [(number, document.id)], document.text
            heapq.heappush(largest, (-hashed, document.id))
            total += len(document.text)
            while total > characters and len(largest) > 1:
                beyond = -heapq.heappop(largest)[0]
                total -= len(texts.pop(beyond))
                del found[beyond]
    kept = sorted((number, name, hashed) for hashed, copies in found.items() for number, name in copies)
    return [Document(name, texts[hashed]) for _, name, hashed in kept]
