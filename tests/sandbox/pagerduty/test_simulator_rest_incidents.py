"""REST API v2, incidents: opening, statuses, fields, notes, merging, log entries."""

from __future__ import annotations

import pytest
from simulator_rest_driver import ALEX, KIM, ROBIN, PureRest, incident, rest_sample

from streams.sandbox.pagerduty.card import card_of
from streams.sandbox.pagerduty.shapes import moment


@pytest.fixture
def api() -> PureRest:
    return PureRest()


def test_an_incident_is_opened_with_what_was_asked_for(api: PureRest) -> None:
    service = api.rest.add_service("Checkout")
    status, body = api.call(
        "POST",
        "/incidents",
        incident(
            "Checkout is slow",
            service,
            incident_key="case/4711",
            urgency="low",
            priority={"id": "PPRIOP2", "type": "priority_reference"},
            body={"type": "incident_body", "details": "p95 above 3 s"},
        ),
    )
    shown = body["incident"]
    assert status == 201
    assert (shown["title"], shown["status"], shown["incident_key"]) == ("Checkout is slow", "triggered", "case/4711")
    assert (shown["urgency"], shown["priority"]["summary"], shown["service"]["id"]) == ("low", "P2", service)
    assert shown["assignments"][0]["assignee"]["id"] == "PUSERA1"
    assert "body" not in api.get(f"/incidents/{shown['id']}")["incident"]
    whole = api.get(f"/incidents/{shown['id']}?include[]=body")["incident"]
    assert whole["body"]["details"] == "p95 above 3 s"
    assert api.get(f"/incidents/{shown['incident_number']}")["incident"]["id"] == shown["id"]


def test_an_open_incidents_key_is_refused_on_its_service_only(api: PureRest) -> None:
    first, other = api.rest.add_service("Checkout"), api.rest.add_service("Search")
    its_id = api.open(service=first, incident_key="case/1")
    status, body = api.call("POST", "/incidents", incident("Again", first, incident_key="case/1"))
    assert (status, body) == (400, rest_sample("error_400_duplicate_incident_key"))
    assert api.call("POST", "/incidents", incident("Elsewhere", other, incident_key="case/1"))[0] == 201
    api.put(its_id, status="resolved")
    assert api.call("POST", "/incidents", incident("Again", first, incident_key="case/1"))[0] == 201
    found = api.get("/incidents?incident_key=case/1&statuses[]=triggered&statuses[]=acknowledged")["incidents"]
    assert [one["title"] for one in found] == ["Elsewhere", "Again"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": " "}, 2001),
        ({"type": "case"}, 2001),
        ({"service": {"id": "PNONE00", "type": "service_reference"}}, 2001),
        ({"service": None}, 2001),
        ({"urgency": "medium"}, 2001),
        ({"priority": {"id": "PNONE00"}}, 1020),
        ({"body": {"type": "incident_body", "details": {"a": 1}}}, 2001),
        ({"incident_key": "k" * 256}, 2001),
        ({"assignments": [{"assignee": {"id": "PNONE00"}}]}, 2001),
    ],
)
def test_what_is_wrong_with_a_new_incident_is_400(api: PureRest, fields: dict[str, object], code: int) -> None:
    body = incident("Checkout is slow", api.rest.add_service("Checkout"))
    body["incident"].update(fields)
    status, answer = api.call("POST", "/incidents", body)
    assert (status, answer["error"]["code"]) == (400, code)
    assert api.rest.incidents() == []


def test_one_assigned_to_who_opens_it_starts_acknowledged(api: PureRest) -> None:
    its_id = api.open(assignments=[{"assignee": {"id": "PUSERA1", "type": "user_reference"}}])
    assert api.rest.incident(its_id).status == "acknowledged"
    other = api.open(assignments=[{"assignee": {"id": "PUSERA2", "type": "user_reference"}}])
    assert api.rest.incident(other).status == "triggered"


