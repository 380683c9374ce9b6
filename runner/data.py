"""The datasets from the command line.

python -m runner data list                       name, whether it is here, source, licence
python -m runner data fetch enron                bring a source into the cache, from its own address
python -m runner data fetch enron --from PATH    or from a file or folder
python -m runner data show enron                 source, documents, tokens, duplicates dropped, samples
python -m runner data show mine --study my.yml   the same of a study's own data
"""

import argparse
import hashlib
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner import datasets
from runner.datasets import Dataset, DatasetError, Document
from runner.datasets.sources import Source, cache_folder, fetch, source_of
from runner.declaration import study_from

SAMPLES = 3
SAMPLE_LINES = 8


def add_data_command(commands: Any) -> None:
    """Declare `data` and its verbs among the runner's commands."""
    command = commands.add_parser("data", help="list, fetch and show the datasets")
    verbs = command.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="name, whether it is on this machine, source, licence")
    verb = verbs.add_parser("fetch", help="bring a dataset's source into the cache")
    verb.add_argument("name")
    verb.add_argument("--from", dest="given", type=Path, metavar="PATH", help="a file or folder that has it")
    verb = verbs.add_parser("show", help="source, licence, documents, tokens, duplicates dropped, samples")
    verb.add_argument("name")
    verb.add_argument("--study", help="the study whose own data it is")
    verb.add_argument(
        "--tokenizer",
        type=Path,
        help="a tokenizer.json to count tokens with; default: those of the suites here",
    )


def data(options: argparse.Namespace) -> None:
    """Carry out a `data` command. Raises DatasetError where a dataset is unknown or cannot be had."""
    if options.verb == "list":
        for name in datasets.known():
            _list(datasets.get(name))
    elif options.verb == "fetch":
        source = fetch(datasets.get(options.name), options.given)
        print(f"{source.dataset} is fetched\n  licence   {source.licence}")
        _print_source(source)
    else:
        own = study_from(options.study).own if options.study else ()
        _show(datasets.get(options.name, own), options.tokenizer)


def _list(dataset: Dataset) -> None:
    state = "made here" if dataset.fetch is None else "fetched" if source_of(dataset.name) else "not fetched"
    print(f"{dataset.name:<20} {state:<12} {dataset.source}\n{'':<33} licence: {dataset.licence}")


def _print_source(source: Source) -> None:
    print(f"  from      {source.address}, {source.fetched_at}")
    print(f"  file      {source.file}, {source.bytes:,} bytes, SHA-256 {source.sha256}")
    print(f"            {source.documents:,} documents, {source.characters:,} characters in all")


def _show(dataset: Dataset, tokenizer: Path | None) -> None:
    from runner.tokens import kept_documents

    dataset.version()  # what it lacks is said before its text is read
    print(f"{dataset.name}: {dataset.source}\n  licence   {dataset.licence}")
    if source := source_of(dataset.name):
        _print_source(source)
    documents, dropped = kept_documents(dataset)
    characters = sum(len(document.text) for document in documents)
    print(f"  documents {len(documents):,}, {characters:,} characters; {dropped:,} near-duplicates dropped")
    for name, tokens in _token_counts(documents, tokenizer).items():
        print(f"  tokens    {tokens:,} ({name})")
    for document in sorted(documents, key=lambda d: hashlib.sha256(d.id.encode()).digest())[:SAMPLES]:
        lines = [part for line in document.text.splitlines() for part in textwrap.wrap(line, 100) or [""]]
        print(f"\n--- {document.id}\n" + "\n".join(lines[:SAMPLE_LINES]))


def _token_counts(documents: Sequence[Document], tokenizer: Path | None) -> dict[str, int]:
    """Tokens of the documents by name of tokenizer: the one given, or each suite's that is in the cache."""
    from tokenizers import Tokenizer

    from runner.tokens import token_stream

    if tokenizer is not None and not tokenizer.is_file():
        raise DatasetError(f"{tokenizer}: no such file")
    files = [tokenizer] if tokenizer else sorted(cache_folder().glob("suites/*/tokenizer/tokenizer.json"))
    counts = {}
    for file in files:
        name = str(file) if tokenizer else f"suite {file.parent.parent.name}"
        try:
            encoder = Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001  the library raises nothing narrower
            raise DatasetError(f"{file}: not a tokenizer.json ({error})") from None
        counts[name] = sum(len(piece) for piece in token_stream(encoder, documents))
    return counts
