import ast
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from runner.datasets import DatasetError, Document, deduplicate, documentation, get, known, python, statistics
from runner.datasets.docstrings import clean, package_docstrings
from runner.datasets.duplicates import THRESHOLD, WORDS, unlike


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))}


def most_shared(documents: list[Document], others: list[Document]) -> float:
    """Largest share of the shorter text's shingles that a document and one of the others have in common."""
    holders = defaultdict(list)
    sizes = []
    for index, other in enumerate(others):
        codes = shingles(other.text)
        sizes.append(len(codes))
        for code in codes:
            holders[code].append(index)
    most = 0.0
    for document in documents:
        codes = shingles(document.text)
        overlaps = Counter(index for code in codes if code in holders for index in holders[code])
        for index, n in overlaps.items():
            most = max(most, n / min(sizes[index], len(codes)))
    return most


@pytest.fixture(scope="module")
def held_out() -> list[Document]:
    return list(statistics.DATASET.documents())


@pytest.fixture(scope="module")
def pretraining() -> list[Document]:
    return list(documentation.DATASET.documents())


@pytest.fixture(scope="module")
def code() -> list[Document]:
    return list(python.DATASET.documents())


def test_known_names_are_those_that_can_be_had():
    assert set(known()) >= {"documentation", "statistics", "encyclopedia", "python"}
    assert [get(name).name for name in known()] == list(known())


def test_an_unknown_dataset_is_answered_with_those_known():
    with pytest.raises(DatasetError, match=r"'arxiv'.*documentation.*statistics") as raised:
        get("arxiv")
    assert "\n" not in str(raised.value)


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(DatasetError, match="no_such_package"):
        list(package_docstrings("no_such_package"))


def test_importing_the_datasets_imports_none_of_what_they_read():
    script = (
        "import sys, runner.datasets\n"
        "print(*{'torch', 'scipy', 'statsmodels', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_statistics_has_enough_for_its_splits(held_out):
    kept, dropped = deduplicate(held_out)
    assert len(kept) > 1_500
    assert dropped > 100
    assert sum(len(document.text) for document in kept) > 1_500_000


def test_documentation_has_enough_to_pretrain_on(pretraining):
    assert sum(len(document.text) for document in pretraining) > 8_000_000


@pytest.mark.parametrize("name", ["pretraining", "held_out", "code"])
def test_ids_are_unique_and_texts_are_not_empty(name, request):
    documents = request.getfixturevalue(name)
    assert len({document.id for document in documents}) == len(documents)
    assert min(len(document.text) for document in documents) >= 200


def test_pretraining_text_shares_nothing_with_the_statistics(pretraining, held_out):
    assert {document.id for document in pretraining}.isdisjoint(document.id for document in held_out)
    assert most_shared(pretraining, held_out) < THRESHOLD


def test_pretraining_text_shares_nothing_with_the_code(pretraining, code):
    assert most_shared(pretraining, code) < THRESHOLD


def test_code_is_whole_but_for_its_docstrings(code):
    for document in code[::5]:
        for node in ast.walk(ast.parse(document.text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert ast.get_docstring(node) is None, document.id


def test_docstrings_leave_the_code_around_them_untouched():
    source = (
        '"""Module."""\nx = 1  # é\n\ndef f(): "only"\n\nclass A:\n    """Class\n    text."""\n'
        "\n    def g(self):\n"
        '        """Alone."""\n\n    def h(self):\n        "One"; return "kept"\n'
    )
    stripped = python.without_docstrings(source)
    assert stripped == (
        "x = 1  # é\n\ndef f(): pass\n\nclass A:\n\n    def g(self):\n        pass\n\n"
        '    def h(self):\n        pass; return "kept"\n'
    )


def test_cleaning_drops_examples_placeholders_and_what_they_leave_empty():
    docstring = """Sum of things.

    Parameters
    ----------
    x : array
        Things.
    %(more)s

    Examples
    --------
    >>> sum_of([1, 2])
    3

    Notes
    -----
    Fast.
    """
    assert clean(docstring) == (
        "Sum of things.\n\nParameters\n----------\nx : array\n    Things.\n\nNotes\n-----\nFast."
    )


def words(rng: random.Random, n: int) -> list[str]:
    return [rng.choice("abcdefghijklmnopqrstuvwxyz") + str(rng.randrange(30)) for _ in range(n)]


def test_duplicates_are_dropped_and_the_longest_is_kept_in_place():
    rng = random.Random(0)
    text, other = words(rng, 100), words(rng, 80)
    documents = [
        Document("shorter", " ".join(text[:70])),
        Document("other", " ".join(other)),
        Document("longer", " ".join(text)),
        Document("same", " ".join(text).upper().replace(" ", ", ")),
        Document("two words", "too short"),
        Document("two words again", "Too short!"),
    ]
    kept, dropped = deduplicate(documents)
    assert [document.id for document in kept] == ["other", "longer", "two words"]
    assert dropped == 3


def test_deduplication_finds_the_pairs_that_comparing_all_finds():
    rng = random.Random(1)
    stock = [words(rng, 12) for _ in range(40)]
    documents = [
        Document(str(i), " ".join(word for _ in range(rng.randrange(2, 9)) for word in rng.choice(stock)))
        for i in range(150)
    ]
    kept: list[Document] = []
    for document in sorted(documents, key=lambda document: -len(shingles(document.text))):
        mine = shingles(document.text)
        if all(len(mine & shingles(other.text)) < THRESHOLD * len(mine) for other in kept):
            kept.append(document)
    found, dropped = deduplicate(documents)
    assert {document.id for document in found} == {document.id for document in kept}
    assert 10 < dropped == len(documents) - len(kept)


def test_unlike_leaves_out_both_the_part_and_the_whole():
    rng = random.Random(2)
    text, other = words(rng, 60), words(rng, 60)
    part, whole = Document("part", " ".join(text[:40])), Document("whole", " ".join(text + words(rng, 90)))
    apart = Document("apart", " ".join(other))
    assert list(unlike([part, whole, apart], [Document("held out", " ".join(text))])) == [apart]
