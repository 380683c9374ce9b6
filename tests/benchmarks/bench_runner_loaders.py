"""Peak memory and throughput of the loaders on sources larger than they may keep in memory.

python tests/benchmarks/bench_runner_loaders.py                     2 GB each
python tests/benchmarks/bench_runner_loaders.py --bytes 100000000 enron cat-genome

Each source is made in a temporary folder (mails, e-prints, source files, JSON lines of words drawn by Zipf's
law; FASTA of random bases), then read, sampled and freed of near-duplicates by a process of its own, as a
sweep does it.
"""

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

READ = """
import json, sys, time
from pathlib import Path
from runner.datasets import deduplicate, get
from runner.datasets.genome import CHARACTERS as BASES
from runner.datasets.own import own_dataset
from runner.datasets.sample import CHARACTERS, sampled
from runner.study import OwnData
name, path = sys.argv[1:]
began = time.perf_counter()
if name == "own":
    documents, letters = own_dataset(OwnData("own", text=(path,))).documents(), False
else:
    documents = sampled(get(name).fetch.read(Path(path)), BASES if name == "cat-genome" else CHARACTERS)
    letters = get(name).letters
kept, dropped = deduplicate(documents, letters)
print(json.dumps({
    "seconds": time.perf_counter() - began,
    "documents": len(kept),
    "dropped": dropped,
    "characters": sum(len(document.text) for document in kept),
    # Not ru_maxrss, which begins at what the parent process had.
    "peak": 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]),
}))
"""


def texts(total: int, each: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Texts of about `each` bytes, lines of a dozen words, until there are `total`."""
    words = np.array(["".join(rng.choice(list("etaoinshrdlu"), rng.integers(2, 10))) for _ in range(50_000)])
    share = 1 / np.arange(1, len(words) + 1)
    while total > 0:
        drawn = words[np.searchsorted(np.cumsum(share) / share.sum(), rng.random(each // 6 * 200))].tolist()
        for first in range(0, len(drawn), each // 6):
            chosen = drawn[first : first + each // 6]
            text = "\n".join(" ".join(chosen[i : i + 12]) for i in range(0, len(chosen), 12)).encode()
            total -= len(text)
            yield text


def tarred(path: Path, mode: str, files: Iterator[tuple[str, bytes]]) -> None:
    options = {"compresslevel": 1} if mode == "w:gz" else {}
    with tarfile.open(path, mode, **options) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            tar.members.clear()


def made(name: str, folder: Path, size: int) -> Path:
    """A source of that dataset of `size` bytes (unpacked, where it is compressed)."""
    rng = np.random.default_rng(0)
    if name == "cat-genome":
        with gzip.open(folder / "genome.fa.gz", "wb", compresslevel=1) as file:
            for number in range(max(1, size // 10**8)):
                file.write(b">%d dna:chromosome\n" % number)
                for _ in range(min(size, 10**8) // 6_100_000 + 1):
                    lines = np.full((100_000, 61), 10, np.uint8)
                    lines[:, :60] = np.frombuffer(b"ACGTacgt", np.uint8)[rng.integers(0, 8, (100_000, 60))]
                    lines[:2000, :60] = ord("N")
                    file.write(lines.tobytes())
        return folder / "genome.fa.gz"
    if name == "enron":
        header = (
            b"Message-ID: <%d@x>\nDate: Mon, 14 May 2001 16:39:00 -0700\nFrom: a@enron.com\nSubject: %d\n\n%s"
        )
        mails = ((f"maildir/{i}.", header % (i, i, text)) for i, text in enumerate(texts(size, 1500, rng)))
        tarred(folder / "enron.tar.gz", "w:gz", mails)
        return folder / "enron.tar.gz"
    if name == "arxiv-math":
        paper = b"\\documentclass{article}\n\\begin{document}\n%s\n\\end{document}\n"
        papers = (gzip.compress(paper % text, 0) for text in texts(size, 50_000, rng))
        tarred(folder / "eprints.tar", "w", ((f"2401.{i:05}.gz", p) for i, p in enumerate(papers)))
        return folder / "eprints.tar"
    if name == "python-code":
        tarred(
            folder / "code.tar", "w", ((f"{i}.py", text) for i, text in enumerate(texts(size, 8_000, rng)))
        )
        return folder / "code.tar"
    with (folder / "own.jsonl").open("w") as lines:
        for text in texts(size, 3_000, rng):
            lines.write(json.dumps({"text": text.decode()}) + "\n")
    return folder / "own.jsonl"


def main() -> None:
    names = ("enron", "cat-genome", "arxiv-math", "python-code", "own")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=names, help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--bytes", type=int, default=2 * 10**9)
    options = parser.parse_args()
    print(
        f"{'loader':<14}{'on disk':>9}{'MB/s':>7}{'seconds':>9}{'peak MB':>9}{'documents':>11}{'dropped':>9}"
    )
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            path = made(name, Path(folder), options.bytes)
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", READ, name, str(path)], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout)
            size, seconds = path.stat().st_size, time.perf_counter() - began
            print(
                f"{name:<14}{size / 1e6:>7.0f}MB{options.bytes / 1e6 / seconds:>7.0f}{seconds:>9.0f}"
                f"{found['peak'] / 1e6:>9.0f}{found['documents']:>11,}{found['dropped']:>9,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
