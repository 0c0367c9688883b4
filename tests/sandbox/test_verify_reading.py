"""The verifier's own reading of the inputs and the product's agree: two codes, one contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import Event, Kind, Malformed, Source, read_event
from streams.sandbox.verify.model import Record
from streams.sandbox.verify.reading import read_input

ROOT = Path(__file__).parents[2]


def both(topic: str, value: bytes | None, max_bytes: int = 1_000_000) -> None:
    kind: Kind = "alert" if topic == "alerts" else "case"
    record = Record(f"eu.{topic}", 1, 2, 3, None, value)
    ours = read_input(record, max_bytes)
    theirs = read_event(kind, value, Source(record.topic, 1, 2, 3), max_bytes=max_bytes)
    assert ours.malformed == isinstance(theirs, Malformed)
    if not isinstance(theirs, Malformed):
        event = theirs if isinstance(theirs, Event) else theirs.event
        assert (ours.id, ours.incident, ours.dedup_key) == (event.source.id, event.incident, event.dedup_key)
        assert (ours.action, ours.connectors) == (event.action, frozenset(event.connectors))


def documents() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for topic in ("alerts", "cases"):
        good = [*(ROOT / "schemas/examples" / topic).glob("*"), *(ROOT / "tests/fixtures" / topic / "good").glob("*")]
        bad = (ROOT / "tests/fixtures" / topic / "bad").glob("*")
        found += [(topic, json.loads(path.read_bytes())) for path in sorted(good)]
        found += [(topic, json.loads(path.read_bytes())["document"]) for path in sorted(bad)]
    return found


@pytest.mark.parametrize("topic", ["alerts", "cases"])
@pytest.mark.parametrize("value", [None, b"", b"[]", b"null", b"{", b"\xff", b"{}", b"[" * 2000])
def test_both_refuse_the_unreadable(topic: str, value: bytes | None) -> None:
    both(topic, value)


def test_both_read_every_fixture_alike() -> None:
    for topic, document in documents():
        both(topic, orjson.dumps(document))
        both(topic, orjson.dumps(document), max_bytes=100)


@pytest.mark.parametrize("levels", [98, 99, 100, 101])
def test_both_draw_the_line_of_depth_at_the_same_level(levels: int) -> None:
    inner = b"[" * (levels - 1) + b"]" * (levels - 1)
    both("alerts", b'{"alert":{"groupingKey":"k","status":"Triggered"},"x":' + inner + b"}")


@settings(max_examples=300)
@given(
    st.sampled_from(["OPEN", "ACTIVE", "ACKNOWLEDGED", "RESOLVED", "CLOSED", "PENDING_ACTIVATION", "?", None]),
    st.sampled_from(["CREATED", "ACTIVE", "RESOLVED", "?", None]),
    st.text(max_size=300),
)
def test_both_read_every_case_alike(status: str | None, state: str | None, identity: str) -> None:
    both("cases", orjson.dumps({"case": {"id": identity, "status": status, "state": state}}))


@given(
    st.sampled_from(["Triggered", "Resolved", "x"]), st.none() | st.text(max_size=300), st.none() | st.text(max_size=3)
)
def test_both_read_every_alert_alike(status: str, key: str | None, identity: str | None) -> None:
    both("alerts", orjson.dumps({"alert": {"groupingKey": key, "id": identity, "status": status}}))
