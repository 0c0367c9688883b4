"""PUT /incidents: what a request wants changed, checked whole before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from streams.sandbox.pagerduty.card import Urgency
from streams.sandbox.pagerduty.desk import Desk
from streams.sandbox.pagerduty.directory import Directory, EscalationPolicy, Priority, TechnicalService, User
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.incidents import Incident
from streams.sandbox.pagerduty.rest.answers import (
    ALREADY_ACKNOWLEDGED,
    ALREADY_MERGED,
    ALREADY_RESOLVED,
    INVALID_PRIORITY,
    Refused,
    invalid,
)
from streams.sandbox.pagerduty.rest.request import blank

Act = Callable[[], object]

STATUSES: Final = ("triggered", "acknowledged", "resolved")
WRONG_STATUS: Final = "Status must be a list of triggered, acknowledged, or resolved."


class Updates:
    """Turns the fields of an incident into acts. refuse_repeats: answer 1001 and 1002 to what is so already."""

    def __init__(self, desk: Desk, edits: Edits, directory: Directory) -> None:
        self._desk = desk
        self._edits = edits
        self._directory = directory
        self.refuse_repeats = False

    def plan(self, incident: Incident, fields: dict[str, Any], user: User, at: int) -> list[Act]:
        """What to do, in order: a reopening first, any other status last. Raises Refused (400).

        A resolved incident is given to nobody: that is refused with code 1001, which is not documented for it.
        """
        if fields.get("type") not in ("incident", "incident_reference"):
            raise invalid("Type must be incident or incident_reference")
        status = [] if fields.get("status") is None else [self._status(incident, fields, user, at)]
        people = self._people(incident, fields, user, at)
        changes = [*self._fields(incident, fields, user, at), *people]
        if incident.open:
            return [*changes, *status]
        if people and fields.get("status") in (None, "resolved"):
            raise Refused(ALREADY_RESOLVED)
        return [*status, *changes]

    def _fields(self, incident: Incident, fields: dict[str, Any], user: User, at: int) -> list[Act]:
        acts: list[Act] = []
        if "title" in fields:
            title = fields["title"]
            if blank(title):
                raise invalid("Title can't be blank")
            acts.append(lambda: self._edits.set_title(incident, title, user, at))
        if "priority" in fields:
            priority = self.priority(fields["priority"])
            acts.append(lambda: self._edits.set_priority(incident, priority, user, at))
        if fields.get("urgency") is not None:
            urgency = self.urgency(fields["urgency"])
            acts.append(lambda: self._edits.set_urgency(incident, urgency, user, at))
        if fields.get("service") is not None:
            service = self.service(fields["service"])
            acts.append(lambda: self._edits.set_service(incident, service, user, at))
        if fields.get("incident_type") is not None:
            name = self.incident_type(fields["incident_type"])
            acts.append(lambda: self._edits.set_type(incident, name, user, at))
        if fields.get("conference_bridge") is not None:
            bridge = fields["conference_bridge"]
            if not isinstance(bridge, dict):
                raise invalid("Conference bridge must be an object")
            acts.append(lambda: self._edits.set_conference_bridge(incident, bridge, user, at))
        return acts

    def _people(self, incident: Incident, fields: dict[str, Any], user: User, at: int) -> list[Act]:
        acts: list[Act] = []
        if fields.get("escalation_policy") is not None:
            policy = self.policy(fields["escalation_policy"])
            acts.append(lambda: self._edits.delegate(incident, policy, user, at))
        if fields.get("escalation_level") is not None:
            level = fields["escalation_level"]
            if not isinstance(level, int) or level < 1:
                raise invalid("Escalation level must be a whole number from 1 on")
            acts.append(lambda: self._edits.escalate(incident, level, user, at))
        if fields.get("assignments") is not None:
            users = self.assignees(fields["assignments"])
            acts.append(lambda: self._edits.assign(incident, users, user, at))
        return acts

    def _status(self, incident: Incident, fields: dict[str, Any], user: User, at: int) -> Act:
        status, desk = fields["status"], self._desk
        if status not in STATUSES:
            raise invalid(WRONG_STATUS)
        if incident.merged_into is not None and status != "resolved":
            raise Refused(ALREADY_MERGED)
        if self.refuse_repeats and status == incident.status == "resolved":
            raise Refused(ALREADY_RESOLVED)
        if self.refuse_repeats and status == incident.status == "acknowledged":
            raise Refused(ALREADY_ACKNOWLEDGED)
        if status == "resolved":
            resolution = fields.get("resolution")
            if resolution is not None and not isinstance(resolution, str):
                raise invalid("Resolution must be a text")
            return lambda: desk.resolve(incident, user, at, resolution=resolution)
        if status == "acknowledged":
            return lambda: desk.acknowledge(incident, user, at)
        return lambda: desk.reopen(incident, user, at) or desk.unacknowledge(incident, user, at)

    def priority(self, given: object) -> Priority | None:
        """A priority reference, or its name. Raises Refused (400, code 1020)."""
        if given is None:
            return None
        which = given.get("id") if isinstance(given, dict) else given
        try:
            return self._directory.priority(str(which))
        except ValueError:
            raise Refused(INVALID_PRIORITY) from None

    def urgency(self, given: object) -> Urgency:
        if given == "high":
            return "high"
        if given == "low":
            return "low"
        raise invalid("Urgency must be high or low")

    def service(self, given: object) -> TechnicalService:
        found = self._directory.services.get(_id(given, "Service"))
        if found is None:
            raise invalid("Service not found")
        return found

    def policy(self, given: object) -> EscalationPolicy:
        found = self._directory.policies.get(_id(given, "Escalation policy"))
        if found is None:
            raise invalid("Escalation policy not found")
        return found

    def assignees(self, given: object) -> list[User]:
        if not isinstance(given, list) or not given:
            raise invalid("Assignments must be a list")
        users = []
        for one in given:
            user = self._directory.users.get(_id(one.get("assignee") if isinstance(one, dict) else None, "Assignee"))
            if user is None:
                raise invalid("Assignee not found")
            users.append(user)
        return users

    def incident_type(self, given: object) -> str:
        name = given.get("name") if isinstance(given, dict) else None
        if not isinstance(name, str) or blank(name):
            raise invalid("Incident type needs a name")
        return name


def _id(given: object, what: str) -> str:
    its_id = given.get("id") if isinstance(given, dict) else None
    if not isinstance(its_id, str):
        raise invalid(f"{what} must be a reference with an id")
    return its_id
