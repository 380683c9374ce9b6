"""The state of a run in mid-training, on disk, so that a long run goes on where it was.

A state is a safetensors file and the JSON that names it, put in place last: there is the state before or the
new one, never half of one. One that is damaged is no state, and the run starts anew. No pickle is read.
"""

import json
import os
import sys
import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from runner.course import Course

_FORMAT = 1
_BLOCK = 1 << 24


@dataclass(frozen=True)
class State:
    """What a run needs to go on: facts that JSON holds, and tensors by name."""

    facts: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


@dataclass
class Keeper:
    """Keeps one run's state in `folder`, not oftener than every `every_s` seconds, or when it is stopped."""

    folder: Path
    every_s: float
    course: Course = field(default_factory=Course)

    def __post_init__(self) -> None:
        self._saved_at = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved_at >= self.every_s

    def save(self, state: State) -> None:
        """Put the state in place of the one before. That the disk does not take it is said, and no more."""
        name = f"{uuid.uuid4().hex}.safetensors"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / name
            save_file({key: tensor.contiguous() for key, tensor in state.tensors.items()}, file)
            content = {"format": _FORMAT, "tensors": name, "crc32": _crc32(file), "facts": state.facts}
            unfinished = self.folder / f".{name}.json"
            with unfinished.open("w") as written:
                json.dump(content, written)
                written.flush()
                os.fsync(written.fileno())
            unfinished.replace(self.folder / "state.json")
        except (OSError, SafetensorError) as error:
            print(f"the state of a run is not saved: {' '.join(str(error).split())}", file=sys.stderr)
            for path in self.folder.glob(f"*{name}*"):
                path.unlink(missing_ok=True)
        else:
            for path in self.folder.glob("*.safetensors"):
                if path.name != name:
                    path.unlink(missing_ok=True)
        self._saved_at = time.monotonic()

    def load(self) -> State | None:
        """The state, or None where there is none or it is damaged."""
        try:
            content = json.loads((self.folder / "state.json").read_bytes())
            file = self.folder / content["tensors"]
            if content["format"] == _FORMAT and _crc32(file) == content["crc32"]:
                return State(content["facts"], load_file(file))
            reason = "it does not match its checksum"
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())
        print(f"{self.folder}: a damaged state, so the run starts anew: {reason}", file=sys.stderr)
        return None


def _crc32(file: Path) -> int:
    value = 0
    with file.open("r+b") as content:
        os.fsync(content.fileno())
        while block := content.read(_BLOCK):
            value = zlib.crc32(block, value)
    return value
