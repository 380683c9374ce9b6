"""`python -m runner data`, a study's own data, and what a suite has seen of a dataset."""

import gzip
import json
import os
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from runner import datasets
from runner.__main__ import main
from runner.datasets import Document
from runner.datasets.sources import fetch
from runner.declaration import StudyError, study_from
from runner.overlap import overlap
from runner.study import Splits
from runner.tokens import END_OF_TEXT, Facts, Tokens, kept_documents, tokenised

LONG = 40


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRANSFER_LAWS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def code(folder: Path, files: int = 30, start: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(files):
        lines = (f"value_{start}_{number}_{line} = {line}\n" for line in range(LONG))
        (folder / f"m{number}.py").write_text("".join(lines))
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["data", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_fetch_show_and_list(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code(tmp_path / "code")
    (tmp_path / "code" / "copy.py").write_text((tmp_path / "code" / "m3.py").read_text())
    words = Tokenizer(models.WordLevel({"=": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (tmp_path / "tokenizer.json").write_text(words.to_str())

    assert run(capsys, "show", "python-code") == (
        2,
        "",
        "error: dataset python-code is not on this machine: python -m runner data fetch python-code\n",
    )
    status, out, err = run(capsys, "fetch", "python-code", "--from", str(tmp_path / "code"))
    assert (status, err) == (0, "")
    manifest = json.loads((cache / "data" / "python-code" / "manifest.json").read_text())
    assert (manifest["documents"], manifest["address"]) == (31, str(tmp_path / "code"))
    assert manifest["sha256"] in out

    status, out, _ = run(capsys, "show", "python-code", "--tokenizer", str(tmp_path / "tokenizer.json"))
    assert status == 0
    assert "documents 30," in out
    assert "1 near-duplicates dropped" in out
    assert f"tokens    {30 * LONG * 3:,} (" in out
    assert out.count("\n--- m") == 3
    status, out, _ = run(capsys, "list")
    assert re.search(r"python-code +fetched", out)
    assert re.search(r"enron +not fetched", out)
    assert re.search(r"statistics +made here", out)
    assert "BSD-3-Clause" in out


def test_the_version_changes_when_the_source_does_and_not_otherwise(tmp_path: Path) -> None:
    dataset = datasets.get("python-code")
    fetch(dataset, code(tmp_path / "a"))
    before = dataset.version()
    assert fetch(dataset).address == str(tmp_path / "a"), "what is here stays"
    fetch(dataset, code(tmp_path / "a"))
    assert dataset.version() == before
    fetch(dataset, code(tmp_path / "b", start=1))
    assert dataset.version() != before
    assert dataset.provenance().endswith(f"from {tmp_path / 'b'}")


def escaping(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped.py"))


BAD = {
    "missing": ("python-code", lambda _: None, "no such file or folder"),
    "escapes": ("python-code", escaping, "a path that leads out of it; not read"),
    "truncated": (
        "cat-genome",
        lambda path: path.write_bytes(gzip.compress(b">A\n" + os.urandom(2000).hex().encode())[:900]),
        "truncated or damaged",
    ),
    "no mail": ("enron", lambda path: path.write_text("no mail at all"), "nothing of this dataset is in it"),
    "no pdf": ("statistics-textbook", lambda path: path.write_text("x"), "not a PDF that can be read"),
    "no bases": ("cat-genome", lambda path: path.write_text(">A\nMKLV\n"), "'L' is no nucleotide"),
    "no paper": ("arxiv-math", lambda path: path.write_text("x" * 999), "nothing of this dataset is in it"),
    "not fetched": ("statistics", lambda path: path.write_text("x"), "statistics needs no fetching"),
    "unknown": ("pile", lambda path: path.write_text("x"), "unknown dataset 'pile'; known are documentation"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_source_is_one_line_and_leaves_all_as_it_was(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    name, make, said = BAD[kind]
    fetch(datasets.get("python-code"), code(tmp_path / "code"))
    before = {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    path = tmp_path / ("bad.pdf" if kind == "no pdf" else "bad")
    make(path)
    status, out, err = run(capsys, "fetch", name, "--from", str(path))
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert str(cache) not in err, "the path that was given is named, not the copy"
    assert {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()} == before
    assert [folder.name for folder in (cache / "data").iterdir()] == ["python-code"]


# A study's own data

STUDY = """
study: mine
description: Own data.
context: 32
models: [{{suite: smoke, size: tiny}}]
pretrain_steps: [0, 8]
data_points: [4]
training: {{batch: 8, learning_rate: 1e-3}}
datasets: [python, {entry}]
"""


def declared(folder: Path, entry: str) -> str:
    (folder / "mine.yml").write_text(STUDY.format(entry=entry))
    return str(folder / "mine.yml")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "notes" / "a.md").write_text("First note.")
    (tmp_path / "notes" / "deep" / "b.md").write_text("Second note.")
    (tmp_path / "notes" / "picture.png").write_bytes(b"\x89PNG\0\xff")
    rows = [{"body": f"Line {i}.", "n": i} for i in range(3)]
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return tmp_path


def test_own_text_is_files_folders_patterns_and_json_lines(texts: Path) -> None:
    entry = "{name: own, text: ['notes/**/*.md', rows.jsonl.gz, notes], field: body, licence: CC0-1.0}"
    study = study_from(declared(texts, entry))
    assert study.datasets == ("python", "own")
    dataset = datasets.get("own", study.own)
    assert list(dataset.documents()) == [
        Document("notes/a.md", "First note."),
        Document("notes/deep/b.md", "Second note."),
        *(Document(f"rows.jsonl.gz:{i + 1}", f"Line {i}.") for i in range(3)),
    ]
    assert dataset.licence == "CC0-1.0"
    before = dataset.version()
    (texts / "notes" / "a.md").write_text("Another note.")
    assert dataset.version() != before
    assert json.loads(study.declaration())["datasets"] == ["python", "own"]


def test_own_data_of_the_hub_is_read_by_its_library(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "train.jsonl").write_text("".join(json.dumps({"body": f"Row {i}."}) + "\n" for i in range(4)))
    entry = f"{{name: own, huggingface: {hub}, split: train, field: body}}"
    dataset = datasets.get("own", study_from(declared(tmp_path, entry)).own)
    assert [d.text for d in dataset.documents()] == [f"Row {i}." for i in range(4)]
    for wrong, said in (
        (f"{{name: own, huggingface: {hub}, split: train, field: text}}", "no text under the field 'text'"),
        (f"{{name: own, huggingface: {hub}, split: test, field: body}}", "test"),
        (f"{{name: own, huggingface: {hub}x, split: train}}", "own: "),
    ):
        dataset = datasets.get("own", study_from(declared(tmp_path, wrong)).own)
        with pytest.raises(datasets.DatasetError, match=said) as raised:
            list(dataset.documents())
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: own}", "datasets[1]: give either text (paths) or huggingface"),
        ("{name: own, text: [a], huggingface: b/c}", "datasets[1]: give either text"),
        ("{name: own, text: [nothing.txt]}", "datasets[1].text: no file at"),
        ("{name: own, text: ['*.none']}", "datasets[1].text: no file at"),
        (
            "{name: python, text: [mine.yml]}",
            "datasets[1].name: python is the name of a dataset that is here",
        ),
        ("{name: own, text: [mine.yml], split: train}", "datasets[1].split: goes with huggingface"),
        ("{name: own, huggingface: a/b}", "datasets[1].split: missing"),
        ("{name: own, txt: [a]}", "datasets[1].txt: unknown key; known are name, text, huggingface"),
        ("{text: [mine.yml]}", "datasets[1].name: missing"),
        ("{name: own, text: 3}", "datasets[1].text: "),
    ],
)
def test_own_data_that_cannot_be_is_one_line(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(StudyError, match=re.escape(said)) as raised:
        study_from(declared(tmp_path, entry))
    assert str(tmp_path / "mine.yml") in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [("not JSON", "line 2: not a line of JSON"), ('{"n": 1}', "no text under the field 'body'")],
)
def test_a_line_that_is_not_what_it_should_be_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"body": "x"}\n' + line)
    entry = "{name: own, text: [rows.jsonl], field: body}"
    dataset = datasets.get("own", study_from(declared(tmp_path, entry)).own)
    with pytest.raises(datasets.DatasetError, match=re.escape(said)):
        list(dataset.documents())


def test_own_text_splits_alike_wherever_it_lies(tmp_path: Path) -> None:
    words = {END_OF_TEXT: 0} | {f"w{i}": i for i in range(1, 2001)}
    encoder = Tokenizer(models.WordLevel(words, unk_token=END_OF_TEXT))
    encoder.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    encoder.save(str(tmp_path / "tokenizer.json"))
    prints = set()
    for place in ("here", "there"):
        (tmp_path / place / "t").mkdir(parents=True)
        for i in range(40):
            (tmp_path / place / "t" / f"{i}.txt").write_text(
                " ".join(f"w{1 + i * 50 + j}" for j in range(50))
            )
        study = study_from(declared(tmp_path / place, "{name: own, text: [t]}"))
        dataset = datasets.get("own", study.own)
        cut = tokenised(dataset, tmp_path / "tokenizer.json", 8, Splits(4, 8), tmp_path / "cache" / place)
        parts = [{int(t - 1) // 50 for t in p.ravel() if t} for p in (cut.train, cut.validation, cut.heldout)]
        assert sum(map(len, parts)) == len(set.union(*parts)) > 30
        prints.add(cut.facts.fingerprint)
    assert len(prints) == 1
    kept_documents.cache_clear()


# Overlap


def test_overlap_counts_the_runs_that_both_texts_have() -> None:
    rng = np.random.default_rng(0)

    def tokens(train: np.ndarray, heldout: np.ndarray, name: str) -> Tokens:
        facts = Facts(name, name, "", "", 0, 0, 0, "", 32, 0, len(train), 0, len(heldout), "")
        return Tokens(facts, train, train[:0], heldout)

    text, data, heldout = (rng.integers(0, 2**15, (n, 32)).astype(np.int32) for n in (300, 50, 20))
    stream = text.ravel()
    data[7, :20] = text[11, 5:25]  # 20 tokens: 8 runs of 13
    data[9, 4:16] = text[12, 4:16]  # 12 tokens: none
    heldout[3] = stream[40:72]  # over the end of a sequence: 24 tokens of one, 8 of the next
    found = overlap(tokens(data, heldout, "data"), tokens(text, text, "text"))
    assert (found.train_runs, found.train_runs_seen) == (50 * 20, 8)
    assert (found.heldout_runs, found.heldout_runs_seen) == (20 * 20, 12)
    assert overlap(tokens(data, text, "data"), tokens(text, text, "text")).heldout_runs_seen == 300 * 20