def test_an_acknowledge_assigns_to_who_did_it(api: PureRest) -> None:
    its_id = api.open()
    status, body = api.call(
        "PUT", f"/incidents/{its_id}", {"incident": {"type": "incident_reference", "status": "acknowledged"}}, user=KIM
    )
    shown = body["incident"]
    assert (status, shown["status"]) == (200, "acknowledged")
    assert [one["assignee"]["summary"] for one in shown["assignments"]] == ["Kim Example"]
    assert [one["acknowledger"]["summary"] for one in shown["acknowledgements"]] == ["Kim Example"]
    assert shown["last_status_change_by"]["summary"] == "Kim Example"


def test_a_resolved_one_has_neither_assignments_nor_acknowledgements(api: PureRest) -> None:
    its_id = api.open()
    api.put(its_id, status="acknowledged")
    shown = api.put(its_id, status="resolved", resolution="Disk was cleaned up.")[1]["incident"]
    assert (shown["status"], shown["assignments"], shown["acknowledgements"]) == ("resolved", [], [])
    assert shown["resolved_at"] is not None
    entry = api.get(f"/incidents/{its_id}/log_entries")["log_entries"][0]
    assert (entry["type"], entry["channel"]["summary"]) == ("resolve_log_entry", "Disk was cleaned up.")
    assert api.get(f"/incidents/{its_id}/notes") == {"notes": []}


@pytest.mark.parametrize("status", ["triggered", "acknowledged"])
def test_a_status_on_a_resolved_incident_reopens_it(api: PureRest, status: str) -> None:
    its_id = api.open()
    api.put(its_id, status="resolved")
    shown = api.put(its_id, status=status)[1]["incident"]
    assert (shown["status"], shown["resolved_at"]) == (status, None)
    assert [one["assignee"]["summary"] for one in shown["assignments"]] == ["Alex Example"]


def test_a_resolved_one_is_given_to_nobody_unless_it_is_reopened(api: PureRest) -> None:
    its_id = api.open()
    api.put(its_id, status="resolved")
    to_robin = [{"assignee": {"id": "PUSERA2", "type": "user_reference"}}]
    assert api.put(its_id, assignments=to_robin)[1]["error"]["code"] == 1001
    shown = api.put(its_id, status="triggered", assignments=to_robin)[1]["incident"]
    assert (shown["status"], shown["assignments"][0]["assignee"]["summary"]) == ("triggered", "Robin Example")


def test_triggered_takes_an_acknowledge_back(api: PureRest) -> None:
    its_id = api.open()
    api.put(its_id, status="acknowledged")
    shown = api.put(its_id, status="triggered")[1]["incident"]
    assert (shown["status"], shown["acknowledgements"]) == ("triggered", [])


def test_repeats_are_answered_200_or_with_their_codes(api: PureRest) -> None:
    its_id = api.open()
    api.put(its_id, status="acknowledged")
    assert api.put(its_id, status="acknowledged")[0] == 200
    api.rest.refuse_repeats()
    assert (api.put(its_id, status="acknowledged")[1]["error"]["code"]) == 1002
    api.put(its_id, status="resolved")
    status, body = api.put(its_id, status="resolved")
    assert (status, body["error"]["code"]) == (400, 1001)


def test_fields_change_together(api: PureRest) -> None:
    its_id = api.open()
    shown = api.put(its_id, title="Checkout is down", priority="P1", urgency="low", status="acknowledged")[1][
        "incident"
    ]
    assert (shown["title"], shown["priority"]["summary"], shown["urgency"]) == ("Checkout is down", "P1", "low")
    assert api.put(its_id, priority=None)[1]["incident"]["priority"] is None


def test_a_wrong_status_is_told_as_pagerduty_does_and_nothing_is_done(api: PureRest) -> None:
    its_id = api.open()
    assert api.put(its_id, title="Another", status="closed") == (400, rest_sample("error_generic"))
    assert api.rest.incident(its_id).title == "Checkout is slow"


