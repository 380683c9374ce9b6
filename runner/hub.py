"""Checkpoints of the model hub: what a revision holds, fetching it, and dropping it from disk.

    revision = described(model, 1000, cache)    # asked once: a commit, its files' digests, its parameters
    folder = fetched(revision)                  # through huggingface_hub's own cache (HF_HOME)

A revision is pinned to its commit the first time it is described, in cache/hub/; its weights' digests are the
hub's own (the SHA-256 under which large files are stored), so planning reads no gigabytes and keeps its
answers when the weights are dropped. Remove the file there to follow a branch that has moved.
"""

import fcntl
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runner.study import Model

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

EMBEDDINGS = ("embed_in", "embed_out", "wte", "wpe", "lm_head", "embed_tokens")
WEIGHTS = (  # the first kind that is whole is taken
    r"model\.safetensors",
    r"model-\d+-of-(\d+)\.safetensors|model\.safetensors\.index\.json",
    r"pytorch_model\.bin",
    r"pytorch_model-\d+-of-(\d+)\.bin|pytorch_model\.bin\.index\.json",
)
SMALL = ("config.json", "tokenizer.json")
SPARE = 1_000_000_000  # bytes of disk that a fetch leaves free
STALE = 3600.0  # seconds since a half file was written to, after which nobody is writing it


class FetchError(Exception):
    """A checkpoint that cannot be had from the hub: one line that says which and why."""


@dataclass(frozen=True)
class File:
    """A file of a revision: its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Revision:
    """A revision of a hub repository as it was first met. Parameters are counts.

    `digest` is that of a local directory with the same files (runner/checkpoints.py).
    """

    hub: str
    revision: str
    commit: str
    files: tuple[File, ...]
    digest: str
    n_params: int
    n_params_non_embedding: int

    def __str__(self) -> str:
        return f"{self.hub} {self.revision}"

    @property
    def folder(self) -> Path:
        """Where huggingface_hub puts its files."""
        return _storage(self.hub) / "snapshots" / self.commit

    @property
    def missing(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if not (self.folder / file.name).is_file())


def known(model: Model, steps: int, cache: Path) -> Revision | None:
    """What `described` wrote, or None where the hub has not been asked yet. No network, no torch."""
    path = _facts(model, steps, cache)
    if not path.is_file():
        return None
    read = json.loads(path.read_text())
    return Revision(**{**read, "files": tuple(File(**file) for file in read["files"])})


def tokenizer_file(model: Model, cache: Path) -> Path:
    """The tokenizer.json that all described revisions of the model share."""
    return cache / "hub" / str(model.hub).replace("/", "--") / "tokenizer.json"


def described(model: Model, steps: int, cache: Path) -> Revision:
    """The model's revision, asked of the hub (or, offline, of huggingface_hub's cache) the first time.

    Fetches its configuration and tokenizer, not its weights. Raises FetchError.
    """
    if found := known(model, steps, cache):
        return found
    hub, name = str(model.hub), model.revision_at(steps)
    commit, listed = _listed(hub, name)
    weights = _weights(set(listed))
    if absent := [n for n in SMALL if n not in listed] or (
        [] if weights else ["safetensors or .bin weights"]
    ):
        raise FetchError(f"{hub} {name}: has no {absent[0]}")
    # Beside its large files the hub digests small ones otherwise: those are fetched and read.
    files = []
    for file in sorted((*SMALL, *weights)):
        size, sha256 = listed[file]
        if sha256 is None:
            sha256 = _sha256(_download(hub, file, name, commit))
        elif file in SMALL:
            _download(hub, file, name, commit)
        files.append(File(file, size, sha256))
    folder = _storage(hub) / "snapshots" / commit
    n_params, n_embedding = _count_parameters(f"{hub} {name}", folder / "config.json")
    _check(model, f"{hub} {name}", n_params, folder, tokenizer_file(model, cache))
    revision = Revision(
        hub=hub,
        revision=name,
        commit=commit,
        files=tuple(files),
        digest=digest_of({f.name: f.sha256 for f in files if not f.name.endswith(".index.json")}),
        n_params=n_params,
        n_params_non_embedding=n_params - n_embedding,
    )
    shared = tokenizer_file(model, cache)
    shared.parent.mkdir(parents=True, exist_ok=True)
    if not shared.is_file():
        _write(shared, (folder / "tokenizer.json").read_bytes())
    _write(_facts(model, steps, cache), json.dumps(asdict(revision), indent=1).encode())
    return revision


def fetched(revision: Revision) -> Path:
    """The folder of the revision's files, all of them there: those missing are fetched and verified.

    A connection that breaks off is taken up where it broke. Raises FetchError; on a full disk, at once.
    """
    missing = revision.missing
    if not missing:
        return revision.folder
    needed = sum(file.size for file in missing)
    storage = _storage(revision.hub)
    free = shutil.disk_usage(next(p for p in (storage, *storage.parents) if p.is_dir())).free
    if needed + SPARE > free:
        raise FetchError(
            f"{revision}: needs {needed / 1e9:.1f} GB, and {storage.parent} has {free / 1e9:.1f} GB free: "
            "set HF_HOME to a larger disk, or keep_checkpoints: false in the study"
        )
    for half in storage.glob("blobs/*.incomplete"):  # of a process that was killed
        with suppress(FileNotFoundError):
            if time.time() - half.stat().st_mtime > STALE:
                half.unlink()
    for file in missing:
        path = _download(revision.hub, file.name, revision.revision, revision.commit)
        if _sha256(path) != file.sha256:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise FetchError(
                f"{revision}: {file.name} arrived damaged (its SHA-256 differs), and was removed"
            )
    with held(revision):
        _lock(revision).write_text("fetched\n")
    return revision.folder


@contextmanager
def held(revision: Revision) -> Iterator[None]:
    """Keep every process on this machine from dropping the revision's weights."""
    _lock(revision).parent.mkdir(parents=True, exist_ok=True)
    with _lock(revision).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def drop(revision: Revision) -> bool:
    """Remove the revision's weights from disk, unless they were there before a sweep came or are held.

    Files that another revision shares stay, and so do the configuration and the tokenizer.
    """
    if not _lock(revision).is_file() or not _lock(revision).read_text():
        return False
    with _lock(revision).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        for file in revision.files:
            path = revision.folder / file.name
            if file.name in SMALL or not path.is_file():
                continue
            blob = path.resolve()
            path.unlink()
            others = revision.folder.parent.glob(f"*/{file.name}")
            if blob != path and blob not in {other.resolve() for other in others}:
                blob.unlink()
        lock.truncate(0)
    return True


