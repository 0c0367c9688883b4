"""Everything the verifier needs, fetched from a live broker and a live simulator."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.reach import unreachable
from streams.sandbox.verify.judge import MAX_BYTES, verify
from streams.sandbox.verify.model import Record, Verdict
from streams.sandbox.verify.sides import Sides, cases_of, incidents_of

PATIENCE_S: Final = 30
"""Seconds without a single record before the broker is taken to be gone."""

JOURNAL_PAGE: Final = 50_000


class CannotCollect(Exception):
    """The broker, a topic or the simulator is not there; the text says which and what to look at."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A run's raw records and the simulator's account of it."""

    inputs: Sequence[Record]
    deliveries: Sequence[bytes | None]
    dead_letters: Sequence[bytes | None]
    journal: Sequence[Mapping[str, Any]] = field(repr=False)
    incidents: Sequence[Mapping[str, Any]] = field(repr=False)
    forced: frozenset[str] = frozenset()
    """Dead letters whose replay was forced."""
    sides: Sides | None = field(default=None, repr=False)
    """Cases and their incidents; None where the Case system's file was not named."""

    def judge(self, *, max_bytes: int = MAX_BYTES, allow_skips: Collection[str] = ()) -> Verdict:
        """The verdict on it."""
        return verify(
            self.inputs,
            self.deliveries,
            self.dead_letters,
            self.journal,
            self.incidents,
            max_bytes=max_bytes,
            allow_skips=allow_skips,
            forced=self.forced,
            sides=self.sides,
        )


async def collect(brokers: str, prefix: str, simulator: str, cases: Path | None = None) -> Collected:
    """Read the topics under `prefix` from beginning to end, and then the simulator at the URL `simulator`.

    cases: the file of the sample Case system, to compare Cases and incidents too. Raises CannotCollect.
    """
    async with Reader(brokers) as reader:
        inputs = [record async for record in reader.records([f"{prefix}alerts", f"{prefix}cases"])]
        deliveries = [record.value async for record in reader.records([f"{prefix}deliveries"])]
        dead_letters = [record.value async for record in reader.records([f"{prefix}dead-letters"])]
        forced = frozenset([name async for name in _forced(reader, f"{prefix}pagerduty-outbox")])
        updates = [] if cases is None else [one.value async for one in reader.records([f"{prefix}case-updates"])]
    try:
        async with aiohttp.ClientSession(base_url=simulator) as session:
            journal = await _journal(session)
            incidents = (await _get(session, "/sim/incidents"))["incidents"]
            sides = None if cases is None else Sides(cases_of(cases), await incidents_of(session), tuple(updates))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise CannotCollect(f"the simulator at {simulator} does not answer: {error or type(error).__name__}") from error
    except sqlite3.Error as error:
        raise CannotCollect(f"{cases} is no file of the sample Case system: {error}") from error
    return Collected(inputs, deliveries, dead_letters, journal, incidents, forced, sides)


class Reader:
    """Reads topics raw: no consumer group, no commits, nothing of the product."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=brokers, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )

    async def __aenter__(self) -> Reader:
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise CannotCollect(unreachable(self._brokers)) from error
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._consumer.stop()

    async def topics(self, prefix: str) -> list[str]:
        """The names of all topics under a prefix, changelogs included, Kafka's own left out."""
        names = await self._consumer.topics()
        return sorted(name for name in names if name.startswith(prefix) and not name.startswith("__"))

    async def records(self, topics: Iterable[str]) -> AsyncIterator[Record]:
        """Every record that these topics hold now, each partition in order. Raises CannotCollect."""
        wanted = list(topics)
        missing = [name for name in wanted if name not in await self._consumer.topics()]
        if missing:
            raise CannotCollect(f"there is no topic {', '.join(missing)} at {self._brokers}: look at the prefix")
        firsts = [TopicPartition(name, 0) for name in wanted]
        self._consumer.assign(firsts)  # a consumer knows the partitions only of topics that it has asked about
        await self._consumer.beginning_offsets(firsts)
        partitions = [
            TopicPartition(name, number) for name in wanted for number in self._consumer.partitions_for_topic(name)
        ]
        self._consumer.assign(partitions)
        begin = await self._consumer.beginning_offsets(partitions)
        end = await self._consumer.end_offsets(partitions)
        await self._consumer.seek_to_beginning(*partitions)
        unread = {partition for partition in partitions if begin[partition] < end[partition]}
        # A partition that is read must not be asked again: the embedded broker would let the others wait for it.
        self._consumer.pause(*(partition for partition in partitions if partition not in unread))
        idle = 0
        while unread:
            batches = await self._consumer.getmany(*unread, timeout_ms=1000)
            idle = 0 if batches else idle + 1
            if idle >= PATIENCE_S:
                raise CannotCollect(f"the broker has given nothing for {PATIENCE_S} s; unread: {sorted(unread)}")
            for partition, messages in batches.items():
                for message in messages:
                    if message.offset < end[partition]:
                        yield Record(
                            message.topic,
                            message.partition,
                            message.offset,
                            message.timestamp,
                            message.key,
                            message.value,
                        )
            # By position, not by offset: compaction and control records leave holes at the end.
            done = {partition for partition in unread if await self._consumer.position(partition) >= end[partition]}
            unread -= done
            self._consumer.pause(*done)


async def _forced(reader: Reader, outbox: str) -> AsyncIterator[str]:
    async for record in reader.records([outbox]):
        if record.value is not None and b'"replay"' in record.value:
            replay = orjson.loads(record.value).get("replay")
            if replay and replay["force"]:
                yield replay["id"]


async def _journal(session: aiohttp.ClientSession) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = []
    since, more = 0, True
    while more:
        page = await _get(session, f"/sim/journal?since={since}&limit={JOURNAL_PAGE}")
        entries += page["entries"]
        since, more = page["next"], page["more"]
    return entries


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path) as answer:
        answer.raise_for_status()
        return orjson.loads(await answer.read())
