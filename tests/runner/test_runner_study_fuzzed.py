"""Any study file is a study or one line: 300 here, 2,000 in `make torture`."""

import copy
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner.declaration import STUDIES, StudyError, study_from

TEXTS = [path.read_text() for path in sorted(STUDIES.glob("*.yml"))]
KEYS = ["study", "models", "suite", "size", "hub", "path", "text", "lora", "fit", "rank", "batch", "own", "é"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 10**20)
    | st.floats()
    | st.sampled_from(
        [*KEYS, "demo", "1m", "0", "../x", "/dev/null", "{steps}", "a/b", "*", "\0", "\ud800", ""]
    )
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def declarations(draw: st.DrawFn) -> bytes:
    """A study that ships, with one to three values replaced, removed or added anywhere in it."""
    declared = YAML(typ="safe", pure=True).load(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 3))):
        owner: Any = declared
        while True:
            keys = list(owner) if isinstance(owner, dict) else list(range(len(owner)))
            key = draw(
                st.sampled_from([*keys, draw(st.sampled_from(KEYS))]) if keys else st.sampled_from(KEYS)
            )
            at = owner[key] if key in keys else None
            if isinstance(at, dict | list) and draw(st.booleans()):
                owner = at
                continue
            break
        if key in keys and draw(st.booleans()):
            del owner[key]
        elif isinstance(owner, dict) or key in keys:
            owner[key] = copy.deepcopy(draw(VALUES))
        else:
            owner.append(copy.deepcopy(draw(VALUES)))
    written = io.StringIO()
    YAML(typ="safe", pure=True).dump(declared, written)
    return written.getvalue().encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The bytes of a study that ships, cut, or with some put in anywhere."""
    text = draw(st.sampled_from(TEXTS)).encode()
    at = draw(st.integers(0, len(text)))
    inserted = draw(
        st.binary(max_size=6) | st.sampled_from([b"&a [*a]", b"\t", b"- ", b": ", b"!!python/name:x "])
    )
    return text[:at] + inserted + text[draw(st.sampled_from([at, at + 1, len(text)])) :]


@settings(
    max_examples=int(os.environ.get("TRANSFER_LAWS_TORTURE_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.one_of(declarations(), damaged(), st.binary(max_size=60)))
def test_any_file_is_a_study_or_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "fuzzed.yml"
    file.write_bytes(content)
    said = ""
    try:
        study = study_from(str(file))
    except StudyError as error:
        said = str(error)
    if said:
        assert said.startswith(str(file))
        assert len(said.splitlines()) == 1
        assert len(said) < 2000
    else:
        assert list(study.cells())
        assert study.declaration()


@pytest.mark.parametrize("content", [b"&a [*a]", b"study: &a {study: *a}", b"a: " + b"[" * 5000])
def test_a_file_that_holds_itself_or_is_deep_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "deep.yml"
    file.write_bytes(content)
    with pytest.raises(StudyError) as refused:
        study_from(str(file))
    assert len(str(refused.value).splitlines()) == 1
