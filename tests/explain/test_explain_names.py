"""What a name means that stands in no key: by the index, and by what it cannot have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.events import Event, Source, read_event
from streams.explain.asked import Place
from streams.explain.findings import CLOCKS_MS
from streams.explain.inputs import Reader
from streams.explain.names import Names
from streams.explain.queue import Unfinished
from streams.input_index import entry_of, record_of
from streams.kafka.backwards import Block, Found, Span
from streams.topology import Topology

TOPOLOGY = Topology.of(SimpleNamespace(prefix="", app_id="pagerline", partitions=1))
BEGAN = 1_000_000
"""When the index was begun (ms)."""
LATER = BEGAN + 2 * CLOCKS_MS


@dataclass
class Topics:
    """A log of one partition a topic, which notes what was gone through."""

    records: dict[str, list[Found]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def add(self, topic: str, at: int, value: bytes) -> Found:
        records = self.records.setdefault(topic, [])
        records.append(Found(topic, 0, len(records), at, None, value))
        return records[-1]

    def alert(self, at: int, name: str, alert_id: str, *, index_at: int | None = None) -> None:
        value = orjson.dumps({"alert": {"groupingKey": name, "status": "Triggered", "id": alert_id}})
        found = self.add("alerts", at, value)
        if index_at is not None:
            event = read_event("alert", value, Source("alerts", 0, found.offset, at))
            assert isinstance(event, Event)
            self.add("input-index", index_at, record_of([entry_of(event)]))

    def span(self, topic: str) -> Span:
        return Span(0, len(self.records.get(topic, ())))

    async def backwards(
        self, partition: TopicPartition, span: Span, needles: Sequence[bytes], first: int
    ) -> AsyncIterator[Block]:
        some = self.records.get(partition.topic, [])[span.start : span.end]
        self.read += [f"{one.topic}/{one.offset}" for one in some]
        yield Block([one for one in some if any(needle in (one.value or b"") for needle in needles)], None)

    async def before(self, spans: Mapping[TopicPartition, Span], at_ms: int) -> dict[TopicPartition, Span]:
        return {
            one: Span(span.start, sum(record.timestamp < at_ms for record in self.records.get(one.topic, ())))
            for one, span in spans.items()
        }

    async def oldest(self, partitions: Any) -> int | None:
        return min((one.timestamp for some in partitions for one in self.records.get(some.topic, ())), default=None)


def names(topics: Topics, *, committed: int | None) -> Names:
    """`committed`: of `alerts`; None: the brokers would not say."""
    every = (
        *(TOPOLOGY.alerts, TOPOLOGY.cases, TOPOLOGY.rekeyed, TOPOLOGY.deliveries),
        *(TOPOLOGY.input_index, TOPOLOGY.case_updates),
    )
    spans = {TopicPartition(topic, 0): topics.span(topic) for topic in every}
    waiting = {}
    if committed is not None:
        waiting = {
            TopicPartition("alerts", 0): Span(committed, topics.span("alerts").end),
            TopicPartition("rekeyed", 0): topics.span("rekeyed"),
        }
    reader = Reader({"alerts": "alert", "cases": "case"}, 1_000_000)
    return Names(topics, TOPOLOGY, spans, reader, Unfinished(waiting))  # type: ignore[arg-type]


async def test_the_index_alone_is_read_for_what_it_has() -> None:
    topics = Topics()
    topics.alert(LATER, "a", "id-a", index_at=BEGAN)
    topics.alert(LATER, "b", "id-b", index_at=LATER)
    assert await names(topics, committed=2).incidents("id-b") == ["alert:b"]
    assert await names(topics, committed=2).of(Place("alerts", 0, 0)) == ("alert:a", LATER)
    assert {one.partition("/")[0] for one in topics.read} == {"input-index"}


async def test_for_what_nobody_knows_no_input_is_read_that_the_index_must_have() -> None:
    topics = Topics()
    for number in range(5):
        topics.alert(LATER + number, "a", "id-a", index_at=BEGAN + number)
    assert await names(topics, committed=5).incidents("id-z") == []
    assert not any(one.startswith("alerts") for one in topics.read)


async def test_what_no_stage_has_finished_is_read_itself() -> None:
    topics = Topics()
    topics.alert(LATER, "a", "id-a", index_at=BEGAN)
    topics.alert(LATER, "b", "id-b")
    assert await names(topics, committed=1).incidents("id-b") == ["alert:b"]
    assert "alerts/0" not in topics.read


async def test_what_is_older_than_the_index_is_read_itself() -> None:
    topics = Topics()
    topics.alert(BEGAN - 5, "old", "id-old")
    topics.alert(LATER, "a", "id-a", index_at=BEGAN)
    assert await names(topics, committed=2).incidents("id-old") == ["alert:old"]


async def test_without_an_index_or_word_of_what_is_committed_all_is_read() -> None:
    topics = Topics()
    topics.alert(LATER, "a", "id-a")
    assert await names(topics, committed=1).incidents("id-a") == ["alert:a"]
    topics.alert(LATER, "b", "id-b", index_at=BEGAN)
    topics.alert(LATER, "c", "id-c")
    assert await names(topics, committed=None).incidents("id-c") == ["alert:c"]


async def test_deliveries_tell_of_what_is_older_than_the_index() -> None:
    topics = Topics()
    record = {"id": "alerts/0/9@key:1", "incident": "alert:old", "dedup_key": "sha256:1", "source": {"timestamp": 7}}
    topics.add("deliveries", BEGAN - 5, orjson.dumps(record))
    topics.add("deliveries", LATER, orjson.dumps({**record, "incident": "alert:new", "id": "alerts/0/8@key:1"}))
    topics.alert(LATER, "a", "id-a", index_at=BEGAN)
    assert await names(topics, committed=1).incidents("sha256:1") == ["alert:old"]
    assert await names(topics, committed=1).of(Place("alerts", 0, 9)) == ("alert:old", 7)
    assert await names(topics, committed=1).of(Place("alerts", 0, 8)) is None


async def test_the_id_of_an_incident_at_pagerduty_leads_to_its_case() -> None:
    topics = Topics()
    for number, pagerduty in enumerate(("Q1", "Q2")):
        update = {"v": 1, "id": "x", "case": f"C-{number}", "change": "linked", "incident": {"id": pagerduty}, "at": 7}
        topics.add("case-updates", LATER, orjson.dumps(update))
    assert await names(topics, committed=0).incidents("Q2") == ["case:C-1"]
    assert await names(topics, committed=0).incidents("Q3") == []
