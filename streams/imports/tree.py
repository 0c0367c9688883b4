"""Alertmanager's routing tree, laid flat: for each receiver, when an alert gets to it. Pure.

An alert goes to the first child that matches, and on to the next ones only behind `continue: true`; where no child
matches, the node itself takes it (Alertmanager, route). Rules of a router are independent of each other instead, so a
route's condition says here what its place in the tree said: what must match on the way down, and which earlier brother
must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.imports.conditions import ALWAYS, All, Condition, Matcher, both, disjoint, negated
from streams.imports.matchers import matchers_of
from streams.imports.shapes import Json, objs, text


@dataclass(frozen=True, slots=True)
class Leaf:
    """When alerts stop at a route: its receiver, the condition, the route as it is written, and where it stands."""

    receiver: str
    condition: Condition
    route: Json
    place: str


def leaves(route: Json) -> Iterator[Leaf]:
    """Every node of the tree where alerts may stop, in the tree's order. Raises CannotSay."""
    yield from _below(route, ALWAYS, text(route.get("receiver")), "route")


def _below(route: Json, here: Condition, receiver: str, place: str) -> Iterator[Leaf]:
    matched: list[list[Matcher]] = []
    stopped: list[list[Matcher]] = []
    for number, child in enumerate(objs(route.get("routes"))):
        matchers = matchers_of(child)
        way = both(here, *matchers)
        condition = both(way, *_none_of(stopped, way))
        yield from _below(child, condition, text(child.get("receiver")) or receiver, f"{place}.routes[{number}]")
        matched.append(matchers)
        if child.get("continue") is not True:
            stopped.append(matchers)
            if not matchers:
                return  # it takes everything: no later brother sees an alert
    if all(matched):
        yield Leaf(receiver, both(here, *_none_of(matched, here)), route, place)


def _none_of(brothers: list[list[Matcher]], way: Condition) -> list[Condition]:
    """That none of these matches; of those that cannot, on this way, nothing is said."""
    parts = way.parts if isinstance(way, All) else (way,)
    certain = [part for part in parts if isinstance(part, Matcher)]
    return [negated(both(*brother)) for brother in brothers if not disjoint(certain, brother)]
