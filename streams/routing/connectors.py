"""Which connectors an event goes through.

Those that the event names; else, where there is a router at all, those that the routers choose; else those that hold
the incident already; else the only one there is. An acknowledge or resolve reaches every connector that holds the
incident, whatever the event or the routers say by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from streams.documents.secrets import is_routing_key, mask
from streams.events import Event
from streams.routing.decision import Reject, Skip
from streams.routing.pin import Pin
from streams.routing.routers import ENTITY_TYPES, AtWork, Choice, Routed

SERVICE_KEY: Final = "PAGERDUTY"
"""The connector type whose events go to a service's integration key."""

ACCOUNT: Final = "PAGERDUTY_INCIDENTS"
"""The bi-directional connector type: Cases only, over the REST API of an account."""

LISTED: Final = 20
"""Ids that a message lists; an account may have 800 connectors."""


def choose_connectors(event: Event, at_work: AtWork, pins: Mapping[str, Pin]) -> Routed | Reject | Skip:
    """The connectors, each once; one may be unknown to the documents (deleted, or named wrongly).

    `pins` are the incident's, by connector id. An event that names no connector follows them, so that what was paged is
    acknowledged and resolved when its connector has been deleted or the routers have changed since.
    """
    held = tuple(name for name, pin in pins.items() if pin.open or pin.wrote_last(event.source))
    ends = event.action != "trigger"
    if event.connectors:
        named = tuple(Choice(name, event.presets.get(name)) for name in event.connectors)
        return Routed(_and_also(named, held if ends else ()))
    if ends and pins:
        return Routed(_and_also((), held or pins))
    if at_work.routed:
        routed = at_work.routers.route(event)
        # What this very input has pinned may not have got out yet: it comes again, whatever the routers say by now.
        again = [name for name in held if pins[name].wrote_last(event.source)]
        choices = _and_also(routed.choices, again) or _and_also((), held)
        return replace(routed, choices=choices) if choices else _nothing(event, routed, at_work.unreadable)
    if held:
        return Routed(_and_also((), held))
    entity = ENTITY_TYPES[event.kind]
    if the_only := at_work.only_one.get(entity):
        return the_only
    only = at_work.only[entity]
    if not only:
        return Reject(
            None,
            "no_connector",
            f"there is no connector of type {SERVICE_KEY}: apply one, then replay this event",
        )
    return Reject(
        None,
        "connector_not_named",
        f"the event names no connector and there are {len(only)} ({listed(only)}): "
        "name one in destinations[].connectorId, or apply a router",
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


def wrong_entity(connector_ids: Collection[str]) -> Skip:
    """An alert for connectors that serve Cases alone."""
    ids = list(connector_ids)
    which = f"connector {ids[0]!r} is" if len(ids) == 1 else f"connectors {listed(ids)} are"
    return Skip(
        ids[0] if len(ids) == 1 else None,
        "wrong_entity",
        f"{which} of type {ACCOUNT}, which serves Cases only: route alerts to one of type {SERVICE_KEY}",
        silent=False,
    )


def listed(ids: Collection[str]) -> str:
    """Ids for a message, in order, not more than a screen takes."""
    shown = sorted(ids)[:LISTED]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _and_also(choices: tuple[Choice, ...], held: Collection[str]) -> tuple[Choice, ...]:
    known = {choice.connector for choice in choices}
    return (*choices, *(Choice(name) for name in held if name not in known))


def _nothing(event: Event, routed: Routed, unreadable: Collection[str]) -> Skip | Reject:
    if unreadable:  # it may have been for one of them, and would be lost
        return Reject(
            None,
            "unreadable_router",
            f"no router that can be read takes it, and {listed(unreadable)} cannot be read: apply it again, then "
            "replay this event",
        )
    if not routed.matched:
        return Skip(None, "no_router_matched", "no router has labels that are all among the event's", silent=False)
    why = f"; {len(routed.invalid)} of them cannot be judged" if routed.invalid else ""
    return Skip(
        None,
        "no_rule_matched",
        f"no rule for {ENTITY_TYPES[event.kind]} is true{why}, and there is no fallback for them "
        f"(routers: {listed(routed.matched)})",
        silent=False,
    )


def _path_of(event: Event, connector_id: str) -> str:
    named = event.context.get("destinations")
    for index, destination in enumerate(named if isinstance(named, list) else ()):
        if isinstance(destination, dict) and destination.get("connectorId") == connector_id:
            return f"/destinations/{index}/connectorId"
    return ""
