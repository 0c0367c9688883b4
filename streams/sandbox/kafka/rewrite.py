"""The three requests of a Kafka client that are changed before Tansu 0.6.0 sees them.

InitProducerId, v0 to v2
    Answered with UNKNOWN_SERVER_ERROR, and aiokafka has no newer version, so that its idempotent producer would not
    start. Sent as v3, the answer turned back.
Fetch
    A waiting fetch looks for records only every half of its `max_wait_ms`, and Faust's is 1,500. At most FETCH_WAIT_MS.
Metadata, v4 and later
    An unknown topic is created by being asked for. `allow_auto_topic_creation` is made false.

Pure functions over frames (a frame: what follows the four bytes of length). Layouts: Apache Kafka protocol guide,
"Messages". A frame that is not understood is passed on as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

FETCH_WAIT_MS: Final = 20
"""A record is then seen within 20 ms; see the figures in docs/sandbox.md. 0 makes Tansu hang."""

FETCH: Final = 1
METADATA: Final = 3
INIT_PRODUCER_ID: Final = 22

_NO_TAGS: Final = b"\0"
_NO_PRODUCER: Final = struct.pack(">qh", -1, -1)  # InitProducerId v3: no id of before
_FETCH_WITHOUT_REPLICA: Final = 15  # since then `max_wait_ms` is the first field
_METADATA_FLAGS: Final = {4: 1, 5: 1, 6: 1, 7: 1, 8: 3, 9: 4, 10: 4, 11: 3, 12: 3, 13: 3}
"""Where the flag stands, in bytes from the end: the fields after it are one byte each, tags included."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A request as it is sent on; `answer_version`: the answer must be turned into InitProducerId's of this version."""

    frame: bytes
    answer_version: int | None = None


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
    if key == INIT_PRODUCER_ID and version < 3:
        newer = _init_producer_id(frame, version, body)
        return Rewritten(newer, version if version < 2 else None) if newer else Rewritten(frame)
    return Rewritten(frame)


def answer(frame: bytes, version: int) -> bytes:
    """InitProducerId's answer of version 3, as one of version 0 or 1: without the two empty lists of tags."""
    return frame[:4] + frame[5:-1] if version < 2 else frame


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
