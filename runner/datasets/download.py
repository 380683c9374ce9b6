"""One file from the web: resumed where it broke off, whole under its name or not there."""

import contextlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

from tqdm import tqdm

from runner.datasets.document import DatasetError

AGENT = "transfer-laws (research on scaling laws; one connection)"
ATTEMPTS = 5
TIMEOUT_S = 60
FIRST_PAUSE_S = 1.0
_PIECE = 2**20
_WAIT_AT_MOST_S = 300


class RefusedError(DatasetError):
    """A server that will not give what was asked for, with its status."""

    def __init__(self, line: str, status: int) -> None:
        super().__init__(line)
        self.status = status


def download(url: str, path: Path) -> None:
    """Bring what is at `url` to `path`, going on with `<path>.partial` where an earlier attempt left one.

    A connection that breaks is taken up again, `ATTEMPTS` times in a row that bring nothing. The size is
    that which the server said. Raises DatasetError where it cannot be had or the disk has no room for it.
    """
    partial = path.with_name(path.name + ".partial")
    failures = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        asked_wait_s = 0.0
        try:
            whole = _go_on(url, partial)
            problem = "the connection broke off"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            whole, problem = False, _said(error)
            if isinstance(error, urllib.error.HTTPError):
                if error.code == 416:  # nothing is left to send, or what is here is no part of it
                    whole = str(error.headers.get("Content-Range")).endswith(f"/{before}")
                    if not whole:
                        partial.unlink(missing_ok=True)
                elif error.code < 500 and error.code not in (408, 429):
                    raise RefusedError(f"{url}: {problem}", error.code) from None
                asked_wait_s = _asked_wait_s(error)
        if whole:
            partial.with_name(partial.name + ".etag").unlink(missing_ok=True)
            partial.rename(path)
            return
        after = partial.stat().st_size if partial.exists() else 0
        failures = 0 if after > before else failures + 1
        if failures == ATTEMPTS:
            kept = f"; {after:,} bytes of it are here, and the same command goes on from there"
            raise DatasetError(f"{url}: {problem}{kept if after else ''}")
        if failures:
            time.sleep(max(asked_wait_s, _pause_s(failures)))


def _go_on(url: str, partial: Path) -> bool:
    """Append what is missing to `partial`. Whether it is whole."""
    tag = partial.with_name(partial.name + ".etag")
    have = partial.stat().st_size if partial.exists() and tag.exists() else 0
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have:
        # A file that has changed meanwhile comes whole, from its beginning.
        headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text()}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:
        if answer.status != 206:
            have = 0
        total = _total(answer.headers, have)
        if total is not None and (free := shutil.disk_usage(partial.parent).free) < total - have:
            raise DatasetError(
                f"{url}: {total - have:,} bytes do not fit on the disk of {partial.parent}, "
                f"which has {free:,}"
            )
        version = answer.headers.get("ETag", "W/")
        if version.startswith("W/"):  # weak: two files that differ in some bytes may share it
            version = answer.headers.get("Last-Modified", "unknown")
        tag.write_text(version)
        with (
            partial.open("ab" if have else "wb") as file,
            tqdm(
                desc=partial.name.removesuffix(".partial"),
                initial=have,
                total=total,
                unit="B",
                unit_scale=True,
                leave=False,
                disable=None,
            ) as bar,
        ):
            while piece := answer.read(_PIECE):
                file.write(piece)
                bar.update(len(piece))
            have = file.tell()
    if total is not None and have > total:
        partial.unlink()
        raise DatasetError(f"{url}: {have:,} bytes came of a file of {total:,}")
    return total is None or have == total


def text_at(url: str) -> str:
    """A small page. Raises DatasetError where it cannot be had."""
    failures = 0
    while True:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": AGENT})
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return str(answer.read(64 * _PIECE).decode(errors="replace"))
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            failures += 1
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429
            if refused or failures == ATTEMPTS:
                raise DatasetError(f"{url}: {_said(error)}") from None
            asked = _asked_wait_s(error) if isinstance(error, urllib.error.HTTPError) else 0
            time.sleep(max(asked, _pause_s(failures)))


def _total(headers: Message, have: int) -> int | None:
    """Bytes of the whole file."""
    with contextlib.suppress(ValueError):
        return have + int(headers.get("Content-Length", ""))
    return None


def _pause_s(failures: int) -> float:
    return FIRST_PAUSE_S * 2.0**failures


def _asked_wait_s(error: urllib.error.HTTPError) -> float:
    """What a server that is asked too often answers, in seconds."""
    asked = error.headers.get("Retry-After", "0")
    return min(float(asked) if asked.isdecimal() else 0, _WAIT_AT_MOST_S)


def _said(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    reason = getattr(error, "reason", None) or error
    return f"no connection ({getattr(reason, 'strerror', None) or reason or type(error).__name__})"
