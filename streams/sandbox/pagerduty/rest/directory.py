"""The operations on services, integrations, users, priorities, abilities, policies and teams."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.destination import destination_of
from streams.sandbox.pagerduty.directory import Directory, TechnicalService
from streams.sandbox.pagerduty.rest.answers import (
    FEATURE_MISSING,
    NO_CONTENT,
    NO_USER_OF_TOKEN,
    NOT_FOUND,
    Refused,
    invalid,
    ok,
)
from streams.sandbox.pagerduty.rest.request import Request, blank
from streams.sandbox.pagerduty.shapes import Json, Shapes

ABILITIES: Final = ("teams", "read_only_users", "service_support_hours", "urgencies")


class Entries:
    """has_priorities: without, the account lacks the feature and /priorities is answered 402.

    add_key: called with the routing key of a new integration. rename: gives a service another name.
    """

    def __init__(
        self,
        directory: Directory,
        shapes: Shapes,
        *,
        new_key: Callable[[], str],
        add_key: Callable[[str], None],
        rename: Callable[[TechnicalService, str, int], None],
    ) -> None:
        self._directory = directory
        self._shapes = shapes
        self._new_key = new_key
        self._add_key = add_key
        self._rename = rename
        self.has_priorities = True
        self.abilities = set(ABILITIES)

    def services(self, request: Request) -> Answer:
        """query: the name contains it, whatever the case. name: exactly this one."""
        found: Iterable[TechnicalService] = self._directory.services.values()
        if query := request.text("query"):
            found = [one for one in found if query.lower() in one.name.lower()]
        if name := request.text("name"):
            found = [one for one in found if one.name == name]
        if teams := request.texts("team_ids"):
            found = [one for one in found if one.team.id in teams]
        if (request.text("sort_by") or "name").startswith("name"):
            descending = (request.text("sort_by") or "").endswith(":desc")
            found = sorted(found, key=lambda one: one.name, reverse=descending)
        return request.page("services", found, lambda one: self._shapes.service(one, request.include))

    def service(self, request: Request) -> Answer:
        return ok({"service": self._shapes.service(self._service(request), request.include)})

    def create_service(self, request: Request) -> Answer:
        given = request.body("service")
        if blank(given.get("name")):
            raise invalid("Name can't be blank")
        service = self._directory.add_service(given["name"], request.at)
        return ok({"service": self._shapes.service(service)}, 201)

    def update_service(self, request: Request) -> Answer:
        service, given = self._service(request), request.body("service")
        if "name" in given:
            if blank(given["name"]):
                raise invalid("Name can't be blank")
            self._rename(service, given["name"], request.at)
        return ok({"service": self._shapes.service(service)})

    def integration(self, request: Request) -> Answer:
        for one in self._service(request).integrations:
            if one.id == request.ids[1]:
                return ok({"integration": self._shapes.integration(one)})
        raise Refused(NOT_FOUND)

    def create_integration(self, request: Request) -> Answer:
        """Makes a routing key."""
        service, given = self._service(request), request.body("integration")
        key = self._new_key()
        self._add_key(key)
        name = given.get("name")
        integration = self._directory.add_integration(
            service, destination_of(key), key=key, name=name if isinstance(name, str) else "Events API V2"
        )
        return ok({"integration": self._shapes.integration(integration)}, 201)

    def users(self, request: Request) -> Answer:
        """query: the name or email address contains it."""
        found = list(self._directory.users.values())
        if query := (request.text("query") or "").lower():
            found = [one for one in found if query in one.name.lower() or query in one.email.lower()]
        return request.page("users", found, self._shapes.user)

    def user(self, request: Request) -> Answer:
        found = self._directory.users.get(request.ids[0])
        if found is None:
            raise Refused(NOT_FOUND)
        return ok({"user": self._shapes.user(found)})

    def me(self, request: Request) -> Answer:
        """The token's user; a token of the account has none."""
        user = None if request.access.user is None else self._directory.with_email(request.access.user)
        if user is None:
            raise Refused(NO_USER_OF_TOKEN)
        return ok({"user": self._shapes.user(user)})

    def priorities(self, request: Request) -> Answer:
        """From the most severe on."""
        if not self.has_priorities:
            raise Refused(FEATURE_MISSING)
        return request.page("priorities", self._directory.priorities, self._shapes.priority)

    def list_abilities(self, request: Request) -> Answer:
        return ok({"abilities": sorted(self.abilities)})

    def ability(self, request: Request) -> Answer:
        if request.ids[0] not in self.abilities:
            raise Refused(FEATURE_MISSING)
        return NO_CONTENT

    def policies(self, request: Request) -> Answer:
        return request.page("escalation_policies", self._directory.policies.values(), self._policy)

    def policy(self, request: Request) -> Answer:
        found = self._directory.policies.get(request.ids[0])
        if found is None:
            raise Refused(NOT_FOUND)
        return ok({"escalation_policy": self._policy(found)})

    def teams(self, request: Request) -> Answer:
        team = self._directory.team
        shown = {**self._shapes.reference(team), "type": "team", "name": team.name, "description": None}
        return request.page("teams", [shown], dict)

    def _policy(self, one: object) -> Json:
        policy = one
        shown: Json = {**self._shapes.reference(policy), "type": "escalation_policy"}
        return shown

    def _service(self, request: Request) -> TechnicalService:
        found = self._directory.services.get(request.ids[0])
        if found is None:
            raise Refused(NOT_FOUND)
        return found
