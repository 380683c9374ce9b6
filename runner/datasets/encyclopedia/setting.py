"""What a universe begins with: its cultures, their towns and their offices."""

from random import Random

from runner.datasets.encyclopedia.cultures import GLOSSES, GODS, Culture, make_culture
from runner.datasets.encyclopedia.universe import Office, Place

CULTURES = 6
_TOWNS = 7
_SITES = (
    ("port", "on a shallow bay"), ("port", "behind three sandbars"), ("port", "at the mouth of the [river]"),
    ("hill town", "above the terraces of the [river]"), ("hill town", "on a ridge of red stone"),
    ("market town", "where two salt roads cross"), ("market town", "on the plain of the [river]"),
    ("river town", "on both banks of the [river]"), ("river town", "below the falls of the [river]"),
    ("fortress", "at the head of a narrow pass"), ("fortress", "on an island in the [river]"),
    ("mining town", "under the silver hills"), ("mining town", "in a valley without trees"),
    ("temple town", "beside a warm spring"), ("temple town", "at the edge of the cedar forest"),
    ("fishing village", "among tidal flats"), ("fishing village", "on a windy cape"),
)  # fmt: skip
# Office → which towns of its culture have one.
_SEATS = {
    "sovereign": (0,), "archivist": (0,), "admiral": (1,), "judge": (0, 1), "governor": (1, 2, 3),
    "master": (4,), "priest": (2, 5),
}  # fmt: skip


def make_cultures(rng: Random) -> list[Culture]:
    """Cultures that share no word, no god and no custom."""
    glosses = {kind: rng.sample(values, len(values)) for kind, values in GLOSSES.items()}
    domains = rng.sample(GODS, len(GODS))
    taken: set[str] = set()
    return [make_culture(rng, taken, glosses, domains) for _ in range(CULTURES)]


def make_places(rng: Random, cultures: list[Culture]) -> list[Place]:
    """Towns of every culture, named in its language, and where each of them lies."""
    places: list[Place] = []
    for index, culture in enumerate(cultures):
        names: list[str] = []
        while len(names) < _TOWNS + 2:
            name = culture.phonology.word(rng).capitalize()
            if name not in names and all(name != place.name for place in places):
                names.append(name)
        for name, (kind, site) in zip(names[2:], rng.sample(_SITES, _TOWNS), strict=True):
            site = site.replace("[river]", rng.choice(names[:2]))
            places.append(Place(len(places), name, index, kind, site))
    return places


def make_offices(cultures: list[Culture], places: list[Place]) -> list[Office]:
    """Posts of every culture, all of them vacant."""
    offices: list[Office] = []
    for index, culture in enumerate(cultures):
        towns = [place for place in places if place.culture == index]
        for kind, seats in _SEATS.items():
            for number, seat in enumerate(seats):
                god = culture.gods[number][0] if kind == "priest" else ""
                offices.append(Office(len(offices), kind, culture.titles[kind], index, towns[seat].id, god))
    return offices
