"""REST API v2 of the account, with its controls: `sim.rest`."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping

from streams.sandbox.pagerduty.card import Card, card_of
from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.desk import Desk
from streams.sandbox.pagerduty.destination import EVERY, destination_of
from streams.sandbox.pagerduty.directory import Directory, EscalationPolicy, Priority, TechnicalService, User
from streams.sandbox.pagerduty.edits import Edits
from streams.sandbox.pagerduty.faults import FaultRules
from streams.sandbox.pagerduty.history import History
from streams.sandbox.pagerduty.incidents import Incident, IncidentBook
from streams.sandbox.pagerduty.reply import Reply
from streams.sandbox.pagerduty.rest.access import Access, Tokens, name_of
from streams.sandbox.pagerduty.rest.answers import checked_shape
from streams.sandbox.pagerduty.rest.api import DEFAULT_LIMIT, RestApi
from streams.sandbox.pagerduty.rest.directory import Entries
from streams.sandbox.pagerduty.rest.incidents import Incidents
from streams.sandbox.pagerduty.rest.journal import RestCall, RestJournal
from streams.sandbox.pagerduty.rest.operations import Operations
from streams.sandbox.pagerduty.rest.request import Received
from streams.sandbox.pagerduty.rest.subscriptions import SubscriptionCalls
from streams.sandbox.pagerduty.rest.updates import Updates
from streams.sandbox.pagerduty.shapes import Shapes
from streams.sandbox.pagerduty.webhooks.webhooks import Webhooks
from streams.sandbox.pagerduty.window import RateLimits


class Rest:
    """The API without HTTP, what it has seen, and how it is set.

    tokens: those that exist, with what they allow; None: every token, with full access to the account. limit: requests
    a minute of a token, None for no limit. add_key: called with the routing keys that it makes.
    """

    def __init__(
        self,
        *,
        book: IncidentBook,
        desk: Desk,
        edits: Edits,
        history: History,
        directory: Directory,
        webhooks: Webhooks,
        shapes: Shapes,
        faults: FaultRules,
        clock: Clock,
        rng: random.Random,
        tokens: Mapping[str, Access] | Iterable[str] | None = None,
        limit: int | None = DEFAULT_LIMIT,
        add_key: Callable[[str], None] = lambda key: None,
    ) -> None:
        self._book = book
        self._desk = desk
        self._edits = edits
        self._clock = clock
        self._add_key = add_key
        self._first_limit = limit
        self.directory = directory
        self.tokens = Tokens(tokens)
        self._updates = Updates(desk, edits, directory)
        self._entries = Entries(
            directory,
            shapes,
            new_key=lambda: f"{rng.getrandbits(128):032x}",
            add_key=add_key,
            rename=lambda service, name, at: edits.rename(service, name, None, at),
        )
        incidents = Incidents(book, desk, edits, history, shapes, self._updates)
        self._api = RestApi(
            Operations(incidents, self._entries, SubscriptionCalls(webhooks, directory)),
            self.tokens,
            faults,
            directory,
            limit=limit,
            new_id=lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        )

    def handle(self, received: Received, *, cut: bool = False) -> Reply:
        """Answer a request. cut: its body was too long to be read."""
        at = self._clock.time_ms()
        self._desk.pass_time(at)
        return self._api.handle(received, at, self._clock.monotonic(), cut=cut)

    # What is there

    def add_service(
        self,
        name: str,
        *,
        routing_key: str | None = None,
        policy: EscalationPolicy | None = None,
        acknowledgement_timeout: int | None = None,
        auto_resolve_timeout: int | None = None,
    ) -> str:
        """Make a service and return its id; names may repeat.

        routing_key: events with it go there. Time-outs are in seconds.
        """
        service = self.directory.add_service(
            name,
            self._clock.time_ms(),
            policy=policy,
            acknowledgement_timeout=acknowledgement_timeout,
            auto_resolve_timeout=auto_resolve_timeout,
        )
        if routing_key is not None:
            self._add_key(routing_key)
            self.directory.add_integration(service, destination_of(routing_key), key=routing_key)
        return service.id

    def rename_service(self, service_id: str, name: str) -> None:
        """Give a service another name, as people do."""
        self._edits.rename(self.directory.service(service_id), name, None, self._clock.time_ms())

    def add_user(self, name: str, email: str) -> User:
        return self.directory.add_user(name, email)

    @property
    def services(self) -> list[TechnicalService]:
        return list(self.directory.services.values())

    @property
    def users(self) -> list[User]:
        return list(self.directory.users.values())

    @property
    def priorities(self) -> list[Priority]:
        return list(self.directory.priorities)

    def incident(self, incident_id: str) -> Incident:
        """Raises ValueError when there is none."""
        found = self._book.get(incident_id)
        if found is None:
            raise ValueError(f"no incident {incident_id!r}")
        return found

    def card(self, incident_id: str) -> Card:
        """Assignees, priority, notes and log of an incident. Raises ValueError when there is none."""
        return card_of(self.incident(incident_id))

    def incidents(self, *, incident_key: str | None = None) -> list[Incident]:
        """All incidents of the account, whoever opened them; or those with a key, oldest first."""
        return list(self._book) if incident_key is None else self._desk.keyed(incident_key)

    # What was called

    @property
    def journal(self) -> RestJournal:
        return self._api.journal

    def writes(self, under: str = "/incidents") -> list[RestCall]:
        """The calls under a path that have changed something, or would have: those that were done, answered or not."""
        return [call for call in self.journal if call.write and call.done and call.path.startswith(under)]

    def calls(self, action: str | None = None) -> Iterator[RestCall]:
        """The calls of one operation, or all."""
        return (call for call in self.journal if action in (None, call.action))

    # How it is set

    def add_token(self, token: str, access: Access | None = None) -> None:
        """Let a token exist; from then on only those that were added do."""
        self.tokens.add(token, access)

    def set_limit(self, limit: int | None, *, token: str | None = None, action: str | None = None) -> None:
        """Requests a minute: of every token, of one, or of one operation (`create_incident`) of every token."""
        if action is not None:
            self._api.operation_limits[action] = RateLimits(limit)
        else:
            self._api.limits.set(EVERY if token is None else name_of(token), limit)

    def refuse_repeats(self, on: bool = True) -> None:
        """Answer 1001 to a second resolve and 1002 to a second acknowledge, instead of 200."""
        self._updates.refuse_repeats = on

    def require_from(self, on: bool = True) -> None:
        """Whether a write by a token of the account needs the `From` header; else it is the first user's."""
        self._api.require_from = on

    def bare_429(self, on: bool = True) -> None:
        """Answer 429 without headers and body."""
        self._api.bare_429 = on

    def shape_errors(self, shape: str = "object") -> None:
        """Answer errors in another shape that has been seen (`answers.ErrorShape`). Raises ValueError."""
        self._api.error_shape = checked_shape(shape)

    def without_priorities(self, on: bool = True) -> None:
        """Lack the priorities feature: GET /priorities is answered 402."""
        self._entries.has_priorities = not on

    def reset(self) -> None:
        """Forget the calls and filled windows, and take back every setting; services, users and tokens stay."""
        self._api.journal.clear()
        self._api.limits = RateLimits(self._first_limit)
        self._api.operation_limits.clear()
        self.refuse_repeats(False)
        self.require_from(True)
        self.bare_429(False)
        self.shape_errors()
        self.without_priorities(False)