def test_many_are_changed_all_or_none(api: PureRest) -> None:
    ids = [api.open(f"Incident {number}") for number in range(3)]
    wanted = [{"id": its_id, "type": "incident_reference", "status": "resolved"} for its_id in ids]
    status, _ = api.call("PUT", "/incidents", {"incidents": [*wanted, {**wanted[0], "id": "QNONE"}]})
    assert status == 404
    assert {api.rest.incident(its_id).status for its_id in ids} == {"triggered"}
    status, body = api.call("PUT", "/incidents", {"incidents": wanted})
    assert (status, [one["status"] for one in body["incidents"]]) == (200, ["resolved"] * 3)
    assert api.call("PUT", "/incidents", {"incidents": wanted * 84})[0] == 413


def test_notes_are_written_read_changed_and_deleted(api: PureRest) -> None:
    its_id = api.open()
    path = f"/incidents/{its_id}/notes"
    status, body = api.call("POST", path, {"note": {"content": "Looking into it"}})
    assert (status, body["note"]["content"], body["note"]["user"]["summary"]) == (
        200,
        "Looking into it",
        "Alex Example",
    )
    api.call("POST", path, {"note": {"content": "Restarted"}}, user=ROBIN)
    assert [note["content"] for note in api.get(path)["notes"]] == ["Restarted", "Looking into it"]
    note = f"{path}/{body['note']['id']}"
    assert api.call("PUT", note, {"note": {"content": "Found it"}})[1]["note"]["content"] == "Found it"
    assert api.call("DELETE", note, user=None) == (204, None)
    assert [one["content"] for one in api.get(path)["notes"]] == ["Restarted"]
    assert api.call("DELETE", note)[0] == 404
    api.put(its_id, status="resolved")
    assert api.call("POST", path, {"note": {"content": "Afterwards"}})[0] == 200


@pytest.mark.parametrize("content", ["", "  ", None, "ä" * 32_768])
def test_a_note_without_text_or_with_too_much_is_400(api: PureRest, content: str | None) -> None:
    its_id = api.open()
    assert api.call("POST", f"/incidents/{its_id}/notes", {"note": {"content": content}})[0] == 400


def test_merged_incidents_are_resolved_with_a_reason(api: PureRest) -> None:
    target, source = api.open("Target"), api.open("Source")
    body = {"source_incidents": [{"id": source, "type": "incident_reference"}]}
    status, answer = api.call("PUT", f"/incidents/{target}/merge", body)
    assert (status, answer["incident"]["id"], answer["incident"]["type"]) == (200, target, "incident_reference")
    shown = api.get(f"/incidents/{source}")["incident"]
    assert (shown["status"], shown["resolve_reason"]["type"]) == ("resolved", "merge_resolve_reason")
    assert shown["resolve_reason"]["incident"]["id"] == target
    assert api.call("PUT", f"/incidents/{target}/merge", body)[1]["error"]["code"] == 1019
    assert api.put(source, status="acknowledged")[1]["error"]["code"] == 1019


def test_a_snoozed_one_is_triggered_again_at_its_end(api: PureRest) -> None:
    its_id = api.open()
    assert api.call("POST", f"/incidents/{its_id}/snooze", {"duration": 60})[1]["error"]["code"] == 1012
    api.put(its_id, status="acknowledged")
    assert api.call("POST", f"/incidents/{its_id}/snooze", {"duration": 0})[1]["error"]["code"] == 1013
    status, body = api.call("POST", f"/incidents/{its_id}/snooze", {"duration": 60})
    assert (status, body["incident"]["pending_actions"][0]["type"]) == (201, "unacknowledge")
    api.clock.advance(59)
    assert api.get(f"/incidents/{its_id}")["incident"]["status"] == "acknowledged"
    api.clock.advance(1)
    assert api.get(f"/incidents/{its_id}")["incident"]["status"] == "triggered"


