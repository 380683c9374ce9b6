"""What people of the universe do with their lives: make things, travel, quarrel, found, discover, suffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.datasets.encyclopedia import offices
from runner.datasets.encyclopedia.titles import CALLINGS, title
from runner.datasets.encyclopedia.universe import Work
from runner.datasets.encyclopedia.wars import banish

if TYPE_CHECKING:
    from runner.datasets.encyclopedia.simulation import World

_FOUNDED = {
    "verse": "school", "play": "theatre", "chronicle": "library", "treatise": "school",
    "medicine": "hospital",
    "tables": "observatory", "map": "school", "herbal": "garden", "music": "choir", "picture": "workshop",
    "vessel": "workshop", "window": "workshop", "tapestry": "workshop", "building": "workshop",
    "ship": "shipyard",
    "memoir": "almshouse", "voyage": "school", "letters": "market", "code": "school", "sermons": "shrine",
    "dictionary": "school", "bell": "foundry", "clock": "workshop", "recipes": "inn",
}  # fmt: skip
_FOUND = {
    "medicine": ("remedy", "contagion"), "tables": ("comet", "eclipse"), "map": ("pass", "island"),
    "herbal": ("plant", "graft"), "voyage": ("island", "current"), "treatise": ("proof", "error"),
    "chronicle": ("manuscript", "forgery"), "dictionary": ("manuscript", "kinship of tongues"),
    "vessel": ("glaze",),
    "window": ("pigment",), "picture": ("pigment",), "tapestry": ("dye",), "building": ("mortar", "arch"),
    "clock": ("escapement",), "bell": ("alloy",), "ship": ("hull",), "recipes": ("preserve",),
    "music": ("tuning",),
}  # fmt: skip
_PURPOSES = (
    "study",
    "trade",
    "pilgrimage",
    "embassy",
    "collecting",
    "health",
    "curiosity",
    "commission",
    "debt",
)
_AILMENTS = ("eyes", "voice", "fever", "joints", "melancholy", "hand", "sleeplessness", "plague", "hearing")
_LOSSES = ("fire", "flood", "theft", "debt", "lawsuit", "collapse", "censorship")
_QUARRELS = (
    "debt",
    "boundary",
    "insult",
    "dowry",
    "dog",
    "calendar",
    "seat",
    "letter",
    "well",
    "translation",
)
_HOW_MET = ("inn", "ship", "market", "funeral", "correspondence", "storm", "library", "game")


def act(world: World, person: int) -> None:
    """One deed, by weight, among those that the person's age and standing allow."""
    deeds = [(deed, weight) for deed, weight, from_age in _DEEDS if world.age(person) >= from_age]
    deed = world.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]
    deed(world, person)


def find_mentor(world: World, person: int) -> None:
    """An elder of the same calling, of the same people where there is one, takes a pupil in."""
    one = world.people[person]
    elders = [
        other
        for other, life in world.lives.items()
        if world.people[other].calling == one.calling
        and world.age(other) >= 28
        and life.free
        and life.exile is None
    ]
    near = [other for other in elders if world.people[other].culture == one.culture]
    mentor = world.pick(near or elders)
    if mentor is not None:
        life = world.lives[person]
        life.mentor = mentor
        life.place = life.home = world.lives[mentor].place
        world.record("pupil", (person, mentor))


def settle_feuds(world: World, person: int) -> None:
    """Feuds that the person began may end: by a duel, before a judge, in exile, or in peace."""
    for other, feud in list(world.lives[person].feuds.items()):
        if feud.actors[0] != person or world.rng.random() > 0.05:
            continue
        if not world.lives[other].free or world.lives[other].place != world.lives[person].place:
            continue
        del world.lives[person].feuds[other], world.lives[other].feuds[person]
        way = world.rng.random()
        judges = [world.holders[o.id] for o in world.offices if o.kind == "judge" and o.id in world.holders]
        judge = world.pick(j for j in judges if j not in (person, other))
        if way < 0.2:
            duel = world.record("feud ended", (person, other), cause=feud, note="duel")
            if world.rng.random() < 0.5:
                world.die(world.rng.choice((person, other)), "duel", cause=duel)
                return
        elif way < 0.5 and judge is not None:
            ruling = world.record("feud ended", (person, other, judge), cause=feud, note="court")
            if world.rng.random() < 0.3 and world.lives[other].exile is None:
                banish(world, other, "court", cause=ruling)
        else:
            world.record("feud ended", (person, other), cause=feud, note="peace")


