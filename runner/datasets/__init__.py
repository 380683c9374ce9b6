"""The texts that models are pre-trained and fine-tuned on, one module each.

    for document in get("statistics").documents(): ...

A dataset yields documents (text with an id) and knows nothing of tokens, splits or models.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runner.datasets import (
    arxiv,
    documentation,
    encyclopedia,
    enron,
    genome,
    python,
    python_code,
    statistics,
    textbook,
)
from runner.datasets.document import Dataset, DatasetError, Document, NotFetchedError
from runner.datasets.duplicates import deduplicate
from runner.datasets.own import own_dataset

if TYPE_CHECKING:
    from runner.study import OwnData

__all__ = ["Dataset", "DatasetError", "Document", "NotFetchedError", "deduplicate", "get", "known"]

_DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        documentation.DATASET,
        statistics.DATASET,
        encyclopedia.DATASET,
        python.DATASET,
        encyclopedia.LARGE,
        arxiv.DATASET,
        textbook.DATASET,
        enron.DATASET,
        genome.DATASET,
        python_code.DATASET,
    )
}


def known() -> tuple[str, ...]:
    """Names of all datasets."""
    return tuple(_DATASETS)


def get(name: str, own: Iterable["OwnData"] = ()) -> Dataset:
    """The dataset called `name`, one of a study's `own` or of those here.

    Raises DatasetError, which lists those known, where there is none.
    """
    for data in own:
        if data.name == name:
            return own_dataset(data)
    if name not in _DATASETS:
        raise DatasetError(f"unknown dataset {name!r}; known are {', '.join(_DATASETS)}")
    return _DATASETS[name]
