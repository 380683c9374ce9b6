"""Checkpoints from a server that speaks the hub's API, and from a cache that huggingface_hub laid out."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import httpx2
import pytest
import torch
from huggingface_hub import constants, snapshot_download
from safetensors.torch import load_file, save_file

from runner import hub
from runner.__main__ import main
from runner.ahead import fetched_ahead
from runner.checkpoints import CheckpointError, checkpoint, load
from runner.declaration import study_from
from runner.hub import described, drop, fetched, held, known
from runner.hub_client import FetchError
from runner.job import Job, Outcome
from runner.study import Model
from runner.worker import run
from tests.hub import Hub
from tests.workplace import Workplace

TINY = Model(hub="lab/tiny", tokens_per_step=512)
WEIGHTS = "model.safetensors"
STUDY = """
study: hub
description: Two of the smoke study's runs, their checkpoints from the hub.
context: 32
models: [{hub: lab/tiny, tokens_per_step: 512}]
pretrain_steps: [0, 8]
datasets: [python]
data_points: [4]
training: {batch: 8, learning_rate: 2e-3, patience: 2, max_epochs: 6}
splits: {validation: 16, heldout: 32}
keep_checkpoints: false
"""


@pytest.fixture(scope="session")
def suite(smoke: Workplace) -> Path:
    """The smoke suite's checkpoints: one folder a revision."""
    (folder,) = (smoke.cache / "suites").glob("smoke-*/tiny-*")
    return folder


@pytest.fixture
def served(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Hub]:
    """The suite on a hub of our own, and huggingface_hub pointed there with an empty cache."""
    revisions = {f"step{p}": suite / f"step{p}" for p in (0, 8, 16)}
    server = Hub({"lab/tiny": revisions, **getattr(request, "param", {})})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    with server.serving():
        point_at(server.address, monkeypatch)
        yield server


def point_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def revision_of(folder: Path, tmp_path: Path, name: str = "changed") -> Path:
    """A copy of a revision, to be changed."""
    return Path(shutil.copytree(folder, tmp_path / name))


