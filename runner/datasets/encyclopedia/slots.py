"""What a grammar's slots stand for, at the event that a narrator has in view."""

from collections.abc import Callable
from functools import partial

from runner.datasets.encyclopedia.grammar import Grammar, number, ordinal
from runner.datasets.encyclopedia.narrator import Narrator, known
from runner.datasets.encyclopedia.particulars import CAUSES, DEATHS, FAULTS, MAKING, QUARRELS, REASONS, WORKS
from runner.datasets.encyclopedia.universe import Event, Work

_MADE = frozenset({
    "picture", "portrait", "vessel", "window", "tapestry", "building", "ship", "bell", "clock", "map",
})  # fmt: skip
_TEMPERS = (
    "quiet", "quarrelsome", "devout", "sceptical", "generous", "melancholy", "restless", "witty",
    "cautious", "vain",
)  # fmt: skip


def fill(narrator: Narrator, slot: str) -> str:
    """The text of a slot. Raises KeyError for one that is not known."""
    if slot in _SLOTS:
        return _SLOTS[slot](narrator)
    if slot in ("s", "pos", "obj", "self"):
        return narrator.pronoun(slot)
    culture = narrator.culture
    if slot.startswith("foreign "):
        slot = slot.removeprefix("foreign ")
        culture = narrator.universe.cultures[narrator.universe.places[narrator.event.place].culture]
    if slot == "god":
        narrator.god = narrator.rng.choice(culture.gods)
        return narrator.god[0]
    kind, _, part = slot.partition(" ")
    if kind == "festival":
        return narrator.rng.choice(culture.words[kind])
    if part:
        return culture.words[kind][part == "gloss"]
    return narrator.word(kind, culture)


def way_to_die(narrator: Narrator, death: Event) -> str:
    """How somebody died, to follow `died`: "of a fever", "in a duel with Ann"."""
    return DEATHS.expand(death.note, narrator.rng, _death(narrator, death))


def _death(narrator: Narrator, death: Event) -> Callable[[str], str]:
    universe = narrator.universe

    def particulars(slot: str) -> str:
        if slot == "war":
            return universe.wars[known(universe.events[known(death.cause)].thing)].name
        if slot == "opponent":
            duellists = universe.events[known(death.cause)].actors
            return narrator.mention(next(one for one in duellists if one != death.actors[0]), bare=True)
        return fill(narrator, slot)

    return particulars


def _quarrel(narrator: Narrator, grammar: Grammar) -> str:
    event = narrator.event if narrator.event.kind == "feud" else narrator.cause

    def particulars(slot: str) -> str:
        if slot != "thing":
            return fill(narrator, slot)
        if event.note == "work":
            return narrator.work(event.thing)
        return narrator.office(narrator.universe.offices[known(event.thing)])

    return grammar.expand(event.note, narrator.rng, particulars)


def _work(narrator: Narrator) -> Work:
    return narrator.universe.works[known(narrator.event.thing)]


def _kind_of_work(narrator: Narrator) -> str:
    return WORKS.expand(_work(narrator).genre, narrator.rng, partial(fill, narrator))


def _enemy(narrator: Narrator) -> str:
    first, second = narrator.universe.wars[known(narrator.event.thing)].sides
    return narrator.adjective(second if first == narrator.person.culture else first)


def _other_language(narrator: Narrator) -> str:
    others = [culture.adjective for culture in narrator.universe.cultures if culture is not narrator.culture]
    return narrator.rng.choice(others)


def _possessive(narrator: Narrator, person: int) -> str:
    name = narrator.mention(person, bare=True)
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _predecessor(narrator: Narrator) -> str:
    return narrator.mention(known(narrator.universe.predecessor(narrator.event)))


def _marriages(narrator: Narrator) -> str:
    life = narrator.universe.lives[narrator.person.id]
    return ordinal(sum(event.kind == "marriage" and event.id <= narrator.event.id for event in life))


def _plural(noun: str) -> str:
    if noun.endswith("fe"):
        return f"{noun[:-2]}ves"
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


_SLOTS: dict[str, Callable[[Narrator], str]] = {
    "S": Narrator.subject,
    "other": lambda n: n.mention(n.told.others[0]),
    "third": lambda n: n.mention(n.told.others[1]),
    "judge": lambda n: n.mention(n.told.others[1]),
    "other short": lambda n: n.mention(n.told.others[0], bare=True),
    "other possessive": lambda n: _possessive(n, n.told.others[0]),
    "opos": lambda n: n.pronoun("pos", n.told.others[0]),
    "person": lambda n: "woman" if n.universe.people[n.told.others[0]].female else "man",
    "age of other": lambda n: number((n.event.quarter - n.universe.people[n.told.others[0]].born) // 4),
    "dead": lambda n: n.mention(n.cause.actors[0]),
    "dead name": lambda n: n.mention(n.told.others[0], bare=True),
    "death by": lambda n: CAUSES.expand(n.event.note, n.rng, _death(n, n.event)),
    "kin": lambda n: n.told.kin,
    "child": lambda n: n.mention(n.event.actors[0], bare=True),
    "child kind": lambda n: "daughter" if n.universe.people[n.event.actors[0]].female else "son",
    "parent": lambda n: "mother" if n.person.female else "father",
    "spouse": lambda n: "wife" if n.universe.people[n.told.others[0]].female else "husband",
    "ordinal": _marriages,
    "place": lambda n: n.place(n.event.place),
    "home": lambda n: n.universe.places[n.person.birthplace].name,
    "home described": lambda n: n.place(n.person.birthplace, described=True),
    "journey town": lambda n: n.universe.places[n.event.place].name,
    "work town": lambda n: n.universe.places[n.event.place].name,
    "country": lambda n: n.culture.name,
    "own": lambda n: n.culture.adjective,
    "own people": lambda n: n.culture.adjective,
    "language": lambda n: n.culture.adjective,
    "other language": _other_language,
    "ruler": Narrator.ruler,
    "office": lambda n: n.office(n.universe.offices[known(n.event.thing)]),
    "title word": lambda n: n.universe.offices[known(n.event.thing)].title,
    "predecessor": _predecessor,
    "work": lambda n: n.work(n.event.thing),
    "maker": lambda n: "maker" if _work(n).genre in _MADE else "author",
    "kind of work": _kind_of_work,
    "verb of making": lambda n: MAKING.expand(_work(n).genre, n.rng, partial(fill, n)),
    "guilty work": lambda n: n.work(n.cause.thing),
    "matter": lambda n: _quarrel(n, QUARRELS),
    "fault": lambda n: _quarrel(n, FAULTS),
    "war": lambda n: n.universe.wars[known(n.event.thing)].name,
    "war reason": lambda n: REASONS.expand(
        n.universe.wars[known(n.event.thing)].reason, n.rng, partial(fill, n)
    ),
    "enemy": _enemy,
    "role": lambda n: n.event.note,
    "calling": lambda n: n.person.calling,
    "callings": lambda n: _plural(n.person.calling),
    "domain": lambda n: n.god[1],
    "number": lambda n: number(n.rng.choice((6, 9, 12, 20, 30, 40, 60, 80, 90))),
    "temper": lambda n: n.rng.choice(_TEMPERS),
}
