"""How an entry refers to things: people, offices, works and dates, as they stood when an event happened."""

from dataclasses import dataclass
from random import Random

from runner.datasets.encyclopedia.cultures import Culture
from runner.datasets.encyclopedia.grammar import number
from runner.datasets.encyclopedia.universe import Event, Office, Place, Universe, season, year

_OFFICES = {
    "sovereign": "ruler", "judge": "chief judge", "governor": "governor", "priest": "high priest",
    "archivist": "keeper of the archive", "admiral": "admiral", "master": "master of the guilds",
}  # fmt: skip

_OF_WAR = frozenset({"enlisted", "fought", "wounded", "captured", "released", "exile"})


@dataclass(frozen=True)
class View:
    """An event as it enters somebody's life: the others in it, and their relation to the subject (`kin`)."""

    event: Event
    symbol: str
    others: tuple[int, ...]
    kin: str = ""


class Narrator:
    """One point of view, at the event in view: who and what has been mentioned, who could be meant."""

    def __init__(self, universe: Universe, subject: int, rng: Random) -> None:
        self.universe = universe
        self.rng = rng
        self.person = universe.people[subject]
        self.culture: Culture = universe.cultures[self.person.culture]
        self.now = self.person.born
        self.view: View | None = None
        self.mentioned: set[int] = {subject}
        self.ambiguous = False
        self._described: set[str] = set()
        self.god = self.culture.gods[0]

    # People.

    def pronoun(self, kind: str, person: int | None = None) -> str:
        female = self.person.female if person is None else self.universe.people[person].female
        forms = {
            "s": ("he", "she"),
            "pos": ("his", "her"),
            "obj": ("him", "her"),
            "self": ("himself", "herself"),
        }
        return forms[kind][female]

    def subject(self) -> str:
        """The subject as the subject of a sentence: a pronoun unless someone else could be meant."""
        chance = self.rng.random()
        if chance < (0.25 if self.ambiguous else 0.8):
            self.ambiguous = False
            return self.pronoun("s")
        return self.person.given if chance < 0.93 else f"the {self.person.calling}"

    def mention(self, person: int, *, bare: bool = False) -> str:
        """Another person: first with a word on who they are (unless `bare`), later by the given name."""
        one = self.universe.people[person]
        self.ambiguous = self.ambiguous or one.female == self.person.female
        if person in self.mentioned:
            return one.given
        self.mentioned.add(person)
        office = self.universe.office_at(person, self.now)
        chance = self.rng.random()
        if bare or chance < 0.25:
            return one.name
        if office is not None and chance < 0.8:
            then = self.rng.choice(("then", "at that time", "who was then"))
            return f"{one.name}, {then} {self.office(office)},"
        death = self.universe.death(person)
        if chance < 0.45:
            adjective = self.rng.choice(("", f"{self.adjective(one.culture)} "))
            return f"the {adjective}{one.calling} {one.name}"
        if chance < 0.6 and death is not None:
            return f"{one.name} ({year(one.born)}–{death.year})"
        if chance < 0.75 and one.culture != self.person.culture:
            return f"{one.name}, a {self.adjective(one.culture)},"
        if self.view is not None and self.event.place == one.birthplace:
            return f"{one.name}, a {one.calling} of that place,"
        origin = self.rng.choice(("from", "of", "born in"))
        return f"{one.name}, a {one.calling} {origin} {self.place(one.birthplace)},"

    def adjective(self, culture: int) -> str:
        return self.universe.cultures[culture].adjective

    # Places, offices, works, words.

    def place(self, place: int, *, described: bool = False) -> str:
        where: Place = self.universe.places[place]
        if (described or self.rng.random() < 0.25) and where.name not in self._described:
            self._described.add(where.name)
            foreign = f" {self.adjective(where.culture)}" if where.culture != self.person.culture else ""
            return f"{where.name}, a{foreign} {where.kind} {where.setting},"
        return where.name

    def office(self, office: Office) -> str:
        english, country = _OFFICES[office.kind], self.universe.cultures[office.culture].name
        title = self.rng.choice((english, office.title))
        if office.title not in self._described:
            self._described.add(office.title)
            title = self.rng.choice((english, f"{office.title} ({english})"))
        if office.kind == "priest":
            return f"{title} of {office.god} in {self.universe.places[office.place].name}"
        town = self.universe.places[office.place].name
        return f"{title} of {country if office.kind in ('sovereign', 'archivist', 'admiral') else town}"

    def work(self, work: int | None) -> str:
        return f'"{self.universe.works[known(work)].title}"'

    def word(self, kind: str, culture: Culture | None = None) -> str:
        """A word of a culture for something, with what it means the first time, as a rule."""
        word, gloss = (culture or self.culture).words[kind]
        if word in self._described or self.rng.random() < 0.3:
            return word
        self._described.add(word)
        return f"{word}, {gloss},"

    def ruler(self) -> str:
        """Who rules the subject's people now."""
        ruler = self.universe.ruler_at(self.person.culture, self.now)
        if ruler is None or ruler == self.person.id:
            return f"the council of {self.culture.name}"
        return self.mention(ruler)

    # Dates.

    def date(self, event: Event, since: Event | None) -> str:
        """When an event happened: a year, a time since the one told before (`since`), or an age."""
        if since is not None and event.year == since.year:
            return self.rng.choice(_since(event, since))
        options = [f"in {event.year}", f"in the {season(event.quarter)} of {event.year}"]
        age = (event.quarter - self.person.born) // 4
        if age > 11:
            options += [f"at the age of {number(age)}", f"in {event.year}, at the age of {number(age)},"]
        ruler = self.universe.ruler_at(self.person.culture, event.quarter)
        if ruler is not None and ruler != self.person.id and self.rng.random() < 0.25:
            options.append(f"in {event.year}, in the reign of {self.universe.people[ruler].name},")
        war = self.universe.war_at(self.person.culture, event.quarter)
        if war is not None and war.began // 4 < event.year and event.kind not in _OF_WAR:
            options.append(f"in {event.year}, while {war.name} was being fought,")
        if since is not None:
            options += _since(event, since) * 2
        return self.rng.choice(options)

    @property
    def told(self) -> View:
        """The event in view. Raises LookupError where there is none."""
        if self.view is None:
            raise LookupError("no event is being told")
        return self.view

    @property
    def event(self) -> Event:
        return self.told.event

    @property
    def cause(self) -> Event:
        """The event that led to the one in view."""
        return self.universe.events[known(self.event.cause)]


def known(value: int | None) -> int:
    """`value` where an event has one. Raises LookupError where it has none."""
    if value is None:
        raise LookupError("the event in view has no such thing")
    return value


def _since(event: Event, since: Event) -> list[str]:
    years = event.year - since.year
    if years == 0:
        if event.quarter == since.quarter:
            return [f"that same {season(event.quarter)}", f"that {season(event.quarter)}"]
        return ["later that year", f"in the {season(event.quarter)} of the same year"]
    if years == 1:
        return ["the following year", "a year later", "the year after", f"the next {season(event.quarter)}"]
    return [f"{number(years)} years later", f"after {number(years)} {'years' if years > 1 else 'year'}"]
