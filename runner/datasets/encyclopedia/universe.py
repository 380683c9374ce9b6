"""The facts of a simulated universe: its people, places, wars, offices and works, and all that happened.

Time is counted in quarters: a year and a season, `quarter = 4 * year + season`. Whatever an entry says of a
life is an `Event` (or follows from several); two people in one event have one record of it between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from runner.datasets.encyclopedia.cultures import Culture

SEASONS = ("spring", "summer", "autumn", "winter")


def year(quarter: int) -> int:
    """The year that a quarter is in."""
    return quarter // 4


def season(quarter: int) -> str:
    """The season of a quarter."""
    return SEASONS[quarter % 4]


@dataclass(frozen=True)
class Place:
    id: int
    name: str
    culture: int
    kind: str
    setting: str


@dataclass(frozen=True)
class Person:
    """Someone who lived. `culture` gives the language of the name; `clan` is inherited from the father."""

    id: int
    name: str
    given: str
    clan: str
    female: bool
    culture: int
    calling: str
    born: int
    birthplace: int
    mother: int | None
    father: int | None


@dataclass(frozen=True)
class Office:
    """A post with one holder at a time, of a culture as a whole or of one of its places."""

    id: int
    kind: str
    title: str
    culture: int
    place: int
    god: str


@dataclass(frozen=True)
class Work:
    """Something made by one person, perhaps about another."""

    id: int
    genre: str
    title: str
    author: int
    quarter: int
    person: int | None
    place: int


@dataclass(frozen=True)
class Battle:
    quarter: int
    place: int
    won_by: int


@dataclass(frozen=True)
class War:
    """A war between two cultures. `won_by` is a culture, or None where it ended in a truce."""

    id: int
    name: str
    sides: tuple[int, int]
    began: int
    ended: int
    reason: str
    won_by: int | None
    battles: tuple[Battle, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened to `actors`, the first of whom did or suffered it.

    `thing` is the id of the work, war or office that the kind of event is about; `cause` is the id of an
    earlier event that led to this one; `note` says which way it happened.
    """

    id: int
    kind: str
    quarter: int
    actors: tuple[int, ...]
    place: int
    thing: int | None = None
    cause: int | None = None
    note: str = ""

    @property
    def year(self) -> int:
        return year(self.quarter)


@dataclass(frozen=True)
class Universe:
    """Everything that happened, and the ids of the people whose lives are told (`entries`)."""

    cultures: Sequence[Culture]
    places: Sequence[Place]
    people: Sequence[Person]
    offices: Sequence[Office]
    wars: Sequence[War]
    works: Sequence[Work]
    events: Sequence[Event]
    entries: Sequence[int]

    @cached_property
    def lives(self) -> dict[int, list[Event]]:
        """Events of every person in the order in which they happened."""
        lives: dict[int, list[Event]] = {person.id: [] for person in self.people}
        for event in self.events:
            for actor in event.actors:
                lives[actor].append(event)
        return lives

    def death(self, person: int) -> Event | None:
        """The death of a person, None for one who outlived the simulation."""
        last = self.lives[person][-1]
        return last if last.kind == "death" else None

    def children(self, person: int) -> list[int]:
        """Children in order of birth."""
        return [
            event.actors[0]
            for event in self.lives[person]
            if event.kind == "birth" and event.actors[0] != person
        ]

    @cached_property
    def reigns(self) -> dict[int, list[tuple[int, int | None, int]]]:
        """For every office the quarters from which and to which (None: still) it was held, and by whom."""
        reigns: dict[int, list[tuple[int, int | None, int]]] = {office.id: [] for office in self.offices}
        for event in self.events:
            if event.kind == "appointment" and event.thing is not None:
                reigns[event.thing].append((event.quarter, self._tenure_end(event), event.actors[0]))
        return reigns

    def _tenure_end(self, appointment: Event) -> int | None:
        ends = (
            event.quarter
            for event in self.lives[appointment.actors[0]]
            if event.id > appointment.id
            and event.kind in ("leaving", "death")
            and event.actors[0] == appointment.actors[0]
        )
        return next(ends, None)

    def office_at(self, person: int, quarter: int) -> Office | None:
        """The office that a person held at a time, if any."""
        held = None
        for event in self.lives[person]:
            if event.quarter > quarter:
                break
            if event.actors[0] == person and event.kind in ("appointment", "leaving", "death"):
                held = event.thing if event.kind == "appointment" else None
        return None if held is None else self.offices[held]

    def ruler_at(self, culture: int, quarter: int) -> int | None:
        """Who ruled a culture at a time, if anyone."""
        throne = next(o.id for o in self.offices if o.kind == "sovereign" and o.culture == culture)
        return next(
            (
                who
                for start, end, who in self.reigns[throne]
                if start <= quarter and (end is None or quarter < end)
            ),
            None,
        )

    def predecessor(self, appointment: Event) -> int | None:
        """Who held an office before the one appointed to it, if anyone did."""
        before = [who for start, _, who in self.reigns[appointment.thing or 0] if start < appointment.quarter]
        return before[-1] if before else None

    def war_at(self, culture: int, quarter: int) -> War | None:
        """A war that a culture was fighting at a time, if any."""
        return next(
            (war for war in self.wars if culture in war.sides and war.began <= quarter < war.ended), None
        )

    def chronicle_after(self, quarter: int, person: int) -> int | None:
        """A history that somebody wrote in the century after a time; which one depends on the person."""
        later = [work.id for work in self._chronicles if quarter < work.quarter < quarter + 400]
        return later[person % len(later)] if later else None

    @cached_property
    def _chronicles(self) -> list[Work]:
        return [work for work in self.works if work.genre == "chronicle"]
