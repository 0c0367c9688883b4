"""The outbox record of a dead letter, sent again: to where it went before, or to the key that is right by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from streams.documents.connector import Connector, Entity
from streams.documents.secrets import Secret, destination_id, is_routing_key, is_template, mask
from streams.errors import UnresolvedReference
from streams.routing.connectors import SERVICE_KEY
from streams.routing.decision import Why
from streams.routing.destination import DYNAMIC, STATIC, Resolve, as_it_is
from streams.routing.pin import Pin
from streams.routing.replay import Replay
from streams.routing.routers import ENTITY_TYPES
from streams.seen import Position, Seen

OPTIONAL = ("reserve", "brief", "fold", "events_url")
"""Members that a connector's options may or may not give a record."""

RefuseReason = Literal["unknown_connector", "unsupported_connector", "no_static_key", "unresolved_reference"]


@dataclass(frozen=True, slots=True)
class Resend:
    """Produce this outbox record again, after `pin` (under the connector `holder`) has been written, when there is one.

    Where `routing_key` is set it is to be sealed into the record and the pin: `sealed(token)`.
    """

    record: Mapping[str, Any] = field(repr=False)
    holder: str
    pin: Pin | None = None
    routing_key: Secret | None = None

    def sealed(self, token: str) -> Resend:
        """With the routing key sealed."""
        pin = self.pin and replace(self.pin, routing_key_token=token)
        return replace(self, record={**self.record, "routing_key": token}, pin=pin, routing_key=None)


@dataclass(frozen=True, slots=True)
class MovedOn:
    """Nothing to send: newer inputs have ended or moved the incident."""

    message: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Cannot be re-addressed; `message` has the remedy."""

    reason: RefuseReason
    message: str


@dataclass(frozen=True, slots=True)
class StaticKey:
    """A connector's present static key and the field that has it."""

    routing_key: Secret
    chosen: str

    @property
    def destination(self) -> str:
        return destination_id(self.routing_key.reveal())


def readdress(
    record: Mapping[str, Any],
    connectors: Mapping[str, Connector],
    pins: Mapping[str, Pin],
    asked: Replay,
    resolve: Resolve = as_it_is,
) -> Resend | MovedOn | Refused:
    """What becomes of the outbox record of a dead letter. `pins` are the incident's, by connector; `resolve` looks up
    what the documents' secrets refer to. Never raises.

    A trigger goes to connector `asked.to`, else to its own connector's static key if that is another one by now, else
    where it went before; and its incident is pinned there. Acknowledge and resolve go where the incident is pinned.
    """
    holder = _holder(record, pins)
    pin = pins.get(holder)
    record = {**record, "replay": asked.mark}
    if "integration" in record:
        return _at_account(record, holder, pin, asked)
    is_trigger = record["action"] == "trigger"
    if asked.to is None and pin is not None and not is_trigger:
        return _along(record, holder, pin)
    connector = connectors.get(asked.to or record["connector"])
    if asked.to is None:
        target = _corrected(record, connector, resolve)
    else:
        target = static_key(asked.to, connector, _entity(record), resolve)
    if isinstance(target, Refused):
        return target
    place = record["destination"] if target is None else target.destination
    if is_trigger and pin is not None and not asked.force and (over := _over(pin, record["destination"], place)):
        return over
    if connector is not None:
        options = {"limit": connector.options.rateLimit, **connector.options.for_outbox()}
        record = {name: value for name, value in record.items() if name not in OPTIONAL} | options
    if target is not None and connector is not None:
        record.update(destination=place, connector=connector.id, why=Why(target.chosen).to_json())
    return Resend(record, holder, _repinned(record, holder, pin), target.routing_key if target is not None else None)


def _at_account(record: dict[str, Any], holder: str, pin: Pin | None, asked: Replay) -> Resend | MovedOn | Refused:
    """The record of an account: it says how the Case stood, and goes where it went; the service is the pinned one."""
    if asked.to is not None:
        return Refused(
            "unsupported_connector",
            "a Case's record for an account cannot go elsewhere, no key was chosen for it: replay it without --to, or "
            "send the Case to its topic again",
        )
    if pin is None or pin.destination != record["destination"]:
        return Resend(record, holder, _repinned(record, holder, pin))
    if record["action"] == "trigger" and not pin.open and not asked.force:
        return MovedOn("a newer input has resolved the incident")
    if pin.service is not None:
        record["service"] = pin.service
    return Resend(record, holder, _repinned(record, holder, pin))


