"""Brokers, topics and the consumer group, looked at from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.doctor.finding import Finding, note, ok, wrong
from streams.errors import KafkaUnavailable, TopicMismatch
from streams.kafka.topics import admin_client, ensure_topics
from streams.lag import measure
from streams.reach import diagnose
from streams.topology import Topology


async def examine(topology: Topology, group: str, options: Mapping[str, Any]) -> AsyncIterator[Finding]:
    """What is as it should be with Kafka, and what is not. The first finding is about the brokers; when it is wrong,
    there is no other."""
    try:
        async with admin_client(options) as admin:
            brokers = len((await admin.describe_cluster())["brokers"])
            yield ok("brokers", f"{brokers} there" if brokers != 1 else "one is there")
            try:
                await ensure_topics(topology.specs(), replication=1, options=options, create=False)
            except TopicMismatch as error:
                for finding in _topics(error):
                    yield finding
                return
            yield await _copies(admin, topology, brokers)
            workers = await _workers(admin, group)
            lag: Counter[str] = Counter()
            for topic in await measure(topology, group, options):
                lag[topic.stage] += topic.records
            yield _at_work(workers, lag)
    except (KafkaUnavailable, KafkaError):
        yield wrong("brokers", diagnose(options), "see PAGERLINE_BROKERS and PAGERLINE_KAFKA_*")


def _topics(error: TopicMismatch) -> Iterator[Finding]:
    """The missing ones in one line, since one command makes them all; of the others each line says what to do."""
    if error.missing:
        yield wrong("topics", f"missing: {', '.join(error.missing)}", "`pagerline topics apply` makes them")
        return
    for line in str(error).splitlines():
        yield wrong("topics", line, "")


async def _copies(admin: AIOKafkaAdminClient, topology: Topology, brokers: int) -> Finding:
    names = [spec.name for spec in topology.specs()]
    copies = {
        topic["topic"]: min(len(partition["replicas"]) for partition in topic["partitions"])
        for topic in await admin.describe_topics(names)
    }
    if brokers > 1 and (single := [name for name, number in copies.items() if number == 1]):
        return note(
            "topics",
            f"{len(single)} of {len(names)} have one copy: they are gone with their broker",
            "make them anew with PAGERLINE_REPLICATION=3, or reassign their partitions",
        )
    return ok("topics", f"all {len(names)} are as they should be")


async def _workers(admin: AIOKafkaAdminClient, group: str) -> int | None:
    """How many workers the group has; None when the brokers do not say."""
    try:
        [response] = await admin.describe_consumer_groups([group])
        [described] = response.groups
    except (KafkaError, ValueError):
        return None
    return len(described[5])


def _at_work(workers: int | None, lag: Mapping[str, int]) -> Finding:
    waiting = ", ".join(f"{stage} {records}" for stage, records in lag.items() if records)
    behind = f"records still to be worked on: {waiting}" if waiting else "nothing waits"
    if workers == 0:
        text = f"none runs; {behind}"
        return wrong("workers", text, "start `pagerline worker`") if waiting else note("workers", text)
    return ok("workers", f"{workers if workers is not None else 'some'} at work; {behind}")