def digest_of(sha256s: Mapping[str, str]) -> str:
    """SHA-256 over names and SHA-256s of the files that decide what a model computes, cut to 128 bits."""
    total = hashlib.sha256()
    for name in sorted(sha256s):
        total.update(f"{name} {sha256s[name]}\n".encode())
    return total.hexdigest()[:32]


def _listed(hub: str, name: str) -> tuple[str, dict[str, tuple[int, str | None]]]:
    """A revision's commit and its files: size, and SHA-256 where the hub (or its cache) tells it."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        info: ModelInfo = HfApi().model_info(hub, revision=name, files_metadata=True, timeout=30)
    except (OfflineModeIsEnabled, httpx2.TransportError) as error:
        return _cached(hub, name, error)
    except (HfHubHTTPError, HFValidationError) as error:
        _explain(hub, name, error)
    files = {s.rfilename: (s.size or 0, s.lfs.sha256 if s.lfs else None) for s in info.siblings or ()}
    return str(info.sha), files


def _cached(hub: str, name: str, why: Exception) -> tuple[str, dict[str, tuple[int, str | None]]]:
    """`_listed` from huggingface_hub's cache, where a large file's blob is named by its SHA-256."""
    storage = _storage(hub)
    held = {
        ref.relative_to(storage / "refs").as_posix(): storage / "snapshots" / ref.read_text().strip()
        for ref in sorted(storage.glob("refs/**/*"))
        if ref.is_file()
    }
    whole = [r for r, folder in held.items() if _weights({p.name for p in folder.glob("*") if p.is_file()})]
    if name not in whole:
        raise FetchError(
            f"{hub} {name}: {_no_network(why)}, and the cache at {storage.parent} does not hold it; "
            f"of {hub} it holds {_some(whole)}"
        )
    files: dict[str, tuple[int, str | None]] = {}
    for path in filter(Path.is_file, held[name].iterdir()):
        blob = path.resolve()
        files[path.name] = (
            blob.stat().st_size,
            blob.name if re.fullmatch("[0-9a-f]{64}", blob.name) else None,
        )
    return held[name].name, files


def _weights(names: set[str]) -> tuple[str, ...]:
    """The files that hold a revision's weights, safetensors if it has them; none where a part is missing."""
    for kind in WEIGHTS:
        found = {name: re.fullmatch(kind, name) for name in names}
        parts = sorted(name for name, match in found.items() if match)
        shards = {int(match[1]) for match in found.values() if match and match.re.groups and match[1]}
        if parts and (not re.compile(kind).groups or shards == {len(parts) - 1}):  # and the index
            return tuple(parts)
    return ()


