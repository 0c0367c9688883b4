"""The topic `input-index`: which incident an input belongs to, by the names that are in no topic's key. Pure.

Without it an alert's own id is found only by going through every input that there is. One record tells of many inputs:

    {"v": 1, "inputs": [["alert:gk", "alerts/3/17", 1767225600000, "<alert's own id>", "sha256:<hashed dedup key>"], …]}

The third is the input's timestamp in ms since the epoch. The last two are null where an input has none, or where the
incident's id says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from streams.events import IDENTITY_LIMIT, Event

_HEAD: Final = b'{"v":1,"inputs":['
_TAIL: Final = b"]}"


class Entry(NamedTuple):
    """One input: its incident, `topic/partition/offset`, timestamp, and the names that it is known by beside these."""

    incident: str
    source: str
    written_at: int
    alert_id: str | None = None
    dedup_key: str | None = None


def entry_of(event: Event) -> bytes:
    """The entry of an input, as JSON."""
    identity = event.incident.partition(":")[2]
    alert_id = (event.context.get("alert") or {}).get("id") if event.kind == "alert" else None
    if not isinstance(alert_id, str) or alert_id == identity or len(alert_id) > IDENTITY_LIMIT:
        alert_id = None  # nobody asks for a name of that length
    dedup_key = None if event.dedup_key == identity else event.dedup_key
    return orjson.dumps([event.incident, event.source.id, event.source.timestamp, alert_id, dedup_key])


def record_of(entries: Iterable[bytes]) -> bytes:
    """The value of a record that holds these entries."""
    return _HEAD + b",".join(entries) + _TAIL


def needle(name: str) -> bytes:
    """Bytes that every record has that tells of an input with this name."""
    return orjson.dumps(name)


def named(value: bytes, name: str) -> Iterator[Entry]:
    """The entries of a record's value for the inputs with this name, in their order. Of a record that is of another
    version only those that can be read."""
    inputs: list[Any] = orjson.loads(value).get("inputs", [])
    for one in inputs:
        entry = Entry(*one[:5])
        if name in (entry.source, entry.alert_id, entry.dedup_key):
            yield entry
