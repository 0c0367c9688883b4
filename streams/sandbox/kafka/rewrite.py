"""The requests of a Kafka client that are changed before Tansu 0.6.0 sees them, and the answers to some.

InitProducerId, v0 to v2
    Answered with UNKNOWN_SERVER_ERROR, and aiokafka has no newer version, so that its idempotent producer would not
    start. Sent as v3, the answer turned back.
Fetch
    A waiting fetch looks for records only every half of its `max_wait_ms`, and Faust's is 1,500. At most FETCH_WAIT_MS.
Metadata, v4 and later
    An unknown topic is created by being asked for. `allow_auto_topic_creation` is made false.
DescribeConfigs
    Where it names the settings it wants, Tansu's task panics and the connection is closed. All settings are asked for.
JoinGroup, SyncGroup, Heartbeat, OffsetCommit
    Tansu's first generation of a group is 0, Kafka's is 1, and aiokafka takes 0 for "no member": it would not leave the
    group when it stops. One is added on the way to the client and taken away on the way back.

Pure functions over frames (a frame: what follows the four bytes of length). Layouts: Apache Kafka protocol guide,
"Messages". A request that is not understood is passed on as it is; one that breaks off raises struct.error or
IndexError, upon which its connection is closed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from streams.sandbox.kafka import wire

FETCH_WAIT_MS: Final = 20
"""A record is then seen within 20 ms; see the figures in docs/sandbox.md. 0 makes Tansu hang."""

FETCH: Final = 1
METADATA: Final = 3
OFFSET_COMMIT: Final = 8
JOIN_GROUP: Final = 11
HEARTBEAT: Final = 12
SYNC_GROUP: Final = 14
INIT_PRODUCER_ID: Final = 22
DESCRIBE_CONFIGS: Final = 32

_NO_TAGS: Final = b"\0"
_NO_PRODUCER: Final = struct.pack(">qh", -1, -1)  # InitProducerId v3: no id of before
_FETCH_WITHOUT_REPLICA: Final = 15  # since then `max_wait_ms` is the first field
_FLEXIBLE_SINCE: Final = {OFFSET_COMMIT: 8, HEARTBEAT: 4, SYNC_GROUP: 4}
_METADATA_FLAGS: Final = {4: 1, 5: 1, 6: 1, 7: 1, 8: 3, 9: 4, 10: 4, 11: 3, 12: 3, 13: 3}
"""Where the flag stands, in bytes from the end: the fields after it are one byte each, tags included."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A request as it is sent on, and what must be done to its answer."""

    frame: bytes
    answer: Callable[[bytes], bytes] | None = None


def request(frame: bytes) -> Rewritten:
    """What to send to the broker instead of this request."""
    if len(frame) < 10:
        return Rewritten(frame)
    key, version, _correlation, client_id = struct.unpack_from(">hhih", frame)
    body = 10 + max(client_id, 0)  # where the header ends, but for the tags of newer ones
    if key == FETCH:
        return Rewritten(_fetch(frame, version, body))
    if key == METADATA:
        return Rewritten(_metadata(frame, version))
    if key == DESCRIBE_CONFIGS:
        return Rewritten(_describe_configs(frame, version, body))
    if key == JOIN_GROUP:
        return Rewritten(frame, partial(_joined, version=version))
    if key in _FLEXIBLE_SINCE and not (key == OFFSET_COMMIT and version == 0):
        return Rewritten(_in_generation(frame, body, version >= _FLEXIBLE_SINCE[key]))
    if key == INIT_PRODUCER_ID and version < 3:
        newer = _init_producer_id(frame, version, body)
        return Rewritten(newer, _producer_id if version < 2 else None) if newer else Rewritten(frame)
    return Rewritten(frame)


def _producer_id(answer: bytes) -> bytes:
    """InitProducerId's answer of version 3 as one of version 0 or 1: without the two empty lists of tags."""
    return answer[:4] + answer[5:-1]


def _joined(answer: bytes, version: int) -> bytes:
    at = 4 + (version >= 6) + (4 if version >= 2 else 0)
    error, generation = struct.unpack_from(">hi", answer, at)
    if error or generation < 0:
        return answer
    return answer[: at + 2] + struct.pack(">i", generation + 1) + answer[at + 6 :]


def _in_generation(frame: bytes, body: int, flexible: bool) -> bytes:
    """The group's name comes first, then the generation."""
    at = wire.after_text(frame, body + flexible, flexible=flexible)
    (generation,) = struct.unpack_from(">i", frame, at)
    if generation < 1:  # -1: a commit without membership
        return frame
    return frame[:at] + struct.pack(">i", generation - 1) + frame[at + 4 :]


def _fetch(frame: bytes, version: int, body: int) -> bytes:
    if version >= 12:  # header with tags
        if frame[body : body + 1] != _NO_TAGS:
            return frame
        body += 1
    at = body + (4 if version < _FETCH_WITHOUT_REPLICA else 0)
    (wait,) = struct.unpack_from(">i", frame, at)
    if wait <= FETCH_WAIT_MS:
        return frame
    return frame[:at] + struct.pack(">i", FETCH_WAIT_MS) + frame[at + 4 :]


def _metadata(frame: bytes, version: int) -> bytes:
    from_end = _METADATA_FLAGS.get(version)
    if from_end is None or (version >= 9 and frame[-1:] != _NO_TAGS):
        return frame
    at = len(frame) - from_end
    return frame[:at] + b"\0" + frame[at + 1 :]


def _describe_configs(frame: bytes, version: int, body: int) -> bytes:
    flexible = version >= 4
    every = b"\0" if flexible else b"\xff\xff\xff\xff"  # an array that is null
    resources, at = wire.length(frame, body + flexible, wire.ARRAY, flexible=flexible)
    parts = [frame[:at]]
    for _ in range(resources):
        name_ends = wire.after_text(frame, at + 1, flexible=flexible)
        parts += [frame[at:name_ends], every]
        count, at = wire.length(frame, name_ends, wire.ARRAY, flexible=flexible)
        for _ in range(count):
            at = wire.after_text(frame, at, flexible=flexible)
        parts.append(frame[at : at + flexible])
        at += flexible
    return b"".join((*parts, frame[at:]))


def _init_producer_id(frame: bytes, version: int, body: int) -> bytes | None:
    header = struct.pack(">hh", INIT_PRODUCER_ID, 3) + frame[4:body] + _NO_TAGS
    if version == 2:  # differs from 3 by the last two fields alone
        if frame[body : body + 1] != _NO_TAGS or frame[-1:] != _NO_TAGS:
            return None
        return header + frame[body + 1 : -1] + _NO_PRODUCER + _NO_TAGS
    (length,) = struct.unpack_from(">h", frame, body)
    name = frame[body + 2 : body + 2 + max(length, 0)]
    if len(name) > 126:  # its length would take more than one byte
        return None
    timeout = frame[body + 2 + len(name) :]
    return header + bytes([length + 1]) + name + timeout + _NO_PRODUCER + _NO_TAGS
