"""What the simulator answers and sends beside PagerDuty's samples: every member of a sample is there, of its type.

A member that is null in the sample may be anything. Lists are compared by their first elements, empty ones by nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from simulator_driver import KEY, trigger
from simulator_rest_driver import ALEX, FIXTURES, ROBIN, PureRest, rest_sample, webhook_sample

from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi
from streams.sandbox.pagerduty.webhooks.deliveries import Webhook

NOT_HERE = (
    # What the account does not have: support hours, auto-pause, alert grouping, conference bridges unless set.
    "incident_urgency_rule.during_support_hours",
    "incident_urgency_rule.outside_support_hours",
    "support_hours",
    "auto_pause_notifications_parameters.timeout",
    "alert_grouping",
    "alert_grouping_parameters.type",
    "conference_bridge",
    "description",
    "job_title",
)


def differences(sample: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Where `ours` lacks a member of `sample`, or has another type there."""
    if sample is None or path.endswith(NOT_HERE):
        return
    if isinstance(sample, dict):
        if not isinstance(ours, dict):
            yield f"{path}: {type(ours).__name__} instead of an object"
            return
        for name, value in sample.items():
            inner = f"{path}.{name}".lstrip(".")
            if name in ours or inner.endswith(NOT_HERE):
                yield from differences(value, ours.get(name), inner)
            else:
                yield f"{inner} is missing"
    elif isinstance(sample, list):
        if not isinstance(ours, list):
            yield f"{path}: {type(ours).__name__} instead of a list"
        elif sample and ours:
            yield from differences(sample[0], ours[0], f"{path}[]")
    elif type(sample) is not type(ours):
        yield f"{path}: {type(ours).__name__} instead of {type(sample).__name__}"


