"""Who holds the offices of the universe: how they are filled, left and fall vacant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.datasets.encyclopedia.titles import CALLINGS, ELIGIBLE
from runner.datasets.encyclopedia.universe import Event

if TYPE_CHECKING:
    from runner.datasets.encyclopedia.simulation import World

_FROM_AGE = 28


def fill(world: World) -> None:
    """A quarter in which vacant offices may be filled: a throne by the ruler's child, others by calling."""
    for office in world.offices:
        if office.id in world.holders or world.rng.random() > 0.4:
            continue
        free = [
            person
            for person in world.adults()
            if world.people[person].culture == office.culture
            and (life := world.lives[person]).free
            and life.office is None
            and life.exile is None
        ]
        before = world.predecessors.get(office.id)
        heirs = [child for child in world.offspring[before] if child in free] if before is not None else []
        inherits = office.kind == "sovereign" and world.cultures[office.culture].hereditary
        chosen: int | None
        if inherits and heirs:
            chosen, note = heirs[0], "inherited"
        else:
            fit = [p for p in free if world.people[p].calling in ELIGIBLE.get(office.kind, CALLINGS)]
            chosen, note = world.pick(p for p in fit if world.age(p) >= _FROM_AGE), "chosen"
        if chosen is not None:
            world.holders[office.id] = chosen
            world.lives[chosen].office = office.id
            world.move(chosen, office.place)
            world.record("appointment", (chosen,), thing=office.id, note=note)


def leave(world: World, person: int, note: str, cause: Event | None = None) -> None:
    """A person gives up or loses the office they hold, if any."""
    life = world.lives[person]
    if life.office is not None:
        world.record("leaving", (person,), thing=life.office, cause=cause, note=note)
        vacate(world, life.office, person)
        life.office = None


def vacate(world: World, office: int, person: int) -> None:
    """An office falls vacant."""
    del world.holders[office]
    world.predecessors[office] = person
