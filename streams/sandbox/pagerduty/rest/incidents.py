"""The operations on incidents, their notes, alerts and log entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.card import Note, card_of
from streams.sandbox.pagerduty.desk import Desk
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.history import History
from streams.sandbox.pagerduty.incidents import Incident, IncidentBook
from streams.sandbox.pagerduty.rest.answers import (
    ALREADY_MERGED,
    BAD_SNOOZE,
    DUPLICATE_KEY,
    NO_CONTENT,
    NOT_ACKNOWLEDGED,
    NOT_FOUND,
    TOO_LARGE,
    Refused,
    arguments,
    invalid,
    ok,
)
from streams.sandbox.pagerduty.rest.request import Request, blank
from streams.sandbox.pagerduty.rest.updates import STATUSES, WRONG_STATUS, Act, Updates
from streams.sandbox.pagerduty.shapes import Shapes, alert_id_of

MAX_BULK: Final = 250
MAX_NOTES: Final = 2000
MAX_NOTE_BYTES: Final = 65_535
MAX_SNOOZE_S: Final = 168 * 3600
"""The website's maximum; the API's own is not documented."""
MAX_INCIDENT_KEY: Final = 255
MONTH_MS: Final = 30 * 24 * 3600 * 1000
"""How far back GET /incidents looks unless told."""
DETAILS: Final = frozenset(("assign", "urgency_change", "responder_request"))
"""Log entries that `is_overview=true` leaves out. Which ones those are is not documented."""


class Incidents:
    def __init__(
        self, book: IncidentBook, desk: Desk, edits: Edits, history: History, shapes: Shapes, updates: Updates
    ) -> None:
        self._book = book
        self._desk = desk
        self._edits = edits
        self._history = history
        self._shapes = shapes
        self._updates = updates

    def create(self, request: Request) -> Answer:
        """POST /incidents. A key that an open incident of the service has is refused with 400, code 2002."""
        given, updates = request.body("incident"), self._updates
        if given.get("type") != "incident":
            raise invalid("Type must be incident")
        title, key, body = given.get("title"), given.get("incident_key"), given.get("body")
        if not isinstance(title, str) or blank(title):
            raise invalid("Title can't be blank")
        service = updates.service(given.get("service"))
        if key is not None and (not isinstance(key, str) or len(key) > MAX_INCIDENT_KEY):
            raise invalid(f"Incident key must be a text of at most {MAX_INCIDENT_KEY} characters")
        details = body.get("details") if isinstance(body, dict) else None
        if body is not None and not isinstance(details, str):
            raise invalid("Body details must be a string")
        if given.get("assignments") is not None and given.get("escalation_policy") is not None:
            raise arguments("Assignments and escalation policy cannot both be given")
        settings: dict[str, Any] = {"incident_key": key or None, "body": details}
        if given.get("urgency") is not None:
            settings["urgency"] = updates.urgency(given["urgency"])
        if given.get("priority") is not None:
            settings["priority"] = updates.priority(given["priority"])
        if given.get("assignments") is not None:
            settings["assignees"] = updates.assignees(given["assignments"])
        if given.get("escalation_policy") is not None:
            settings["policy"] = updates.policy(given["escalation_policy"])
        if given.get("incident_type") is not None:
            settings["incident_type"] = updates.incident_type(given["incident_type"])
        if key and self._desk.with_key(service, key) is not None:
            raise arguments(DUPLICATE_KEY)
        incident = self._desk.create(service, title, request.actor, request.at, **settings)
        return ok({"incident": self._shapes.incident(incident)}, 201)

    def list(self, request: Request) -> Answer:
        """GET /incidents, oldest first."""
        found: Iterable[Incident] = self._book
        key = request.text("incident_key")
        if key:
            found = self._desk.keyed(key)
        elif key is not None:
            found = [one for one in found if one.open]  # as reported in airbnb/streamalert#567
        statuses = request.texts("statuses")
        if not set(statuses) <= set(STATUSES):
            raise invalid(WRONG_STATUS)
        if statuses:
            found = [one for one in found if one.status in statuses]
        if services := request.texts("service_ids"):
            found = [one for one in found if card_of(one).service.id in services]
        if users := request.texts("user_ids"):
            found = [one for one in found if any(each.user.id in users for each in card_of(one).assignments)]
        if urgencies := request.texts("urgencies"):
            found = [one for one in found if card_of(one).urgency in urgencies]
        if teams := request.texts("team_ids"):
            found = [one for one in found if card_of(one).service.team.id in teams]
        if request.text("date_range") != "all":
            until = request.moment("until") or request.at
            since = request.moment("since") or until - MONTH_MS
            found = [one for one in found if since <= one.created_at <= until]
        return request.page("incidents", _sorted(found, request.text("sort_by")), self._shapes.incident)

    def get(self, request: Request) -> Answer:
        shown = self._shapes.incident(self._incident(request), body="body" in request.include)
        return ok({"incident": shown})

    def update(self, request: Request) -> Answer:
        incident = self._incident(request)
        self._do(self._updates.plan(incident, request.body("incident"), request.actor, request.at))
        return ok({"incident": self._shapes.incident(incident)})

    def update_many(self, request: Request) -> Answer:
        """PUT /incidents: all or nothing."""
        given = request.bodies("incidents")
        if len(given) > MAX_BULK:
            raise Refused(TOO_LARGE)
        acts: list[Act] = []
        incidents = []
        for fields in given:
            incident = self._book.get(str(fields.get("id")))
            if incident is None:
                raise Refused(NOT_FOUND)
            acts += self._updates.plan(incident, fields, request.actor, request.at)
            incidents.append(incident)
        self._do(acts)
        return ok({"incidents": [self._shapes.incident(incident) for incident in incidents]})

    def merge(self, request: Request) -> Answer:
        target = self._incident(request)
        if not target.open:
            raise invalid("The target incident must be open")
        sources = []
        for given in request.bodies("source_incidents"):
            source = self._book.get(str(given.get("id")))
            if source is None:
                raise Refused(NOT_FOUND)
            if source.merged_into is not None:
                raise Refused(ALREADY_MERGED)
            if source is target:
                raise invalid("An incident cannot be merged into itself")
            sources.append(source)
        self._desk.merge(target, sources, request.actor, request.at)
        return ok({"incident": self._shapes.reference(target)})

    def snooze(self, request: Request) -> Answer:
        incident, duration = self._incident(request), request.json().get("duration")
        if not isinstance(duration, int) or isinstance(duration, bool) or not 1 <= duration <= MAX_SNOOZE_S:
            raise Refused(BAD_SNOOZE)
        if incident.status != "acknowledged":
            raise Refused(NOT_ACKNOWLEDGED)
        self._desk.snooze(incident, request.actor, duration, request.at)
        return ok({"incident": self._shapes.incident(incident)}, 201)

    def publish(self, request: Request) -> Answer:
        """POST /incidents/{id}/status_updates."""
        incident, given = self._incident(request), request.json()
        if blank(given.get("message")):
            raise invalid("Message can't be blank")
        subject, html = given.get("subject"), given.get("html_message")
        if (subject is None) != (html is None):
            raise invalid("Subject and html_message must be given together")
        update = self._edits.publish(
            incident, request.actor, given["message"], request.at, subject=subject, html_message=html
        )
        return ok({"status_update": self._shapes.status_update(update)})

    def notes(self, request: Request) -> Answer:
        """Newest first, without paging."""
        notes = reversed(card_of(self._incident(request)).notes)
        return ok({"notes": [self._shapes.note(note) for note in notes]})

    def add_note(self, request: Request) -> Answer:
        """200, not 201."""
        incident, content = self._incident(request), self._content(request)
        if len(card_of(incident).notes) >= MAX_NOTES:
            raise arguments(f"An incident has at most {MAX_NOTES} notes")
        return ok({"note": self._shapes.note(self._edits.annotate(incident, request.actor, content, request.at))})

    def edit_note(self, request: Request) -> Answer:
        incident, content = self._incident(request), self._content(request)
        note = self._note(incident, request.ids[1])
        self._edits.edit_note(incident, note, content, request.at)
        return ok({"note": self._shapes.note(note)})

    def delete_note(self, request: Request) -> Answer:
        incident = self._incident(request)
        self._edits.delete_note(incident, self._note(incident, request.ids[1]), request.at)
        return NO_CONTENT

    def alerts(self, request: Request) -> Answer:
        found = self._incident(request).alerts
        if key := request.text("alert_key"):
            found = [one for one in found if one.dedup_key == key]
        if statuses := request.texts("statuses"):
            found = [one for one in found if ("triggered" if one.alert_open else "resolved") in statuses]
        return request.page("alerts", found, self._shapes.alert)

    def alert(self, request: Request) -> Answer:
        return ok({"alert": self._shapes.alert(self._alert(self._incident(request), request.ids[1]))})

    def update_alert(self, request: Request) -> Answer:
        alert = self._alert(self._incident(request), request.ids[1])
        self._resolve_alert(alert, request.body("alert"), request)
        return ok({"alert": self._shapes.alert(alert)})

    def update_alerts(self, request: Request) -> Answer:
        incident, given = self._incident(request), request.bodies("alerts")
        if len(given) > MAX_BULK:
            raise Refused(TOO_LARGE)
        alerts = [self._alert(incident, str(fields.get("id"))) for fields in given]
        for alert, fields in zip(alerts, given, strict=True):
            self._resolve_alert(alert, fields, request)
        return ok({"alerts": [self._shapes.alert(alert) for alert in alerts]})

    def log_of(self, request: Request) -> Answer:
        """GET /incidents/{id}/log_entries, newest first."""
        return self._log(request, card_of(self._incident(request)).log)

    def log(self, request: Request) -> Answer:
        """GET /log_entries, newest first."""
        return self._log(request, self._history.log)

    def log_entry(self, request: Request) -> Answer:
        for entry in self._history.log:
            if entry.id == request.ids[0]:
                return ok({"log_entry": self._shapes.log_entry(entry, request.include)})
        raise Refused(NOT_FOUND)

    def _log(self, request: Request, log: Iterable[Any]) -> Answer:
        since, until = request.moment("since"), request.moment("until")
        found = [
            entry
            for entry in log
            if (since is None or entry.at >= since)
            and (until is None or entry.at <= until)
            and not (request.yes("is_overview") and entry.type in DETAILS)
        ]
        include = request.include
        return request.page("log_entries", reversed(found), lambda entry: self._shapes.log_entry(entry, include))

    def _resolve_alert(self, alert: Incident, fields: dict[str, Any], request: Request) -> None:
        if fields.get("status") != "resolved":
            raise invalid("Status must be resolved")
        self._desk.resolve_alert(alert, request.actor, request.at)

    def _content(self, request: Request) -> str:
        content = request.body("note").get("content")
        if not isinstance(content, str) or blank(content):
            raise invalid("Content can't be blank")
        if len(content.encode()) > MAX_NOTE_BYTES:
            raise invalid(f"Content is too long (maximum is {MAX_NOTE_BYTES} bytes)")
        return content

    def _incident(self, request: Request) -> Incident:
        """By id or number."""
        which = request.ids[0]
        found = self._book.get(which)
        if found is None and which.isascii() and which.isdigit():
            found = next((one for one in self._book if one.number == int(which)), None)
        if found is None:
            raise Refused(NOT_FOUND)
        return found

    def _note(self, incident: Incident, note_id: str) -> Note:
        for note in card_of(incident).notes:
            if note.id == note_id:
                return note
        raise Refused(NOT_FOUND)

    def _alert(self, incident: Incident, alert_id: str) -> Incident:
        for alert in incident.alerts:
            if alert_id_of(alert) == alert_id:
                return alert
        raise Refused(NOT_FOUND)

    def _do(self, acts: Iterable[Act]) -> None:
        for act in acts:
            act()


def _sorted(found: Iterable[Incident], sort_by: str | None) -> list[Incident]:
    """By up to two fields, each with `:asc` or `:desc`; without, in the order of the numbers."""
    rows = list(found)
    for part in reversed((sort_by or "incident_number").split(",")):
        name, _, direction = part.partition(":")
        if name not in ("incident_number", "created_at", "resolved_at", "urgency") or direction not in (
            "",
            "asc",
            "desc",
        ):
            raise invalid("Sort by must be incident_number, created_at, resolved_at or urgency")
        rows.sort(key=lambda one: _rank(one, name), reverse=direction == "desc")
    return rows


def _rank(one: Incident, name: str) -> int:
    if name == "created_at":
        return one.created_at
    if name == "resolved_at":
        return one.resolved_at or 0
    if name == "urgency":
        return card_of(one).urgency == "high"
    return one.number
