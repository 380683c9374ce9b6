"""How much of a dataset a suite has seen in pre-training: runs of tokens that both texts have.

Measured on what the runs use: a dataset's data points, against the sequences that the suite trains on, as
the suite's tokenizer cut both. A run is `RUN` successive tokens inside a data point. All runs are compared,
by a hash of 64 bits, in one pass over the pre-training text. Of models of the hub the text is not ours.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runner.declaration import suite_from
from runner.study import Study
from runner.tokens import Points, Tokens, points_of

RUN = 13  # as long as GPT-3's contamination study took (Brown et al. 2020, appendix C), there in words
_AT_ONCE = 4_000_000  # tokens
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Codes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """Distinct runs of `run_tokens` tokens in a dataset and, of these, those in the pre-training text."""

    dataset: str
    dataset_fingerprint: str
    text: str
    text_fingerprint: str
    run_tokens: int
    train_runs: int
    train_runs_seen: int
    heldout_runs: int
    heldout_runs_seen: int


def overlaps(study: Study, cache: Path) -> list[Overlap]:
    """Of each dataset of the study with the text of each of its suites, once a tokenizer."""
    from runner.pretrain import text_of

    found: dict[tuple[str, str], Overlap] = {}
    for model in study.models:
        if model.suite is not None:
            pretraining = text_of(suite_from(model.suite), cache)
            for name in study.datasets:
                data = points_of(study, model, name, cache)
                key = data.facts.fingerprint, pretraining.facts.fingerprint
                found[key] = found.get(key) or overlap(data, pretraining)
    return list(found.values())


def overlap(data: Tokens, pretraining: Tokens, run: int = RUN) -> Overlap:
    """The overlap of a dataset with the text that a suite trains on, both cut by the suite's tokenizer."""
    train, heldout = (_distinct(_runs(points, run)) for points in (data.train, data.heldout))
    train_seen, heldout_seen = np.zeros(len(train), np.bool_), np.zeros(len(heldout), np.bool_)
    context = pretraining.train.shape[1]
    for first in range(0, len(pretraining.train), max(1, _AT_ONCE // context)):
        codes = _distinct(_runs(pretraining.train[first : first + max(1, _AT_ONCE // context)], run))
        train_seen |= np.isin(train, codes, assume_unique=True)
        heldout_seen |= np.isin(heldout, codes, assume_unique=True)
    return Overlap(
        dataset=data.facts.dataset,
        dataset_fingerprint=data.facts.fingerprint,
        text=pretraining.facts.dataset,
        text_fingerprint=pretraining.facts.fingerprint,
        run_tokens=run,
        train_runs=len(train),
        train_runs_seen=int(train_seen.sum()),
        heldout_runs=len(heldout),
        heldout_runs_seen=int(heldout_seen.sum()),
    )


def _runs(points: Points, run: int) -> Codes:
    """Hashes of all runs inside the points, shape (points × (context - run + 1),)."""
    run = min(run, points.shape[1])
    units = points.astype(np.uint64) + np.uint64(1)
    codes = np.zeros((len(units), units.shape[1] - run + 1), np.uint64)
    for place in range(run):
        codes = (codes ^ (codes >> np.uint64(29))) * _MULTIPLIER + units[:, place : place + codes.shape[1]]
    mixed: Codes = (codes ^ (codes >> np.uint64(31))) * _MULTIPLIER
    return mixed.ravel()


def _distinct(codes: Codes) -> Codes:
    """Each code once. numpy's unique hashes, which takes a hundred times as long on codes that are hashes."""
    ordered = np.sort(codes)
    return np.concatenate([ordered[:1], ordered[1:][ordered[1:] != ordered[:-1]]])
