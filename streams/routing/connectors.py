"""Which connectors an event goes through.

Those that the event names; else those that hold it already; else the only one there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from streams.documents.connector import Connector
from streams.documents.secrets import is_routing_key, mask
from streams.events import Event
from streams.routing.decision import Reject
from streams.routing.pin import Pin

SERVICE_KEY: Final = "PAGERDUTY"
"""The connector type whose events go to a service's integration key."""

LISTED: Final = 20
"""Ids that a message lists; an account may have 800 connectors."""


def choose_connectors(
    event: Event, connectors: Mapping[str, Connector], pins: Mapping[str, Pin]
) -> tuple[str, ...] | Reject:
    """The ids of the connectors; an id may be unknown to `connectors` (deleted, or named wrongly).

    `pins` are the incident's, by connector id. An event that names none follows them, so that what was paged is
    acknowledged and resolved when its connector has been deleted or another has been added since.
    """
    if event.connectors:
        return event.connectors
    held = tuple(name for name, pin in pins.items() if pin.open or pin.wrote_last(event.source))
    if held:
        return held
    if event.action != "trigger" and pins:
        return tuple(pins)
    usable = [name for name, connector in connectors.items() if connector.type == SERVICE_KEY]
    if len(usable) == 1:
        return (usable[0],)
    if not usable:
        return Reject(
            None,
            "no_connector",
            f"there is no connector of type {SERVICE_KEY}: apply one, then replay this event",
        )
    return Reject(
        None,
        "connector_not_named",
        f"the event names no connector and there are {len(usable)} ({listed(usable)}): "
        "name one in destinations[].connectorId",
        "/destinations",
    )


def unknown(event: Event, connector_id: str, connectors: Collection[str]) -> Reject:
    """The refusal of a connector that does not exist."""
    # A routing key put where a connector's id belongs must not be repeated.
    shown = mask(connector_id) if is_routing_key(connector_id) else connector_id[:128]
    there_are = f"there are: {listed(connectors)}" if connectors else "there is none at all"
    return Reject(
        connector_id,
        "unknown_connector",
        f"there is no connector {shown!r}; {there_are}",
        _path_of(event, connector_id),
    )


def unsupported(event: Event, connector: Connector) -> Reject:
    """The refusal of a connector whose path this stage does not serve."""
    return Reject(
        connector.id,
        "unsupported_connector",
        f"connector {connector.id!r} is of type {connector.type}: only {SERVICE_KEY} is served",
        _path_of(event, connector.id),
    )


def listed(ids: Collection[str]) -> str:
    """Ids for a message, in order, not more than a screen takes."""
    shown = sorted(ids)[:LISTED]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _path_of(event: Event, connector_id: str) -> str:
    named = event.context.get("destinations")
    for index, destination in enumerate(named if isinstance(named, list) else ()):
        if isinstance(destination, dict) and destination.get("connectorId") == connector_id:
            return f"/destinations/{index}/connectorId"
    return ""
