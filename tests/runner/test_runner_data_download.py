"""Downloads from a real server on this machine, which breaks off, lies or refuses as it is told."""

import resource
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.datasets import arxiv, textbook
from runner.datasets import download as downloads
from runner.datasets.document import DatasetError
from runner.datasets.download import download
from runner.datasets.sources import obtain_from

CONTENT = bytes(range(256)) * 20_000


@dataclass
class Site:
    """Files by path; `breaks` says after how many bytes each of the next answers is cut."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Range")))
            content = made.files.get(self.path.split("?")[0])
            status = made.statuses.pop(0) if made.statuses else 200 if content is not None else 404
            if status != 200 or content is None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Retry-After", "0")
                self.end_headers()
                return
            tag, first = f'"{hash(content)}"', 0
            if self.headers.get("Range") and self.headers.get("If-Range") == tag:
                first = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                if first >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            self.send_response(206 if first else 200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            cut = made.breaks.pop(0) if made.breaks else len(content)
            self.wfile.write(content[first : first + cut])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(downloads, "FIRST_PAUSE_S", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_that_breaks_off_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = CONTENT
    site.breaks = [1_000_000, 0, 2_000_000]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [given for _, given in site.asked] == [None, *["bytes=1000000-"] * 2, "bytes=3000000-"]
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_what_is_never_whole_never_has_its_name_and_the_next_attempt_goes_on(
    site: Site, tmp_path: Path
) -> None:
    site.files["/a"] = CONTENT
    site.breaks = [1_000_000, *[0] * downloads.ATTEMPTS]
    with pytest.raises(DatasetError, match=r"the connection broke off; 1,000,000 bytes of it are here"):
        download(f"{site.url}/a", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    download(f"{site.url}/a", tmp_path / "a")
    assert site.asked[-1] == ("/a", "bytes=1000000-")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_file_that_has_changed_meanwhile_comes_from_its_beginning(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = CONTENT
    site.breaks = [1_000_000, *[0] * downloads.ATTEMPTS]
    with pytest.raises(DatasetError):
        download(f"{site.url}/a", tmp_path / "a")
    site.files["/a"] = CONTENT[::-1]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT[::-1]


def test_a_download_stopped_before_its_renaming_is_whole(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = CONTENT
    (tmp_path / "a.partial").write_bytes(CONTENT)
    (tmp_path / "a.partial.etag").write_text(f'"{hash(CONTENT)}"')
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = b"content"
    site.statuses = [503, 429]
    download(f"{site.url}/a", tmp_path / "a")
    with pytest.raises(DatasetError, match="the server answers 404"):
        download(f"{site.url}/b", tmp_path / "b")
    assert [path for path, _ in site.asked] == ["/a"] * 3 + ["/b"]


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(downloads, "FIRST_PAUSE_S", 0.0)
    with pytest.raises(DatasetError, match=r"no connection \(") as raised:
        download("http://127.0.0.1:9/a", tmp_path / "a")
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_checksum_that_is_another_is_refused_and_nothing_kept(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = b"not what was published"
    with pytest.raises(DatasetError, match="SHA-256"):
        obtain_from(None, tmp_path, url=f"{site.url}/a", sha256="0" * 64)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_lacks_the_room_is_left_as_it_was(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["/a"] = CONTENT
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(DatasetError, match=r"5,120,000 bytes do not fit .* which has 1,000"):
        download(f"{site.url}/a", tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_is_one_line_and_no_dataset(tmp_path: Path) -> None:
    """The system's own limit on a file's size stands for a disk that is full."""
    (tmp_path / "code").mkdir()
    for name in "abc":
        (tmp_path / "code" / f"{name}.py").write_text(f"{name} = 1\n" * 40_000)
    done = subprocess.run(
        [sys.executable, "-m", "runner", "data", "fetch", "python-code", "--from", str(tmp_path / "code")],
        env={"PATH": "", "PYTHONPATH": str(Path.cwd()), "TRANSFER_LAWS_CACHE": str(tmp_path / "cache")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/api/x</id>
{}</feed>"""


def test_eprints_are_asked_for_once_each_and_those_withdrawn_passed_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ["2401.00001v2", "2401.00002v1", "math/0301001v1"]
    entries = (f"<entry><id>http://arxiv.org/abs/{one}</id></entry>" for one in ids)
    site.files["/api/query"] = FEED.format("".join(entries)).encode()
    site.files |= {f"/e-print/{ids[0]}": b"source", f"/e-print/{ids[2]}": b"old"}
    waits: list[float] = []
    monkeypatch.setattr(arxiv, "EXPORT", site.url)
    monkeypatch.setattr(arxiv.time, "sleep", waits.append)
    file, address = arxiv.obtain(None, tmp_path)
    assert [path.split("?")[0] for path, _ in site.asked] == [
        "/api/query",
        *(f"/e-print/{one}" for one in ids),
    ]
    assert waits.count(arxiv.PAUSE_S) == 2
    assert address == f"{site.url}/e-print/, 3 papers"
    arxiv.obtain(None, tmp_path)
    assert len(site.asked) == 4, "nothing is asked for twice"
    listed = tmp_path / "mine.txt"
    listed.write_text(f"{ids[0]} # the first\n")
    file, _ = arxiv.obtain(listed, tmp_path)
    assert len(site.asked) == 4
    with tarfile.open(file) as tar:
        assert tar.getnames() == [ids[0]]
    listed.write_text("# mine\narXiv:2401.00001v2\nnot an id\n")
    with pytest.raises(DatasetError, match="line 3: 'not an id' is no arXiv id"):
        arxiv.obtain(listed, tmp_path)


def test_a_book_on_the_web_is_fetched_page_by_page(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textbook, "PAUSE_S", 0.0)
    links = '<a href="one.html#x">1</a><a href="two">2</a><a href="https://elsewhere.org/x.html">3</a>'
    site.files = {
        f"/book/{page}": f"<main><p>{page}</p>{links}</main>".encode() for page in ("", "one.html", "two")
    }
    folder = textbook.site(f"{site.url}/book/", tmp_path / "pages")
    assert sorted(file.name for file in folder.iterdir()) == ["index.html", "one.html", "two.html"]
    assert len(site.asked) == 3
