"""A running Pagerline for acceptance tests: topics, connectors and workers under one prefix."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from streams.case_rows import one_row
from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.secrets import new_key
from streams.kafka.topics import ensure_topics
from streams.lag import measure
from streams.project.row import CaseRow
from streams.sandbox.pagerduty import Simulator
from streams.settings import Settings
from streams.topology import Topology, group_id

DONE_SECONDS = 240
"""Generous: a shared machine of two cores with a broker, a simulator and workers on it."""

PARTITIONS = 8


@dataclass
class Installation:
    """Pagerline's topics on `brokers` under `prefix`, speaking to `simulator`."""

    brokers: str
    prefix: str
    simulator: Simulator
    key: str = field(default_factory=new_key, repr=False)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a worker."""
        return {
            "PAGERLINE_BROKERS": self.brokers,
            "PAGERLINE_PREFIX": self.prefix,
            "PAGERLINE_PARTITIONS": str(PARTITIONS),
            "PAGERLINE_EVENTS_URL": self.simulator.events_url,
            "PAGERLINE_SECRET_KEYS": self.key,
        }

    @property
    def naming(self) -> Any:
        return SimpleNamespace(prefix=self.prefix, app_id="pagerline", partitions=PARTITIONS)

    @property
    def options(self) -> dict[str, Any]:
        return {"bootstrap_servers": self.brokers}

    async def make_topics(self) -> None:
        await ensure_topics(Topology.of(self.naming).specs(), replication=1, options=self.options)

    async def apply(self, yaml: str) -> None:
        """What `pagerline apply --force -f -` does."""
        async with self.documents() as log:
            await log.write(plan_changes(await log.read(), load_documents(["-"], lambda: yaml)), by="test", force=True)

    def documents(self) -> DocumentLog:
        """The topic of documents, to be opened."""
        return DocumentLog(Settings(brokers=(self.brokers,), prefix=self.prefix, secret_keys=(SecretStr(self.key),)))

    async def send(self, topic: str, key: str | None, documents: Sequence[Mapping[str, Any] | bytes]) -> None:
        """Produce documents (or raw bytes) in their order."""
        producer = AIOKafkaProducer(**self.options, acks="all", max_request_size=4_000_000)
        await producer.start()
        try:
            for document in documents:
                value = document if isinstance(document, bytes) else orjson.dumps(document)
                await producer.send_and_wait(f"{self.prefix}{topic}", value, key.encode() if key else None)
        finally:
            await producer.stop()

    async def lag(self) -> int:
        found = await measure(Topology.of(self.naming), group_id(self.naming), self.options)
        return sum(topic.records for topic in found)

    async def case_row(self, case: str) -> CaseRow | None:
        """What `pagerline cases show` shows."""
        return await one_row(Topology.of(self.naming), self.options, case)

    async def settled(self) -> None:
        """Wait until every stage has worked off its topics."""
        async with asyncio.timeout(DONE_SECONDS):
            while await self.lag():
                await asyncio.sleep(0.3)


def alert(grouping_key: str, status: str = "Triggered", **more: Any) -> dict[str, Any]:
    """A small alert; `more` goes into the document, beside `alert`."""
    groups = more.pop("groups", [])
    return {
        "alert": {"id": f"id-{grouping_key}", "groupingKey": grouping_key, "status": status, "groups": groups},
        "alertDef": {"name": f"Alert {grouping_key}", "priority": "P2"},
        **more,
    }


def case(case_id: str, status: str = "OPEN", **more: Any) -> dict[str, Any]:
    """A small Case."""
    return {"case": {"id": case_id, "title": f"Case {case_id}", "status": status, "casePriority": "P1"}, **more}
