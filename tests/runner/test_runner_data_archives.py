"""Archives are read as streams, and none of what one says is believed."""

import gzip
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from runner.datasets import Document, archives
from runner.datasets.archives import members
from runner.datasets.document import DatasetError
from runner.datasets.sample import sampled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f" / "inner").mkdir(parents=True)
    (tmp_path / "f" / "a.txt").write_text("first")
    (tmp_path / "f" / "inner" / "b.txt").write_text("second" * 5000)
    (tmp_path / "f" / "link").symlink_to("/etc/passwd")
    return tmp_path / "f"


def tar_of(path: Path, *infos: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def named(name: str, size: int = 4) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


@pytest.mark.parametrize("flag", ["", "z", "j", "J"])
def test_a_tar_made_by_tar_gives_what_the_folder_gives(folder: Path, tmp_path: Path, flag: str) -> None:
    archive = tmp_path / "made.tar"
    subprocess.run(["tar", f"-c{flag}f", archive, "-C", folder, "a.txt", "inner/b.txt", "link"], check=True)
    expected = [("a.txt", b"first"), ("inner/b.txt", b"second" * 5000)]
    assert list(members(archive)) == list(members(folder)) == expected


def test_a_zip_and_a_single_file_give_theirs(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "a.txt", "in/a.txt")
    (tmp_path / "alone.txt.gz").write_bytes(gzip.compress(b"alone"))
    assert list(members(tmp_path / "made.zip")) == [("in/a.txt", b"first")]
    assert list(members(tmp_path / "alone.txt.gz")) == [("alone.txt", b"alone")]
    assert list(members(folder / "a.txt")) == [("a.txt", b"first")]


@pytest.mark.parametrize("name", ["../../escaped", "/etc/escaped", "a/../../escaped"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr(name, "x")
    for path in (tar_of(tmp_path / "made.tar.gz", named("fine"), named(name)), tmp_path / "made.zip"):
        with pytest.raises(DatasetError, match="a path that leads out of it"):
            list(members(path))


def test_a_claim_of_size_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    claims = named("huge", 2**45).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "huge.tar").write_bytes(claims + bytes(10240))
    with pytest.raises(DatasetError, match=r"huge: it says it is 35,184,372,088,832 bytes"):
        list(members(tmp_path / "huge.tar"))
    header = named("x" * 50, 2**30)
    header.type = tarfile.GNUTYPE_LONGNAME
    (tmp_path / "name.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(DatasetError, match=r"header that claims 1,073,741,824 bytes"):
        list(members(tmp_path / "name.tar"))


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBER_BYTES", 10_000)
    monkeypatch.setattr(archives.content, "__defaults__", (10_000,))
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 10_001))
    with pytest.raises(DatasetError, match="more than the 10,000 bytes that one file may have"):
        list(members(tmp_path / "bomb.gz"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_truncated_archive_is_one_line(tmp_path: Path, mode: str) -> None:
    whole = tar_of(tmp_path / "whole", named("a", 30_000), named("b", 30_000), mode=mode).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DatasetError, match=r"cut: truncated or damaged") as raised:
        list(members(tmp_path / "cut"))
    assert "\n" not in str(raised.value)


def test_a_checksum_that_does_not_hold_is_found(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "made.tar.gz", named("a"))
    packed = bytearray(path.read_bytes())
    packed[-6] ^= 1  # in gzip's CRC, after all of the tar
    path.write_bytes(packed)
    with pytest.raises(DatasetError, match="damaged"):
        list(members(path))


def test_a_sample_is_bounded_and_does_not_depend_on_the_order() -> None:
    documents = [Document(f"{i}", f"{i} " * (5 + i % 7)) for i in range(500)]
    documents += [Document(f"again {i}", f"{i} " * (5 + i % 7)) for i in range(0, 500, 2)]
    drawn = sampled(documents, 2_000)
    texts = {document.text for document in drawn}
    assert 1_500 < sum(map(len, texts)) <= 2_000
    assert {document.id for document in sampled(documents[::-1], 2_000)} == {
        document.id for document in drawn
    }
    assert {d.text for d in sampled(documents, 2_000, seed=1)} != texts
    assert {d.id for d in documents if d.text in texts} == {d.id for d in drawn}, "all copies or none"
    assert sampled(documents, 10**9) == documents
