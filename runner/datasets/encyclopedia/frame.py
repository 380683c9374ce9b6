"""How an entry begins and ends: who it is about, birth and childhood, death, those left behind."""

from collections.abc import Callable, Iterator
from functools import partial

from runner.datasets.encyclopedia.grammar import listing, number, ordinal, polish
from runner.datasets.encyclopedia.lives import LIVES
from runner.datasets.encyclopedia.narrator import Narrator, View, known
from runner.datasets.encyclopedia.remarks import REMARKS
from runner.datasets.encyclopedia.slots import fill, way_to_die
from runner.datasets.encyclopedia.universe import Event, season, year


def opening(narrator: Narrator) -> Iterator[str]:
    """Sentences that come before the first event."""
    rng, tell = narrator.rng, _teller(narrator)
    if narrator.person.mother is None:
        yield tell("lead")
        yield tell("birth unknown")
    elif rng.random() < 0.85:
        yield tell("lead")
        yield tell("birth")
    else:
        yield tell("birth as lead")
    if _namesake(narrator) is not None and rng.random() < 0.7:
        yield tell("named after")
    if rng.random() < 0.55:
        yield tell("childhood")


def closing(narrator: Narrator) -> Iterator[tuple[str, str]]:
    """Sentences that come after the last event, each with the symbol that it was made from."""
    rng, tell, death = narrator.rng, _teller(narrator), end(narrator)
    if rng.random() < 0.35:
        yield "life", polish(REMARKS.expand("life", rng, partial(fill, narrator)))
    narrator.view, narrator.now = View(death, "death", ()), death.quarter
    yield "died", tell("died")
    if _survivors(narrator) and rng.random() < 0.5:
        yield "survived", tell("survived")
    if _pupils(narrator) and rng.random() < 0.35:
        yield "pupils", tell("pupils")
    if rng.random() < 0.3:
        yield "buried", tell("buried")
    if rng.random() < 0.35:
        symbol = "told" if _history(narrator) is not None and rng.random() < 0.5 else "legacy"
        yield symbol, tell(symbol)


def end(narrator: Narrator) -> Event:
    """The subject's death. Raises LookupError for someone who has not died."""
    death = narrator.universe.death(narrator.person.id)
    if death is None:
        raise LookupError("only a life that has ended has an entry")
    return death


def _teller(narrator: Narrator) -> Callable[[str], str]:
    def slot(name: str) -> str:
        return _SLOTS[name](narrator) if name in _SLOTS else fill(narrator, name)

    return lambda symbol: polish(LIVES.expand(symbol, narrator.rng, slot))


def _offices(n: Narrator) -> str:
    held = [event.thing for event in n.universe.lives[n.person.id] if event.kind == "appointment"]
    return f" and {n.office(n.universe.offices[known(n.rng.choice(held))])}" if held else ""


def _fame(n: Narrator, kinds: tuple[str, ...], symbol: str) -> str:
    life = [event for event in n.universe.lives[n.person.id] if event.actors[0] == n.person.id]
    famous = [event for event in life if event.kind in kinds]
    if not famous or n.rng.random() < 0.3:
        return LIVES.expand(f"{symbol} none", n.rng, partial(fill, n))
    event = n.rng.choice(famous)
    n.view = View(event, "fame", ())
    return " " + LIVES.expand(f"{symbol} {event.kind}", n.rng, partial(fill, n))


def _contemporary(n: Narrator) -> str:
    n.now = (n.person.born + end(n).quarter) // 2
    return n.ruler()


def _parents(n: Narrator) -> list[int]:
    return [parent for parent in (n.person.mother, n.person.father) if parent is not None]


def _parental_calling(n: Narrator) -> str:
    return n.universe.people[n.rng.choice(_parents(n) or [n.person.id])].calling


def _rank(n: Narrator) -> str:
    people = n.universe.people
    before = [child for child in n.universe.children(known(n.person.mother)) if child < n.person.id]
    same = [child for child in before if people[child].female == n.person.female]
    kind = "daughter" if n.person.female else "son"
    return n.rng.choice((f"{ordinal(len(before) + 1)} child", f"{ordinal(len(same) + 1)} {kind}"))


def _parents_named(n: Narrator) -> str:
    told = []
    for parent in n.rng.sample(_parents(n), 2):
        one = n.universe.people[parent]
        n.mentioned.add(parent)
        told.append(one.name + (f", a {one.calling}," if n.rng.random() < 0.6 else ""))
    return " and ".join(told)


def _namesake(n: Narrator) -> int | None:
    people = n.universe.people
    elders = [
        elder for p in _parents(n) for elder in (people[p].mother, people[p].father) if elder is not None
    ]
    return next((elder for elder in elders if people[elder].given == n.person.given), None)


def _elder_kin(n: Narrator) -> str:
    return "grandmother" if n.universe.people[known(_namesake(n))].female else "grandfather"


def _survivors(n: Narrator) -> list[str]:
    people, last = n.universe.people, end(n)
    deaths = {child: n.universe.death(child) for child in n.universe.children(n.person.id)}
    alive = [child for child, death in deaths.items() if death is None or death.id > last.id]
    told = []
    for kind, female in (("daughter", True), ("son", False)):
        names = [people[child].given for child in alive if people[child].female == female]
        if names:
            few = f"{number(len(names))} {kind}s" if len(names) > 1 else f"a {kind}"
            told.append(f"{few}, {listing(names)}," if len(names) < 3 else few)
    return told


def _pupils(n: Narrator) -> list[int]:
    life = n.universe.lives[n.person.id]
    return [event.actors[0] for event in life if event.kind == "pupil" and event.actors[0] != n.person.id][:4]


def _history(n: Narrator) -> int | None:
    """A chronicle by somebody else, written after this life had ended."""
    return n.universe.chronicle_after(end(n).quarter, n.person.id)


def _death_date(n: Narrator) -> str:
    death = end(n)
    return n.rng.choice((f"in {death.year}", f"in the {season(death.quarter)} of {death.year}"))


def _aged(n: Narrator) -> str:
    return f"aged {number((end(n).quarter - n.person.born) // 4)}"


_SLOTS: dict[str, Callable[[Narrator], str]] = {
    "name": lambda n: n.person.name,
    "given": lambda n: n.person.given,
    "life": lambda n: f"{year(n.person.born)}–{end(n).year}",
    "birth year": lambda n: str(year(n.person.born)),
    "birth season": lambda n: season(n.person.born),
    "death year": lambda n: str(end(n).year),
    "death date": _death_date,
    "at place": lambda n: f"in {n.place(end(n).place)}",
    "death town": lambda n: n.universe.places[end(n).place].name,
    "of death": lambda n: way_to_die(n, end(n)),
    "aged": _aged,
    "and office": _offices,
    "fame": lambda n: _fame(n, ("work", "enlisted"), "fame"),
    "fame for": lambda n: _fame(n, ("work",), "fame for"),
    "contemporary": _contemporary,
    "parental calling": _parental_calling,
    "rank": _rank,
    "parents": _parents_named,
    "elder": lambda n: n.mention(known(_namesake(n)), bare=True),
    "elder kin": _elder_kin,
    "survivors": lambda n: listing(_survivors(n)),
    "pupil list": lambda n: listing([n.mention(pupil, bare=True) for pupil in _pupils(n)]),
    "historian": lambda n: n.mention(n.universe.works[known(_history(n))].author),
    "history": lambda n: n.work(_history(n)),
}
