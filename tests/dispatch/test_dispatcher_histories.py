"""The dispatcher under every history that hypothesis can think of.

PAGERLINE_TEST_HISTORIES sets how many (2,000 as a rule, half a minute).
"""

from __future__ import annotations

import os
from typing import Any

from dispatcher_histories import SETTINGS, histories
from hypothesis import HealthCheck, given, settings
from model_world import Settings, World

EXAMPLES = int(os.environ.get("PAGERLINE_TEST_HISTORIES", "2000"))


def play(world_settings: Settings, history: list[Any]) -> World:
    """A world after a history and the calm that follows it."""
    world = World(world_settings)
    try:
        for happening in history:
            happening.happen(world)
        world.settle()
        return world
    finally:
        world.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(world_settings=SETTINGS, history=histories())
def test_every_history_ends_well(world_settings: Settings, history: list[Any]) -> None:
    play(world_settings, history).check()
