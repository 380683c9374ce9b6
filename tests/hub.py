"""A server on this machine that speaks the model hub's API, as huggingface_hub calls it."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """What it serves: for each repository and revision a folder; and how it misbehaves."""

    repositories: Mapping[str, Mapping[str, Path]]
    gated: set[str] = field(default_factory=set)
    breaks_after: int | None = None  # bytes of a large file, after which the connection breaks off …
    breaks: int = 0  # … so many times
    corrupts: bool = False
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def commit(self, repository: str, revision: str) -> str:
        folder = self.repositories[repository][revision]
        state = "".join(f"{p.name} {_sha256(p)}" for p in sorted(folder.iterdir()))
        return hashlib.sha1(f"{repository} {revision} {state}".encode()).hexdigest()

    def folder(self, repository: str, name: str) -> Path | None:
        """The folder of a revision, named or by its commit."""
        for revision, folder in self.repositories.get(repository, {}).items():
            if name in (revision, self.commit(repository, revision)):
                return folder
        return None

    @contextmanager
    def serving(self) -> Iterator["Hub"]:
        handler = type("Handler", (_Handler,), {"hub": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        range_wanted = self.headers.get("Range", "")
        self.hub.requests.append(f"{self.command} {path} {range_wanted}".strip())
        if path.startswith("/cdn/"):
            return self._large_file(path.removeprefix("/cdn/"), body, range_wanted)
        if path.startswith("/api/models/"):
            parts = path.removeprefix("/api/models/").split("/")
            return self._api("/".join(parts[:2]), parts[2:])
        repository, _, rest = path[1:].partition("/resolve/")
        revision, _, file = rest.partition("/")
        return self._resolve(repository, revision, file, body)

    def _api(self, repository: str, what: list[str]) -> None:
        if repository not in self.hub.repositories:
            return self._refuse(401, "RepoNotFound")
        if what == ["refs"]:
            branches = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": self.hub.commit(repository, name)}
                for name in self.hub.repositories[repository]
            ]
            return self._send(200, json.dumps({"branches": branches, "tags": [], "converts": []}).encode())
        kind, revision = what[0], "/".join(what[1:])
        folder = self.hub.folder(repository, revision)
        if folder is None:
            return self._refuse(404, "RevisionNotFound")
        files = sorted(folder.iterdir())
        if kind == "tree":
            tree = [{"type": "file", "path": p.name, **_entry(p, "oid", "oid")} for p in files]
            return self._send(200, json.dumps(tree).encode())
        siblings = [{"rfilename": p.name, **_entry(p, "blobId", "sha256")} for p in files]
        name = next(n for n, f in self.hub.repositories[repository].items() if f == folder)
        commit = self.hub.commit(repository, name)
        return self._send(200, json.dumps({"id": repository, "sha": commit, "siblings": siblings}).encode())

    def _resolve(self, repository: str, revision: str, file: str, body: bool) -> None:
        if repository in self.hub.gated and self.headers.get("Authorization") != "Bearer hf_good":
            return self._refuse(401, "GatedRepo")
        folder = self.hub.folder(repository, revision)
        if folder is None:
            return self._refuse(404, "RevisionNotFound")
        path = folder / file
        name = next(n for n, f in self.hub.repositories[repository].items() if f == folder)
        headers = {"X-Repo-Commit": self.hub.commit(repository, name)}
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", headers)
        if not _large(path):
            headers["ETag"] = f'"{_git_sha1(path)}"'
            return self._send(200, path.read_bytes(), headers, body)
        headers |= {
            "X-Linked-Size": str(path.stat().st_size),
            "X-Linked-ETag": f'"{_sha256(path)}"',
            "Location": f"{self.hub.address}/cdn/{_sha256(path)}".replace(
                "127.0.0.1", "localhost"
            ),  # another host
        }
        return self._send(302, b"", headers, body)

    def _large_file(self, sha256: str, body: bool, range_wanted: str) -> None:
        folders = [f for revisions in self.hub.repositories.values() for f in revisions.values()]
        path = next(p for f in folders for p in f.iterdir() if _large(p) and _sha256(p) == sha256)
        content = path.read_bytes()
        if self.hub.corrupts:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int(range_wanted.removeprefix("bytes=").partition("-")[0] or 0) if range_wanted else 0
        headers = {"ETag": f'"{sha256}"', "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if self.hub.breaks and self.hub.breaks_after is not None and body:
            self.hub.breaks -= 1
            self._head(206 if start else 200, {**headers, "Content-Length": str(len(content) - start)})
            self.wfile.write(content[start : start + self.hub.breaks_after])
            self.close_connection = True
            return None
        return self._send(206 if start else 200, content[start:], headers, body)

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, **(headers or {})}, self.command == "GET")

    def _send(
        self, status: int, content: bytes, headers: Mapping[str, str] | None = None, body: bool = True
    ) -> None:
        self._head(status, {"Content-Length": str(len(content)), **(headers or {})})
        if body:
            self.wfile.write(content)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _large(path: Path) -> bool:
    """Files that the hub stores by LFS: .gitattributes says so of weights."""
    return path.suffix in (".safetensors", ".bin")


def _entry(path: Path, blob: str, digest: str) -> dict[str, object]:
    entry: dict[str, object] = {"size": path.stat().st_size, blob: _git_sha1(path)}
    if _large(path):
        entry["lfs"] = {digest: _sha256(path), "size": path.stat().st_size, "pointerSize": 134}
    return entry


def _git_sha1(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