def test_acknowledgements_time_out_and_incidents_resolve_themselves(api: PureRest) -> None:
    its_id = api.open(service=api.rest.add_service("Checkout", acknowledgement_timeout=600, auto_resolve_timeout=3600))
    api.put(its_id, status="acknowledged")
    api.clock.advance(600)
    assert api.get(f"/incidents/{its_id}")["incident"]["status"] == "triggered"
    api.clock.advance(3000)
    assert api.get(f"/incidents/{its_id}")["incident"]["status"] == "resolved"


def test_the_log_tells_everything_newest_first_and_from_when_on(api: PureRest) -> None:
    its_id = api.open()
    api.clock.advance(60)
    middle = api.clock.time_ms()
    api.put(its_id, status="acknowledged")
    api.call("POST", f"/incidents/{its_id}/notes", {"note": {"content": "Looking"}})
    api.put(its_id, priority="P3")
    entries = api.get(f"/incidents/{its_id}/log_entries")["log_entries"]
    assert [entry["type"].removesuffix("_log_entry") for entry in entries] == [
        "priority_change",
        "annotate",
        "acknowledge",
        "assign",
        "trigger",
    ]
    assert entries[0]["channel"]["new_priority"]["summary"] == "P3"
    assert entries[1]["channel"]["summary"] == "Looking"
    found = api.get(f"/log_entries?since={moment(middle)}&include[]=channels&include[]=incidents")["log_entries"]
    assert len(found) == 3
    assert (found[1]["channel"]["content"], found[0]["incident"]["status"]) == ("Looking", "acknowledged")
    assert api.get(f"/log_entries?until={moment(middle - 1000)}&is_overview=true")["log_entries"][0]["type"] == (
        "trigger_log_entry"
    )
    assert api.get(f"/log_entries/{entries[0]['id']}")["log_entry"] == entries[0]


def test_incidents_are_found_by_service_status_and_time(api: PureRest) -> None:
    first, second = api.rest.add_service("Checkout"), api.rest.add_service("Search")
    old = api.open("Old", service=first)
    api.clock.advance(40 * 24 * 3600)
    new = api.open("New", service=second)
    api.put(new, status="acknowledged")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in api.get(f"/incidents?{query}")["incidents"]]

    assert ids("") == [new]
    assert ids("date_range=all") == [old, new]
    assert ids(f"date_range=all&service_ids[]={first}") == [old]
    assert ids("date_range=all&statuses[]=acknowledged&statuses[]=resolved") == [new]
    api.put(new, status="resolved")
    assert ids("date_range=all&incident_key=") == [old]
    assert ids("date_range=all&sort_by=created_at:desc") == [new, old]
    assert ids("since=2026-01-01T00:00:00Z&until=2026-04-30T00:00:00Z") == [old]
    assert api.call("GET", "/incidents?statuses[]=open")[1] == rest_sample("error_generic")


def test_a_deleted_incident_is_gone(api: PureRest) -> None:
    its_id = api.open(incident_key="case/1")
    api.people.delete(its_id)
    assert api.call("GET", f"/incidents/{its_id}") == (404, rest_sample("error_404"))
    assert api.get("/log_entries")["log_entries"] == []
    assert api.open(incident_key="case/1") != its_id


def test_who_acts_is_written_down(api: PureRest) -> None:
    its_id = api.open()
    api.put(its_id, status="acknowledged")
    api.get(f"/incidents/{its_id}")
    assert [(call.action, call.incident, call.user, call.status) for call in api.rest.writes()] == [
        ("create_incident", its_id, ALEX, 201),
        ("update_incident", its_id, ALEX, 200),
    ]
    assert len(api.rest.journal) == 3
    assert card_of(api.rest.incident(its_id)).changed_by is api.account.directory.user(ALEX)
