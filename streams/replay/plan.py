"""What is sent again for a dead letter: the record for topic `rekeyed`, or why there is none. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from streams.replay.letters import Letter
from streams.routing.replay import Replay

KINDS = {"alerts": "alert", "cases": "case"}

Cannot = Literal["truncated", "no_value", "foreign_topic"]


@dataclass(frozen=True, slots=True)
class Again:
    """A record for `rekeyed`, at the home partition of `key`. origin, replay: its headers."""

    letter: Letter = field(repr=False)
    key: bytes
    value: bytes = field(repr=False)
    origin: bytes
    replay: bytes


@dataclass(frozen=True, slots=True)
class NotPossible:
    """Nothing can be sent again; `message` says what to do instead."""

    letter: Letter = field(repr=False)
    reason: Cannot
    message: str


def again(letter: Letter, *, prefix: str = "", force: bool = False, to: str | None = None) -> Again | NotPossible:
    """What `pagerline dead-letters replay` sends for one letter. `prefix` is that of the topics' names."""
    record = letter.record
    source = record["source"]
    kind = KINDS.get(source["topic"].removeprefix(prefix)) if source["topic"].startswith(prefix) else None
    if kind is None:
        return NotPossible(
            letter, "foreign_topic", f"its input is of topic {source['topic']}, which is not one of PAGERLINE_PREFIX"
        )
    if record["outbox"] is None and (refused := _refused(letter, record)):
        return refused
    replay = Replay(letter.id, force, to, "event" if record["outbox"] is None else "outbox")
    return Again(
        letter,
        key=_key(record),
        value=_value(record),
        origin=orjson.dumps([kind, *(source[name] for name in ("topic", "partition", "offset", "timestamp", "key"))]),
        replay=orjson.dumps(replay.to_json()),
    )


def _refused(letter: Letter, record: Mapping[str, Any]) -> NotPossible | None:
    if record["truncated"]:
        return NotPossible(
            letter,
            "truncated",
            f"only the beginning of its input was kept: write it again, from {letter.topic}/{letter.partition}/"
            f"{letter.offset} while that is there",
        )
    if record["event"] is None and record["raw"] is None:
        return NotPossible(letter, "no_value", "its input had no value: there is nothing to send again")
    return None


def _value(record: Mapping[str, Any]) -> bytes:
    document = record["event"] if record["outbox"] is None else record["outbox"]
    return base64.b64decode(record["raw"]) if document is None else orjson.dumps(document)


def _key(record: Mapping[str, Any]) -> bytes:
    """The incident's own key; where that is not known route finds it out and forwards the record."""
    incident: str | None = record["incident"]
    own: str = incident.partition(":")[2] if incident is not None else record["source"]["key"] or record["id"]
    return own.encode()
