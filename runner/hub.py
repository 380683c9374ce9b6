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
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.hub_client import FetchError, download, listed_files, storage_folder, weights_among, write_whole
from runner.study import Model

EMBEDDINGS = ("embed_in", "embed_out", "wte", "wpe", "lm_head", "embed_tokens")
SMALL = ("config.json", "tokenizer.json")
SPARE = 1_000_000_000  # bytes of disk that a fetch leaves free
STALE = 3600.0  # seconds since a half file was written to, after which nobody is writing it


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
        return storage_folder(self.hub) / "snapshots" / self.commit

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
    commit, listed = listed_files(hub, name)
    weights = weights_among(set(listed))
    if absent := [n for n in SMALL if n not in listed] or (
        [] if weights else ["safetensors or .bin weights"]
    ):
        raise FetchError(f"{hub} {name}: has no {absent[0]}")
    # Beside its large files the hub digests small ones otherwise: those are fetched and read.
    files = []
    for file in sorted((*SMALL, *weights)):
        size, sha256 = listed[file]
        if sha256 is None:
            sha256 = _sha256(download(hub, file, name, commit))
        elif file in SMALL:
            download(hub, file, name, commit)
        files.append(File(file, size, sha256))
    folder = storage_folder(hub) / "snapshots" / commit
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
        write_whole(shared, (folder / "tokenizer.json").read_bytes())
    write_whole(_facts(model, steps, cache), json.dumps(asdict(revision), indent=1).encode())
    return revision


def check_disk(revisions: Sequence[Revision]) -> None:
    """Raise FetchError where the disk cannot take the revisions' missing files."""
    needed = sum(file.size for revision in revisions for file in revision.missing)
    if not needed:
        return
    storage = storage_folder(revisions[0].hub)
    free = shutil.disk_usage(next(p for p in (storage, *storage.parents) if p.is_dir())).free
    if needed + SPARE > free:
        more = f" and {len(revisions) - 1} more" if len(revisions) > 1 else ""
        raise FetchError(
            f"{revisions[0]}{more}: needs {needed / 1e9:.1f} GB, and {storage.parent} has "
            f"{free / 1e9:.1f} GB free: set HF_HOME to a larger disk, or keep_checkpoints: false in the study"
        )


def fetched(revision: Revision) -> Path:
    """The folder of the revision's files, all of them there: those missing are fetched and verified.

    A connection that breaks off is taken up where it broke. Raises FetchError; on a full disk, at once.
    """
    missing = revision.missing
    if not missing:
        return revision.folder
    check_disk([revision])
    for half in storage_folder(revision.hub).glob("blobs/*.incomplete"):  # of a process that was killed
        with suppress(FileNotFoundError):
            if time.time() - half.stat().st_mtime > STALE:
                half.unlink()
    with held(revision):
        _lock(revision).write_text("fetched\n")
        for file in missing:
            path = download(revision.hub, file.name, revision.revision, revision.commit)
            if _sha256(path) != file.sha256:
                path.resolve().unlink()
                path.unlink(missing_ok=True)
                raise FetchError(
                    f"{revision}: {file.name} arrived damaged (its SHA-256 differs), and was removed"
                )
    return revision.folder


@contextmanager
def held(revision: Revision) -> Iterator[None]:
    """Keep every process on this machine from dropping the revision's weights."""
    with ExitStack() as stack:
        with suppress(OSError):  # a cache that cannot be written to: nobody drops anything there
            _lock(revision).parent.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(_lock(revision).open("a"))
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


def _lock(revision: Revision) -> Path:
    """Held by whoever needs the revision's weights; says "fetched" where a sweep fetched them."""
    storage = storage_folder(revision.hub)
    return storage.parent / ".locks" / storage.name / f"transfer-laws-{revision.commit}.lock"


def _facts(model: Model, steps: int, cache: Path) -> Path:
    return tokenizer_file(model, cache).with_name(f"{model.revision_at(steps)}.json")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
