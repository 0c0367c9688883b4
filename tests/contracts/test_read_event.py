"""`read_event`: what each input means, and how what is malformed is told apart."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.events import IDENTITY_LIMIT, Event, Kind, Malformed, Skip, Source, dedup_key_of, key_text, read_event

SOURCE = Source("alerts", 3, 4711, 1638403600123, "k")
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
FIXTURES = Path(__file__).parents[1] / "fixtures"


def alert(**fields: Any) -> dict[str, Any]:
    return {"alert": {"groupingKey": "gk", "status": "Triggered", **fields}}


def case(**fields: Any) -> dict[str, Any]:
    return {"case": {"id": "CASE-1", "status": "OPEN", **fields}}


def read(kind: Kind, document: object) -> Event | Malformed | Skip:
    return read_event(kind, orjson.dumps(document), SOURCE)


def event(kind: Kind, document: object) -> Event:
    found = read(kind, document)
    assert isinstance(found, Event), found
    return found


def malformed(kind: Kind, value: bytes | None) -> Malformed:
    found = read_event(kind, value, SOURCE)
    assert isinstance(found, Malformed), found
    return found


def test_an_alert_is_read_whole() -> None:
    document = json.loads((EXAMPLES / "alerts" / "metric-threshold-triggered.json").read_bytes())
    assert event("alert", document) == Event(
        kind="alert",
        incident="alert:payments-api/high-error-rate/server1",
        dedup_key="payments-api/high-error-rate/server1",
        action="trigger",
        priority="P1",
        context=document,
        source=SOURCE,
        connectors=("payments",),
    )


def test_a_case_is_read_whole() -> None:
    document = json.loads((EXAMPLES / "cases" / "acknowledged.json").read_bytes())
    assert event("case", document) == Event(
        kind="case",
        incident="case:CASE-9b7e12",
        dedup_key="CASE-9b7e12",
        action="acknowledge",
        priority="P1",
        context=document,
        source=SOURCE,
        connectors=("payments",),
    )


def test_a_source_names_its_record() -> None:
    assert SOURCE.id == "alerts/3/4711"


@pytest.mark.parametrize(("status", "action"), [("Triggered", "trigger"), ("Resolved", "resolve")])
def test_an_alert_status_is_an_action(status: str, action: str) -> None:
    assert event("alert", alert(status=status)).action == action


STATUSES = {
    "OPEN": "trigger",
    "ACTIVE": "trigger",
    "ACKNOWLEDGED": "acknowledge",
    "RESOLVED": "resolve",
    "CLOSED": "resolve",
}
STATES: list[str | None] = ["CREATED", "ACTIVE", "RESOLVED", None]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("status", [*STATUSES, "PENDING_ACTIVATION"])
def test_every_case_state_and_status_has_its_meaning(status: str, state: str | None) -> None:
    found = read("case", case(status=status, state=state))
    if state == "RESOLVED":
        assert isinstance(found, Event)
        assert found.action == "resolve"
    elif status == "PENDING_ACTIVATION":
        assert isinstance(found, Skip)
        assert found.reason == "not_yet_active"
        assert "not yet active" in found.message
        assert (found.event.incident, found.event.action) == ("case:CASE-1", None)
    else:
        assert isinstance(found, Event)
        assert found.action == STATUSES[status]


def test_an_alert_id_stands_in_for_a_grouping_key_that_is_not_there() -> None:
    assert event("alert", {"alert": {"id": "e-1", "status": "Resolved"}}).incident == "alert:e-1"
    assert event("alert", alert(groupingKey=None, id="e-1")).incident == "alert:e-1"
    assert event("alert", alert(id="e-1")).incident == "alert:gk"


@pytest.mark.parametrize("key", ["x" * 255, "ä" * 255, "a b/c\n"])
def test_a_dedup_key_is_the_identity_while_pagerduty_takes_it(key: str) -> None:
    assert event("alert", alert(groupingKey=key)).dedup_key == key


@pytest.mark.parametrize("key", ["x" * 256, "ä" * 256])
def test_a_longer_identity_is_hashed(key: str) -> None:
    found = event("case", case(id=key))
    assert found.dedup_key == "sha256:" + hashlib.sha256(key.encode()).hexdigest() == dedup_key_of(key)
    assert found.incident == f"case:{key}"


LONGEST = "ä" * IDENTITY_LIMIT


@pytest.mark.parametrize("kind", ["alert", "case"])
def test_the_longest_identity_is_taken(kind: Kind) -> None:
    assert event(kind, alert(groupingKey=LONGEST) if kind == "alert" else case(id=LONGEST)).incident.endswith(LONGEST)


@pytest.mark.parametrize(
    ("kind", "document", "path"),
    [
        ("alert", alert(groupingKey=LONGEST + "x"), "/alert/groupingKey"),
        ("alert", {"alert": {"id": "x" * 530_000, "status": "Resolved"}}, "/alert/id"),
        ("case", case(id="x" * 530_000), "/case/id"),
    ],
)
def test_an_identity_that_no_record_could_hold_is_malformed(kind: Kind, document: Any, path: str) -> None:
    found = malformed(kind, orjson.dumps(document))
    assert (found.reason, found.path, found.incident) == ("wrong_shape", path, None)
    assert "is too long" in found.message
    assert "at most" in found.message or "is the most it may have" in found.message
    assert "2048 characters" in found.message
    assert len(found.message) < 250


def test_an_alert_with_a_grouping_key_may_have_any_id() -> None:
    assert event("alert", alert(id="x" * 10_000)).incident == "alert:gk"


def test_a_key_is_carried_on_as_text_when_it_may_be_an_incidents() -> None:
    assert key_text(None) is None
    assert key_text(b"a\xff") == "a\ufffd"
    assert key_text(("\U0001f600" * IDENTITY_LIMIT).encode()) == "\U0001f600" * IDENTITY_LIMIT
    assert key_text(b"x" * 8_193) is None


@pytest.mark.parametrize(
    ("document", "priority"),
    [
        (alert(highestPriority="P1", priority="P2") | {"alertDef": {"priority": "P3"}}, "P1"),
        (alert(priority="P2") | {"alertDef": {"priority": "P3"}}, "P2"),
        (alert() | {"alertDef": {"priority": "P3"}}, "P3"),
        (alert(highestPriority="urgent") | {"alertDef": {"priority": "P5"}}, "P5"),
        (alert(highestPriority=1, priority=["P1"]), None),
        (alert() | {"alertDef": None}, None),
    ],
)
def test_the_priority_of_an_alert_is_the_first_that_is_one(document: dict[str, Any], priority: str | None) -> None:
    assert event("alert", document).priority == priority


@pytest.mark.parametrize(("given", "priority"), [("P4", "P4"), ("p4", None), (None, None), ({}, None)])
def test_the_priority_of_a_case(given: object, priority: str | None) -> None:
    assert event("case", case(casePriority=given)).priority == priority


@pytest.mark.parametrize(
    ("destinations", "connectors"),
    [(None, ()), ([], ()), ([{"connectorId": "b"}, {"connectorId": "a"}, {"connectorId": "b"}], ("b", "a"))],
)
def test_connectors_come_in_their_order_each_once(destinations: object, connectors: tuple[str, ...]) -> None:
    assert event("alert", alert() | {"destinations": destinations}).connectors == connectors
    assert event("alert", alert()).connectors == ()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("alerts/bad/*.json")), ids=lambda path: path.stem)
def test_a_wrong_shape_is_told_by_its_field(path: Path) -> None:
    fixture = json.loads(path.read_bytes())
    found = malformed("alert", orjson.dumps(fixture["document"]))
    assert (found.reason, found.path) == ("wrong_shape", fixture["path"])
    assert fixture["says"] in found.message
    assert found.document == fixture["document"]


@pytest.mark.parametrize(
    ("kind", "document", "incident"),
    [
        ("alert", alert(status="?"), "alert:gk"),
        ("alert", {"alert": {"id": "e-1"}}, "alert:e-1"),
        ("alert", alert(groupingKey=5, id="e-1"), None),
        ("alert", alert(groupingKey=" ", id="e-1"), None),
        ("alert", {"alert": "gk"}, None),
        ("case", case(status="?"), "case:CASE-1"),
        ("case", {"case": {"status": "OPEN", "groupingKey": "gk"}}, None),
    ],
)
def test_a_wrong_shape_keeps_its_incident_where_it_tells_it(kind: Kind, document: object, incident: str | None) -> None:
    assert malformed(kind, orjson.dumps(document)).incident == incident


def nested(levels: int) -> bytes:
    """An alert whose document is so many levels deep."""
    return b'{"alert":{"groupingKey":"gk","status":"Triggered"},"x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


GOOD = orjson.dumps(alert())

UNREADABLE = {
    "no value": (None, "tombstone", "no value"),
    "empty": (b"", "not_json", "empty"),
    "blanks": (b" \n", "not_json", "empty"),
    "text": (b"hello", "not_json", "line 1 column 1"),
    "cut short": (GOOD[:-1], "not_json", "not JSON"),
    "two documents": (GOOD + GOOD, "not_json", "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "not_json", "BOM"),
    "latin-1": ('{"a": "é"}'.encode("latin-1"), "not_utf8", "byte 7 of the message is not UTF-8"),
    "utf-16": (GOOD.decode().encode("utf-16"), "not_utf8", "write JSON as UTF-8"),
    "half a surrogate pair": (b'{"a": "\\ud800"}', "not_json", "surrogate"),
    "NaN": (b'{"a": NaN}', "not_json", "column 7"),
    "Infinity": (b'{"a": -Infinity}', "not_json", "not JSON"),
    "beyond a double": (b'{"a": 1e999}', "not_json", "infinity"),
    "integer beyond a double": (b'{"a": 1' + b"0" * 400 + b"}", "not_json", "infinity"),
    "list": (b"[1]", "not_object", "a list: it must be an object"),
    "null": (b"null", "not_object", "null: it must be an object"),
    "number": (b"17", "not_object", "a number"),
    "one level too deep": (nested(101), "too_deep", "100 levels"),
    "too deep for the parser": (b"[" * 5000 + b"]" * 5000, "too_deep", "100 levels"),
    "too deep in objects": (b'{"alert":' * 500 + b"1" + b"}" * 500, "too_deep", "100 levels"),
    "too large": (b" " * 1_000_001, "too_large", "1,000,001 bytes: 1,000,000 is the most"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_malformed(name: str) -> None:
    value, reason, says = UNREADABLE[name]
    for kind in ("alert", "case"):
        found = malformed(kind, value)
        assert (found.reason, found.path, found.document, found.incident) == (reason, "", None, None)
        assert says in found.message


def test_the_bound_on_the_size_is_the_callers() -> None:
    assert isinstance(read_event("alert", GOOD, SOURCE, max_bytes=len(GOOD)), Event)
    found = read_event("alert", GOOD, SOURCE, max_bytes=len(GOOD) - 1)
    assert isinstance(found, Malformed)
    assert found.reason == "too_large"


def test_what_is_just_not_too_deep_is_read() -> None:
    assert isinstance(read_event("alert", nested(100), SOURCE), Event)


def test_many_brackets_are_not_depth() -> None:
    assert isinstance(read("alert", alert() | {"x": [[], {}] * 5000}), Event)


def test_of_a_repeated_member_the_last_one_counts() -> None:
    value = b'{"alert":{"groupingKey":"first","groupingKey":"last","status":"Triggered","status":"Resolved"}}'
    found = read_event("alert", value, SOURCE)
    assert isinstance(found, Event)
    assert (found.incident, found.action) == ("alert:last", "resolve")


def test_integers_keep_64_bits_and_are_doubles_beyond() -> None:
    value = b'{"alert":{"groupingKey":"k","status":"Triggered"},"a":18446744073709551615,"b":18446744073709551616}'
    found = read_event("alert", value, SOURCE)
    assert isinstance(found, Event)
    assert found.context["a"] == 2**64 - 1
    assert found.context["b"] == float(2**64)


def test_no_repr_shows_the_document() -> None:
    assert "do-not-show" not in repr(read("alert", alert(note="do-not-show")))
    assert "do-not-show" not in repr(read("alert", {"alert": {"note": "do-not-show"}}))


HEAD = b'{"alert":{"groupingKey":"k","status":"Triggered"},"x":['
STRESS = {
    "empty lists": HEAD + b",".join([b"[]"] * 33_000) + b"]}",
    "small objects": HEAD + b",".join([b'{"a":{}}'] * 11_000) + b"]}",
    "numbers": HEAD + b",".join([b"1"] * 49_000) + b"]}",
    "members": b'{"alert":{' + b",".join(b'"%d":1' % n for n in range(11_000)) + b"}}",
    "one member over and over": b'{"alert":{' + b",".join([b'"a":1'] * 16_000) + b"}}",
    "long status": b'{"alert":{"status":"' + b"y" * 100_000 + b'"}}',
    "blank key": b'{"alert":{"status":"Resolved","groupingKey":"' + b" " * 100_000 + b'"}}',
    "wrong destinations": b'{"destinations":[' + b",".join([b"1"] * 49_000) + b"]}",
    "not UTF-8 at the end": b"\xc3\xa9" * 50_000 + b"\xff",
    "escapes": b'{"a":"' + b"\\u00e9" * 16_000 + b'"}',
    "open brackets": b"[" * 100_000,
    "open objects": b'{"":' * 25_000,
}


@pytest.mark.parametrize("name", STRESS)
def test_no_hundred_kilobytes_hold_the_worker_up(name: str) -> None:
    value = STRESS[name]
    best = min(timed(value) for _ in range(5))
    assert best < 0.2  # about 5 ms as a rule; the bound leaves room for a slow machine, none for quadratic time


def timed(value: bytes) -> float:
    """Seconds of this thread's own work: what else the machine does meanwhile does not count."""
    started = time.thread_time()
    read_event("alert", value, SOURCE)
    return time.thread_time() - started