class World(PureRest):
    """An account in which everything has happened once."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: list[Webhook] = []
        self.account.webhooks.send = self.webhooks.append
        self.events = EventsApi(self.account)
        self.service = self.rest.add_service(
            "My Application Service", routing_key=KEY, acknowledgement_timeout=600, auto_resolve_timeout=14_400
        )
        self.subscription = self.account.webhooks.subscribe(
            "https://hooks.example.com/pagerduty",
            filter_type="service_reference",
            filter_id=self.service,
            headers=[("your-header-name", "value")],
        ).id
        self.account.webhooks.subscribe("https://hooks.example.com/everything")

    def event(self, **fields: Any) -> str:
        """Send an event; the incident it was about."""
        body = {**trigger("srv01/mysql", custom_details={"free space": "1%", "ping time": "1500ms"}), **fields}
        self.events.handle(Endpoint.ALERT, json.dumps(body).encode())
        its_id = self.account.journal[-1].incident
        assert its_id is not None
        return its_id

    def told(self, event_type: str) -> Any:
        """The newest webhook of a type."""
        return next(json.loads(one.body) for one in reversed(self.webhooks) if one.type == event_type)


@pytest.fixture
def world() -> World:
    return World()


REST: dict[str, Callable[[World, str], Any]] = {
    "incident_get_response_200": lambda w, i: w.get(f"/incidents/{i}"),
    "incidents_list_response_200": lambda w, i: (w.put(i, status="resolved"), w.get("/incidents"))[1],
    "incident_update_response_200": lambda w, i: w.put(i, priority="P2", status="acknowledged")[1],
    "incidents_manage_response_200": lambda w, i: w.call(
        "PUT", "/incidents", {"incidents": [{"id": i, "type": "incident_reference", "status": "acknowledged"}]}
    )[1],
    "incident_snooze_response_201": lambda w, i: w.call("POST", f"/incidents/{i}/snooze", {"duration": 3600})[1],
    "incident_notes_list_response_200": lambda w, i: w.get(f"/incidents/{i}/notes"),
    "incident_note_create_response_200": lambda w, i: w.call(
        "POST", f"/incidents/{i}/notes", rest_sample("incident_note_create_request")
    )[1],
    "incident_status_update_response_200": lambda w, i: w.call(
        "POST", f"/incidents/{i}/status_updates", rest_sample("incident_status_update_request")
    )[1],
    "incident_alerts_list_response_200": lambda w, i: w.get(f"/incidents/{i}/alerts"),
    "incident_merge_response_200": lambda w, i: w.call(
        "PUT", f"/incidents/{i}/merge", {"source_incidents": [{"id": w.open(), "type": "incident_reference"}]}
    )[1],
    "incident_log_entries_response_200": lambda w, i: {
        "log_entries": [entry for entry in w.get(f"/incidents/{i}/log_entries")["log_entries"] if "event" in str(entry)]
    },
    "log_entries_response_200": lambda w, i: {
        **w.get("/log_entries"),
        "log_entries": [entry for entry in w.get("/log_entries")["log_entries"] if "event_details" in entry],
    },
    "services_list_response_200": lambda w, i: w.get("/services"),
    "users_list_response_200": lambda w, i: w.get("/users"),
    "priorities_list_response_200": lambda w, i: w.get("/priorities"),
    "abilities_response_200": lambda w, i: w.get("/abilities"),
    "webhook_subscriptions_list_response_200": lambda w, i: w.get("/webhook_subscriptions"),
}


@pytest.mark.parametrize("name", REST)
def test_rest_answers_have_what_the_samples_have(world: World, name: str) -> None:
    its_id = world.event()
    world.put(its_id, status="acknowledged", priority="P2")
    world.call("POST", f"/incidents/{its_id}/notes", {"note": {"content": "Looking"}})
    assert list(differences(rest_sample(name), REST[name](world, its_id))) == []


def test_the_answer_to_a_new_incident(world: World) -> None:
    body = rest_sample("incident_create_request")
    body["incident"]["service"]["id"] = world.service
    status, ours = world.call("POST", "/incidents", body)
    assert status == 201
    sample = rest_sample("incident_create_response_201")
    assert list(differences(sample, ours)) == []
    for name in ("title", "incident_key", "urgency", "incident_type", "status"):
        assert ours["incident"][name] == sample["incident"][name]


def test_the_answers_about_subscriptions(world: World) -> None:
    body = rest_sample("webhook_subscription_create_request")
    body["webhook_subscription"]["filter"]["id"] = world.service
    _, made = world.call("POST", "/webhook_subscriptions", body)
    assert list(differences(rest_sample("webhook_subscription_create_response_200"), made)) == []
    _, enabled = world.call("POST", f"/webhook_subscriptions/{made['webhook_subscription']['id']}/enable")
    assert list(differences(rest_sample("webhook_subscription_enable_response_200"), enabled)) == []


def test_the_requests_that_change_things_are_taken_as_they_are(world: World) -> None:
    its_id = world.open()
    assert world.call("PUT", f"/incidents/{its_id}", rest_sample("incident_update_request_acknowledge"))[0] == 200
    assert world.rest.incident(its_id).status == "acknowledged"
    assert world.call("POST", f"/incidents/{its_id}/snooze", rest_sample("incident_snooze_request"))[0] == 201
    body = rest_sample("incident_update_request_resolve_with_resolution")
    assert world.call("PUT", f"/incidents/{its_id}", body)[0] == 200
    assert world.rest.incident(its_id).status == "resolved"
    with_alert = world.event()
    alerts = world.get(f"/incidents/{with_alert}/alerts")["alerts"]
    manage = rest_sample("incident_alerts_manage_request")
    manage["alerts"][0]["id"] = alerts[0]["id"]
    status, answer = world.call("PUT", f"/incidents/{with_alert}/alerts", manage)
    assert (status, answer["alerts"][0]["status"]) == (200, "resolved")
    assert world.rest.incident(with_alert).status == "resolved"


WEBHOOKS: dict[str, Callable[[World, str], Any]] = {
    "incident.triggered__events_api": lambda w, i: None,
    "incident.triggered__manual": lambda w, i: w.people.open(w.service, "Test", ALEX),
    "incident.acknowledged__user": lambda w, i: w.people.acknowledge(i, ALEX),
    "incident.acknowledged__events_api": lambda w, i: w.event(event_action="acknowledge"),
    "incident.unacknowledged__user": lambda w, i: (w.people.acknowledge(i, ALEX), w.people.unacknowledge(i, ALEX)),
    "incident.resolved__user": lambda w, i: w.people.resolve(i, ALEX),
    "incident.resolved__events_api": lambda w, i: w.event(event_action="resolve"),
    "incident.resolved__merged": lambda w, i: w.people.merge(w.open("Checkout API High Latency"), [i], ALEX),
    "incident.reopened": lambda w, i: (w.people.resolve(i, ALEX), w.people.reopen(i, ALEX)),
    "incident.annotated": lambda w, i: w.people.add_note(i, ALEX, "Restarted the log shipper."),
    "incident.annotated__resolution_note": lambda w, i: w.people.resolve(i, ALEX, note="Disk was cleaned up."),
    "incident.priority_updated": lambda w, i: w.people.set_priority(i, ALEX, "P2"),
    "incident.reassigned": lambda w, i: w.people.reassign(i, ALEX, ROBIN),
    "incident.escalated": lambda w, i: w.people.escalate(i, ALEX),
    "incident.delegated": lambda w, i: w.people.delegate(i, ALEX, "PESCPA2"),
    "incident.status_update_published": lambda w, i: w.people.publish(i, ALEX, "A fix is being developed"),
    "incident.responder.added": lambda w, i: w.people.request_responder(i, ALEX, ROBIN),
    "incident.responder.replied": lambda w, i: w.people.answer_request(i, ROBIN),
    "incident.conference_bridge.updated": lambda w, i: w.put(
        i, conference_bridge={"conference_number": "+1-555-555-5555", "conference_url": "https://example.com"}
    ),
    "incident.service_updated": lambda w, i: w.put(
        i, service={"id": w.rest.add_service("Another"), "type": "service_reference"}
    ),
    "pagey.ping": lambda w, i: w.call("POST", f"/webhook_subscriptions/{w.subscription}/ping"),
}


@pytest.mark.parametrize("name", WEBHOOKS)
def test_webhooks_have_what_the_samples_have_and_in_their_order(world: World, name: str) -> None:
    its_id = world.event(client="Sample Monitoring Service", client_url="https://monitoring.example.com/alerts/42")
    WEBHOOKS[name](world, its_id)
    sample = webhook_sample(name)
    ours = world.told(sample["event"]["event_type"])
    assert list(differences(sample, ours)) == []
    event, wanted = ours["event"], sample["event"]
    assert list(event) == list(wanted)
    assert list(event["data"]) == list(wanted["data"])
    for member in ("agent", "client"):
        assert (event[member] is None) == (wanted[member] is None), member
    if wanted["agent"] is not None:
        assert event["agent"]["type"] == wanted["agent"]["type"]
    assert event["data"].get("status") == wanted["data"].get("status")
    assert event["data"].get("content") == wanted["data"].get("content")
    assert (event["data"].get("incident_key") is None) == (wanted["data"].get("incident_key") is None)
    assert bool(event["data"].get("assignees")) == bool(wanted["data"].get("assignees"))


def test_no_webhook_sample_is_passed_over() -> None:
    not_sent = {"incident.custom_field_values.updated"}  # the account has no custom fields
    assert {name.partition("__")[0] for name in WEBHOOKS} | not_sent == {
        path.partition("__")[0] for path in webhook_names()
    }


def webhook_names() -> list[str]:
    names = [path.stem for path in (FIXTURES / "webhooks_v3").glob("*.json")]
    return [name for name in names if name != "signature_vectors"]
