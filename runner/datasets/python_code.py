"""`python-code`: source files in Python, whole, from a folder or an archive; by default Django's.

Its own name, and not `python`, so that a study never means one text on one machine and another elsewhere:
`python` is the standard library, which is on every machine.
"""

import io
import tokenize
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from runner.datasets.archives import members
from runner.datasets.document import Document
from runner.datasets.sources import fetched_dataset, obtain_from

ADDRESS = (
    "https://files.pythonhosted.org/packages/05/a2/"
    "933dbbb3dd9990494960f6e64aca2af4c0745b63b7113f59a822df92329e/django-5.2.8.tar.gz"
)
SHA256 = "23254866a5bb9a2cfa6004e8b809ec6246eba4b58a7589bc2772f1bcc8456c7f"
MIN_CHARACTERS = 200


def documents(path: Path) -> Iterator[Document]:
    """Every file `*.py` of `MIN_CHARACTERS` or more, in the encoding that it declares."""
    for name, content in members(path, lambda name: name.endswith(".py")):
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
            text = content.decode(encoding)
        except (SyntaxError, UnicodeDecodeError):
            continue  # a test's example of what Python does not read
        text = text.replace("\r\n", "\n").strip()
        if len(text) >= MIN_CHARACTERS and "\0" not in text:
            yield Document(name, text)


DATASET = fetched_dataset(
    name="python-code",
    source="source code in Python; by default Django",
    licence="BSD-3-Clause (Django); otherwise that of the files",
    read=documents,
    obtain=partial(obtain_from, url=ADDRESS, sha256=SHA256),
)
