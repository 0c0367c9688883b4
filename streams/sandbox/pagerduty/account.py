"""The fictional PagerDuty account: everything the simulator remembers and can be told.

The APIs are views on it. `EventsApi`, `rest` and `people` change incidents, and `webhooks` hears of it from `history`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.sandbox.pagerduty.card import Client
from streams.sandbox.pagerduty.clock import Clock, SystemClock
from streams.sandbox.pagerduty.desk import Desk
from streams.sandbox.pagerduty.destination import EVERY, destination_of, target_of
from streams.sandbox.pagerduty.directory import Directory
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.faults import ActiveFault, Fault, FaultRules, Kind
from streams.sandbox.pagerduty.history import History
from streams.sandbox.pagerduty.incidents import AlertEvent, Incident, IncidentBook, Outcome
from streams.sandbox.pagerduty.journal import Entry, Journal
from streams.sandbox.pagerduty.maintenance import Maintenance
from streams.sandbox.pagerduty.people import People
from streams.sandbox.pagerduty.rest.access import Access
from streams.sandbox.pagerduty.rest.api import DEFAULT_LIMIT as DEFAULT_REST_LIMIT
from streams.sandbox.pagerduty.rest.service import Rest
from streams.sandbox.pagerduty.shapes import Shapes
from streams.sandbox.pagerduty.webhooks.webhooks import Webhooks
from streams.sandbox.pagerduty.window import DEFAULT_LIMIT, RateLimits


@dataclass(slots=True)
class Service:
    """What came for one destination, that is, for one integration key."""

    destination: str
    name: str | None = None
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    """Requests by HTTP status answered; `none` when there was no answer."""
    effects: Counter[str] = field(default_factory=Counter)
    """Requests by effect."""
    faults: int = 0
    """Requests that a fault rule was applied to."""
    open_incidents: int = 0
    limit: int | None = None
    in_window: int = 0
    """Places of the rate-limit window that are taken."""
    maintenance: bool = False


class Account:
    """State and controls. `key` is a routing key or a destination id everywhere; `*` stands for all.

    limit: events a minute for a key, None for no limit.
    known_keys: the routing keys that exist; None: every well-formed key does.
    tokens, rest_limit: of the REST API (`Rest`).
    """

    def __init__(
        self,
        *,
        limit: int | None = DEFAULT_LIMIT,
        known_keys: Iterable[str] | None = None,
        tokens: Mapping[str, Access] | Iterable[str] | None = None,
        rest_limit: int | None = DEFAULT_REST_LIMIT,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.rng = rng or random.Random()
        self.known = None if known_keys is None else set(map(destination_of, known_keys))
        self.journal = Journal()
        self.book = IncidentBook(self.rng)
        self.faults = FaultRules()
        self.windows = Maintenance()
        self.limits = RateLimits(limit)
        self._first_limit = limit
        self._services: dict[str, Service] = {}
        self._names: dict[str, str] = {}
        self.shapes = Shapes()
        self.directory = Directory()
        self.history = History()
        self.edits = Edits(self.book, self.history)
        self.desk = Desk(self.book, self.directory, self.history, self.edits, self.rng)
        self.webhooks = Webhooks(self.shapes, self.clock, self.rng)
        self.history.listeners.append(self.webhooks.heard)
        self.people = People(self.book, self.desk, self.edits, self.directory, self.clock.time_ms)
        self.rest = Rest(
            book=self.book,
            desk=self.desk,
            edits=self.edits,
            history=self.history,
            directory=self.directory,
            webhooks=self.webhooks,
            shapes=self.shapes,
            faults=self.faults,
            clock=self.clock,
            rng=self.rng,
            tokens=tokens,
            limit=rest_limit,
            add_key=self._add_key,
        )

    def happen(self, event: AlertEvent, at: int, client: Client | None = None, details: str | None = None) -> Outcome:
        """Let an accepted event act. client, details: of the event, for those who look at the incident."""
        self.desk.pass_time(at)
        outcome = self.book.apply(event, at)
        self.desk.heard(outcome, event, at, self._names.get(event.destination), client, details)
        return outcome

    def record(self, entry: Entry, *, known: bool) -> None:
        """Write down a request; `known`: its destination is one that the account counts."""
        self.journal.add(entry)
        if not known or entry.destination is None:
            return
        service = self._services.get(entry.destination)
        if service is None:
            service = self._services[entry.destination] = Service(entry.destination)
        service.requests += 1
        service.answers[str(entry.status or "none")] += 1
        service.effects[entry.effect.value] += 1
        if entry.fault is not None:
            service.faults += 1

    def incident(self, key: str, dedup_key: str) -> Incident | None:
        """The newest incident that this key opened with this dedup key, open or not."""
        return self.book.newest(destination_of(key), dedup_key)

    def incidents(self, key: str = EVERY, *, status: str | None = None) -> list[Incident]:
        """The incidents that events of a key opened, oldest first, in one status when given.

        `rest.incidents()` has those that were opened over REST or by a person too.
        """
        target = target_of(key)
        return [
            incident
            for incident in self.book
            if incident.has_alert and target in (EVERY, incident.destination) and status in (None, incident.status)
        ]

    def services(self) -> list[Service]:
        """What came for each destination, and how it is set at this moment; the named ones without traffic too."""
        now = self.clock.monotonic()
        for destination in (*self._names, *self.limits.own()):
            self._services.setdefault(destination, Service(destination))
        for destination, service in self._services.items():
            service.name = self._names.get(destination)
            service.open_incidents = self.book.open_at(destination)
            service.limit = self.limits.limit(destination)
            service.in_window = self.limits.used(destination, now)
            service.maintenance = self.windows.covers(destination, now)
        return list(self._services.values())

    def service(self, key: str) -> Service:
        """What came for one key."""
        destination = destination_of(key)
        return next((one for one in self.services() if one.destination == destination), Service(destination))

    def name(self, key: str, name: str) -> None:
        """Call a destination by a service's name from now on. Names outlive a reset."""
        destination = destination_of(key)
        self._names[destination] = name
        integration = self.directory.behind(destination)
        if integration is not None:
            self.edits.rename(integration.service, name, None, self.clock.time_ms())

    def _add_key(self, key: str) -> None:
        if self.known is not None:
            self.known.add(destination_of(key))

    def name_of(self, destination: str) -> str | None:
        return self._names.get(destination)

    def fail(
        self,
        kind: Kind = "status",
        key: str = EVERY,
        *,
        action: str | None = None,
        status: int = 500,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
        count: int | None = None,
        for_seconds: float | None = None,
    ) -> str:
        """Put a fault rule in force (`Fault` says what the fields mean); returns its id for `heal`.

        Raises ValueError when a field is not as it must be.

        >>> account = Account()
        >>> account.fail("status", status=429, headers={"Retry-After": "2"}, count=1)
        'fault-1'
        """
        fault = Fault(
            kind=kind,
            match=target_of(key),
            action=action,
            status=status,
            body=body.encode() if isinstance(body, str) else body,
            headers=dict(headers or {}),
            delay=delay,
            count=count,
            for_seconds=for_seconds,
        )
        return self.faults.add(fault, self.clock.monotonic())

    def heal(self, fault_id: str | None = None) -> int:
        """End one fault rule, or all; returns how many ended."""
        return self.faults.remove(fault_id)

    def active_faults(self) -> list[ActiveFault]:
        """The fault rules in force, oldest first."""
        return self.faults.active(self.clock.monotonic())

    def set_limit(self, limit: int | None, key: str = EVERY) -> None:
        """Set the events a minute of a key, or the default of all. Raises ValueError when it is no limit."""
        self.limits.set(target_of(key), limit)

    def start_maintenance(self, key: str = EVERY, for_seconds: float | None = None) -> None:
        """Accept events without effect, until `end_maintenance` or for some seconds."""
        self.windows.start(target_of(key), self.clock.monotonic(), for_seconds)

    def end_maintenance(self, key: str = EVERY) -> None:
        """End what `start_maintenance` began with the same key."""
        self.windows.end(target_of(key))

    def reset(self) -> None:
        """Back to the start: no journals, incidents, faults, maintenance or filled windows, limits as at first.

        Names, services, users, tokens and webhook subscriptions stay; the numbers of journal entries and incidents
        go on.
        """
        self.journal.clear()
        self.book.clear()
        self.faults.remove()
        self.windows.clear()
        self.limits = RateLimits(self._first_limit)
        self._services.clear()
        self.desk.clear()
        self.history.clear()
        self.rest.reset()
        self.webhooks.attempts.clear()
        self.webhooks.calm()
