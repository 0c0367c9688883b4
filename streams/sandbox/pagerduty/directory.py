"""Who and what the fictional account has beside incidents: users, services with integrations, priorities, policies.

Names of services may repeat, as in PagerDuty: only ids tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.sandbox.pagerduty.destination import destination_of
from streams.sandbox.pagerduty.ids import base36


@dataclass(slots=True)
class User:
    id: str
    name: str
    email: str
    time_zone: str = "Etc/UTC"
    role: str = "user"
    job_title: str | None = None


@dataclass(slots=True)
class Team:
    id: str
    name: str


@dataclass(slots=True)
class EscalationPolicy:
    id: str
    name: str
    on_call: list[User]
    """Who is called, the first level first; empty: nobody is on call."""


@dataclass(slots=True)
class Priority:
    id: str
    name: str
    description: str


@dataclass(slots=True)
class Integration:
    """A way for events into a service."""

    id: str
    name: str
    service: TechnicalService
    destination: str
    """The destination id of its routing key."""
    key: str | None = field(default=None, repr=False)
    """The routing key; None when only its destination id is known."""


@dataclass(slots=True)
class TechnicalService:
    """What PagerDuty calls a (technical) service. Time-outs are in seconds, None for none."""

    id: str
    name: str
    policy: EscalationPolicy
    team: Team
    created_at: int
    acknowledgement_timeout: int | None = None
    auto_resolve_timeout: int | None = None
    integrations: list[Integration] = field(default_factory=list, repr=False)


Agent = User | Integration | TechnicalService | None
"""Who did something; None: nobody that PagerDuty would name (automation)."""

_PRIORITIES: Final = (
    ("P1", "Whole product down"),
    ("P2", "Major feature down"),
    ("P3", "Degraded"),
    ("P4", "Minor"),
    ("P5", "Cosmetic"),
)


class Directory:
    """The account's set-up. It outlives a reset, as what was named does."""

    def __init__(self) -> None:
        self._made = 0
        alex, robin, kim = (
            User(f"PUSERA{number}", f"{name} Example", f"{name.lower()}@example.com", role="admin")
            for number, name in enumerate(("Alex", "Robin", "Kim"), 1)
        )
        self.users: dict[str, User] = {user.id: user for user in (alex, robin, kim)}
        self.team = Team("PTEAMA1", "Engineering")
        policies = (
            EscalationPolicy("PESCPA1", "Default", [alex, robin]),
            EscalationPolicy("PESCPA2", "Database on-call", [robin]),
        )
        self.policies: dict[str, EscalationPolicy] = {policy.id: policy for policy in policies}
        self.priorities: list[Priority] = [
            Priority(f"PPRIO{name}", name, description) for name, description in _PRIORITIES
        ]
        self.services: dict[str, TechnicalService] = {}
        self._by_destination: dict[str, Integration] = {}

    def new_id(self, kind: str) -> str:
        """A fresh id of 7 characters that begins with P and one letter for the kind, as older PagerDuty ids do."""
        self._made += 1
        return f"P{kind}{base36(self._made, 5)}"

    @property
    def policy(self) -> EscalationPolicy:
        """The one that new services get."""
        return next(iter(self.policies.values()))

    def add_user(self, name: str, email: str) -> User:
        user = User(self.new_id("U"), name, email)
        self.users[user.id] = user
        return user

    def user(self, who: str | User) -> User:
        """A user by id, email address or name. Raises ValueError when there is none."""
        if isinstance(who, User):
            return who
        for user in self.users.values():
            if who in (user.id, user.name) or who.lower() == user.email.lower():
                return user
        raise ValueError(f"no user {who!r}; there are {', '.join(user.email for user in self.users.values())}")

    def with_email(self, email: str) -> User | None:
        return next((user for user in self.users.values() if user.email.lower() == email.lower()), None)

    def priority(self, which: str) -> Priority:
        """A priority by id or name. Raises ValueError when there is none."""
        for priority in self.priorities:
            if which in (priority.id, priority.name):
                return priority
        raise ValueError(f"no priority {which!r}; there are {', '.join(one.name for one in self.priorities)}")

    def add_service(
        self,
        name: str,
        at: int,
        *,
        policy: EscalationPolicy | None = None,
        acknowledgement_timeout: int | None = None,
        auto_resolve_timeout: int | None = None,
    ) -> TechnicalService:
        service = TechnicalService(
            id=self.new_id("S"),
            name=name,
            policy=policy or self.policy,
            team=self.team,
            created_at=at,
            acknowledgement_timeout=acknowledgement_timeout,
            auto_resolve_timeout=auto_resolve_timeout,
        )
        self.services[service.id] = service
        return service

    def named(self, name: str) -> Iterator[TechnicalService]:
        """The services of exactly this name."""
        return (service for service in self.services.values() if service.name == name)

    def service(self, which: str) -> TechnicalService:
        """A service by id, or by a name that only one has. Raises ValueError."""
        if which in self.services:
            return self.services[which]
        found = list(self.named(which))
        if len(found) == 1:
            return found[0]
        raise ValueError(f"{len(found) or 'no'} service{'s' if len(found) > 1 else ''} {which!r}")

    def add_integration(
        self, service: TechnicalService, destination: str, *, key: str | None = None, name: str = "Events API V2"
    ) -> Integration:
        """Let a routing key lead to a service from now on, whatever it led to before."""
        before = self._by_destination.get(destination)
        if before is not None:
            before.service.integrations.remove(before)
        integration = Integration(self.new_id("I"), name, service, destination_of(destination), key)
        service.integrations.append(integration)
        self._by_destination[destination] = integration
        return integration

    def integration(self, destination: str, name: str | None, at: int) -> Integration:
        """The integration behind a destination; made, with a service of this name, when there is none yet."""
        found = self._by_destination.get(destination)
        if found is None:
            alike = [] if name is None else list(self.named(name))
            service = alike[0] if len(alike) == 1 else self.add_service(name or f"Service of {destination}", at)
            found = self.add_integration(service, destination)
        return found

    def behind(self, destination: str) -> Integration | None:
        """The integration behind a destination, if there is one."""
        return self._by_destination.get(destination)