def test_a_revision_is_described_without_its_weights_as_a_local_directory_is(
    served: Hub, suite: Path, tmp_path: Path
) -> None:
    ours = checkpoint(TINY, 8, tmp_path)
    local = checkpoint(Model(path=str(suite), tokens_per_step=512), 8, tmp_path)
    for fact in ("digest", "n_params", "n_params_non_embedding", "pretrain_tokens", "revision"):
        assert getattr(ours, fact) == getattr(local, fact)
    assert ours.model == "lab/tiny"
    assert not any("/cdn/" in request for request in served.requests)
    served.requests.clear()
    assert checkpoint(TINY, 8, tmp_path) == ours
    assert served.requests == []


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(
    served: Hub, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what is lost at most, 10 MB by default
    served.breaks_after, served.breaks = 50_000, 2
    model = load(checkpoint(TINY, 8, tmp_path))
    local = load(checkpoint(Model(path=str(suite), tokens_per_step=512), 8, tmp_path))
    for ours, theirs in zip(model.parameters(), local.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    large = [request for request in served.requests if request.startswith("GET /cdn/")]
    assert [request.partition("bytes=")[2] for request in large] == ["", "50000-", "100000-"]
    assert not list((tmp_path / "hf").rglob("*.incomplete"))


def test_a_download_that_cannot_be_finished_leaves_nothing_under_the_final_name(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    revision = described(TINY, 8, tmp_path)
    served.breaks_after, served.breaks = 0, 99
    with pytest.raises(FetchError, match=r"^lab/tiny step8: model\.safetensors: the hub cannot be reached"):
        fetched(revision)
    served.breaks = 0
    served.corrupts = True
    with pytest.raises(FetchError, match="arrived damaged"):
        fetched(revision)
    assert not any("incomplete" in p.name or p.stat().st_size > 100_000 for p in blobs(tmp_path))
    assert [file.name for file in revision.missing] == [WEIGHTS]
    served.corrupts = False
    assert (fetched(revision) / WEIGHTS).is_file()


@pytest.mark.usefixtures("served")
def test_a_disk_that_fills_up_and_a_hub_that_is_lost_stop_the_sweep_and_fail_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = checkpoint(TINY, 8, tmp_path)
    study = replace(study_from("smoke"), models=(TINY,), pretrain_steps=(8,))
    job = Job(next(study.cells()), "key", where, study, "", tmp_path, str(tmp_path / "w.duckdb"))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", full)
        with pytest.raises(
            FetchError, match=r"^lab/tiny step8: model\.safetensors: No space left on device$"
        ):
            run(job)
    point_at("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with pytest.raises(FetchError, match=r"model\.safetensors.* the hub cannot be reached"):
        run(job)
    assert not list(tmp_path.glob("w.duckdb*"))
    assert not any(blob.name.endswith("incomplete") for blob in blobs(tmp_path))


def blobs(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "hf" / "models--lab--tiny" / "blobs").iterdir())


@pytest.mark.usefixtures("served")
def test_a_half_file_of_a_killed_process_is_removed_and_one_being_written_is_not(tmp_path: Path) -> None:
    revision = described(TINY, 8, tmp_path)
    old, new = (blobs(tmp_path)[0].with_name(f"{name}.incomplete") for name in ("old", "new"))
    for half in (old, new):
        half.write_bytes(b"half")
    os.utime(old, (0, 0))
    fetched(revision)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(
    ("model", "steps", "says"),
    [
        (TINY, 9, r"^lab/tiny: no revision step9; it has step0, step8, step16$"),
        (
            replace(TINY, hub="lab/none"),
            8,
            r"^lab/none: no such model, or a private or gated one: .*HF_TOKEN$",
        ),
        (replace(TINY, parameters=7), 8, r"^lab/tiny step8: has 38368 parameters, and the study declares 7$"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_the_hub_does_not_have_is_one_line(tmp_path: Path, model: Model, steps: int, says: str) -> None:
    with pytest.raises(FetchError, match=says) as caught:
        described(model, steps, tmp_path / "ours")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ours").exists()


def test_a_gated_model_needs_a_token(served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served.gated = {"lab/tiny"}
    with pytest.raises(FetchError, match=r"^lab/tiny: the model is gated: .*HF_TOKEN$"):
        described(TINY, 8, tmp_path / "ours")
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert described(TINY, 8, tmp_path / "ours").revision == "step8"


def test_a_full_disk_is_found_before_anything_is_fetched(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = described(TINY, 8, tmp_path)
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 10**9))
    says = r"needs 0\.0 GB, and .* has 1\.0 GB free: set HF_HOME"
    with pytest.raises(FetchError, match=rf"^lab/tiny step8: {says}"):
        fetched(revision)
    with pytest.raises(FetchError, match=rf"^lab/tiny step8 and 1 more: {says}"):
        hub.check_disk([revision, described(TINY, 16, tmp_path)])
    assert not any("/cdn/" in request for request in served.requests)


@pytest.mark.parametrize("offline", [True, False], ids=["HF_HUB_OFFLINE", "no network"])
@pytest.mark.usefixtures("served")
def test_without_network_a_cache_of_huggingface_hub_suffices(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    snapshot_download("lab/tiny", revision="step8")
    snapshot_download("lab/tiny", revision="step16", allow_patterns=["*.json"])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    point_at("http://127.0.0.1:9", monkeypatch)
    where = checkpoint(TINY, 8, tmp_path / "ours")
    local = checkpoint(Model(path=str(suite), tokens_per_step=512), 8, tmp_path)
    assert (where.digest, where.n_params) == (local.digest, local.n_params)
    load(where)
    cause = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
    for steps in (0, 16):
        with pytest.raises(FetchError, match=rf"^lab/tiny step{steps}: {cause}.* it holds step8$") as caught:
            described(TINY, steps, tmp_path / "ours")
        assert "\n" not in str(caught.value)
    drop(hub.described(TINY, 8, tmp_path / "ours"))
    load(where)  # what was there before is not ours to remove
    locks = tmp_path / "hf" / ".locks"
    shutil.rmtree(locks)
    locks.touch()  # as in a cache that cannot be written to
    load(where)


@pytest.mark.usefixtures("served")
def test_weights_dropped_are_still_known_and_say_why_they_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = described(TINY, 8, tmp_path)
    fetched(revision)
    assert drop(revision)
    assert known(TINY, 8, tmp_path) == revision
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    says = r"^lab/tiny step8: model\.safetensors is not on this machine, and HF_HUB_OFFLINE is set$"
    with pytest.raises(FetchError, match=says):
        fetched(revision)


def test_what_another_process_holds_or_another_revision_shares_is_not_dropped(
    served: Hub, suite: Path, tmp_path: Path
) -> None:
    served.repositories["lab/tiny"]["main"] = revision_of(suite / "step8", tmp_path)
    (tmp_path / "changed" / "README.md").write_text("Another commit with the same weights.")
    eighth, main_ = described(TINY, 8, tmp_path), described(replace(TINY, revision="main"), 8, tmp_path)
    assert eighth.commit != main_.commit
    assert eighth.digest == main_.digest
    fetched(eighth)
    fetched(main_)
    with held(eighth):
        assert not drop(eighth)
    assert drop(eighth)
    assert [file.name for file in eighth.missing] == [WEIGHTS]
    assert main_.missing == ()
    assert load_file(main_.folder / WEIGHTS)
    assert drop(main_)
    assert not any(blob.stat().st_size > 100_000 for blob in blobs(tmp_path))


def test_a_bin_is_read_without_running_what_it_holds_and_safetensors_go_before_it(
    served: Hub, suite: Path, tmp_path: Path
) -> None:
    weights = load_file(suite / "step8" / WEIGHTS)
    # As Pythia's: more rows than the tokenizer has words, and buffers that are no parameters.
    padded = revision_of(suite / "step8", tmp_path, "padded")
    for name in ("gpt_neox.embed_in.weight", "embed_out.weight"):
        weights[name] = torch.cat([weights[name], torch.zeros(48, 32)])
    config = json.loads((padded / "config.json").read_text())
    (padded / "config.json").write_text(json.dumps({**config, "vocab_size": 448}))
    (padded / WEIGHTS).unlink()
    torch.save(
        {**weights, "gpt_neox.layers.0.attention.masked_bias": torch.tensor(-1e9)},
        padded / "pytorch_model.bin",
    )
    both = revision_of(suite / "step8", tmp_path, "both")
    (both / "pytorch_model.bin").write_bytes(b"not looked at")
    evil = revision_of(padded, tmp_path, "evil")
    touched = tmp_path / "touched"
    (evil / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(touched), protocol=2))
    served.repositories["lab/tiny"] |= {"step32": padded, "step33": both, "step34": evil}

    where = checkpoint(TINY, 32, tmp_path)
    assert where.n_params == sum(value.numel() for value in weights.values())
    model = load(where)
    assert torch.equal(model.get_output_embeddings().weight, weights["embed_out.weight"])
    assert all(file.name != "pytorch_model.bin" for file in described(TINY, 33, tmp_path).files)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load(checkpoint(TINY, 34, tmp_path))
    assert not touched.exists()


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_revision_that_does_not_fit_is_refused(served: Hub, suite: Path, tmp_path: Path) -> None:
    made = {
        name: revision_of(suite / "step8", tmp_path, name) for name in ("code", "words", "parts", "other")
    }
    config = json.loads((suite / "step8" / "config.json").read_text())
    code = {
        **config,
        "model_type": "mine",
        "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.M"},
    }
    (made["code"] / "config.json").write_text(json.dumps(code))
    (made["words"] / "config.json").write_text(json.dumps({**config, "vocab_size": 300}))
    weights = load_file(suite / "step8" / WEIGHTS)
    del weights["embed_out.weight"]
    save_file(weights, made["parts"] / WEIGHTS, metadata={"format": "pt"})
    tokenizer = (suite / "step8" / "tokenizer.json").read_text()
    (made["other"] / "tokenizer.json").write_text(tokenizer + "\n")
    bare = revision_of(suite / "step8", tmp_path, "bare")
    (bare / WEIGHTS).unlink()
    served.repositories["lab/tiny"] |= {**made, "bare": bare}

    for revision, says in (
        ("code", r"config\.json cannot be used"),
        ("words", "its tokenizer has 400 tokens, and the model embeds 300"),
        ("bare", r"has no safetensors or \.bin weights"),
    ):
        with pytest.raises(FetchError, match=says):
            described(replace(TINY, revision=revision), 8, tmp_path)
    with pytest.raises(CheckpointError, match="lacks 1 of the model's weights"):
        load(checkpoint(replace(TINY, revision="parts"), 8, tmp_path))
    with pytest.raises(FetchError, match="its tokenizer differs"):
        described(replace(TINY, revision="other"), 8, tmp_path)


@pytest.mark.usefixtures("served")
def test_one_checkpoint_is_fetched_ahead_and_those_behind_are_dropped(tmp_path: Path) -> None:
    study = replace(study_from("smoke"), models=(TINY,), pretrain_steps=(0, 8, 16), data_points=(4, 8))
    jobs = [
        Job(cell, f"{n}", checkpoint(cell.model, cell.pretrain_steps, tmp_path), study, "", tmp_path, "")
        for n, cell in enumerate(study.cells())
    ]
    on_disk = []
    revisions = [described(TINY, p, tmp_path) for p in study.pretrain_steps]

    def trained() -> Iterator[Outcome]:
        for job in jobs:
            for thread in threading.enumerate():
                if thread.name == "ahead":
                    thread.join()
            on_disk.append([r.revision for r in revisions if not r.missing])
            yield Outcome(job.cell, job.run_key, 1.0, None)

    with held(revisions[1]):  # by another study's sweep
        assert len(list(fetched_ahead(jobs, trained(), keep=False))) == len(jobs)
    each = len(jobs) // 3
    assert on_disk[:each] == [["step0", "step8"]] * each
    assert on_disk[each : 2 * each] == [["step8", "step16"]] * each
    assert on_disk[2 * each :] == [["step8", "step16"]] * each
    assert [r.revision for r in revisions if not r.missing] == ["step8"]


def test_a_sweep_from_the_hub_shares_its_runs_with_one_from_disk(
    served: Hub, smoke: Workplace, workplace: Workplace
) -> None:
    """The same two runs as the smoke study's, trained anew; then looked up with the server gone."""
    file = workplace.folder / "hub.yml"
    file.write_text(STUDY)
    environment = {
        **workplace.environment,
        "HF_ENDPOINT": served.address,
        "HF_HOME": str(workplace.folder / "home"),
    }

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "runner", *command, "--study", str(file)],
            cwd=workplace.folder,
            env={**environment, **more},
            capture_output=True,
            text=True,
        )

    done = run("sweep")
    assert done.returncode == 0, done.stderr
    losses = "select run_key, loss from raw.runs where dataset = 'python' and data_points = 4 order by all"
    with duckdb.connect(workplace.warehouse, read_only=True) as database:
        trained = database.execute(losses).fetchall()
        sources = database.execute("select distinct source from raw.checkpoints").fetchall()
    with duckdb.connect(smoke.warehouse, read_only=True) as database:
        assert len(trained) == 2
        assert set(trained) <= set(database.execute(losses).fetchall())
    assert {f"hub lab/tiny at {served.commit('lab/tiny', f'step{p}')}" for p in (0, 8)} == {
        s for (s,) in sources
    }
    assert not list((workplace.folder / "home").rglob(WEIGHTS))
    again = run("status", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert "2 runs, 2 done, 0 failed, 0 missing" in again.stdout


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("[0, 8]", "[0, 9]", "lab/tiny: no revision step9; it has step0, step8, step16"),
        ("lab/tiny", "lab/none", "lab/none: no such model"),
    ],
)
@pytest.mark.usefixtures("served")
def test_bad_input_is_one_line_and_makes_no_warehouse(
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    was: str,
    becomes: str,
    says: str,
) -> None:
    file = workplace.folder / "hub.yml"
    file.write_text(STUDY.replace(was, becomes))
    monkeypatch.chdir(workplace.folder)
    monkeypatch.setenv("TRANSFER_LAWS_CACHE", str(workplace.cache))
    assert main(["sweep", "--study", str(file), "--warehouse", str(workplace.warehouse)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: {says}")
    assert errors.count("\n") == 1
    assert not workplace.warehouse.exists()


def test_the_server_answers_as_the_client_expects(served: Hub) -> None:
    answer = httpx2.get(f"{served.address}/api/models/lab/tiny/tree/step8")
    assert {entry["path"] for entry in answer.json()} >= {"config.json", WEIGHTS}