def static_key(
    connector_id: str, connector: Connector | None, entity: Entity, resolve: Resolve = as_it_is
) -> StaticKey | Refused:
    """The routing key that a connector has without an event to render templates with, or why there is none."""
    if connector is None:
        return Refused("unknown_connector", f"there is no connector {connector_id[:128]!r}; `pagerline get` lists all")
    if connector.type != SERVICE_KEY:
        return Refused("unsupported_connector", f"connector {connector.id!r} is of type {connector.type}")
    for name, given in _fields(connector, entity, STATIC):
        try:
            text = resolve(given).reveal()
        except UnresolvedReference as unresolved:
            return Refused("unresolved_reference", f"connector {connector.id!r}: {name}: {unresolved}")
        if not is_template(text):
            if is_routing_key(text.strip()):
                return StaticKey(Secret(text.strip()), name)
            return Refused("no_static_key", f"connector {connector.id!r}: {name} is {mask(text)}, no routing key")
    return Refused(
        "no_static_key",
        f"connector {connector.id!r} chooses its key by a template, and the event to render it with is not in this "
        "dead letter: name a connector with a static integrationKey (--to), or send the event to its topic again",
    )


def _corrected(record: Mapping[str, Any], connector: Connector | None, resolve: Resolve) -> StaticKey | Refused | None:
    """The connector's static key when it gave the record's, and is another by now; None to leave the record as it is.

    A key that a template gave cannot be given anew, the event is not here: such a record goes where it went before.
    """
    if connector is None or connector.type != SERVICE_KEY:
        return None
    entity = _entity(record)
    given = [field.reveal() for name in (DYNAMIC, STATIC) for _, field in _fields(connector, entity, name)]
    by_template = any(is_template(text) for text in given)
    chosen = (record.get("why") or {}).get("chosen")
    if by_template and not str(chosen).endswith(f".{STATIC}"):
        return None
    found = static_key(connector.id, connector, entity, resolve)
    if isinstance(found, StaticKey) and found.destination == record["destination"]:
        return None
    return found


def _over(pin: Pin, before: str, now: str) -> MovedOn | None:
    if not pin.open:
        return MovedOn("a newer input has resolved the incident")
    if pin.destination not in (before, now):
        return MovedOn(f"the incident has been opened at {pin.destination} since")
    return None


def _along(record: dict[str, Any], holder: str, pin: Pin) -> Resend:
    """An acknowledge or resolve, to where the incident is pinned by now."""
    if pin.destination != record["destination"]:
        record.update(
            destination=pin.destination,
            limit=pin.limit,
            routing_key=pin.routing_key_token,
            why=Why("pin", pinned=True).to_json(),
        )
    return Resend(record, holder)


def _repinned(record: Mapping[str, Any], holder: str, pin: Pin | None) -> Pin | None:
    """The pin to write; None when it says so already, or the record is no trigger."""
    if record["action"] != "trigger":
        return None
    if pin is not None and pin.open and pin.destination == record["destination"]:
        return None
    position = Position.of(record["source"])
    new = Pin(
        destination=record["destination"],
        routing_key_token=record.get("routing_key", ""),
        connector=holder,
        open=True,
        seen=Seen().and_also(position),
        by=position.partition,
        limit=record["limit"],
        service=record.get("service"),
    )
    return new if pin is None else replace(new, seen=pin.seen, by=pin.by)


def _holder(record: Mapping[str, Any], pins: Mapping[str, Pin]) -> str:
    """The connector under which the record's incident is pinned: after `--to` another one than the record's."""
    own: str = record["connector"]
    if own in pins:
        return own
    return next((name for name, pin in pins.items() if pin.destination == record["destination"]), own)


def _entity(record: Mapping[str, Any]) -> Entity:
    return ENTITY_TYPES[record["incident"].partition(":")[0]]


def _fields(connector: Connector, entity: Entity, name: str) -> list[tuple[str, Secret]]:
    """What a field says, the override's first, each with its path in the document."""
    layers = ((f"overrides.{entity}", connector.overrides.get(entity, {})), ("fields", connector.fields))
    return [(f"{layer}.{name}", fields[name]) for layer, fields in layers if fields.get(name)]