def _download(hub: str, file: str, name: str, commit: str) -> Path:
    import httpx2
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # of many files, beside the sweep's own
    try:
        path = Path(hf_hub_download(hub, file, revision=commit))
    except LocalEntryNotFoundError as error:
        cause = error.__cause__ or error
        raise FetchError(f"{hub} {name}: {file} is not on this machine, and {_no_network(cause)}") from None
    except httpx2.TransportError as error:
        raise FetchError(f"{hub} {name}: {file}: {_no_network(error)}") from None
    except HfHubHTTPError as error:
        _explain(hub, name, error)
    except OSError as error:
        reason = error.strerror or str(error).split("\n")[0]
        raise FetchError(f"{hub} {name}: {file}: {reason}") from None
    # So that huggingface_hub finds the revision by its name when there is no network.
    ref = _storage(hub) / "refs" / name
    if not ref.is_file():
        ref.parent.mkdir(parents=True, exist_ok=True)
        _write(ref, commit.encode())
    return path


def _explain(hub: str, name: str, error: Exception) -> NoReturn:
    """Raise what the hub's refusal means."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RevisionNotFoundError):
        raise FetchError(f"{hub}: no revision {name}; it has {_some(_revisions(hub))}") from None
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError) or status == 403:
        raise FetchError(
            f"{hub}: the model is gated: ask for access on its page, then `hf auth login` or set HF_TOKEN"
        ) from None
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        raise FetchError(
            f"{hub}: no such model, or a private or gated one: for those `hf auth login` or set HF_TOKEN"
        ) from None
    reason = f"the hub answers {status}" if status else str(error).strip().split("\n")[0]
    raise FetchError(f"{hub} {name}: {reason}") from None


def _revisions(hub: str) -> list[str]:
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        refs = HfApi().list_repo_refs(hub)
    except (HfHubHTTPError, httpx2.TransportError):
        return []
    return [ref.name for ref in (*refs.branches, *refs.tags)]


def _some(revisions: list[str]) -> str:
    """Revisions in the order of their steps, the middle left out of a long list."""

    def order(name: str) -> tuple[int, str]:
        number = re.search(r"\d+", name)
        return int(number[0]) if number else -1, name

    names = sorted(revisions, key=order)
    if len(names) > 30:
        names = [*names[:20], f"… ({len(names) - 25} more)", *names[-5:]]
    return ", ".join(names) or "none"


def _no_network(error: BaseException) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return f"the hub cannot be reached ({str(error).strip().split(chr(10))[0] or type(error).__name__})"


def _count_parameters(where: str, config: Path) -> tuple[int, int]:
    """All parameters and those of the embeddings, of the architecture that a config.json describes."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(
                AutoConfig.from_pretrained(config.parent, trust_remote_code=False), trust_remote_code=False
            )
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise FetchError(
            f"{where}: its config.json cannot be used: {' '.join(str(error).split())[:300]}"
        ) from None
    counts = {name: p.numel() for name, p in model.named_parameters()}
    embedding = sum(n for name, n in counts.items() if any(part in EMBEDDINGS for part in name.split(".")))
    return sum(counts.values()), embedding


def _check(model: Model, where: str, n_params: int, folder: Path, shared: Path) -> None:
    """A study that declares other parameters, or a tokenizer that does not go with the model."""
    from tokenizers import Tokenizer

    if model.parameters not in (None, n_params):
        raise FetchError(f"{where}: has {n_params} parameters, and the study declares {model.parameters}")
    try:
        words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception
        raise FetchError(f"{where}: its tokenizer.json cannot be read: {error}") from None
    rows = json.loads((folder / "config.json").read_text()).get("vocab_size", words)
    if words > rows:
        raise FetchError(f"{where}: its tokenizer has {words} tokens, and the model embeds {rows}")
    if shared.is_file() and shared.read_bytes() != (folder / "tokenizer.json").read_bytes():
        raise FetchError(f"{where}: its tokenizer differs from that of the model's other revisions")


def _storage(hub: str) -> Path:
    """The repository's folder in huggingface_hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / ("models--" + hub.replace("/", "--"))


def _lock(revision: Revision) -> Path:
    """Held by whoever needs the revision's weights; says "fetched" where a sweep fetched them."""
    storage = _storage(revision.hub)
    return storage.parent / ".locks" / storage.name / f"transfer-laws-{revision.commit}.lock"


def _facts(model: Model, steps: int, cache: Path) -> Path:
    return tokenizer_file(model, cache).with_name(f"{model.revision_at(steps)}.json")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.rename(path)
