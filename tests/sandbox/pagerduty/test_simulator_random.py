"""Events, REST calls and people at random: whatever happens, what the account tells agrees with what it is."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_driver import KEY, OTHER_KEY, act, trigger
from simulator_rest_driver import ALEX, KIM, ROBIN, PureRest

from streams.sandbox.pagerduty import destination_of
from streams.sandbox.pagerduty.card import card_of
from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi

STATUS_OF = {
    "incident.triggered": "triggered",
    "incident.acknowledged": "acknowledged",
    "incident.unacknowledged": "triggered",
    "incident.resolved": "resolved",
    "incident.reopened": "triggered",
    "incident.reassigned": "triggered",
}

EVENTS = ["trigger", "acknowledge", "resolve"]
OVER_REST = ["create", "acknowledged", "resolved", "triggered", "note", "merge", "snooze", "reassign"]
PEOPLE = ["acknowledge", "unacknowledge", "resolve", "reopen", "add_note", "reassign", "merge", "delete"]
STEPS = st.tuples(
    st.sampled_from([*(f"event {one}" for one in EVENTS), *(f"rest {one}" for one in OVER_REST), *PEOPLE, "wait"]),
    st.integers(0, 3),
    st.integers(0, 3),
)


class Story:
    """Does steps, and hears the webhooks."""

    def __init__(self) -> None:
        self.api = PureRest(limit=None, rest_limit=None)
        self.heard: dict[str, str] = {}
        """The last status that webhooks told of each incident."""
        self.api.account.webhooks.send = lambda webhook: self.hear(json.loads(webhook.body)["event"])
        self.api.account.webhooks.subscribe("https://hooks.example.com")
        self.api.rest.add_service("Checkout", routing_key=KEY, acknowledgement_timeout=600, auto_resolve_timeout=3600)
        self.api.rest.add_service("Search", routing_key=OTHER_KEY)
        self.events = EventsApi(self.api.account)

    def hear(self, event: Any) -> None:
        status = STATUS_OF.get(event["event_type"])
        if status is not None:
            assert event["data"]["status"] == status
            self.heard[event["data"]["id"]] = status

    def do(self, what: str, one: int, other: int) -> None:
        kind, _, action = what.rpartition(" ")
        incidents = self.api.rest.incidents()
        if what == "wait":
            self.api.clock.advance((1, 300, 600, 3600)[one])
            self.api.get("/incidents")
        elif kind == "event":
            key, dedup_key = (KEY, OTHER_KEY)[other % 2], f"key-{one}"
            event = trigger(dedup_key, key=key) if action == "trigger" else act(action, dedup_key, key=key)
            self.events.handle(Endpoint.ALERT, json.dumps(event).encode())
        elif action == "create":
            service = self.api.rest.services[other % 2].id
            reference = {"id": service, "type": "service_reference"}
            body = {"type": "incident", "title": "By REST", "service": reference, "incident_key": f"case/{one}"}
            self.api.call("POST", "/incidents", {"incident": body})
        elif incidents:
            first, second = incidents[-1 - one % len(incidents)].id, incidents[-1 - other % len(incidents)].id
            if kind == "rest":
                self.over_rest(action, first, second)
            else:
                self.by_hand(action, first, second)

    def over_rest(self, action: str, first: str, second: str) -> None:
        api, path = self.api, f"/incidents/{first}"
        if action == "note":
            api.call("POST", f"{path}/notes", {"note": {"content": "Looking"}}, user=ROBIN)
        elif action == "merge":
            api.call("PUT", f"{path}/merge", {"source_incidents": [{"id": second}]})
        elif action == "snooze":
            api.call("POST", f"{path}/snooze", {"duration": 300})
        elif action == "reassign":
            api.put(first, assignments=[{"assignee": {"id": "PUSERA3", "type": "user_reference"}}])
        else:
            api.put(first, status=action)

    def by_hand(self, action: str, first: str, second: str) -> None:
        people = self.api.people
        acts = {
            "acknowledge": lambda: people.acknowledge(first, KIM),
            "unacknowledge": lambda: people.unacknowledge(first, KIM),
            "resolve": lambda: people.resolve(first, ALEX, note="Done"),
            "reopen": lambda: people.reopen(first, ALEX),
            "add_note": lambda: people.add_note(first, ALEX, "Looking"),
            "reassign": lambda: people.reassign(first, ALEX, ROBIN),
            "merge": lambda: people.merge(first, [second], KIM),
            "delete": lambda: people.delete(first),
        }
        with suppress(ValueError):  # what cannot be done now; that it has no effect is seen by the checks
            acts[action]()

    def check(self) -> None:
        book = self.api.account.book
        open_at: Counter[str] = Counter()
        for incident in book:
            card = card_of(incident)
            open_at[incident.destination] += incident.open
            assert self.heard[incident.id] == incident.status
            assert bool(card.acknowledgements) == (incident.status == "acknowledged")
            assert incident.open or not card.assignments
            assert incident.open or not any(alert.alert_open for alert in incident.alerts)
            assert incident.merged_into is None or not incident.open
            shown = self.api.get(f"/incidents/{incident.id}")["incident"]
            assert shown["status"] == incident.status
            assert shown["alert_counts"]["all"] == len(self.api.get(f"/incidents/{incident.id}/alerts")["alerts"])
        for destination in {destination_of(KEY), destination_of(OTHER_KEY), *open_at}:
            assert book.open_at(destination) == open_at[destination]
        keys = Counter(
            (card_of(one).service.id, card_of(one).incident_key)
            for one in book
            if one.open and card_of(one).incident_key is not None
        )
        assert all(self.may_repeat(key) or number == 1 for key, number in keys.items())

    def may_repeat(self, key: tuple[str, str | None]) -> bool:
        """A reopened incident may meet one that was opened with its key meanwhile."""
        found = self.api.rest.incidents(incident_key=key[1])
        return any(card_of(one).reopened_at is not None for one in found)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_what_is_told_agrees_with_what_is(steps: list[tuple[str, int, int]]) -> None:
    story = Story()
    for step in steps:
        story.do(*step)
        story.check()


def test_a_long_story() -> None:
    story, rng = Story(), random.Random(4)
    names = [*(f"event {one}" for one in EVENTS), *(f"rest {one}" for one in OVER_REST), *PEOPLE, "wait"]
    for _ in range(2000):
        story.do(rng.choice(names), rng.randrange(4), rng.randrange(4))
    story.check()
    assert len(story.heard) > 100
    assert set(story.heard.values()) == {"triggered", "acknowledged", "resolved"}
