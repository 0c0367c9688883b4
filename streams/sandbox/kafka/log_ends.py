"""Where a partition ends, told right.

Tansu 0.6.0 answers ListOffsets for the newest offset with the first offset of the last *batch* plus one, which is too
low whenever that batch has several records: consumers that start at the end start too early, lag comes out too small,
and Faust calls a table recovered before it is. The high watermark in its answer to a Fetch is right, so that is asked
for and put in place.

Layouts: Apache Kafka protocol guide, "Messages", ListOffsets v1 to v10 and Fetch v4.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from streams.sandbox.kafka import wire

LIST_OFFSETS: Final = 2
NEWEST: Final = -1

_FLEXIBLE: Final = 6  # from this version on: short lengths and tags
_FETCH: Final = struct.pack(">hhih", 1, 4, 0, -1) + struct.pack(">iiiib", -1, 1, 0, 1, 0)
"""Fetch v4's head: for a client, wait 1 ms (0 makes Tansu hang), with no records rather than many."""

Partition = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """A ListOffsets request: its version and the partitions whose newest offset it asks for."""

    version: int
    partitions: frozenset[Partition]


def asked(frame: bytes) -> Asked | None:
    """What a request asks for, when it asks for the end of a partition."""
    key, version, _correlation, client_id = struct.unpack_from(">hhih", frame)
    if key != LIST_OFFSETS or not 1 <= version <= 10:
        return None
    flexible = version >= _FLEXIBLE
    at = 10 + max(client_id, 0) + flexible + 4 + (version >= 2)
    size = 16 if version >= 4 else 12
    wanted = frozenset(
        partition
        for partition, entry in _entries(frame, at, size, flexible)
        if struct.unpack_from(">q", frame, entry + size - 8)[0] == NEWEST
    )
    return Asked(version, wanted) if wanted else None


def positions(answer: bytes, request: Asked) -> dict[Partition, int]:
    """Where in the answer the offset of each partition stands that was asked for and answered without an error."""
    flexible = request.version >= _FLEXIBLE
    at = 4 + flexible + (4 if request.version >= 2 else 0)
    size = 26 if request.version >= 4 else 22
    return {
        partition: entry + 14
        for partition, entry in _entries(answer, at, size, flexible)
        if partition in request.partitions and answer[entry + 4 : entry + 6] == b"\0\0"
    }


async def corrected(answer: bytes, request: Asked, port: int) -> bytes:
    """The answer with the true ends, which are asked of the broker at `port`."""
    where = positions(answer, request)
    if not where:
        return answer
    told = {partition: struct.unpack_from(">q", answer, at)[0] for partition, at in where.items()}
    ends = high_watermarks(await _ask(_fetch(told), port))
    frame = bytearray(answer)
    for partition, at in where.items():
        struct.pack_into(">q", frame, at, max(told[partition], ends.get(partition, -1)))
    return bytes(frame)


def high_watermarks(answer: bytes) -> dict[Partition, int]:
    """The high watermarks in an answer to Fetch v4."""
    found: dict[Partition, int] = {}
    (topics,) = struct.unpack_from(">i", answer, 8)
    at = 12
    for _ in range(topics):
        topic, count, at = _topic(answer, at, flexible=False)
        for _ in range(count):
            partition, error, end, _stable, aborted = struct.unpack_from(">ihqqi", answer, at)
            at += 26 + 16 * max(aborted, 0)
            (records,) = struct.unpack_from(">i", answer, at)
            at += 4 + max(records, 0)
            if not error:
                found[topic, partition] = end
    return found


def _fetch(offsets: dict[Partition, int]) -> bytes:
    topics: dict[bytes, list[bytes]] = {}
    for (topic, partition), offset in offsets.items():
        topics.setdefault(topic, []).append(struct.pack(">iqi", partition, offset, 1))
    body = [_FETCH, struct.pack(">i", len(topics))]
    for topic, partitions in topics.items():
        body += [struct.pack(">h", len(topic)), topic, struct.pack(">i", len(partitions)), *partitions]
    return b"".join(body)


async def _ask(frame: bytes, port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(len(frame).to_bytes(4) + frame)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
    finally:
        writer.close()


def _entries(frame: bytes, at: int, size: int, flexible: bool) -> Iterator[tuple[Partition, int]]:
    """Each partition of an array of topics with arrays of partitions, and where its entry of `size` bytes begins."""
    topics, at = wire.length(frame, at, wire.ARRAY, flexible=flexible)
    for _ in range(topics):
        topic, count, at = _topic(frame, at, flexible)
        for _ in range(count):
            yield (topic, struct.unpack_from(">i", frame, at)[0]), at
            at += size + flexible  # no tags are defined: one byte
        at += flexible


def _topic(frame: bytes, at: int, flexible: bool) -> tuple[bytes, int, int]:
    size, at = wire.length(frame, at, wire.TEXT, flexible=flexible)
    count, after = wire.length(frame, at + size, wire.ARRAY, flexible=flexible)
    return frame[at : at + size], count, after
