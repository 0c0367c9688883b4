"""Routers at work: from an event's labels and the conditions of rules to the connectors.

A router matches when all its labels are among the event's. Of a router that matches, every rule of the event's entity
type whose condition is true sends to all its targets; where none is true the fallback of that entity type does. All
routers that match count (Coralogix, routing). A condition that lacks a value is false; one that is no condition, or
gives anything but true or false, is false too, and told with the decision.

Found by label and compiled once a snapshot, so that what an event costs is in proportion to the routers that match it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from streams.documents.connector import Entity
from streams.documents.document import Kind
from streams.documents.preset import Preset
from streams.documents.router import Router, Rule, Target
from streams.documents.snapshot import Snapshot
from streams.documents.system_presets import SYSTEM
from streams.errors import DataMissing, TemplateError, TemplateWrong
from streams.events import Event
from streams.moments import moment_of
from streams.routing.labels import routing_labels
from streams.routing.plain import cut, keyless
from streams.routing.reading import EMPTY
from streams.templating import Condition, compile_condition
from streams.templating.quiet import without_keys

ALWAYS: Final = compile_condition("true")

ENTITY_TYPES: Final[Mapping[str, Entity]] = {"alert": "alerts", "case": "cases"}

REASON_LIMIT: Final = 500
"""Characters of why a condition is no condition; it travels with every delivery of the event."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One connector an event goes through, and who said so.

    `router` is its id; `rule` the name of the rule, None for the router's fallback. Neither is set where no router was
    asked. `details` are added to the message's custom details.
    """

    connector: str
    preset: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    router: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Invalid:
    """A rule whose condition is at fault, so that it counts as false; `reason` holds no secret."""

    router: str
    rule: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """As `Why.to_json` holds it."""
        return {"router": self.router, "rule": self.rule, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of an event. `missing`: the value that the event lacks, as the condition writes it."""

    outcome: Literal["true", "false", "missing", "invalid"]
    reason: str = ""
    missing: str = ""


class RuleAtWork:
    """A rule of a router; its condition is compiled when an event first asks for it."""

    __slots__ = ("_condition", "choices", "name", "rule")

    def __init__(self, router: Router, number: int, rule: Rule) -> None:
        self.rule = rule
        self.name = keyless(rule.name) or f"#{number}"
        self.choices = tuple(_choice(target, router, self.name, rule.details) for target in rule.targets)
        self._condition: Condition | TemplateWrong | None = ALWAYS if rule.condition.strip() == "true" else None

    def holds(self, event: Event, now: Callable[[], datetime]) -> Verdict:
        """Whether its condition holds for the event. Never raises."""
        condition = self._condition
        if condition is None:
            condition = self._condition = _compiled(self.rule.condition)
        if isinstance(condition, TemplateWrong):
            return Verdict("invalid", f"the condition is wrong: {_told(condition)}")
        if condition is ALWAYS:
            return TRUE
        try:
            return TRUE if condition.demand(event.context, now=now) else FALSE
        except DataMissing as missing:
            return Verdict("missing", _told(missing), without_keys(missing.path))
        except TemplateError as error:
            return Verdict("invalid", _told(error))


