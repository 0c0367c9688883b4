"""Outages of five minutes in virtual time: equal states in the end, order kept, the others unaffected, soon over."""

from __future__ import annotations

import pytest
from model_world import Settings, World

ALL = tuple(f"key:a{number:x}" for number in range(6))
SUFFERING = ALL[0]
OUTAGE_SECONDS = 330.0
"""Five minutes and a half: no multiple of a pause, which would end with the outage by luck."""
SOON_SECONDS = 2.0
"""From the end of an outage until something is delivered (with a backlog within the limit)."""
UNHURT_SECONDS = 2.0
"""From an input for a destination that is well until PagerDuty has it; its record may take half a second, twice."""
EVERY_SECONDS = 12.0


@pytest.mark.parametrize("kind", ["broken", "hanging", "unreachable", "hanging_but_taken", "cut_off"])
@pytest.mark.parametrize("hit", [ALL, (SUFFERING,)], ids=["all keys", "one key"])
def test_five_minutes_without_an_answer(kind: str, hit: tuple[str, ...]) -> None:
    world = World(Settings(seed=7, in_flight=200, share=50, prompt=True))
    try:
        world.pass_time(1.0)
        ends = world.loop.time() + OUTAGE_SECONDS
        world.outages = dict.fromkeys(hit, (ends, kind))
        number = 0
        while world.loop.time() + EVERY_SECONDS < ends:
            for name in ALL:
                place = (name, f"i{number % 7}")
                world.ask(place, ("trigger", "acknowledge", "resolve")[number % 3 if number % 4 else 0])
                if name not in hit:
                    world.pass_time(UNHURT_SECONDS)
                    given = world.by_place[place][-1]
                    assert given in world.pagerduty.accepted[place], f"{given.source} waits, though {name} is well"
            number += 1
            world.pass_time(EVERY_SECONDS - UNHURT_SECONDS * (len(ALL) - len(hit)))
        world.pass_time(ends - world.loop.time())
        before = {name: _delivered(world, name) for name in hit}
        world.pass_time(SOON_SECONDS)
        for name in hit:
            assert _delivered(world, name) > before[name], f"{name}: nothing delivered within {SOON_SECONDS} s"
        world.settle()
        world.check()
    finally:
        world.close()


def _delivered(world: World, destination: str) -> int:
    return sum(
        "delivered" in world.told.get(f"{given.source}@{destination}", set())
        for place, inputs in world.by_place.items()
        if place[0] == destination
        for given in inputs
    )
