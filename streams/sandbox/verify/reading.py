"""The inputs, read anew: what each one asks for, by the letter of the contracts and not by the product's code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson

from streams import contracts
from streams.sandbox.verify.model import Record

DEEPEST: Final = 100
LONGEST_DEDUP_KEY: Final = 255


class Input(NamedTuple):
    """One input record and its meaning. `action` is None for one that asks for nothing, and for a malformed one."""

    record: Record
    id: str
    lane: str
    """`<topic>/<partition>`: within it, offsets are the order."""
    malformed: bool
    incident: str = ""
    dedup_key: str = ""
    action: str | None = None
    connectors: frozenset[str] = frozenset()


def read_input(record: Record, max_bytes: int) -> Input:
    """What a record of a topic `…alerts` or `…cases` means. Raises ValueError for a record of another topic."""
    lane = f"{record.topic}/{record.partition}"
    topic = "alerts" if record.topic.endswith("alerts") else "cases" if record.topic.endswith("cases") else None
    if topic is None:
        raise ValueError(f"{record.topic} is not a topic of inputs")
    document = _document(record.value, max_bytes)
    if document is None or contracts.problem(topic, document) is not None:
        return Input(record, record.id, lane, malformed=True)
    named = document.get("destinations") or []
    identity, action = _alert(document["alert"]) if topic == "alerts" else _case(document["case"])
    return Input(
        record,
        record.id,
        lane,
        malformed=False,
        incident=f"{topic.removesuffix('s')}:{identity}",
        dedup_key=_dedup_key(identity),
        action=action,
        connectors=frozenset(destination["connectorId"] for destination in named),
    )


def orders(inputs: Iterable[Input]) -> list[list[Input]]:
    """The orders in which an incident's inputs may have been meant, oldest first; nearly always there is one.

    Within a partition the offsets decide. Inputs that came on several partitions (a producer's wrong key) are put in
    by their timestamps; where those are equal either may be first, so there are two orders.
    """
    by_lane: dict[str, list[Input]] = {}
    for one in inputs:
        by_lane.setdefault(one.lane, []).append(one)
    for lane in by_lane.values():
        lane.sort(key=lambda one: one.record.offset)
    if len(by_lane) == 1:
        return list(by_lane.values())
    timed: list[tuple[int, Input]] = []
    for lane in by_lane.values():
        newest = lane[0].record.timestamp
        for one in lane:
            newest = max(newest, one.record.timestamp)  # a clock that goes back does not reorder a partition
            timed.append((newest, one))
    place = {name: number for number, name in enumerate(sorted(by_lane))}
    variants = [
        [one for _, one in sorted(timed, key=lambda pair: (pair[0], sign * place[pair[1].lane], pair[1].record.offset))]
        for sign in (1, -1)
    ]
    return variants if variants[0] != variants[1] else variants[:1]


def _document(value: bytes | None, max_bytes: int) -> dict[str, Any] | None:
    """The JSON object of a value, None for what must be refused before its fields are looked at."""
    if value is None or len(value) > max_bytes:
        return None
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or _depth(document) > DEEPEST:
        return None
    return document


def _depth(document: object) -> int:
    deepest, stack = 0, [(document, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        stack.extend((child, depth + 1) for child in inner if isinstance(child, (dict, list)))
    return deepest


def _alert(alert: dict[str, Any]) -> tuple[str, str]:
    key = alert.get("groupingKey")
    return (alert["id"] if key is None else key), {"Triggered": "trigger", "Resolved": "resolve"}[alert["status"]]


def _case(case: dict[str, Any]) -> tuple[str, str | None]:
    status = case["status"]
    if case.get("state") == "RESOLVED" or status in ("RESOLVED", "CLOSED"):
        return case["id"], "resolve"
    if status == "PENDING_ACTIVATION":
        return case["id"], None
    return case["id"], "acknowledge" if status == "ACKNOWLEDGED" else "trigger"


def _dedup_key(identity: str) -> str:
    if len(identity) > LONGEST_DEDUP_KEY:
        return f"sha256:{hashlib.sha256(identity.encode()).hexdigest()}"
    return identity
