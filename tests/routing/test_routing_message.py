"""The default message: what it says of good documents, and that no document stops it."""

from __future__ import annotations

from typing import Any

import pytest
from event_checker import faults
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_story import alert, alert_document, case, connector, documents

from streams.events import Event
from streams.routing import Send, decide, default_message
from streams.routing.severity import priority_of, severity_of
from streams.routing.times import iso_8601


def test_an_alert() -> None:
    message = default_message(alert(offset=5, partition=2))
    assert faults(message) == []
    assert message.payload == {
        "summary": "CPU usage high (server1, eu)",
        "source": "server1",
        "severity": "critical",
        "timestamp": "2021-12-02T00:06:40.000Z",
        "group": "production",
        "class": "metricThreshold",
        "custom_details": {
            "priority": "P1",
            "description": "More than 80 % for ten minutes",
            "labels": {"environment": "production", "runbook": "https://example.com/runbooks/cpu"},
            "groups": [{"host": "server1", "region": "eu", "priority": "P1", "figures": {"maxValueOverThreshold": 95}}],
            "links": {
                "Alert": "https://example.com/#/insights?id=76c411be",
                "runbook": "https://example.com/runbooks/cpu",
            },
            "pagerline": {"source": "alerts/2/5"},
        },
    }
    assert (message.client, message.client_url) == ("Pagerline", "https://example.com/#/insights?id=76c411be")
    assert message.render_errors == {}


def test_a_case() -> None:
    message = default_message(case(offset=3))
    assert faults(message) == []
    assert message.payload == {
        "summary": "High error rate in payments API",
        "source": "onlineboutique",
        "severity": "error",
        "timestamp": "2025-09-02T11:43:12.000Z",
        "group": "payments",
        "class": "AVAILABILITY",
        "custom_details": {
            "priority": "P2",
            "description": "Error rate > 5% for 10 minutes",
            "status": "OPEN",
            "category": "AVAILABILITY",
            "assignee": "oncall@example.com",
            "created_at": "2025-09-02T11:43:12Z",
            "labels": {"team": "payments"},
            "indicators": 1,
            "links": {"Case": "https://example.com/#/cases/CASE-9b7e12"},
            "pagerline": {"source": "cases/0/3"},
        },
    }
    assert message.client_url == "https://example.com/#/cases/CASE-9b7e12"


def test_a_case_that_changed_is_dated_by_the_change() -> None:
    message = default_message(case(updatedAt="2025-09-02T12:15:44+02:00"))
    assert message.payload["timestamp"] == "2025-09-02T10:15:44.000Z"


@pytest.mark.parametrize("event", [alert(document={"alert": {}}), case(document={"case": {}})])
def test_the_least_document_makes_a_page_without_complaints(event: Event) -> None:
    message = default_message(event)
    assert faults(message) == []
    assert event.dedup_key in message.payload["summary"]
    assert message.payload["source"] == event.dedup_key
    assert message.payload["severity"] == "info"
    assert message.payload["custom_details"] == {"pagerline": {"source": event.source.id}}
    assert message.render_errors == {}


def test_without_a_time_of_its_own_it_is_dated_by_its_record() -> None:
    message = default_message(alert(document={"alert": {}}, timestamp=1_638_403_601_234))
    assert message.payload["timestamp"] == "2021-12-02T00:06:41.234Z"
    assert "timestamp" not in default_message(alert(document={"alert": {}}, timestamp=-1)).payload


@pytest.mark.parametrize(
    ("groups", "summary"),
    [
        ([], "CPU usage high"),
        ([{"keyValues": {}}], "CPU usage high"),
        ({"team_name": "alpha"}, "CPU usage high (alpha)"),
        ([{"keyValues": {"a": "1", "b": {"c": 2}}}], "CPU usage high (1, 2)"),
        ([{"keyValues": {"a": "1"}}, {}, {}], "CPU usage high (1) and 2 more"),
        ([{"keyValues": {str(n): n for n in range(20)}}], "CPU usage high (0, 1, 2, 3, 4, 5)"),
    ],
)
def test_the_summary_names_the_group(groups: Any, summary: str) -> None:
    assert default_message(alert(groups=groups)).payload["summary"] == summary


def test_many_groups_are_counted_and_the_first_listed() -> None:
    groups = [{"keyValues": {"host": f"server{number}"}} for number in range(5_000)]
    details = default_message(alert(groups=groups)).payload["custom_details"]
    assert (len(details["groups"]), details["groups_total"]) == (100, 5_000)


def test_hosts_components_and_groups_are_found_under_their_common_names() -> None:
    groups = [{"keyValues": {"host": {"name": "db1.example.com"}, "service": {"name": "db"}, "team_name": "alpha"}}]
    payload = default_message(alert(groups=groups)).payload
    assert (payload["source"], payload["component"], payload["group"]) == ("db1.example.com", "db", "alpha")


