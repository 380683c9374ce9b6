"""Documents become data points: near-duplicates out, split by document, tokenised, cut, cached on disk.

A data point is one sequence of `context` tokens. A tenth of the documents is held out, a tenth validates and
the rest trains, in the order of a hash of their id: no document is in two of them, and no split depends on
the order in which a dataset yields its text. What a study measures on is drawn from all of its tenth.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from runner import datasets
from runner.checkpoints import tokenizer_file
from runner.datasets import Dataset, Document
from runner.datasets.duplicates import deduplicate
from runner.study import Model, Splits, Study, digest

END_OF_TEXT = "<|endoftext|>"
Points = npt.NDArray[np.int32]
_ENCODED_AT_ONCE = 500_000  # characters: the library keeps a hundred bytes and more a token


class TokensError(Exception):
    """A dataset that cannot give the data points asked of it: one line."""


@dataclass(frozen=True)
class Facts:
    """What the warehouse records of a dataset as one tokenizer and context cut it."""

    dataset: str
    fingerprint: str
    source: str
    licence: str
    documents: int
    duplicates_dropped: int
    characters: int
    tokenizer: str
    context: int
    tokens: int
    train_points: int
    validation_points: int
    heldout_points: int
    sample: str


@dataclass(frozen=True)
class Tokens:
    """A dataset's data points: arrays of shape (points, context), memory-mapped."""

    facts: Facts
    train: Points
    validation: Points
    heldout: Points

    def subset(self, data_points: int, seed: int) -> Points:
        """The first `data_points` of a shuffle of the training points: a larger one contains a smaller.

        Raises TokensError where the dataset has fewer.
        """
        if data_points > len(self.train):
            raise TokensError(
                f"data_points: {data_points} is above the {len(self.train)} training data points "
                f"of {self.facts.context} tokens that {self.facts.dataset} has"
            )
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(self.train))
        return np.asarray(self.train[order[:data_points]])


def cached_facts(
    dataset: Dataset, tokenizer: Path, context: int, splits: Splits, cache: Path
) -> Facts | None:
    """The facts of an earlier `tokenised` with the same arguments, or None."""
    path = _folder(dataset, tokenizer, context, splits, cache) / "facts.json"
    return Facts(**json.loads(path.read_text())) if path.is_file() else None


def tokenised(dataset: Dataset, tokenizer: Path, context: int, splits: Splits, cache: Path) -> Tokens:
    """The dataset's data points, from the cache or made now. `tokenizer` is a tokenizer.json.

    Raises TokensError where the text is too short for the splits.
    """
    folder = _folder(dataset, tokenizer, context, splits, cache)
    if not (folder / "facts.json").is_file():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            _tokenise(dataset, tokenizer, context, splits, partial)
        except BaseException:
            shutil.rmtree(partial)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    facts = Facts(**json.loads((folder / "facts.json").read_text()))
    train, validation, heldout = (
        np.load(folder / f"{split}.npy", mmap_mode="r") for split in ("train", "validation", "heldout")
    )
    return Tokens(facts, train, validation, heldout)


def points_of(study: Study, model: Model, dataset: str, cache: Path) -> Tokens:
    """The dataset's data points as the model's tokenizer and the study's context cut them."""
    text = datasets.get(dataset, study.own)
    return tokenised(text, tokenizer_file(model, cache), study.context, study.splits, cache)


@lru_cache(maxsize=1)
def kept_documents(dataset: Dataset) -> tuple[list[Document], int]:
    """The dataset's documents without near-duplicates, and how many were dropped.

    The latest dataset is remembered: a suite's text is read for its tokenizer and again for its data points.
    """
    return deduplicate(dataset.documents(), dataset.letters)


def _folder(dataset: Dataset, tokenizer: Path, context: int, splits: Splits, cache: Path) -> Path:
    made_from = [dataset.version(), _file_digest(tokenizer), context, asdict(splits)]
    return cache / "tokens" / f"{dataset.name}-{digest(made_from)[:16]}"


def _tokenise(dataset: Dataset, tokenizer: Path, context: int, splits: Splits, folder: Path) -> None:
    encoder = Tokenizer.from_file(str(tokenizer))
    end = encoder.token_to_id(END_OF_TEXT)
    if end is None:
        raise TokensError(f"{tokenizer}: no {END_OF_TEXT} token, which parts documents in a data point")
    documents, dropped = kept_documents(dataset)
    documents = sorted(documents, key=lambda d: hashlib.sha256(d.id.encode()).digest())
    tenth = len(documents) // 10
    parts: dict[str, Points] = {}
    tokens = 0
    for split, dealt, wanted in (
        ("heldout", documents[:tenth], splits.heldout),
        ("validation", documents[tenth : 2 * tenth], splits.validation),
        ("train", documents[2 * tenth :], None),
    ):
        stream = _stream(encoder, dealt, end)
        tokens += len(stream)
        points = stream[: len(stream) // context * context].reshape(-1, context)
        if len(points) < (wanted or 1):
            raise TokensError(
                f"{dataset.name} has too little text: its {len(dealt)} {split} documents fill {len(points)} "
                f"data points of {context} tokens, and the study wants {wanted or 1}"
            )
        drawn = np.random.Generator(np.random.PCG64(0)).permutation(len(points))[:wanted]
        parts[split] = points if wanted is None else points[np.sort(drawn)]
    fingerprint = hashlib.sha256()
    for split, points in parts.items():
        fingerprint.update(f"{split} {points.shape} ".encode() + points.astype("<i4").tobytes())
        np.save(folder / f"{split}.npy", points)
    facts = Facts(
        dataset=dataset.name,
        fingerprint=fingerprint.hexdigest()[:32],
        source=dataset.provenance(),
        licence=dataset.licence,
        documents=len(documents),
        duplicates_dropped=dropped,
        characters=sum(len(d.text) for d in documents),
        tokenizer=_file_digest(tokenizer),
        context=context,
        tokens=tokens,
        train_points=len(parts["train"]),
        validation_points=len(parts["validation"]),
        heldout_points=len(parts["heldout"]),
        sample=documents[-1].text[:600],
    )
    (folder / "facts.json").write_text(json.dumps(asdict(facts), indent=1))


def _stream(encoder: Tokenizer, documents: Sequence[Document], end: int) -> Points:
    """The tokens of all documents, each followed by `end`."""
    ended = (np.append(tokens, np.int32(end)) for tokens in token_stream(encoder, documents))
    return np.concatenate([np.empty(0, np.int32), *ended])


def token_stream(encoder: Tokenizer, documents: Sequence[Document]) -> Iterator[Points]:
    """The tokens of each document. As many are encoded at once as bounded memory allows."""
    texts: list[str] = []
    characters = 0
    for number, document in enumerate(documents, 1):
        texts.append(document.text)
        characters += len(document.text)
        if number == len(documents) or characters >= _ENCODED_AT_ONCE:
            for encoded in encoder.encode_batch_fast(texts, add_special_tokens=False):
                yield np.array(encoded.ids, np.int32)
            texts, characters = [], 0


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
