"""Dead letters sealed anew: those that an older key sealed are written once more, and the newest of an id counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.documents.renewal import Renewal
from streams.errors import KafkaUnavailable
from streams.kafka.scan import Scanner
from streams.replay.letters import Folder, Letter
from streams.replay.topics import MAX_REQUEST_BYTES
from streams.stages.headers import RENEWED
from streams.topology import Topology

IN_FLIGHT = 500
"""Letters on their way to the broker at once; of 5 kB as a rule, 2 MB at most."""


@dataclass(frozen=True, slots=True)
class Old:
    """A dead letter that an older key sealed: its value as it stands, and where."""

    value: bytes
    partition: int
    key: bytes | None


async def old_letters(scan: Scanner, topology: Topology, renewal: Renewal) -> list[Old]:
    """Those that can be replayed and would need an older key for it."""
    folder = Folder()
    places: dict[str, tuple[int, bytes | None]] = {}
    async for record in scan.until(await scan.ends([topology.dead_letters])):
        try:
            letter = Letter.read(record.value or b"")
        except (KeyError, TypeError, ValueError):
            continue  # no dead letter; nobody can replay it
        old = renewal.is_old(letter.value)
        if old:
            places[letter.id] = (record.partition, record.key)
        folder.add(letter if old else replace(letter, value=b""))
    return [Old(letter.value, *places[letter.id]) for letter in folder.letters() if letter.value]


async def renew_letters(letters: list[Old], options: Mapping[str, Any], topology: Topology, renewal: Renewal) -> None:
    """Write them sealed with the newest key, each behind itself in its partition. Raises KafkaUnavailable; what was
    written by then is done."""
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES)
    try:
        await producer.start()
        for start in range(0, len(letters), IN_FLIGHT):
            confirmed = [
                await producer.send(
                    topology.dead_letters,
                    renewal.value(one.value),
                    one.key,
                    one.partition,
                    headers=[(RENEWED, b"")],
                )
                for one in letters[start : start + IN_FLIGHT]
            ]
            await asyncio.gather(*confirmed)
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(
            f"the brokers have not confirmed all dead letters ({type(error).__name__}); do it again, that is harmless"
        ) from error
    finally:
        await producer.stop()
