"""What to do with an event: one decision for each connector.

How the caller must use it, so that a crash anywhere changes nothing but the number of duplicates:

1. Decide the events of one incident one after another; the next only when all that follows is done for this one.
2. Write `send.pin`, confirmed.
3. Produce the outbox records and dead letters, confirmed.
4. Write `pin_after` of every Send and Skip, confirmed; this may overlap with 3.
5. Acknowledge the input.

Why that holds. Every input that goes by a pin leaves its offset and timestamp in it, so a confirmed pin tells how far
the incident has come: inputs before the one that wrote it last have their records out (1), and are skipped when they
are read again; the last writer's own records may be missing, and are produced again from the pin as it is. Nothing is
decided twice by documents that have changed in between, except where there is no pin: an acknowledge or resolve of an
incident that was never triggered here, and an event that was refused. An input of a topic that was made anew, or has
lost its end, stands at an offset that has been seen and is not read again: its timestamp tells (`streams.seen`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from streams.documents.connector import Connector, ConnectorType
from streams.documents.snapshot import Snapshot
from streams.events import Action, Event
from streams.routing.age import TooOld
from streams.routing.case import case_of, comment_of
from streams.routing.connectors import ACCOUNT, SERVICE_KEY, choose_connectors, unknown, wrong_entity
from streams.routing.decision import Ask, Decision, Reject, Send, Skip, Why
from streams.routing.destination import (
    Found,
    FoundService,
    NotFound,
    Resolve,
    as_it_is,
    find_destination,
    find_integration,
    find_service,
)
from streams.routing.pin import Pin, position_of
from streams.routing.plain import keyless
from streams.routing.presets import Made, Writer
from streams.routing.routers import ENTITY_TYPES, AtWork, Choice, Routed, at_work, written_at
from streams.seen import Seen

ACCOUNT_PREFIX: Final = "account:"


def decide(
    event: Event,
    documents: Snapshot,
    pins: Mapping[str, Pin],
    *,
    too_old: TooOld | None = None,
    resolve: Resolve = as_it_is,
) -> list[Decision]:
    """One decision for each connector the event goes through; one for all where it goes through none.

    `pins` are the incident's, by connector id. `too_old` says what is not sent any more unless it concerns an incident
    that is open; `resolve` looks up what the documents' secrets refer to. Never raises.
    """
    if event.action is None:
        return [Skip(None, "not_yet_active", "the incident is not yet active", silent=False)]
    if any(pin.is_past(event.source) for pin in pins.values()):
        return [Skip(None, "already_routed", "read again after a restart; its records are in the outbox", silent=True)]
    under_way = any(pin.open or pin.wrote_last(event.source) for pin in pins.values())
    if too_old is not None and not under_way and (said := too_old.why(event)):
        return [Skip(None, "too_old", said, silent=False, why=Why(None, revision=documents.revision))]
    ready = at_work(documents)
    chosen = choose_connectors(event, ready, pins)
    if not isinstance(chosen, Routed):
        by = Why(None, revision=documents.revision)
        return [replace(chosen, why=by) if isinstance(chosen, Skip) else chosen]
    case = Deciding(event, event.action, ready, chosen, resolve)
    decisions: list[Decision] = []
    taken: dict[str, str] = {}
    for choice in chosen.choices:
        decision = case.decide(choice, pins.get(choice.connector))
        if isinstance(decision, Send):
            first = taken.setdefault(decision.destination, choice.connector)
            decisions.append(decision if first == choice.connector else _same_destination(decision, first))
        else:
            decisions.append(decision)
    return _wrong_entities_at_once(decisions)


def _wrong_entities_at_once(decisions: list[Decision]) -> list[Decision]:
    """One Skip for all connectors that serve another entity type: one input has one such outcome."""
    wrong = [one for one in decisions if isinstance(one, Skip) and one.reason == "wrong_entity"]
    if len(wrong) < 2:
        return decisions
    told = replace(wrong_entity([one.connector_id for one in wrong if one.connector_id]), why=wrong[0].why)
    return [*(one for one in decisions if one not in wrong), told]


def _same_destination(send: Send, first: str) -> Skip:
    # One input has one outcome at one destination; two records of it could not be told apart.
    return Skip(
        send.connector_id,
        "same_destination",
        f"connector {first!r} already sends this event to {send.destination}",
        silent=True,
        pin_after=send.pin_after,
    )


class Deciding:
    """One event under decision: `decide` for each of the connectors that `choose_connectors` gave."""

    def __init__(
        self, event: Event, action: Action, ready: AtWork, routed: Routed, resolve: Resolve = as_it_is
    ) -> None:
        self._event = event
        self._action = action
        self._documents = ready.snapshot
        self._routed = routed
        self._resolve = resolve
        self._now = partial(written_at, event)
        self._writer = Writer(event, ready.presets, self._now)

    def decide(self, choice: Choice, pin: Pin | None) -> Send | Reject | Skip:
        """The decision for one connector; `pin` is the incident's with it."""
        event, action = self._event, self._action
        connector = self._documents.connectors.get(choice.connector)
        if pin is not None and (pin.open or action != "trigger" or pin.wrote_last(event.source)):
            return self._pinned(choice, pin, connector)
        if connector is None:
            return unknown(event, choice.connector, self._documents.connectors)
        if connector.type == SERVICE_KEY:
            return self._to_key(choice, connector, pin)
        if event.kind != "case":
            return replace(wrong_entity([connector.id]), why=Why(None, **self._by(choice)))
        return self._to_account(choice, connector, pin)

    def _pinned(self, choice: Choice, pin: Pin, connector: Connector | None) -> Send:
        """To where the incident's trigger went, whatever the connector says by now."""
        event = self._event
        account = pin.destination.startswith(ACCOUNT_PREFIX)
        made = self._message(choice, ACCOUNT if account else SERVICE_KEY)
        return Send(
            connector_id=pin.connector,
            destination=pin.destination,
            action=self._action,
            reason="pinned",
            message=f"goes to {pin.destination}, where the incident's trigger went",
            why=Why("pin", pinned=True, service=pin.service, **self._by(choice, made)),
            limit=pin.limit if connector is None or account else connector.options.rateLimit,
            options={} if connector is None or account else connector.options.for_outbox(),
            token=None if account else pin.routing_key_token,
            pin_after=None
            if pin.wrote_last(event.source)
            else pin.after(event.source, open=pin.open and self._action != "resolve"),
            **(self._asked(made, pin.destination.removeprefix(ACCOUNT_PREFIX), pin.service or "")
               if account else _said(made)),
        )  # fmt: skip

    def _to_key(self, choice: Choice, connector: Connector, old: Pin | None) -> Send | Reject:
        """To the service key that the connector's fields give now."""
        entity = ENTITY_TYPES[self._event.kind]
        made = self._message(choice, SERVICE_KEY)
        by = self._by(choice, made)
        found = find_destination(connector, entity, self._event.context, self._now, self._resolve, by)
        if not isinstance(found, Found):
            return _no_destination(connector, found, "routing key")
        limit = connector.options.rateLimit
        return self._by_documents(
            connector,
            found.destination,
            found.why,
            limit,
            self._new_pin(connector, found.destination, limit, old),
            options=connector.options.for_outbox(),
            routing_key=found.routing_key,
            **_said(made),
        )

    def _to_account(self, choice: Choice, connector: Connector, old: Pin | None) -> Send | Reject:
        """To the service of an account that the connector's fields give now."""
        entity = ENTITY_TYPES[self._event.kind]
        made = self._message(choice, ACCOUNT)
        by = self._by(choice, made)
        named = find_integration(connector, entity)
        integration = None if named is None else self._documents.integrations.get(named[0])
        if integration is None:
            there_are = ", ".join(sorted(self._documents.integrations)[:20]) or "there is none at all"
            said = "names no integration"
            if named is not None:
                said = f"{named[1]}: no integration {keyless(named[0][:128])!r}"
            return Reject(
                connector.id,
                "unknown_integration",
                f"connector {connector.id!r}: {said} (known: {there_are}); apply it, then replay this event",
                why=Why(None, **by),
            )
        found = find_service(connector, entity, self._event.context, self._now, self._resolve, by)
        if not isinstance(found, FoundService):
            return _no_destination(connector, found, "service")
        destination, limit = integration.destination, integration.rate_limit
        return self._by_documents(
            connector,
            destination,
            found.why,
            limit,
            self._new_pin(connector, destination, limit, old, found.service),
            **self._asked(made, integration.id, found.service),
        )

    def _by_documents(
        self, connector: Connector, destination: str, why: Why, limit: int, pin: Pin | None, **more: Any
    ) -> Send:
        """To where the connector's fields say."""
        return Send(
            connector_id=connector.id,
            destination=destination,
            action=self._action,
            reason="unpinned" if pin is None else "new_pin",
            message=f"goes to {destination}, by {why.chosen}",
            why=why,
            limit=limit,
            pin=pin,
            **more,
        )

    def _new_pin(
        self, connector: Connector, destination: str, limit: int, old: Pin | None, service: str | None = None
    ) -> Pin | None:
        """A trigger begins a life and pins it; `old` is the closed pin before."""
        if self._action != "trigger":
            return None
        position = position_of(self._event.source)
        return Pin(
            destination=destination,
            routing_key_token="",  # the caller's to seal: Send.sealed
            connector=connector.id,
            open=True,
            seen=(old.seen if old else Seen()).and_also(position),
            by=position.partition,
            limit=limit,
            service=service,
        )

    def _message(self, choice: Choice, connector_type: ConnectorType) -> Made | None:
        """What it says. Acknowledge and resolve of a service key are bare; an account is told how the Case stands with
        every input, and finds out by itself what is new."""
        if connector_type == SERVICE_KEY and self._action != "trigger":
            return None
        return self._writer.write(connector_type, choice.preset, choice.details)

    def _asked(self, made: Made | None, integration: str, service: str) -> dict[str, Any]:
        """The members of a Send to an account."""
        assert made is not None, "an account is always told"
        assert made.incident is not None, "and of an incident"
        ask = Ask(integration, service, case_of(self._event), made.incident, comment_of(self._event))
        return {"ask": ask, "render_errors": made.render_errors}

    def _by(self, choice: Choice, made: Made | None = None) -> dict[str, Any]:
        """What every Why says of how it came about."""
        return {
            "revision": self._documents.revision,
            "router": choice.router,
            "rule": choice.rule,
            "preset": None if made is None else made.preset,
            "invalid": self._routed.invalid,
        }


def _said(made: Made | None) -> dict[str, Any]:
    """The members of a Send that are its message to a service key."""
    if made is None:
        return {}
    said = made.message
    return {
        "payload": said.payload,
        "client": said.client,
        "client_url": said.client_url,
        "links": said.links,
        "render_errors": said.render_errors,
    }


def _no_destination(connector: Connector, found: NotFound, what: str) -> Reject:
    reasons = "; ".join(f"{over.candidate} {over.reason}" for over in found.why.passed_over)
    return Reject(
        connector.id,
        "no_destination",
        f"connector {connector.id!r} gives no {what}: {reasons or 'none of its fields is set'}",
        why=found.why,
    )