class RouterAtWork:
    """A router with its rules and fallbacks by entity type."""

    __slots__ = ("fallback", "router", "rules")

    def __init__(self, router: Router) -> None:
        self.router = router
        rules = [RuleAtWork(router, number, rule) for number, rule in enumerate(router.rules, start=1)]
        self.rules: Mapping[Entity, tuple[RuleAtWork, ...]] = {
            entity: tuple(rule for rule in rules if rule.rule.entity == entity) for entity in ENTITY_TYPES.values()
        }
        self.fallback: Mapping[Entity, tuple[Choice, ...]] = {
            entity: tuple(_choice(target, router, None, EMPTY) for target in targets)
            for entity, targets in router.fallback.items()
        }

    def matches(self, labels: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether all its labels are among these."""
        return all(value in labels.get(name, ()) for name, value in self.router.labels.items())


class Routers:
    """The routers of one snapshot, found by label. `any`: whether there is one at all, disabled ones included;
    `label_names`: the labels that any of them wants."""

    def __init__(self, routers: Mapping[str, Router], before: Routers | None = None) -> None:
        """`before` gives what it has of routers that are the same objects, conditions compiled."""
        self.any = bool(routers)
        known = {} if before is None else before._at_work
        self._at_work: dict[str, RouterAtWork] = {}
        for name in sorted(routers):
            if routers[name].disabled:
                continue
            there = known.get(name)
            same = there is not None and there.router is routers[name]
            self._at_work[name] = there if there is not None and same else RouterAtWork(routers[name])
        shared = Counter(pair for one in self._at_work.values() for pair in one.router.labels.items())
        self.label_names = tuple(sorted({name for name, _ in shared}))
        self._everywhere: list[tuple[int, RouterAtWork]] = []
        self._by_label: dict[tuple[str, str], list[tuple[int, RouterAtWork]]] = {}
        for number, one in enumerate(self._at_work.values()):
            # Under the label that the fewest share, so that an event meets few routers that do not match in the end.
            pairs = sorted(one.router.labels.items(), key=lambda pair: shared[pair])
            place = self._by_label.setdefault(pairs[0], []) if pairs else self._everywhere
            place.append((number, one))

    @property
    def all(self) -> tuple[RouterAtWork, ...]:
        """Those that are not disabled, in the order of their ids."""
        return tuple(self._at_work.values())

    def matching(self, event: Event) -> list[RouterAtWork]:
        """The routers whose labels the event has, in the order of their ids."""
        if not self.label_names:
            return [one for _, one in self._everywhere]
        labels = routing_labels(event, self.label_names)
        found = list(self._everywhere)
        for name, values in labels.items():
            for value in values:
                for number, one in self._by_label.get((name, value), ()):
                    if one.matches(labels):
                        found.append((number, one))
        if len(found) > 1:
            found.sort(key=lambda numbered: numbered[0])
        return [one for _, one in found]

    def route(self, event: Event) -> Routed:
        """Where the routers send an event."""
        entity = ENTITY_TYPES[event.kind]
        choices: dict[str, Choice] = {}
        invalid: list[Invalid] = []
        matched = self.matching(event)
        for one in matched:
            chosen, wrong = _chosen(one, entity, event)
            invalid += wrong
            for choice in chosen:
                choices.setdefault(choice.connector, choice)
        return Routed(tuple(choices.values()), tuple(one.router.id for one in matched), tuple(invalid))


@dataclass(frozen=True, slots=True)
class Routed:
    """Where the routers send an event: each connector once, by the first that named it. `matched`: their ids."""

    choices: tuple[Choice, ...]
    matched: tuple[str, ...] = ()
    invalid: tuple[Invalid, ...] = ()


def _chosen(one: RouterAtWork, entity: Entity, event: Event) -> tuple[Iterable[Choice], list[Invalid]]:
    chosen: list[Choice] = []
    invalid: list[Invalid] = []
    none_true = True
    for rule in one.rules[entity]:
        verdict = rule.holds(event, lambda: written_at(event))
        if verdict.outcome == "true":
            none_true = False
            chosen += rule.choices
        elif verdict.outcome == "invalid":
            invalid.append(Invalid(one.router.id, rule.name, verdict.reason))
    return (one.fallback.get(entity, ()) if none_true else chosen), invalid


TRUE: Final = Verdict("true")
FALSE: Final = Verdict("false")


def written_at(event: Event) -> datetime:
    """The templates' clock: when the input was written, so that deciding it again gives the same."""
    return moment_of(event.source.timestamp)


def _choice(target: Target, router: Router, rule: str | None, details: Mapping[str, str]) -> Choice:
    return Choice(target.connector, target.preset, {**details, **target.details}, router.id, rule)


def _compiled(text: str) -> Condition | TemplateWrong:
    try:
        return compile_condition(text)
    except TemplateWrong as wrong:
        return wrong.with_traceback(None)


def _told(error: TemplateError) -> str:
    return cut(without_keys(str(error)), REASON_LIMIT)


class AtWork:
    """A snapshot made ready to decide by: its routers, all presets, and the connectors an event may be for without
    naming any. `unreadable`: ids of routers that exist and of which nothing is known."""

    __slots__ = ("only", "only_one", "presets", "routers", "snapshot", "unreadable")

    def __init__(self, snapshot: Snapshot, before: AtWork | None = None) -> None:
        self.snapshot = snapshot
        self.routers: Routers = Routers(snapshot.routers, None if before is None else before.routers)
        self.unreadable = _unreadable(snapshot, "router")
        self.presets: Mapping[str, Preset] = {**SYSTEM, **snapshot.presets}
        served = {"alerts": ("PAGERDUTY",), "cases": ("PAGERDUTY", "PAGERDUTY_INCIDENTS")}
        self.only: Mapping[str, tuple[str, ...]] = {
            entity: (
                *(name for name, connector in snapshot.connectors.items() if connector.type in types),
                *_unreadable(snapshot, "connector"),  # may be the one that is meant
            )
            for entity, types in served.items()
        }
        self.only_one = {entity: Routed((Choice(ids[0]),)) for entity, ids in self.only.items() if len(ids) == 1}

    @property
    def routed(self) -> bool:
        """Whether there is a router at all, one that cannot be read included."""
        return self.routers.any or bool(self.unreadable)


def _unreadable(snapshot: Snapshot, kind: Kind) -> tuple[str, ...]:
    """Ids of the documents of which no record can be read: they exist, and nothing more is known. Not those of an apply
    that is held back: in the revision that is in use they are not there."""
    held = {record.key for record in snapshot.held}
    names = (name.partition("/") for name in snapshot.problems if name.encode() not in held)
    return tuple(sorted(one for found, _, one in names if found == kind and one not in snapshot.of(kind)))


_KEPT: Final = 4
"""Snapshots made ready: the present one, that of a preview, and two that other tasks may still hold."""

_ready: list[AtWork] = []


def at_work(snapshot: Snapshot) -> AtWork:
    """The snapshot made ready; once for each, and quickly where little has changed since the one before."""
    for one in _ready:
        if one.snapshot is snapshot:
            return one
    made = AtWork(snapshot, _ready[0] if _ready else None)
    _ready.insert(0, made)
    del _ready[_KEPT:]
    return made
