"""Runs a universe quarter by quarter, so that what happens can only happen to those alive, free and of age.

    universe = simulate(people=2_000, seed=0)

Each quarter wars are fought, offices filled, children born; then people do what their lives allow; some die.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from runner.datasets.encyclopedia import deeds, offices, wars
from runner.datasets.encyclopedia.setting import CULTURES, make_cultures, make_offices, make_places
from runner.datasets.encyclopedia.titles import CALLINGS
from runner.datasets.encyclopedia.universe import Event, Person, Universe, War, Work

FIRST_YEAR = 100
ADULT = 16
_FERTILE = range(17, 43)


@dataclass
class Life:
    """Where somebody alive stands: what may happen to them next depends on it."""

    place: int
    home: int
    children: list[int] = field(default_factory=list)
    spouse: int | None = None
    mentor: int | None = None
    office: int | None = None
    war: int | None = None
    captive: Event | None = None
    exile: Event | None = None
    journey: Event | None = None
    grief: Event | None = None
    until: int = 0
    last_birth: int = -99
    works: list[Work] = field(default_factory=list)
    feuds: dict[int, Event] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        return self.captive is None and self.journey is None


def simulate(people: int, seed: int) -> Universe:
    """A universe in which `people` adult lives have been lived out: the same for the same arguments."""
    world = World(Random(f"universe {seed}"), population=max(140, people // 8))
    while len(world.told) < people:
        world.step()
    return world.universe(people)


class World:
    """The universe so far. `step` adds a quarter to it."""

    def __init__(self, rng: Random, population: int) -> None:
        self.rng = rng
        self.population = population
        self.now = 4 * FIRST_YEAR
        self.cultures = make_cultures(rng)
        self.places = make_places(rng, self.cultures)
        self.offices = make_offices(self.cultures, self.places)
        self.people: list[Person] = []
        self.works: list[Work] = []
        self.events: list[Event] = []
        self.wars: list[War] = []
        self.campaigns: list[wars.Campaign] = []
        self.lives: dict[int, Life] = {}
        self.offspring: list[list[int]] = []
        self.holders: dict[int, int] = {}
        self.predecessors: dict[int, int] = {}
        self.told: list[int] = []
        self.titles: set[str] = set()
        self._names: set[str] = set()
        for _ in range(population):
            self._add_person(None, None, self.now - rng.randrange(4 * 50), rng.randrange(len(self.places)))

    # Records and questions.

    def record(
        self,
        kind: str,
        actors: tuple[int, ...],
        *,
        place: int | None = None,
        thing: int | None = None,
        cause: Event | None = None,
        note: str = "",
    ) -> Event:
        """Something happens now, where the first actor is unless `place` says where."""
        where = self.lives[actors[0]].place if place is None else place
        event = Event(
            len(self.events), kind, self.now, actors, where, thing, cause.id if cause else None, note
        )
        self.events.append(event)
        return event

    def age(self, person: int) -> int:
        return (self.now - self.people[person].born) // 4

    def adults(self) -> list[int]:
        return [person for person in self.lives if self.age(person) >= ADULT]

    def pick(self, candidates: Iterable[int]) -> int | None:
        found = list(candidates)
        return self.rng.choice(found) if found else None

    def parents(self, person: int) -> list[int]:
        one = self.people[person]
        return [parent for parent in (one.mother, one.father) if parent is not None]

    def kin(self, person: int) -> set[int]:
        """Parents, grandparents, brothers and sisters, their children, one's own, and oneself."""
        parents = self.parents(person)
        siblings = {child for parent in parents for child in self.offspring[parent]}
        elders = {elder for parent in parents for elder in self.parents(parent)}
        nephews = {child for sibling in siblings for child in self.offspring[sibling]}
        return {person, *parents, *siblings, *elders, *nephews, *self.offspring[person]}

    def sovereign(self, culture: int) -> int | None:
        """Who rules a culture now."""
        return next(
            (self.holders.get(o.id) for o in self.offices if o.kind == "sovereign" and o.culture == culture),
            None,
        )

    def move(self, person: int, place: int) -> None:
        """A person settles elsewhere, and their husband or wife with them if free to."""
        life = self.lives[person]
        life.place = life.home = place
        if life.spouse is not None:
            other = self.lives[life.spouse]
            if other.free and other.exile is None and other.office is None:
                other.place = other.home = place

    # A quarter.

    def step(self) -> None:
        wars.wage(self)
        offices.fill(self)
        self._bear_children()
        for person in list(self.lives):
            if person in self.lives:
                self._live(person)
        for person in list(self.lives):
            if person in self.lives and self.rng.random() < _hazard(self.age(person)):
                self.die(person, self._way_to_die(person))
        self.now += 1

    def _live(self, person: int) -> None:
        life, age = self.lives[person], self.age(person)
        if life.journey is not None and self.now >= life.until:
            journey, life.journey, life.place = life.journey, None, life.home
            self.record("homecoming", (person,), cause=journey)
        if not life.free:
            return
        if 11 <= age < 19 and life.mentor is None and self.rng.random() < 0.12:
            deeds.find_mentor(self, person)
        if age < ADULT:
            return
        if life.spouse is None and age < 46 and self.rng.random() < 0.07:
            self._marry(person)
        deeds.settle_feuds(self, person)
        if person in self.lives and self.rng.random() < 0.06:
            deeds.act(self, person)

    # Birth, marriage, death.

    def _bear_children(self) -> None:
        crowding = self.population / max(len(self.lives), 1)
        for person in list(self.lives):
            life = self.lives[person]
            if not self.people[person].female or life.spouse is None or self.age(person) not in _FERTILE:
                continue
            husband = self.lives[life.spouse]
            together = life.free and husband.free and life.place == husband.place
            if together and self.now - life.last_birth > 4 and self.rng.random() < 0.065 * crowding**2:
                self._add_person(person, life.spouse, self.now, life.place)
                if self.rng.random() < 0.025:
                    self.die(person, "childbirth", cause=self.events[-1])

    def _add_person(self, mother: int | None, father: int | None, born: int, place: int) -> None:
        rng, person = self.rng, len(self.people)
        parents = [parent for parent in (mother, father) if parent is not None]
        culture = self.people[rng.choice(parents)].culture if parents else self.places[place].culture
        callings = list(CALLINGS)
        inherited = parents and rng.random() < 0.35
        calling = self.people[rng.choice(parents)].calling if inherited else rng.choice(callings)
        female = rng.random() < 0.5
        while True:
            given, name, clan = self._name(culture, female, mother, father, place)
            if name not in self._names:
                break
        self._names.add(name)
        self.people.append(
            Person(person, name, given, clan, female, culture, calling, born, place, mother, father)
        )
        self.offspring.append([])
        self.lives[person] = Life(place, place)
        if mother is not None and father is not None:
            self.record("birth", (person, mother, father))
            for parent in (mother, father):
                self.offspring[parent].append(person)
            self.lives[mother].last_birth = self.now

    def _name(
        self, culture: int, female: bool, mother: int | None, father: int | None, place: int
    ) -> tuple[str, str, str]:
        rng, custom = self.rng, self.cultures[culture]
        given = custom.phonology.given_name(rng, female)
        if father is not None and mother is not None and rng.random() < 0.2:
            elders = [elder for parent in (mother, father) for elder in self.parents(parent)]
            namesakes = [self.people[elder].given for elder in elders if self.people[elder].female == female]
            given = rng.choice(namesakes) if namesakes else given
        clan = self.people[father].clan if father is not None else custom.phonology.word(rng).capitalize()
        after = {"patronymic": father, "matronymic": mother}.get(custom.naming)
        if after is not None:
            return given, f"{given} {custom.particle} {self.people[after].given}", clan
        if custom.naming == "town":
            return given, f"{given} of {self.places[place].name}", clan
        if custom.naming == "clan first":
            return given, f"{clan} {given}", clan
        return given, f"{given} {clan}", clan

    def _marry(self, person: int) -> None:
        one, life = self.people[person], self.lives[person]
        kin = self.kin(person)
        suited = [
            other
            for other in self.lives
            if self.people[other].female != one.female
            and self.lives[other].spouse is None
            and self.lives[other].free
            and 17 <= self.age(other) < 55
            and abs(self.people[other].born - one.born) < 4 * 14
            and other not in kin
        ]
        near = [other for other in suited if self.lives[other].place == life.place]
        other = self.pick(near or [o for o in suited if self.people[o].culture == one.culture] or suited)
        if other is None:
            return
        life.spouse, self.lives[other].spouse = other, person
        self.record("marriage", (person, other))
        if life.office is None and self.rng.random() < 0.5:
            self.move(other, self.lives[other].home)
        else:
            self.move(person, life.home)

    def _way_to_die(self, person: int) -> str:
        life, age = self.lives[person], self.age(person)
        if life.captive is not None:
            return "captivity"
        if life.journey is not None:
            return self.rng.choice(("road", "sea", "fever"))
        if age >= 62 and self.rng.random() < 0.7:
            return "age"
        return self.rng.choice(
            ("fever", "fever", "cough", "fall", "drowned", "stroke", "accident", "illness")
        )

    def die(self, person: int, note: str, *, place: int | None = None, cause: Event | None = None) -> None:
        """A life ends; what it held falls vacant, and those close to it remember."""
        death = self.record("death", (person,), place=place, cause=cause, note=note)
        life = self.lives.pop(person)
        mourners = [*self.parents(person), *self.offspring[person]]
        if life.spouse is not None:
            mourners.append(life.spouse)
            if life.spouse in self.lives:
                self.lives[life.spouse].spouse = None
        for other in self.lives:
            self.lives[other].feuds.pop(person, None)
            if self.lives[other].mentor == person or other in mourners:
                self.lives[other].grief = death
        if life.office is not None:
            offices.vacate(self, life.office, person)
        one = self.people[person]
        if one.born >= 4 * (FIRST_YEAR - 10) and (death.quarter - one.born) // 4 >= 18:
            self.told.append(person)

    def universe(self, people: int) -> Universe:
        """All facts so far; its entries are the first `people` adult lives to end, in order of birth."""
        unfinished = [wars.finished(self, campaign) for campaign in self.campaigns]
        return Universe(
            tuple(self.cultures),
            tuple(self.places),
            tuple(self.people),
            tuple(self.offices),
            tuple(sorted((*self.wars, *unfinished), key=lambda war: war.id)),
            tuple(self.works),
            tuple(self.events),
            tuple(sorted(self.told[:people], key=lambda person: (self.people[person].born, person))),
        )


def _hazard(age: int) -> float:
    """Chance to die in a quarter."""
    for limit, hazard in ((5, 0.006), (40, 0.0012), (55, 0.004), (65, 0.010), (75, 0.022), (85, 0.05)):
        if age < limit:
            return hazard
    return 0.12


__all__ = ["CULTURES", "Life", "World", "simulate"]