def _make(world: World, person: int) -> None:
    one, life, rng = world.people[person], world.lives[person], world.rng
    genre = CALLINGS[one.calling]
    grief, life.grief = life.grief, None
    about = None
    if grief is not None and world.now - grief.quarter < 16 and genre in _MEMORIALS:
        genre, about = _MEMORIALS[genre], grief.actors[0]
    else:
        grief = None
        if genre == "picture" and rng.random() < 0.4:
            about = world.pick(
                o for o in world.adults() if o != person and world.lives[o].place == life.place
            )
            genre = "portrait" if about is not None else genre
    culture = world.cultures[one.culture]
    subject = world.people[about if about is not None else person]
    fills = {
        "place": world.places[life.place].name, "name": subject.name, "given": subject.given,
        "god": rng.choice(culture.gods)[0],
    }  # fmt: skip
    for _ in range(50):
        name = title(genre, rng, fills.__getitem__)
        if name not in world.titles:
            break
    else:
        return
    world.titles.add(name)
    work = Work(len(world.works), genre, name, person, world.now, about, life.place)
    world.works.append(work)
    life.works.append(work)
    made = world.record("work", (person,), thing=work.id, cause=grief)
    ruler = world.sovereign(one.culture)
    if genre in _DANGEROUS and ruler not in (None, person) and life.exile is None and rng.random() < 0.05:
        banish(world, person, "work", cause=made, by=ruler)


# What a maker of one genre makes when someone close has died.
_MEMORIALS = {
    "verse": "life",
    "chronicle": "life",
    "memoir": "life",
    "letters": "life",
    "picture": "portrait",
}
_DANGEROUS = frozenset({"verse", "play", "chronicle", "treatise", "memoir", "sermons", "life"})


def _travel(world: World, person: int) -> None:
    life, rng = world.lives[person], world.rng
    if life.exile is not None or life.war is not None:
        return
    goal = rng.choice([place.id for place in world.places if place.id != life.place])
    life.journey = world.record("journey", (person,), place=goal, note=rng.choice(_PURPOSES))
    life.place, life.until = goal, world.now + rng.randrange(2, 12)


def _quarrel(world: World, person: int) -> None:
    one, life, rng = world.people[person], world.lives[person], world.rng
    kin = world.kin(person) | {life.spouse, life.mentor} | set(life.feuds)
    rivals = [
        other
        for other in world.adults()
        if other not in kin
        and world.lives[other].free
        and (world.lives[other].place == life.place or world.people[other].calling == one.calling)
    ]
    other = world.pick(rivals)
    if other is None:
        return
    note, thing = rng.choice(_QUARRELS), None
    theirs = [work for work in world.lives[other].works if work.genre == CALLINGS[one.calling]]
    if theirs and life.works:
        note, thing = "work", rng.choice(theirs).id
    elif world.lives[other].office is not None and rng.random() < 0.5:
        note, thing = "office", world.lives[other].office
    feud = world.record("feud", (person, other), thing=thing, note=note)
    life.feuds[other] = world.lives[other].feuds[person] = feud


def _found(world: World, person: int) -> None:
    life = world.lives[person]
    if life.exile is None:
        world.record("founding", (person,), note=_FOUNDED[CALLINGS[world.people[person].calling]])


def _discover(world: World, person: int) -> None:
    kinds = _FOUND.get(CALLINGS[world.people[person].calling])
    if kinds is not None:
        world.record("discovery", (person,), note=world.rng.choice(kinds))


def _befriend(world: World, person: int) -> None:
    life = world.lives[person]
    known = world.kin(person) | {life.spouse, life.mentor} | set(life.feuds)
    here = (
        o
        for o in world.adults()
        if world.lives[o].place == life.place and world.lives[o].free and o not in known
    )
    other = world.pick(here)
    if other is not None:
        world.record("friendship", (person, other), note=world.rng.choice(_HOW_MET))


def _win_patron(world: World, person: int) -> None:
    culture = world.people[person].culture
    patron = world.pick(
        o for o in world.holders.values() if world.people[o].culture == culture and o != person
    )
    if patron is not None and world.lives[person].exile is None:
        world.record("patronage", (person, patron))


def _fall_ill(world: World, person: int) -> None:
    world.record("illness", (person,), note=world.rng.choice(_AILMENTS))


def _lose(world: World, person: int) -> None:
    world.record("loss", (person,), note=world.rng.choice(_LOSSES))


def _vow(world: World, person: int) -> None:
    world.record("vow", (person,), note=str(world.rng.randrange(2)))


def _settle(world: World, person: int) -> None:
    life = world.lives[person]
    if life.office is None and life.exile is None:
        towns = [
            p.id for p in world.places if p.culture == world.people[person].culture and p.id != life.place
        ]
        world.move(person, world.rng.choice(towns))
        world.record("move", (person,))


def _resign(world: World, person: int) -> None:
    offices.leave(world, person, world.rng.choice(("resigned", "dismissed", "retired")))


def _return(world: World, person: int) -> None:
    life = world.lives[person]
    if life.exile is not None and world.now - life.exile.quarter > 6:
        exile, life.exile = life.exile, None
        world.move(person, world.people[person].birthplace)
        world.record("recall", (person,), cause=exile)


# Deed, how often, from what age.
_DEEDS: tuple[tuple[Callable[[World, int], None], float, int], ...] = (
    (_make, 5.0, 20), (_travel, 1.6, 18), (_quarrel, 1.2, 20), (_found, 0.5, 30), (_discover, 0.8, 22),
    (_befriend, 1.2, 16), (_win_patron, 0.6, 20), (_fall_ill, 0.6, 25), (_lose, 0.6, 20), (_vow, 0.3, 16),
    (_settle, 0.5, 18), (_resign, 0.8, 35), (_return, 1.5, 18),
)  # fmt: skip
