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

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from streams.documents.connector import Connector, Entity
from streams.events import Action, Event
from streams.routing.connectors import SERVICE_KEY, choose_connectors, unknown, unsupported
from streams.routing.decision import Decision, Reject, Send, Skip, Why
from streams.routing.destination import Found, find_destination
from streams.routing.fit import Message
from streams.routing.message import default_message
from streams.routing.pin import Pin, position_of
from streams.seen import Seen

ENTITY_TYPES: Mapping[str, Entity] = {"alert": "alerts", "case": "cases"}


def decide(event: Event, connectors: Mapping[str, Connector], pins: Mapping[str, Pin]) -> list[Decision]:
    """One decision for each connector the event goes through; one for all where it goes through none.

    `connectors` are all there are, by id; `pins` are the incident's, by connector id. Never raises.
    """
    if event.action is None:
        return [Skip(None, "not_yet_active", "the incident is not yet active", silent=False)]
    if any(pin.is_past(event.source) for pin in pins.values()):
        return [Skip(None, "already_routed", "read again after a restart; its records are in the outbox", silent=True)]
    chosen = choose_connectors(event, connectors, pins)
    if isinstance(chosen, Reject):
        return [chosen]
    message = cache(lambda: default_message(event))
    decisions: list[Decision] = []
    taken: dict[str, str] = {}
    for connector_id in chosen:
        decision = decide_connector(event, event.action, connector_id, connectors, pins.get(connector_id), message)
        if isinstance(decision, Send):
            first = taken.setdefault(decision.destination, connector_id)
            decisions.append(decision if first == connector_id else _same_destination(decision, first))
        else:
            decisions.append(decision)
    return decisions


def _written_at(event: Event) -> datetime:
    """The templates' clock: when the input was written, so that deciding it again gives the same."""
    return datetime.fromtimestamp(event.source.timestamp / 1000, UTC)


def _same_destination(send: Send, first: str) -> Skip:
    # One input has one outcome at one destination; two records of it could not be told apart.
    return Skip(
        send.connector_id,
        "same_destination",
        f"connector {first!r} already sends this event to {send.destination}",
        silent=True,
        pin_after=send.pin_after,
    )


def decide_connector(
    event: Event,
    action: Action,
    connector_id: str,
    connectors: Mapping[str, Connector],
    pin: Pin | None,
    message: Callable[[], Message],
) -> Send | Reject:
    """The decision for one of the connectors that `choose_connectors` gave; `pin` is the incident's with it."""
    connector = connectors.get(connector_id)
    if pin is not None and (pin.open or action != "trigger" or pin.wrote_last(event.source)):
        return _pinned(event, action, pin, connector, message)
    if connector is None:
        return unknown(event, connector_id, connectors)
    if connector.type != SERVICE_KEY:
        return unsupported(event, connector)
    found = find_destination(connector, ENTITY_TYPES[event.kind], event.context, lambda: _written_at(event))
    if not isinstance(found, Found):
        reasons = "; ".join(f"{over.candidate} {over.reason}" for over in found.why.passed_over)
        return Reject(
            connector_id,
            "no_destination",
            f"connector {connector_id!r} gives no routing key: {reasons or 'none of its fields is set'}",
            why=found.why,
        )
    return _by_documents(event, action, connector, pin, found, message)


def _pinned(
    event: Event, action: Action, pin: Pin, connector: Connector | None, message: Callable[[], Message]
) -> Send:
    """To where the incident's trigger went, whatever the connector says by now."""
    send = Send(
        connector_id=pin.connector,
        destination=pin.destination,
        action=action,
        reason="pinned",
        message=f"goes to {pin.destination}, where the incident's trigger went",
        why=Why("pin", pinned=True),
        limit=pin.limit if connector is None else connector.options.rateLimit,
        options={} if connector is None else connector.options.for_outbox(),
        token=pin.routing_key_token,
        pin_after=None
        if pin.wrote_last(event.source)
        else pin.after(event.source, open=pin.open and action != "resolve"),
    )
    return _saying(send, message)


def _by_documents(
    event: Event, action: Action, connector: Connector, old: Pin | None, found: Found, message: Callable[[], Message]
) -> Send:
    """To where the connector's fields say now. A trigger begins a life and pins it; `old` is the closed pin before."""
    position = position_of(event.source)
    pin = Pin(
        destination=found.destination,
        routing_key_token="",  # the caller's to seal: Send.sealed
        connector=connector.id,
        open=True,
        seen=(old.seen if old else Seen()).and_also(position),
        by=position.partition,
        limit=connector.options.rateLimit,
    )
    begins = action == "trigger"
    send = Send(
        connector_id=connector.id,
        destination=found.destination,
        action=action,
        reason="new_pin" if begins else "unpinned",
        message=f"goes to {found.destination}, by {found.why.chosen}",
        why=found.why,
        limit=connector.options.rateLimit,
        options=connector.options.for_outbox(),
        routing_key=found.routing_key,
        pin=pin if begins else None,
    )
    return _saying(send, message)


def _saying(send: Send, message: Callable[[], Message]) -> Send:
    """With the message, which only a trigger has: acknowledge and resolve of a service key are bare."""
    if send.action != "trigger":
        return send
    said = message()
    return replace(
        send,
        payload=said.payload,
        client=said.client,
        client_url=said.client_url,
        links=said.links,
        render_errors=said.render_errors,
    )
