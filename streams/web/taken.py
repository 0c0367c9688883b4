"""Which webhooks are in Kafka already: this process's own, those of others beside it, and those from before it started.

The ingress knows what it has produced itself. The rest it learns here, by reading the topic behind everybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from streams.errors import KafkaUnavailable, TopicMismatch
from streams.kafka.scan import Scanner, scanner
from streams.pagerduty.delivery import digest_of

log = logging.getLogger("pagerline.webhooks")

FROM_BEFORE: Final = 20_000
"""Webhooks that are read again at start: those of some hours, within a second or two."""
AT_ONCE: Final = 200
"""Records between two turns of the loop: some milliseconds, in which nobody is answered."""
PAUSE_SECONDS: Final = 5.0
"""After an error of the brokers. Until it is over, a delivery may be taken twice, which dispatch notices."""


async def follow_taken(
    options: Mapping[str, Any],
    topic: str,
    remember: Callable[[bytes], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Call `remember` with the digest of each webhook in the topic, the last FROM_BEFORE first, for ever."""
    while True:
        try:
            async with scanner(options) as scan:
                await _read(scan, topic, remember)
        except (KafkaUnavailable, TopicMismatch) as error:
            log.warning("webhooks that others take in are not known for the moment: %s", error)
        await sleep(PAUSE_SECONDS)


async def _read(scan: Scanner, topic: str, remember: Callable[[bytes], None]) -> None:
    ends = await scan.ends([topic])
    each = FROM_BEFORE // max(1, len(ends))
    async for records in scan.after({partition: max(0, end - each) for partition, end in ends.items()}):
        for number, record in enumerate(records):
            if (digest := _digest(record.value)) is not None:
                remember(digest)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)


def _digest(value: bytes | None) -> bytes | None:
    """As the ingress computes it; None for what is no record of its."""
    try:
        webhook = orjson.loads(value or b"")
        return digest_of(webhook["destination"], webhook["body"].encode())
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
