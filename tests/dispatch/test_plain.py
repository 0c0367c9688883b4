"""The plainest form of an event."""

from __future__ import annotations

from outbox_records import outbox

from streams.dispatch.plain import plain


def test_only_what_pagerduty_asks_for_is_left() -> None:
    payload = {
        "summary": "Платёж \x00 failed " * 100,
        "source": "db-1",
        "severity": "fatal",
        "custom_details": {"a": 1},
    }
    record = outbox(payload=payload, links=[{"href": "x"}], client="c", client_url="u")
    found = plain(record)
    assert set(found["payload"]) == {"summary", "source", "severity"}
    assert found["payload"]["severity"] == "critical"
    assert found["payload"]["summary"].isascii()
    assert found["payload"]["summary"].isprintable()
    assert len(found["payload"]["summary"]) == 250
    assert not {"links", "client", "client_url"} & set(found)
    assert found["source"] == record["source"]


def test_blank_texts_get_words() -> None:
    found = plain(outbox(payload={"summary": " ", "source": None, "severity": "info"}))
    assert found["payload"] == {
        "summary": "An event of alert:db-1/disk",
        "source": "pagerline",
        "severity": "info",
    }
