"""What runner/hub.py asks of huggingface_hub: a revision's files, and one of them; its answers in one line.

Everything goes through huggingface_hub's own cache (HF_HOME), and what it holds is read when the hub cannot
be reached, or must not be (HF_HUB_OFFLINE).
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

WEIGHTS = (  # the first kind that is whole is taken
    r"model\.safetensors",
    r"model-\d+-of-(\d+)\.safetensors|model\.safetensors\.index\.json",
    r"pytorch_model\.bin",
    r"pytorch_model-\d+-of-(\d+)\.bin|pytorch_model\.bin\.index\.json",
)


class FetchError(Exception):
    """A checkpoint that cannot be had from the hub: one line that says which and why."""


def listed_files(hub: str, name: str) -> tuple[str, dict[str, tuple[int, str | None]]]:
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
    """`listed_files` from huggingface_hub's cache, where a large file's blob is named by its SHA-256."""
    storage = storage_folder(hub)
    snapshots = {
        ref.relative_to(storage / "refs").as_posix(): storage / "snapshots" / ref.read_text().strip()
        for ref in sorted(storage.glob("refs/**/*"))
        if ref.is_file()
    }
    present = {ref: {p.name for p in folder.glob("*") if p.is_file()} for ref, folder in snapshots.items()}
    whole = [ref for ref, names in present.items() if weights_among(names)]
    if name not in whole:
        raise FetchError(
            f"{hub} {name}: {_no_network(why)}, and the cache at {storage.parent} does not hold it; "
            f"of {hub} it holds {_some(whole)}"
        )
    files: dict[str, tuple[int, str | None]] = {}
    for path in filter(Path.is_file, snapshots[name].iterdir()):
        blob = path.resolve()
        files[path.name] = (
            blob.stat().st_size,
            blob.name if re.fullmatch("[0-9a-f]{64}", blob.name) else None,
        )
    return snapshots[name].name, files


def weights_among(names: set[str]) -> tuple[str, ...]:
    """The files that hold a revision's weights, safetensors if it has them; none where a part is missing."""
    for kind in WEIGHTS:
        found = {name: re.fullmatch(kind, name) for name in names}
        parts = sorted(name for name, match in found.items() if match)
        shards = {int(match[1]) for match in found.values() if match and match.re.groups and match[1]}
        if parts and (not re.compile(kind).groups or shards == {len(parts) - 1}):  # and the index
            return tuple(parts)
    return ()


def download(hub: str, file: str, name: str, commit: str) -> Path:
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
    ref = storage_folder(hub) / "refs" / name
    if not ref.is_file():
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_whole(ref, commit.encode())
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


def storage_folder(hub: str) -> Path:
    """The repository's folder in huggingface_hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / ("models--" + hub.replace("/", "--"))


def write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.rename(path)
