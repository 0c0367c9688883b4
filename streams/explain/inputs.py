"""What an input record says, whichever topic it stands in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from streams.events import Kind, Malformed, Skip, Source, read_event
from streams.kafka.backwards import Found
from streams.stages.headers import ORIGIN, REPLAY


class Read(NamedTuple):
    """`incident` is None where the record tells none; `source` is the original input's `topic/partition/offset`, also
    of one that was forwarded. `outbox` is set for the replay of an outbox record, `replay` for every replay."""

    incident: str | None
    action: str | None
    source: str
    written_at: int
    alert_id: Any = None
    replay: str | None = None
    outbox: Mapping[str, Any] | None = None


class Reader:
    """Reads inputs. `kinds` says what the input topics hold; every other topic holds forwarded inputs."""

    def __init__(self, kinds: Mapping[str, Kind], max_event_bytes: int) -> None:
        self._kinds = kinds
        self._max_event_bytes = max_event_bytes

    def read(self, record: Found) -> Read:
        """Never raises for what a producer wrote."""
        kind = self._kinds.get(record.topic)
        source = Source(record.topic, record.partition, record.offset, record.timestamp)
        replay: str | None = None
        if kind is None:
            headers = dict(record.headers)
            kind, *place, _ = orjson.loads(headers[ORIGIN])
            source = Source(*place)
            if REPLAY in headers:
                asked = orjson.loads(headers[REPLAY])
                replay = asked["id"]
                if asked.get("kind") == "outbox":
                    outbox = orjson.loads(record.value or b"{}")
                    return Read(
                        outbox["incident"], outbox["action"], source.id, source.timestamp, replay=replay, outbox=outbox
                    )
        assert kind is not None, "forwarded inputs say what they are"
        read = read_event(kind, record.value, source, max_bytes=self._max_event_bytes)
        if isinstance(read, Malformed):
            return Read(read.incident, None, source.id, source.timestamp, replay=replay)
        event = read.event if isinstance(read, Skip) else read
        alert_id = (event.context.get("alert") or {}).get("id") if kind == "alert" else None
        return Read(event.incident, event.action, source.id, source.timestamp, alert_id, replay)
