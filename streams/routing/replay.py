"""Dead letters that are worked on again, and inputs among them that are decided anew.

What is done follows the documents and pins of now. A replay never takes a pin back: what newer inputs of the incident
have written stays, and where they have made the replay pointless it is skipped as `moved_on`, unless it is forced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from streams.documents.snapshot import Snapshot
from streams.events import Event, Source
from streams.routing.connectors import choose_connectors
from streams.routing.decide import Deciding
from streams.routing.decision import Decision, Reject, Send, Skip
from streams.routing.destination import Resolve, as_it_is
from streams.routing.pin import Pin, position_of
from streams.routing.routers import Choice, Routed, at_work


@dataclass(frozen=True, slots=True)
class Replay:
    """What header `pagerline-replay` says. kind: what the record's value is, an input or an outbox record."""

    id: str
    force: bool = False
    to: str | None = None
    kind: Literal["event", "outbox"] = "event"

    def to_json(self) -> dict[str, Any]:
        """For the header; `from_json` reads it back."""
        return {"id": self.id, "force": self.force, "to": self.to, "kind": self.kind}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Replay:
        """A header without `kind` is an input's. Raises KeyError when `value` is not what `to_json` gives."""
        return cls(value["id"], bool(value["force"]), value["to"], value.get("kind", "event"))

    @property
    def mark(self) -> dict[str, Any]:
        """What every outbox record that it leads to carries as `replay`."""
        return {"id": self.id, "force": self.force}


def decide_replay(
    event: Event, documents: Snapshot, pins: Mapping[str, Pin], asked: Replay, *, resolve: Resolve = as_it_is
) -> list[Decision]:
    """The decisions for an input that ended in the dead letters; used as those of `decide`. Never raises.

    `asked.to` is the only connector it goes to, when it is given; its pin is to be kept under `holders` then. However
    old the input is: a person has asked for it.
    """
    if event.action is None:
        return [Skip(None, "not_yet_active", "the incident is not yet active", silent=False)]
    ready = at_work(documents)
    if asked.to is not None:
        passed = next((name for name, pin in pins.items() if _has_newer(pin, event.source)), None)
        if passed is not None and not asked.force:
            return [_moved_on(passed)]
        chosen: Routed | Reject | Skip = Routed((Choice(asked.to),))
    else:
        chosen = choose_connectors(event, ready, pins)
    if not isinstance(chosen, Routed):
        return [chosen]
    case = Deciding(event, event.action, ready, chosen, resolve)
    decisions: list[Decision] = []
    taken: set[str] = set()
    for choice in chosen.choices:
        pin = pins.get(choice.connector)
        newer = pin is not None and _has_newer(pin, event.source)
        if newer and not asked.force:
            decisions.append(_moved_on(choice.connector))
            continue
        decision = case.decide(choice, pin)
        if isinstance(decision, Send):
            if decision.destination in taken:
                continue  # one input has one outcome at one destination
            taken.add(decision.destination)
            if pin is not None and newer:
                decision = _beside(decision, pin)
        decisions.append(decision)
    return decisions


def holders(event: Event, pins: Mapping[str, Pin], to: str) -> tuple[str, ...]:
    """The connectors for which `to` stands in: the pin is kept under them, so that the incident's later inputs, which
    go on naming them, find it. Those that hold the incident already keep their own."""
    return tuple(name for name in event.connectors if name not in pins or not pins[name].open) or (to,)


def _beside(send: Send, pin: Pin) -> Send:
    """A forced replay beside newer inputs: it may open the pin, but what they have written stays."""
    opened = send.pin and replace(send.pin, seen=pin.seen, by=pin.by)
    return replace(send, pin=opened, pin_after=None)


def _has_newer(pin: Pin, source: Source) -> bool:
    return pin.seen.goes_beyond(position_of(source))


def _moved_on(connector_id: str) -> Skip:
    return Skip(
        connector_id,
        "moved_on",
        f"a newer input of the incident has gone through connector {connector_id!r}",
        silent=False,
    )
