"""Wars of the universe: who fights whom, why, who serves, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.datasets.encyclopedia import offices
from runner.datasets.encyclopedia.titles import title
from runner.datasets.encyclopedia.universe import Battle, Event, War

if TYPE_CHECKING:
    from runner.datasets.encyclopedia.simulation import World

REASONS = (
    "toll", "envoy", "succession", "fishing", "border", "dowry", "grain", "relic", "insult", "pirates",
    "wells", "debt",
)  # fmt: skip
_ROLES = {
    "soldier": "officer", "physician": "surgeon", "midwife": "nurse", "engineer": "sapper",
    "bridge builder": "sapper",
    "priest": "chaplain", "interpreter": "interpreter", "cook": "cook", "navigator": "pilot", "spy": "scout",
    "singer": "drummer", "composer": "drummer", "shipwright": "ship's carpenter", "merchant": "quartermaster",
    "poet": "herald", "historian": "clerk", "cartographer": "scout", "jurist": "clerk",
}  # fmt: skip
_WILLING = {
    "soldier": 0.85,
    "navigator": 0.4,
    "spy": 0.5,
    "physician": 0.35,
    "bridge builder": 0.3,
    "engineer": 0.3,
}


@dataclass
class Campaign:
    """A war that is still being fought: its soldiers by side."""

    id: int
    name: str
    sides: tuple[int, int]
    began: int
    ends: int
    reason: str
    soldiers: tuple[list[int], list[int]]
    battles: list[Battle] = field(default_factory=list)


def wage(world: World) -> None:
    """A quarter of war: those under way are fought or ended, and a new one may break out."""
    for campaign in list(world.campaigns):
        if world.now >= campaign.ends:
            _end(world, campaign)
        elif world.rng.random() < 0.35:
            _fight(world, campaign)
    at_war = {side for campaign in world.campaigns for side in campaign.sides}
    at_peace = [culture for culture in range(len(world.cultures)) if culture not in at_war]
    if len(at_peace) > 1 and world.rng.random() < 0.035:
        first, second = world.rng.sample(at_peace, 2)
        _begin(world, (first, second))


def _begin(world: World, sides: tuple[int, int]) -> None:
    rng = world.rng
    ground = [place.name for place in world.places if place.culture in sides]
    taken = {war.name for war in world.wars} | {campaign.name for campaign in world.campaigns}
    while (name := title("war", rng, lambda _: rng.choice(ground)).replace("The", "the", 1)) in taken:
        pass
    number = len(world.wars) + len(world.campaigns)
    ends = world.now + rng.randrange(4, 24)
    campaign = Campaign(number, name, sides, world.now, ends, rng.choice(REASONS), ([], []))
    world.campaigns.append(campaign)
    for person in world.adults():
        one, life = world.people[person], world.lives[person]
        if one.culture not in sides or not life.free or life.exile is not None or life.war is not None:
            continue
        if world.age(person) < 50 and rng.random() < _WILLING.get(one.calling, 0.1):
            life.war = number
            campaign.soldiers[sides.index(one.culture)].append(person)
            world.record("enlisted", (person,), thing=number, note=_ROLES.get(one.calling, "soldier"))


def _fight(world: World, campaign: Campaign) -> None:
    rng = world.rng
    place = rng.choice([place for place in world.places if place.culture in campaign.sides])
    winner = rng.randrange(2)
    campaign.battles.append(Battle(world.now, place.id, campaign.sides[winner]))
    for side in (0, 1):
        for person in list(campaign.soldiers[side]):
            if person not in world.lives:
                campaign.soldiers[side].remove(person)
            elif world.lives[person].free and rng.random() < 0.4:
                _risk(world, campaign, person, place.id, won=side == winner)


def _risk(world: World, campaign: Campaign, person: int, place: int, *, won: bool) -> None:
    fought = world.record("fought", (person,), place=place, thing=campaign.id, note="won" if won else "lost")
    fate = world.rng.random()
    if fate < (0.06 if won else 0.12):
        world.die(person, "battle", place=place, cause=fought)
    elif fate < 0.3:
        world.record(
            "wounded", (person,), place=place, thing=campaign.id, cause=fought, note=world.rng.choice(_WOUNDS)
        )
    elif fate < 0.45 and not won:
        life = world.lives[person]
        life.captive = world.record("captured", (person,), place=place, thing=campaign.id, cause=fought)
        life.place = place


_WOUNDS = ("hand", "eye", "leg", "shoulder", "head", "hearing")


def finished(world: World, campaign: Campaign) -> War:
    """The record of a war as it stands now."""
    score = [sum(battle.won_by == side for battle in campaign.battles) for side in campaign.sides]
    winner = None if score[0] == score[1] else campaign.sides[score[1] > score[0]]
    return War(
        campaign.id,
        campaign.name,
        campaign.sides,
        campaign.began,
        world.now,
        campaign.reason,
        winner,
        tuple(campaign.battles),
    )


def _end(world: World, campaign: Campaign) -> None:
    war = finished(world, campaign)
    world.campaigns.remove(campaign)
    world.wars.append(war)
    for side, soldiers in zip(campaign.sides, campaign.soldiers, strict=True):
        for person in soldiers:
            if person in world.lives:
                _come_home(world, war, person, lost=war.won_by not in (None, side))
    loser = next((side for side in war.sides if war.won_by not in (None, side)), None)
    ruler = world.sovereign(loser) if loser is not None else None
    if ruler is not None and world.lives[ruler].free and world.rng.random() < 0.4:
        offices.leave(world, ruler, "defeat")
        banish(world, ruler, "defeat", thing=war.id)


def _come_home(world: World, war: War, person: int, *, lost: bool) -> None:
    life = world.lives[person]
    life.war = None
    if life.captive is not None:
        captured, life.captive, life.place = life.captive, None, life.home
        world.record("released", (person,), thing=war.id, cause=captured)
    if lost and life.free and life.exile is None and world.rng.random() < 0.08:
        banish(world, person, "defeat", thing=war.id)


def banish(
    world: World,
    person: int,
    note: str,
    *,
    thing: int | None = None,
    cause: Event | None = None,
    by: int | None = None,
) -> None:
    """A free person goes into exile among another people, losing any office."""
    life = world.lives[person]
    if not life.free:
        return
    offices.leave(world, person, "exile", cause)
    native = world.people[person].culture
    refuge = world.rng.choice([place.id for place in world.places if place.culture != native])
    actors = (person,) if by is None else (person, by)
    life.exile = world.record("exile", actors, place=refuge, thing=thing, cause=cause, note=note)
    world.move(person, refuge)
