"""Records onto Kafka, each confirmed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from streams.errors import KafkaUnavailable, TopicMismatch
from streams.reach import unreachable
from streams.sandbox.samples.record import Record

LINGER_MS: Final = 2
BATCH_BYTES: Final = 262_144
"""Some hundred alerts a batch; aiokafka's 16 KiB would hold ten."""


@dataclass(frozen=True, slots=True)
class Produced:
    """What came of it: for each record, in order, where it went (`(topic, partition, offset)`), and the seconds."""

    positions: tuple[tuple[str, int, int], ...]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Records by topic."""
        return dict(Counter(topic for topic, _, _ in self.positions))


async def produce(
    bootstrap: str,
    records: Sequence[Record],
    *,
    rate: float | None = None,
    prefix: str = "",
    options: Mapping[str, Any] | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = monotonic,
) -> Produced:
    """Send records in their order and wait until the broker has confirmed all of them.

    rate: records a second; None: as fast as they go. prefix: of the topics' names. options: for the Kafka client, such
    as its security settings. Records with one key keep their order, whatever is retried (idempotent producer), and lie
    on the partition that Kafka's own clients would choose (murmur2).

    Raises KafkaUnavailable when no broker answers, TopicMismatch when a topic is missing, and aiokafka's errors when
    a record is refused.
    """
    producer = AIOKafkaProducer(
        **{"bootstrap_servers": bootstrap, **(options or {})},
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
    )
    try:
        await producer.start()
    except KafkaConnectionError:
        await producer.stop()
        raise KafkaUnavailable(unreachable(bootstrap)) from None
    try:
        await _check(producer, {prefix + record.topic for record in records})
        began = clock()
        confirmations = []
        for number, record in enumerate(records):
            if rate is not None and (early := began + number / rate - clock()) > 0:
                await sleep(early)
            confirmations.append(await producer.send(prefix + record.topic, record.value, record.key))
        confirmed = await asyncio.gather(*confirmations)
        positions = tuple((where.topic, where.partition, where.offset) for where in confirmed)
        return Produced(positions, clock() - began)
    finally:
        await producer.stop()


async def _check(producer: AIOKafkaProducer, topics: set[str]) -> None:
    """Raises TopicMismatch at once where `send` would look for a missing topic until its time is up."""
    known = (await producer.client.fetch_all_metadata()).topics()
    if absent := sorted(topics - set(known)):
        raise TopicMismatch("\n".join(f"{topic}: missing (pagerline topics apply creates it)" for topic in absent))
