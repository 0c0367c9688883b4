"""One input record, read: an event to work on, something malformed, or something to pass over.

Pure: bytes in, a value out; nothing is raised whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal

import orjson

from streams import contracts

Kind = Literal["alert", "case"]
Action = Literal["trigger", "acknowledge", "resolve"]
Document = dict[str, Any]

DEPTH_LIMIT: Final = 100
"""Levels of nesting. An alert has under ten; templates and the JSON writer recurse, so there must be a bound."""

DEDUP_KEY_LIMIT: Final = 255
"""Characters (PagerDuty Events API v2, `dedup_key`)."""

IDENTITY_LIMIT: Final = 2_048
"""Characters of a grouping key or Case id (`schemas/`): it stands in each record of its incident, several times."""

KEY_LIMIT: Final = 8_192
"""Bytes of a record's key that is carried on: those of the longest identity in UTF-8."""

TEST_IDENTITY: Final = "pagerline-test/"
"""Begins the grouping key or Case id of a test notification (`pagerline send`)."""

PRIORITIES: Final = frozenset({"P1", "P2", "P3", "P4", "P5"})

_TOPIC: Final[dict[Kind, str]] = {"alert": "alerts", "case": "cases"}
_ALERT_ACTIONS: Final[dict[str, Action]] = {"Triggered": "trigger", "Resolved": "resolve"}
_CASE_ACTIONS: Final[dict[str, Action]] = {
    "OPEN": "trigger",
    "ACTIVE": "trigger",
    "ACKNOWLEDGED": "acknowledge",
    "RESOLVED": "resolve",
    "CLOSED": "resolve",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Coordinates of an input record; `timestamp` in milliseconds since the epoch, `key` the record's key as text."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str | None = None

    @property
    def id(self) -> str:
        """`<topic>/<partition>/<offset>`, by which deliveries and dead letters name the record."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def to_json(self) -> dict[str, Any]:
        """As the outbox carries it on: the key too, which dead letters are written under."""
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """What an input record asks for.

    `incident` is `alert:<grouping key>` or `case:<case id>`; `context` is the whole document, for templates;
    `connectors` are the ids that the document names, each once, in its order (none: routing decides); `presets` the
    preset that it names for a connector.
    `action` is None only inside a Skip. `priority` is `P1` to `P5`, or None when the document has none of these.
    """

    kind: Kind
    incident: str
    dedup_key: str
    action: Action | None
    priority: str | None
    context: Document = field(repr=False)
    source: Source
    connectors: tuple[str, ...]
    presets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that cannot be worked on, for the dead letters.

    `reason` is one of: tombstone, too_large, not_utf8, not_json, not_object, too_deep, wrong_shape.
    `path` is the JSON pointer of the field at fault, empty where it is the whole. `document` is the JSON when it parsed
    and is fit to be written again; `incident` is set where the record tells whose it is in spite of what is wrong.
    """

    reason: str
    message: str
    path: str = ""
    document: Document | None = field(default=None, repr=False)
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A sound record that asks for nothing. `reason` is a machine word: not_yet_active."""

    reason: str
    message: str
    event: Event


def read_event(
    kind: Kind, value: bytes | None, source: Source, *, max_bytes: int = 1_000_000
) -> Event | Malformed | Skip:
    """Read one record of the topic `alerts` or `cases`.

    The rules are those of `schemas/alerts.json` and `schemas/cases.json`. JSON is as RFC 8259 has it: NaN, a byte order
    mark, half of a surrogate pair and a number beyond a double's range are refused; of a repeated member the last one
    counts; an integer beyond 64 bits is read as the nearest double. `max_bytes` bounds what is parsed at all (default:
    what a Kafka broker accepts as it comes, about 1 MB). Takes time in proportion to the size of `value`.
    """
    if value is None:
        return Malformed("tombstone", "the record has no value: an event is never deleted, write its newest state")
    if len(value) > max_bytes:
        return Malformed("too_large", f"the message has {len(value):,} bytes: {max_bytes:,} is the most it may have")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _unreadable(value, error)
    if type(document) is not dict:
        return Malformed("not_object", f"the message is {contracts.kind_of(document)}: it must be an object")
    if _too_deep(value, document):
        return Malformed("too_deep", f"the message is nested deeper than {DEPTH_LIMIT} levels: flatten it")
    wrong = contracts.problem(_TOPIC[kind], document)
    if wrong is not None:
        return Malformed("wrong_shape", wrong.message, wrong.path, document, _incident_of(kind, document))
    return _alert(document, source) if kind == "alert" else _case(document, source)


def key_text(key: bytes | None) -> str | None:
    """A record's key as text; None for one that is too long to be an incident's, as for none."""
    return None if key is None or len(key) > KEY_LIMIT else key.decode(errors="replace")


def dedup_key_of(identity: str) -> str:
    """The deduplication key of a grouping key or Case id: itself, or its hash where that is too long for PagerDuty."""
    if len(identity) <= DEDUP_KEY_LIMIT:
        return identity
    return "sha256:" + sha256(identity.encode()).hexdigest()


def _alert(document: Document, source: Source) -> Event:
    alert: Document = document["alert"]
    identity = _identity(alert, "groupingKey", "id")
    definition = document.get("alertDef") or {}
    return Event(
        "alert",
        f"alert:{identity}",
        dedup_key_of(identity),
        _ALERT_ACTIONS[alert["status"]],
        _priority(alert.get("highestPriority"), alert.get("priority"), definition.get("priority")),
        document,
        source,
        _connectors(document),
        _presets(document),
    )


def _case(document: Document, source: Source) -> Event | Skip:
    case: Document = document["case"]
    identity: str = case["id"]
    action = "resolve" if case.get("state") == "RESOLVED" else _CASE_ACTIONS.get(case["status"])
    event = Event(
        "case",
        f"case:{identity}",
        dedup_key_of(identity),
        action,
        _priority(case.get("casePriority")),
        document,
        source,
        _connectors(document),
        _presets(document),
    )
    if action is None:
        return Skip("not_yet_active", "the Case is not yet active: nobody is paged until it is", event)
    return event


def _identity(holder: Document, *names: str) -> str:
    """The first of the named members that is there; the contract has seen to it that one is."""
    return str(next(value for name in names if (value := holder.get(name)) is not None))


def _connectors(document: Document) -> tuple[str, ...]:
    named = document.get("destinations")
    return tuple(dict.fromkeys(destination["connectorId"] for destination in named)) if named else ()


def _presets(document: Document) -> Mapping[str, str]:
    """By connector id, the preset that goes with it; the first counts where a connector is named twice."""
    found: dict[str, str] = {}
    for destination in document.get("destinations") or ():
        if preset := destination.get("presetId"):
            found.setdefault(destination["connectorId"], preset)
    return found


def _priority(*candidates: object) -> str | None:
    for candidate in candidates:
        if isinstance(candidate, str) and candidate in PRIORITIES:
            return candidate
    return None


def _incident_of(kind: Kind, document: Document) -> str | None:
    """Whose a wrongly shaped document is, as far as it says."""
    holder = document.get(kind)
    if not isinstance(holder, dict):
        return None
    for name in ("groupingKey", "id") if kind == "alert" else ("id",):
        value = holder.get(name)
        if value is not None:
            sound = isinstance(value, str) and value.strip() and len(value) <= IDENTITY_LIMIT
            return f"{kind}:{value}" if sound else None
    return None


def _too_deep(value: bytes, document: Document) -> bool:
    """Whether a document is nested deeper than the limit: level by level, so that no depth exhausts the stack."""
    if value.count(b"{") + value.count(b"[") <= DEPTH_LIMIT:
        return False  # too few brackets to be deep: spares all ordinary events the walk
    level: list[Any] = [document]
    for _ in range(DEPTH_LIMIT):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _unreadable(value: bytes, error: orjson.JSONDecodeError) -> Malformed:
    try:
        value.decode()
    except UnicodeDecodeError as wrong:
        return Malformed("not_utf8", f"byte {wrong.start:,} of the message is not UTF-8: write JSON as UTF-8")
    if not value.strip():
        return Malformed("not_json", "the message is empty: write one JSON object")
    # The parser's own words say where, and never repeat what stands there.
    if "limit" in error.msg.lower():  # "Recursion limit reached" in orjson 3.11, "depth limit exceeded" since 3.12
        return Malformed("too_deep", f"the message is nested deeper than {DEPTH_LIMIT} levels: flatten it")
    return Malformed("not_json", f"the message is not JSON: {error.msg} at line {error.lineno} column {error.colno}")
