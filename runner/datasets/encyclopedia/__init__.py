"""`encyclopedia`: biographies of people who never lived, written from a simulated universe whose facts agree.

    for document in biographies(people=2_000, seed=0): ...

`simulation` runs the universe, `universe` holds its facts, `prose` writes the entries. A fact that two
entries tell is one event, so parents and children, wives and husbands, teachers and pupils give one date.
Everything is made here from the seed: the same text on every machine.
"""

from collections.abc import Iterator
from functools import partial

from runner.datasets.document import Dataset, Document
from runner.datasets.encyclopedia.prose import biography
from runner.datasets.encyclopedia.simulation import simulate

PEOPLE = 2_000
PEOPLE_OF_LARGE = 6_000
SEED = 0


def biographies(people: int, seed: int) -> Iterator[Document]:
    """One entry for each of `people` lives of the universe of `seed`, in order of birth."""
    universe = simulate(people, seed)
    for person in universe.entries:
        yield Document(f"{person}", biography(universe, person, seed).text)


def _of(name: str, people: int) -> Dataset:
    return Dataset(
        name=name,
        source=f"{people:,} biographies written from a simulated universe (seed {SEED}), made here",
        licence="MIT",
        documents=partial(biographies, people, SEED),
    )


DATASET = _of("encyclopedia", PEOPLE)
# For studies of the paper's size and above: other lives, in a universe of its own.
LARGE = _of("encyclopedia-large", PEOPLE_OF_LARGE)
