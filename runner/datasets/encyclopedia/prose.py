"""Writes a life: chooses what to tell, joins events into sentences, and keeps count of what was stated when.

An event is a verb phrase (phrases.py) that can be finite, a participle or a gerund, so two events can share a
sentence in many ways; dates are absolute, relative to the event before, or ages; a remark may follow.
"""

from dataclasses import dataclass
from functools import partial
from random import Random

from runner.datasets.encyclopedia.frame import closing, end, opening
from runner.datasets.encyclopedia.grammar import inflect, polish
from runner.datasets.encyclopedia.narrator import Narrator, View
from runner.datasets.encyclopedia.phrases import PHRASES
from runner.datasets.encyclopedia.remarks import REMARKS
from runner.datasets.encyclopedia.slots import fill
from runner.datasets.encyclopedia.universe import Event, Universe

# How likely an event of each kind is to be worth telling.
_WORTH = {
    "marriage": 0.95, "remarriage": 0.95, "pupil": 0.9, "appointment": 1.0, "leaving": 0.9, "exile": 1.0,
    "recall": 0.9, "enlisted": 0.8,
    "fought": 0.5, "wounded": 0.9, "captured": 1.0, "released": 0.7, "work": 0.6, "founding": 0.8,
    "discovery": 0.8, "journey": 0.5,
    "homecoming": 0.35, "feud": 0.65, "feud ended": 0.8, "friendship": 0.35, "patronage": 0.5,
    "illness": 0.5, "loss": 0.5,
    "vow": 0.4, "move": 0.4, "bereaved": 0.45, "child": 0.3, "first child": 0.4,
}  # fmt: skip
# Ways in which two events share a sentence.
_PLANS = ("and", "and", "having", "after", "who had", "hardly", "before", "then")
# Events that end what an earlier one began.
_FOLLOWING = frozenset({"homecoming", "recall", "released", "feud ended"})
# Events that can be done in one manner or another.
_WILLED = frozenset(
    {
        "marriage",
        "journey",
        "move",
        "founding",
        "leaving",
        "recall",
        "homecoming",
        "work",
        "vow",
        "appointment",
    }
)


@dataclass(frozen=True)
class Statement:
    """An event that an entry tells: the sentence that tells it, and the words that date it ("" for none).

    `since` is the event that a relative date counts from.
    """

    event: int
    sentence: str
    date: str
    since: int | None


@dataclass(frozen=True)
class Biography:
    person: int
    text: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class _Clause:
    """An event ready to be put in a sentence: its verb phrase with the verb still open, and its date."""

    event: Event
    phrase: str
    date: str
    since: Event | None

    def verb(self, form: str) -> str:
        return inflect(self.phrase, form)


def biography(universe: Universe, person: int, seed: int) -> Biography:
    """The entry of one person: the same text for the same universe and seed."""
    return _Writer(universe, person, Random(f"biography {seed} {person}")).write()


