"""What accepted events do to incidents, and what they silently do not do."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_driver import KEY, OTHER_KEY, PureEvents, act, change, trigger

from streams.sandbox.pagerduty import destination_of
from streams.sandbox.pagerduty.events_api import Endpoint
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.validation import SEVERITIES


@pytest.fixture
def events() -> PureEvents:
    return PureEvents(limit=None)


def the_incident(events: PureEvents, key: str = KEY) -> Incident:
    incident = events.account.incident(key, "db-1/disk")
    assert incident is not None
    return incident


def test_from_trigger_to_resolve(events: PureEvents) -> None:
    start = events.clock.time_ms()
    assert events.effect(trigger()) == ("opened", None)
    events.clock.advance(1)
    assert events.effect(act("acknowledge")) == ("acknowledged", None)
    events.clock.advance(1)
    assert events.effect(act("resolve")) == ("resolved", None)
    incident = the_incident(events)
    assert re.fullmatch(r"Q[0-9A-Z]{13}", incident.id)
    assert incident.number == 1
    assert incident.destination == destination_of(KEY)
    assert incident.status == "resolved"
    assert (incident.created_at, incident.acknowledged_at, incident.resolved_at) == (start, start + 1000, start + 2000)
    assert [entry.incident for entry in events.account.journal] == [incident.id] * 3


def test_a_second_trigger_joins_the_open_alert(events: PureEvents) -> None:
    events.reply(trigger(summary="first"))
    assert events.effect(trigger(summary="second")) == ("updated", None)
    incident = the_incident(events)
    assert (incident.triggers, incident.title, incident.summary) == (2, "first", "second")
    assert len(events.account.incidents()) == 1


@pytest.mark.parametrize("before", SEVERITIES)
@pytest.mark.parametrize("after", SEVERITIES)
def test_severity_is_raised_and_never_lowered(events: PureEvents, before: str, after: str) -> None:
    events.reply(trigger(severity=before))
    events.reply(trigger(severity=after))
    assert the_incident(events).severity == max(before, after, key=SEVERITIES.index)


def test_a_trigger_leaves_an_acknowledged_incident_acknowledged(events: PureEvents) -> None:
    events.reply(trigger())
    events.reply(act("acknowledge"))
    assert events.effect(trigger(severity="critical")) == ("updated", None)
    assert the_incident(events).status == "acknowledged"
    assert events.effect(act("acknowledge")) == ("none", "already_acknowledged")


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_without_an_open_alert_it_is_dropped_after_a_202(events: PureEvents, action: str) -> None:
    assert events.send(act(action))[0] == 202
    assert (events.last.effect, events.last.reason) == ("dropped", "no_open_alert")
    events.reply(trigger())
    assert events.send(act(action, key=OTHER_KEY))[0] == 202
    assert (events.last.effect, events.last.reason) == ("dropped", "open_under_another_routing_key")
    assert the_incident(events).status == "triggered"
    events.reply(act("resolve"))
    assert events.send(act(action))[0] == 202
    assert (events.last.effect, events.last.reason) == ("dropped", "already_resolved")
    assert events.effect(act(action, key=OTHER_KEY)) == ("dropped", "no_open_alert")


def test_a_trigger_after_resolve_opens_a_new_incident(events: PureEvents) -> None:
    events.reply(trigger())
    events.reply(act("resolve"))
    assert events.effect(trigger()) == ("opened", None)
    old, new = events.account.incidents()
    assert (old.status, new.status) == ("resolved", "triggered")
    assert (old.number, new.number) == (1, 2)
    assert old.id != new.id
    assert events.effect(act("resolve")) == ("resolved", None)
    assert (old.triggers, new.status) == (1, "resolved")


def test_the_same_dedup_key_under_two_routing_keys_is_two_incidents(events: PureEvents) -> None:
    events.reply(trigger())
    assert events.effect(trigger(key=OTHER_KEY)) == ("opened", None)
    events.reply(act("resolve", key=OTHER_KEY))
    assert the_incident(events).status == "triggered"
    assert the_incident(events, OTHER_KEY).status == "resolved"


def test_triggers_without_dedup_key_are_separate_incidents(events: PureEvents) -> None:
    for _ in range(2):
        assert events.effect(trigger(None)) == ("opened", None)
    first, second = events.account.incidents()
    assert first.dedup_key == events.account.journal[0].dedup_key
    assert first.dedup_key != second.dedup_key
    assert events.effect(act("resolve", first.dedup_key)) == ("resolved", None)


def test_a_change_event_touches_no_incident(events: PureEvents) -> None:
    assert events.send(change(), Endpoint.CHANGE)[0] == 202
    assert (events.last.action, events.last.effect, events.last.reason) == ("change", "none", "change_event")
    assert events.account.incidents() == []


@pytest.mark.parametrize("where", [KEY, "*", destination_of(KEY)])
def test_in_maintenance_everything_is_accepted_and_nothing_happens(events: PureEvents, where: str) -> None:
    events.reply(trigger())
    events.account.start_maintenance(where)
    for event in (trigger(severity="critical"), act("acknowledge"), act("resolve"), trigger("another")):
        assert events.send(event)[0] == 202
        assert (events.last.effect, events.last.reason) == ("dropped", "maintenance")
    assert (the_incident(events).status, the_incident(events).triggers) == ("triggered", 1)
    assert len(events.account.incidents()) == 1
    events.account.end_maintenance(where)
    assert events.effect(act("resolve")) == ("resolved", None)


def test_maintenance_of_one_key_ends_by_itself_and_leaves_the_others_alone(events: PureEvents) -> None:
    events.account.start_maintenance(KEY, for_seconds=60)
    assert events.effect(trigger()) == ("dropped", "maintenance")
    assert events.effect(trigger(key=OTHER_KEY)) == ("opened", None)
    events.clock.advance(60)
    assert events.effect(trigger()) == ("opened", None)
    with pytest.raises(ValueError, match="for_seconds"):
        events.account.start_maintenance(KEY, for_seconds=-1)


def test_a_reset_forgets_the_run_but_no_number_comes_twice() -> None:
    events = PureEvents(limit=1)
    account = events.account
    account.name(KEY, "Payments")
    events.reply(trigger())
    account.fail(status=503)
    account.start_maintenance()
    account.set_limit(None, KEY)
    account.reset()
    assert (len(account.journal), account.incidents(), account.active_faults()) == (0, [], [])
    assert events.effect(act("resolve")) == ("dropped", "no_open_alert")
    assert events.send(trigger())[0] == 429  # the first limit again, with its window empty before the resolve
    events.clock.advance(60)
    assert events.effect(trigger()) == ("opened", None)
    assert account.incidents()[0].number == 2
    assert [entry.order for entry in account.journal] == [2, 3, 4]
    assert account.service(KEY).name == "Payments"


steps = st.lists(
    st.tuples(
        st.sampled_from(["trigger", "acknowledge", "resolve"]),
        st.sampled_from([KEY, OTHER_KEY]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(SEVERITIES),
    ),
    max_size=30,
)


@given(steps)
def test_any_interleaving_keeps_the_rules(walk: list[tuple[str, str, str, str]]) -> None:
    events = PureEvents(limit=None)
    opened = 0
    for action, key, dedup_key, severity in walk:
        before = events.account.incident(key, dedup_key)
        was_open = before is not None and before.open
        severity_before = before.severity if before is not None else None
        event = (
            trigger(dedup_key, key=key, severity=severity) if action == "trigger" else act(action, dedup_key, key=key)
        )
        assert events.send(event)[0] == 202
        effect = events.last.effect
        after = events.account.incident(key, dedup_key)
        assert (effect == "dropped") == (action != "trigger" and not was_open)
        assert (effect == "opened") == (action == "trigger" and not was_open)
        assert (effect == "resolved") == (action == "resolve" and was_open)
        assert (after is before) == (effect != "opened")
        if effect == "updated" and after is not None:
            assert after.severity == max(severity_before or "info", severity, key=SEVERITIES.index)
        opened += effect == "opened"
        still_open = [(i.destination, i.dedup_key) for i in events.account.incidents() if i.open]
        assert len(still_open) == len(set(still_open))
    assert [i.number for i in events.account.incidents()] == list(range(1, opened + 1))
