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

from streams.documents.connector import Connector
from streams.documents.snapshot import Snapshot
from streams.events import Action, Event
from streams.routing.age import TooOld
from streams.routing.case import case_of, comment_of
from streams.routing.connectors import ACCOUNT, choose_connectors, unknown, wrong_entity
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
from streams.routing.presets import Writer
from streams.routing.routers import ENTITY_TYPES, AtWork, Choice, Routed, at_work, written_at
from streams.seen import Seen

ACCOUNT_PREFIX = "account:"


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
    by = Why(None, revision=documents.revision)
    under_way = any(pin.open or pin.wrote_last(event.source) for pin in pins.values())
    if too_old is not None and not under_way and (said := too_old.why(event)):
        return [Skip(None, "too_old", said, silent=False, why=by)]
    ready = at_work(documents)
    chosen = choose_connectors(event, ready, pins)
    if not isinstance(chosen, Routed):
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
        if connector.type != ACCOUNT:
            return self._to_key(choice, connector, pin)
        if event.kind != "case":
            return replace(wrong_entity([connector.id]), why=self._why(Why(None), choice))
        return self._to_account(choice, connector, pin)

    def _pinned(self, choice: Choice, pin: Pin, connector: Connector | None) -> Send:
        """To where the incident's trigger went, whatever the connector says by now."""
        event = self._event
        account = pin.destination.startswith(ACCOUNT_PREFIX)
        send = Send(
            connector_id=pin.connector,
            destination=pin.destination,
            action=self._action,
            reason="pinned",
            message=f"goes to {pin.destination}, where the incident's trigger went",
            why=self._why(Why("pin", pinned=True, service=pin.service), choice),
            limit=pin.limit if connector is None or account else connector.options.rateLimit,
            options={} if connector is None or account else connector.options.for_outbox(),
            token=None if account else pin.routing_key_token,
            pin_after=None
            if pin.wrote_last(event.source)
            else pin.after(event.source, open=pin.open and self._action != "resolve"),
        )
        if not account:
            return self._saying(send, choice)
        integration = pin.destination.removeprefix(ACCOUNT_PREFIX)
        return self._asking(send, choice, integration, pin.service or "")

    def _to_key(self, choice: Choice, connector: Connector, old: Pin | None) -> Send | Reject:
        """To the service key that the connector's fields give now."""
        entity = ENTITY_TYPES[self._event.kind]
        found = find_destination(connector, entity, self._event.context, self._now, self._resolve)
        if not isinstance(found, Found):
            return self._no_destination(connector, choice, found, "routing key")
        send = self._by_documents(
            choice,
            connector,
            destination=found.destination,
            why=found.why,
            limit=connector.options.rateLimit,
            old=old,
        )
        send = replace(send, routing_key=found.routing_key, options=connector.options.for_outbox())
        return self._saying(send, choice)

    def _to_account(self, choice: Choice, connector: Connector, old: Pin | None) -> Send | Reject:
        """To the service of an account that the connector's fields give now."""
        entity = ENTITY_TYPES[self._event.kind]
        named = find_integration(connector, entity)
        integration = None if named is None else self._documents.integrations.get(named[0])
        if integration is None:
            there_are = ", ".join(sorted(self._documents.integrations)[:20]) or "there is none at all"
            said = "names no integration" if named is None else f"{named[1]}: no integration {named[0][:128]!r}"
            return Reject(
                connector.id,
                "unknown_integration",
                f"connector {connector.id!r}: {said} (known: {there_are}); apply it, then replay this event",
                why=self._why(Why(None), choice),
            )
        found = find_service(connector, entity, self._event.context, self._now, self._resolve)
        if not isinstance(found, FoundService):
            return self._no_destination(connector, choice, found, "service")
        send = self._by_documents(
            choice,
            connector,
            destination=integration.destination,
            why=found.why,
            limit=integration.rate_limit,
            old=old,
        )
        if send.pin is not None:
            send = replace(send, pin=replace(send.pin, service=found.service))
        return self._asking(send, choice, integration.id, found.service)

    def _by_documents(
        self, choice: Choice, connector: Connector, *, destination: str, why: Why, limit: int, old: Pin | None
    ) -> Send:
        """A trigger begins a life and pins it; `old` is the closed pin before."""
        position = position_of(self._event.source)
        pin = Pin(
            destination=destination,
            routing_key_token="",  # the caller's to seal: Send.sealed
            connector=connector.id,
            open=True,
            seen=(old.seen if old else Seen()).and_also(position),
            by=position.partition,
            limit=limit,
        )
        begins = self._action == "trigger"
        return Send(
            connector_id=connector.id,
            destination=destination,
            action=self._action,
            reason="new_pin" if begins else "unpinned",
            message=f"goes to {destination}, by {why.chosen}",
            why=self._why(why, choice),
            limit=limit,
            pin=pin if begins else None,
        )

    def _no_destination(self, connector: Connector, choice: Choice, found: NotFound, what: str) -> Reject:
        reasons = "; ".join(f"{over.candidate} {over.reason}" for over in found.why.passed_over)
        return Reject(
            connector.id,
            "no_destination",
            f"connector {connector.id!r} gives no {what}: {reasons or 'none of its fields is set'}",
            why=self._why(found.why, choice),
        )

    def _why(self, why: Why, choice: Choice) -> Why:
        return replace(
            why,
            revision=self._documents.revision,
            router=choice.router,
            rule=choice.rule,
            invalid=self._routed.invalid,
        )

    def _saying(self, send: Send, choice: Choice) -> Send:
        """With the message, which only a trigger has: acknowledge and resolve of a service key are bare."""
        if send.action != "trigger":
            return send
        made = self._writer.write("PAGERDUTY", choice.preset, choice.details)
        said = made.message
        return replace(
            send,
            why=replace(send.why, preset=made.preset) if made.preset else send.why,
            payload=said.payload,
            client=said.client,
            client_url=said.client_url,
            links=said.links,
            render_errors=said.render_errors,
        )

    def _asking(self, send: Send, choice: Choice, integration: str, service: str) -> Send:
        """With the whole state of the Case: an account is told what holds, and finds out by itself what is new."""
        made = self._writer.write("PAGERDUTY_INCIDENTS", choice.preset, choice.details)
        ask = Ask(integration, service, case_of(self._event), made.incident or {}, comment_of(self._event))
        why = replace(send.why, preset=made.preset) if made.preset else send.why
        return replace(send, why=why, ask=ask, render_errors=made.render_errors)
