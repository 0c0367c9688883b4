"""A test webhook on its whole way: from PagerDuty through `pagerline web` into its topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.doctor.finding import Finding, ok, wrong
from streams.documents.integration import Integration
from streams.kafka.home import home_partition
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.delivery import is_ping
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import judge_rest
from streams.topology import Topology

PING_SECONDS: Final = 15.0
"""PagerDuty sends within a second or two; a first attempt that fails is repeated some seconds later."""


async def ping(
    api: RestClient, integration: Integration, topology: Topology, options: Mapping[str, Any], *, seconds: float
) -> Finding:
    """Ask PagerDuty for a test webhook and wait until it stands in `pagerduty-webhooks`."""
    destination = integration.destination
    assert integration.subscription is not None, "nobody pings what is not there"
    home = TopicPartition(topology.webhooks, home_partition(destination.encode(), topology.partitions))
    consumer = AIOKafkaConsumer(**options, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([home])
        await consumer.seek_to_end(home)
        await consumer.position(home)  # the end is looked up only now
        started = time.monotonic()
        match judge_rest(await api.ping_subscription(integration.subscription)):
            case Refused(reason, words) | TryAgain(reason, words):
                return wrong("webhooks", f"PagerDuty sends no test ({reason}): {words}", "see the findings above")
        try:
            async with asyncio.timeout(seconds):
                await _arrival(consumer, destination)
        except TimeoutError:
            return wrong(
                "webhooks",
                f"a test that PagerDuty was asked for has not come within {seconds:g} s",
                "see that `pagerline web` runs, its log, and that the subscription's URL leads to it (by TLS 1.2)",
            )
        return ok("webhooks", f"a test came from PagerDuty into Kafka in {(time.monotonic() - started) * 1000:.0f} ms")
    finally:
        await consumer.stop()


async def _arrival(consumer: Any, destination: str) -> None:
    async for record in consumer:
        webhook = orjson.loads(record.value)
        if webhook["destination"] == destination and is_ping(webhook["body"].encode()):
            return
