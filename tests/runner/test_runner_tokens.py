"""Data points: what is cut from which document, and that it never changes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from runner.datasets import Dataset, Document
from runner.study import Splits
from runner.tokens import END_OF_TEXT, Tokens, TokensError, cached_facts, kept_documents, tokenised

WORDS = 4000
CONTEXT, SPLITS = 8, Splits(validation=5, heldout=10)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """One token a word, the word's number its id."""
    vocabulary = {END_OF_TEXT: 0} | {f"w{i}": i for i in range(1, WORDS + 1)}
    encoder = Tokenizer(models.WordLevel(vocabulary, unk_token=END_OF_TEXT))
    encoder.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    encoder.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def dataset(documents: int = 100, words: int = 30) -> Dataset:
    """Every word occurs once, so a token tells its document."""

    def stream() -> Iterator[Document]:
        for d in range(documents):
            yield Document(f"d{d}", " ".join(f"w{1 + d * words + i}" for i in range(words)))

    kept_documents.cache_clear()
    return Dataset(f"numbered-{documents}-{words}", "made here", "CC0", stream)


def documents_of(points: np.ndarray, words: int = 30) -> set[int]:
    return {int(t - 1) // words for t in points.ravel() if t}


@pytest.fixture
def tokens(tokenizer: Path, tmp_path: Path) -> Tokens:
    return tokenised(dataset(), tokenizer, CONTEXT, SPLITS, tmp_path / "cache")


def test_splits_have_their_size_and_share_no_document(tokens: Tokens) -> None:
    assert tokens.heldout.shape == (10, CONTEXT)
    assert tokens.validation.shape == (5, CONTEXT)
    parts = [documents_of(p) for p in (tokens.heldout, tokens.validation, tokens.train)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert (
        len(parts[0]) > 3
    )  # ten points would fit into three documents: they are drawn from all that are held out


def test_training_points_are_the_rest_in_full(tokens: Tokens) -> None:
    left = 100 - 10 - 10
    assert len(tokens.train) == left * 31 // CONTEXT
    assert len(documents_of(tokens.train)) == left
    assert tokens.facts.tokens == 100 * 31
    assert tokens.facts.train_points == len(tokens.train)


def test_a_larger_subset_contains_the_smaller_of_the_same_seed(tokens: Tokens) -> None:
    small, large = tokens.subset(20, 3), tokens.subset(200, 3)
    assert np.array_equal(large[:20], small)
    assert not np.array_equal(tokens.subset(20, 4), small)
    assert len(np.unique(large, axis=0)) == 200


def test_a_subset_beyond_the_dataset_is_refused(tokens: Tokens) -> None:
    with pytest.raises(TokensError, match=rf"1000 is above the {len(tokens.train)} training data points"):
        tokens.subset(1000, 0)


def test_points_do_not_depend_on_the_order_of_the_documents(
    tokenizer: Path, tmp_path: Path, tokens: Tokens
) -> None:
    ordinary = dataset()
    reverse = Dataset(ordinary.name, "", "", lambda: iter(reversed(list(ordinary.documents()))))
    again = tokenised(reverse, tokenizer, CONTEXT, SPLITS, tmp_path / "elsewhere")
    assert np.array_equal(again.train, tokens.train)
    assert again.facts.fingerprint == tokens.facts.fingerprint


def test_the_fingerprint_changes_with_text_context_and_split(
    tokenizer: Path, tmp_path: Path, tokens: Tokens
) -> None:
    variants = [
        (dataset(99), CONTEXT, SPLITS),
        (dataset(), CONTEXT + 1, SPLITS),
        (dataset(), CONTEXT, Splits(validation=6, heldout=10)),
    ]
    prints = {tokens.facts.fingerprint}
    for variant in variants:
        prints.add(tokenised(variant[0], tokenizer, *variant[1:], tmp_path / "cache").facts.fingerprint)
    assert len(prints) == 4


def test_near_duplicates_are_dropped_and_counted(tokenizer: Path, tmp_path: Path) -> None:
    ordinary = dataset()
    doubled = Dataset(
        "doubled",
        "",
        "",
        lambda: iter([*ordinary.documents(), *(Document(d.id + "'", d.text) for d in ordinary.documents())]),
    )
    facts = tokenised(doubled, tokenizer, CONTEXT, SPLITS, tmp_path / "cache").facts
    assert (facts.documents, facts.duplicates_dropped) == (100, 100)


def test_too_little_text_is_one_line_and_leaves_nothing_under_the_final_name(
    tokenizer: Path, tmp_path: Path
) -> None:
    few = dataset(documents=20)
    with pytest.raises(
        TokensError, match="too little text: its 2 heldout documents fill 7 data points of 8 tokens"
    ):
        tokenised(few, tokenizer, CONTEXT, SPLITS, tmp_path / "cache")
    assert cached_facts(few, tokenizer, CONTEXT, SPLITS, tmp_path / "cache") is None


def test_the_cache_answers_without_reading_the_text_again(
    tokenizer: Path, tmp_path: Path, tokens: Tokens
) -> None:
    def unreadable() -> Iterator[Document]:
        raise AssertionError("read again")
        yield

    same_name = Dataset(dataset().name, "", "", unreadable)
    assert cached_facts(same_name, tokenizer, CONTEXT, SPLITS, tmp_path / "cache") == tokens.facts
    again = tokenised(same_name, tokenizer, CONTEXT, SPLITS, tmp_path / "cache")
    assert np.array_equal(again.train, tokens.train)
