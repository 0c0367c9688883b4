"""The topics that replay works with: dead letters and outcomes are read, `rekeyed` is written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.errors import KafkaUnavailable
from streams.kafka.home import home_partition
from streams.kafka.scan import Ends, Scanner, scanner
from streams.replay.letters import Folder, Letter, Result
from streams.replay.plan import Again
from streams.stages.headers import ORIGIN, RENEWED, REPLAY
from streams.topology import Topology

log = logging.getLogger("pagerline.replay")

MARKED: Final = b'"replay":"'
"""Stands in every outcome of a replay: spares the parsing of all others, which are nearly all."""

MAX_REQUEST_BYTES: Final = 8_000_000
"""The client's own bound; the topic's is the one that decides."""

EARLIER_MS: Final = 60_000
"""Clocks of producers and brokers differ: the outcomes are looked for from this much before the oldest letter on."""

QUIET_SECONDS: Final = 90.0
"""Without any outcome, before somebody is told to see whether a worker runs. A full limit may be still for 60."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The dead letters of one installation, open for reading; made by `open_topics`."""

    topology: Topology
    options: Mapping[str, Any]
    scan: Scanner

    async def letters(self, keep: Callable[[Letter], bool]) -> Folder:
        """All dead letters that are there now. The values stay with those that `keep` says, for the memory's sake."""
        folder = Folder()
        async for record in self.scan.until(await self.scan.ends([self.topology.dead_letters])):
            if (letter := _letter(record)) is not None:
                folder.add(letter if keep(letter) else replace(letter, value=b""))
        return folder

    async def results(self, letters: Iterable[Letter]) -> list[Result]:
        """The results that replays of these letters have had, as far as `deliveries` has them."""
        oldest = min((letter.at for letter in letters), default=None)
        if oldest is None:
            return []
        ends = await self.scan.ends([self.topology.deliveries])
        found = []
        async for record in self.scan.until(ends, oldest - EARLIER_MS):
            if (result := self._result(record)) is not None:
                found.append(result)
        return found

    async def place(self) -> Ends:
        """Where outcomes will be written from now on; for `wait`."""
        return await self.scan.ends([self.topology.deliveries, self.topology.dead_letters])

    async def write(self, records: Sequence[Again], written: Callable[[], None]) -> None:
        """Write replays to `rekeyed` in their order; returns when all are confirmed, calls `written` for each."""
        producer = AIOKafkaProducer(
            **self.options, acks="all", enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES
        )
        try:
            await producer.start()
            partitions = len(await producer.partitions_for(self.topology.rekeyed))
            confirmations = []
            for record in records:
                confirmed = await producer.send(
                    self.topology.rekeyed,
                    record.value,
                    record.key,
                    home_partition(record.key, partitions),
                    headers=[(ORIGIN, record.origin), (REPLAY, record.replay)],
                )
                confirmed.add_done_callback(lambda _: written())
                confirmations.append(confirmed)
            await asyncio.gather(*confirmations)
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(
                f"the brokers have not confirmed all replays ({type(error).__name__}); do it again: what has been "
                "replayed by then is left out"
            ) from error
        finally:
            await producer.stop()

    async def wait(
        self, place: Ends, ids: Iterable[str], ended: Callable[[Result], None], quiet: Callable[[], None]
    ) -> dict[str, Result]:
        """Wait until each of these letters has a result behind `place`; `ended` is called for the first of each.

        An input may go to several destinations: of several results the worst counts. `quiet` is called when there has
        been none for a while.
        """
        missing = set(ids)
        results: dict[str, Result] = {}
        clock = asyncio.get_running_loop().time
        last = clock()
        async for records in self.scan.after(place):
            for record in records:
                result = self._result(record)
                if result is None or (result.id not in missing and result.id not in results):
                    continue
                last = clock()
                if result.id in missing:
                    missing.discard(result.id)
                    results[result.id] = result
                    ended(result)
                elif result.status == "dead":
                    results[result.id] = result
            if not missing:
                break
            if clock() - last > QUIET_SECONDS:
                last = clock()
                quiet()
        return results

    def _result(self, record: Any) -> Result | None:
        if record.value is None or MARKED not in record.value:
            return None
        if record.topic == self.topology.dead_letters:
            letter = None if RENEWED in dict(record.headers) else _letter(record)
            return None if letter is None else Result.of_letter(letter)
        return Result.of_delivery(orjson.loads(record.value))


@asynccontextmanager
async def open_topics(topology: Topology, options: Mapping[str, Any]) -> AsyncIterator[Topics]:
    """Raises KafkaUnavailable when no broker answers."""
    async with scanner(options) as scan:
        yield Topics(topology, options, scan)


def _letter(record: Any) -> Letter | None:
    try:
        return Letter.read(record.value or b"")
    except (KeyError, TypeError, ValueError):
        # Somebody else wrote to the topic; all others are still to be worked with.
        log.warning("%s/%d/%d is no dead letter: passed over", record.topic, record.partition, record.offset)
        return None
