"""Asking for the stories of an id, from the settings alone: what the command and the web API have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from streams.explain.asked import Asked, read_id
from streams.explain.assemble import assemble
from streams.explain.inputs import Reader
from streams.explain.queue import unfinished
from streams.explain.search import Search, Window
from streams.explain.story import Story
from streams.kafka.backwards import open_log
from streams.settings import Settings, kafka_options
from streams.topology import Topology, group_id


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it; `read` counts the records gone through."""

    asked: Asked
    stories: Sequence[Story]
    read: int


async def tell(settings: Settings, text: str, window: Window) -> Told:
    """What the topics say of an id. Raises KafkaUnavailable, and TopicMismatch when a topic is missing."""
    topology, options = Topology.of(settings), kafka_options(settings)
    asked = read_id(text, settings.prefix, (topology.alerts, topology.cases))
    reader = Reader({topology.alerts: "alert", topology.cases: "case"}, settings.max_event_bytes)
    async with open_log(options) as log:
        search = Search(log, topology, window, reader, partial(unfinished, options, group_id(settings)))
        found = await search.run(asked)
        return Told(asked, [assemble(one) for one in found], log.read)