def test_every_odd_field_is_noted_and_replaced() -> None:
    document = alert_document(highestPriority=7, timestamp="soon", alertDataUrl="ftp://example.com", groups="none")
    document["alertDef"] = {"name": {"en": "CPU"}, "priority": "P9", "type": ["x"]}
    document["_context"]["system"] = {"name": [1]}
    message = default_message(alert(document=document))
    assert faults(message) == []
    assert message.payload["summary"] == "Alert checkout/cpu"
    assert message.payload["severity"] == "info"
    assert message.render_errors == {
        "summary": "alertDef.name is an object without a visible character",
        "source": "_context.system.name is a list without a visible character",
        "severity": "alert.highestPriority is a number, not P1 to P5",
        "timestamp": "left out: text that is no point in time",
        "client_url": "alert.alertDataUrl is no http or https address",
    }


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=30)
    | st.sampled_from(["P1", "https://example.com", "\x00" * 2_000, "€" * 300_000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["keyValues", "priority", "details", "$type", "name", "a", ""]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
FIELDS = ["timestamp", "id", "groupingKey", "highestPriority", "alertDataUrl", "groups", "attachments", "name", "title",
          "description", "entityLabels", "type", "system", "entitySubType", "casePriority", "category", "assignee",
          "createdAt", "updatedAt", "caseDetailUrl", "indicators", "priority", "status"]  # fmt: skip
parts = st.dictionaries(st.sampled_from(FIELDS), junk, max_size=8) | junk
any_documents = st.fixed_dictionaries({}, optional=dict.fromkeys(["_context", "alert", "alertDef", "case"], parts))


@settings(max_examples=500, deadline=None)
@given(document=any_documents, of_a_case=st.booleans())
def test_no_document_stops_a_page(document: dict[str, Any], of_a_case: bool) -> None:
    event = case(document=document) if of_a_case else alert(document=document)
    assert faults(default_message(event)) == []
    (send,) = decide(event, documents([connector()]), {})
    assert isinstance(send, Send)


# -- severity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("P1", "critical"), ("P2", "error"), ("P3", "warning"), ("P4", "info"), ("P5", "info"), (None, "info")],
)
def test_the_severity_of_a_priority(priority: str | None, severity: str) -> None:
    assert severity_of(priority) == severity
    assert default_message(case(casePriority=priority)).payload["severity"] == severity


def document(highest: Any = None, of_definition: Any = None, groups: Any = None) -> dict[str, Any]:
    return {"alert": {"highestPriority": highest, "groups": groups}, "alertDef": {"priority": of_definition}}


@pytest.mark.parametrize(
    ("document_", "priority"),
    [
        (document("P3", "P1", [{"priority": "P1"}]), "P3"),
        (document(None, "P2", [{"priority": "P1"}]), "P2"),
        (document(None, None, [{"priority": "P4"}, {"priority": "P2"}, {}]), "P2"),
        (document(None, None, {"a": {"keyValues": {}, "priority": "P5"}}), "P5"),
        (document(" p1 "), "P1"),
        (document("ALERT_DEF_PRIORITY_P2"), "P2"),
        (document("P9", "P3"), "P3"),
        (document(), None),
        ({}, None),
    ],
)
def test_where_an_alerts_priority_comes_from(document_: dict[str, Any], priority: str | None) -> None:
    assert priority_of(alert(document=document_))[0] == priority


def test_the_event_readers_priority_is_the_last_resort() -> None:
    assert priority_of(alert(document={"alert": {"priority": "P2"}}, priority="P2")) == ("P2", None)


def test_a_priority_that_is_none_is_told() -> None:
    assert priority_of(case(casePriority="P9")) == (None, "case.casePriority is 'P9', not P1 to P5")


# -- timestamps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (1638403600, "2021-12-02T00:06:40.000Z"),
        (1638403600.25, "2021-12-02T00:06:40.250Z"),
        (1638403600123, "2021-12-02T00:06:40.123Z"),
        ("1638403600", "2021-12-02T00:06:40.000Z"),
        (" 1638403600123 ", "2021-12-02T00:06:40.123Z"),
        ("2025-09-02T11:43:12Z", "2025-09-02T11:43:12.000Z"),
        ("2025-09-02T11:43:12.987654321+02:00", "2025-09-02T09:43:12.987Z"),
        ("2025-09-02 11:43:12", "2025-09-02T11:43:12.000Z"),
        ("2025-09-02", "2025-09-02T00:00:00.000Z"),
        ("20250902", "2025-09-02T00:00:00.000Z"),
        (253402300799999, "9999-12-31T23:59:59.999Z"),
        (253402300800000, None),
        (1638403600123456, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        (0, None),
        (-5, None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        ("now", None),
        ("1" * 500, None),
        ([], None),
        (None, None),
    ],
)
def test_timestamps(given_: Any, expected: str | None) -> None:
    assert iso_8601(given_) == expected
