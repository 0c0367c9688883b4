"""What PagerDuty says is read from captured webhooks; what cannot be read is ignored with a reason, never raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sync import notes
from streams.sync.said import Ignored, Said, from_incident, from_log_entry, from_webhook
from streams.sync.status import Status
from streams.sync.times import milliseconds, order

WEBHOOKS = Path(__file__).parents[1] / "fixtures" / "pagerduty" / "webhooks_v3"
READ = {
    "incident.acknowledged__events_api": ("acknowledged", Status.ACKNOWLEDGED),
    "incident.acknowledged__user": ("acknowledged", Status.ACKNOWLEDGED),
    "incident.annotated": ("note", None),
    "incident.annotated__resolution_note": ("note", None),
    "incident.delegated": ("reassigned", Status.OPEN),
    "incident.escalated": ("reassigned", Status.OPEN),
    "incident.priority_updated": ("priority", Status.OPEN),
    "incident.reassigned": ("reassigned", Status.OPEN),
    "incident.reopened": ("reopened", Status.OPEN),
    "incident.resolved__events_api": ("resolved", Status.RESOLVED),
    "incident.resolved__merged": ("resolved", Status.RESOLVED),
    "incident.resolved__user": ("resolved", Status.RESOLVED),
    "incident.triggered__events_api": ("triggered", Status.OPEN),
    "incident.triggered__manual": ("triggered", Status.OPEN),
    "incident.unacknowledged__user": ("unacknowledged", Status.OPEN),
}


def webhook(name: str) -> Any:
    return orjson.loads((WEBHOOKS / f"{name}.json").read_bytes())


@pytest.mark.parametrize("path", sorted(WEBHOOKS.glob("*.json")), ids=lambda path: path.stem)
def test_captured_webhooks(path: Path) -> None:
    body = orjson.loads(path.read_bytes())
    if not isinstance(body, dict):
        pytest.fail("a webhook is an object") if path.stem != "signature_vectors" else None
        return
    said = from_webhook(body)
    if path.stem not in READ:
        assert isinstance(said, Ignored)
        assert said.reason == ("ping" if path.stem.startswith("pagey") else "other_event")
        return
    kind, status = READ[path.stem]
    assert isinstance(said, Said)
    assert (said.kind, said.incident, said.found_by) == (kind, body_incident(body), "webhook")
    assert (said.facts.status if said.facts else None) == status


def body_incident(body: Any) -> str:
    data = body["event"]["data"]
    return str(data["id"] if data["type"] == "incident" else data["incident"]["id"])


def test_a_merge_is_told_by_the_reason_of_the_resolve() -> None:
    said = from_webhook(webhook("incident.resolved__merged"))
    assert isinstance(said, Said)
    assert said.facts is not None
    assert said.facts.merged_into is not None
    assert said.facts.merged_into.id == "Q0ACME00000016"


def test_a_resolution_note_is_known_by_its_prefix() -> None:
    said = from_webhook(webhook("incident.annotated__resolution_note"))
    assert isinstance(said, Said)
    assert said.note is not None
    assert said.note.content is not None
    assert notes.resolution(said.note.content) == "Disk was cleaned up."


def test_a_trimmed_note_has_no_content() -> None:
    body = webhook("incident.annotated")
    body["event"]["data"]["trimmed"] = True
    said = from_webhook(body)
    assert isinstance(said, Said)
    assert said.note is not None
    assert said.note.content is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("incident"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("id", "type", "data")), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(READ)), st.lists(st.tuples(st.integers(0, 30), JSON), max_size=3))
def test_no_webhook_raises(name: str, changes: list[tuple[int, Any]]) -> None:
    body = webhook(name)
    places = [(part, key) for part in (body["event"], body["event"]["data"]) for key in part]
    for number, value in changes:
        part, key = places[number % len(places)]
        part[key] = value
    from_webhook(body)
    from_incident(body["event"]["data"] if isinstance(body["event"]["data"], dict) else {})
    from_log_entry(body["event"])


def test_times_of_one_second_have_no_order_once_one_is_whole() -> None:
    exact, whole = milliseconds("2026-04-01T02:08:13.546Z"), milliseconds("2026-04-01T04:08:13+02:00")
    assert exact is not None
    assert whole is not None
    assert order(exact, whole) == 0
    assert order(exact, exact - 1) == 1
    assert order(exact, whole + 1000) == -1


@given(st.text(max_size=80), st.text(max_size=20) | st.none(), st.text(min_size=1, max_size=20), st.text(min_size=1))
def test_a_note_is_known_again_by_its_marker(text: str, author: str | None, case: str, comment: str) -> None:
    content = notes.written(text, author=author, case=case, comment=comment)
    assert notes.marker(content) == notes.Marker(case, comment)


def test_the_longest_note_keeps_its_marker() -> None:
    content = notes.written("ä" * 70_000, author="Ada", case="CASE-1", comment="c-1")
    assert len(content.encode()) <= notes.NOTE_BYTES
    assert notes.marker(content) == notes.Marker("CASE-1", "c-1")


@given(st.text())
def test_what_people_write_has_no_marker(text: str) -> None:
    assert notes.marker(text) is None