class _Writer:
    def __init__(self, universe: Universe, person: int, rng: Random) -> None:
        self.universe, self.rng = universe, rng
        self.person = universe.people[person]
        self.narrator = Narrator(universe, person, rng)
        self.sentences: list[str] = []
        self.statements: list[Statement] = []
        self.since: Event | None = None
        self.remarked: set[str] = set()
        self.breadth = rng.uniform(0.45, 1.15)

    def write(self) -> Biography:
        views = self._chosen()
        self.sentences += opening(self.narrator)
        while views:
            views = self._tell(views)
        for symbol, sentence in closing(self.narrator):
            self.sentences.append(sentence)
            if symbol == "died":
                self.statements.append(Statement(end(self.narrator).id, sentence, "", None))
        return Biography(self.person.id, self._paragraphs(), tuple(self.statements))

    # What to tell.

    def _chosen(self) -> list[View]:
        """The views worth telling, in order; a return is told only where the leaving was."""
        chosen: dict[int, View] = {}
        for view in self._views():
            follows = view.event.kind in _FOLLOWING and view.symbol != "feud ended court of a judge"
            if (not follows or view.event.cause in chosen) and self.rng.random() < self._worth(view):
                chosen[view.event.id] = view
        return list(chosen.values())

    def _views(self) -> list[View]:
        me, views = self.person.id, []
        for event in self.universe.lives[me]:
            role = event.actors.index(me)
            others = tuple(actor for actor in event.actors if actor != me)
            if event.kind == "birth":
                if role > 0:
                    first = self.universe.children(me)[0] == event.actors[0]
                    views.append(View(event, "first child" if first else "child", others[:1]))
            elif event.kind != "death":
                views.append(View(event, self._symbol(event, role), others))
        return sorted([*views, *self._bereavements()], key=lambda view: view.event.id)

    def _symbol(self, event: Event, role: int) -> str:
        if event.kind == "marriage" and self._marriages_before(event):
            return "remarriage"
        if event.kind == "work":
            if event.cause is not None:
                return "work in grief"
            return "work"
        if event.kind == "appointment" and self.universe.predecessor(event) is None:
            return "appointment first"
        if event.kind == "feud ended" and role == 2:
            return "feud ended court of a judge"
        side = " of another" if role else ""
        exact, general = f"{event.kind} {event.note}{side}", f"{event.kind}{side}"
        return next(
            symbol
            for symbol in (exact, general, f"{event.kind} {event.note}", event.kind)
            if symbol in PHRASES
        )

    def _marriages_before(self, event: Event) -> bool:
        return any(e.kind == "marriage" and e.id < event.id for e in self.universe.lives[self.person.id])

    def _bereavements(self) -> list[View]:
        mine, me = self.universe.lives[self.person.id], self.person
        close = [(me.mother, "mother"), (me.father, "father")]
        close += [
            (child, "daughter" if self.universe.people[child].female else "son")
            for child in self.universe.children(me.id)
        ]
        for event in mine:
            if event.kind == "marriage":
                spouse = next(actor for actor in event.actors if actor != me.id)
                close.append((spouse, "wife" if self.universe.people[spouse].female else "husband"))
            elif event.kind == "pupil" and event.actors[0] == me.id:
                close.append((event.actors[1], "teacher"))
        views = []
        for dead, kin in close:
            death = self.universe.death(dead) if dead is not None else None
            if death is not None and me.born + 16 < death.quarter < mine[-1].quarter:
                views.append(View(death, "bereaved", (death.actors[0],), kin))
        return views

    def _worth(self, view: View) -> float:
        if view.symbol == "pupil of another":
            return 0.3 * self.breadth
        kind = next(
            kind
            for kind in _WORTH
            if view.symbol == kind or view.symbol.startswith(kind + " ") or view.event.kind == kind
        )
        return _WORTH[view.symbol if view.symbol in _WORTH else kind] * self.breadth

    # How to tell it.

    def _clause(self, view: View, *, absolute: bool = False) -> _Clause:
        self.narrator.view, self.narrator.now = view, view.event.quarter
        phrase = PHRASES.expand(view.symbol, self.rng, partial(fill, self.narrator))
        if view.event.kind in _WILLED and "," not in phrase and self.rng.random() < 0.18:
            phrase += f" {PHRASES.expand('manner', self.rng, partial(fill, self.narrator))}"
        since, self.since = self.since, view.event
        return _Clause(view.event, phrase, self.narrator.date(view.event, None if absolute else since), since)

    def _tell(self, views: list[View]) -> list[View]:
        """Tells the first event or two and gives back those left."""
        first, rest = views[0], views[1:]
        gap = rest[0].event.quarter - first.event.quarter if rest else 99
        if rest and gap <= 16 and self.rng.random() < 0.55:
            self._pair(first, rest[0], gap)
            told, rest = rest[0], rest[1:]
        else:
            self._single(first)
            told = first
        self._remark(told)
        return rest

    def _single(self, view: View) -> None:
        subject, clause = self.narrator.subject(), self._clause(view)
        late = "," not in clause.phrase and len(clause.phrase) < 80 and self.rng.random() < 0.6
        vp = clause.verb("past")
        self._state(f"{subject} {vp} {clause.date}" if late else f"{clause.date}, {subject} {vp}", clause)

    def _pair(self, first: View, second: View, gap: int) -> None:
        rng, subject, pronoun = self.rng, self.narrator.subject(), self.narrator.pronoun("s")
        plan = (
            "because"
            if second.event.kind == "exile" and second.event.cause == first.event.id
            else rng.choice(_PLANS)
        )
        if (plan == "hardly" and gap > 2) or (plan == "who had" and subject == pronoun):
            plan = "and"
        one = self._clause(first, absolute=plan in ("having", "after", "who had"))
        two = self._clause(second)
        began, then = f"{one.date}, {subject} {one.verb('past')}", f"{two.date}, {pronoun} {two.verb('past')}"
        match plan:
            case "because":
                text = f"{began}; {rng.choice(('as a result', 'for this reason', 'in consequence'))}, {then}"
            case "having":
                text = f"having {one.verb('participle')} {one.date}, {subject} {two.verb('past')} {two.date}"
            case "after":
                text = f"after {one.verb('gerund')} {one.date}, {subject} {two.verb('past')} {two.date}"
            case "who had":
                text = (
                    f"{subject}, who had {one.verb('participle')} {one.date}, {two.verb('past')} {two.date}"
                )
            case "hardly":
                opening = rng.choice(("no sooner had {} {}, than", "hardly had {} {}, when"))
                text = f"{opening.format(subject, one.verb('participle'))}, {then}"
            case "before":
                text = f"{began}, before {two.verb('gerund')} {two.date}"
            case "then":
                text = f"{began}, {rng.choice(('then', 'and then'))} {two.verb('past')} {two.date}"
            case _:
                text = f"{began}{rng.choice((', and', ';'))} {then}"
        self._state(text, one, two)

    def _state(self, sentence: str, *clauses: _Clause) -> None:
        text = polish(sentence + ".")
        self.sentences.append(text)
        for clause in clauses:
            date = clause.date.strip(",")
            stated = date if date.lower() in text.lower() else ""
            self.statements.append(
                Statement(clause.event.id, text, stated, clause.since.id if clause.since else None)
            )

    def _remark(self, view: View) -> None:
        symbol = "feud ended" if view.event.kind == "feud ended" else view.event.kind
        symbol = {"bereaved": "bereaved", "child": "child", "first child": "child"}.get(view.symbol, symbol)
        if "of another" in view.symbol or "of a judge" in view.symbol or symbol not in REMARKS:
            return
        if self.rng.random() < (0.12 if symbol in self.remarked else 0.4):
            self.remarked.add(symbol)
            self.sentences[-1] += " " + polish(REMARKS.expand(symbol, self.rng, partial(fill, self.narrator)))

    def _paragraphs(self) -> str:
        text, size, paragraphs = self.sentences, self.rng.randrange(3, 6), []
        while text:
            paragraphs.append(" ".join(text[:size]))
            text, size = text[size:], self.rng.randrange(2, 7)
        return "\n\n".join(paragraphs)
