"""Routers: Pagerline's own form, and the JSON shape of the documented API (Coralogix, global routers API).

kind: router                        {"id": "payments", "name": "Payments", "routingLabels": {"team": "payments"},
id: payments                         "rules": [{"name": "critical", "entityType": "ALERTS",
labels: {team: payments}                        "condition": "alert.highestPriority == 'P1'",
rules:                                          "targets": [{"connectorId": "pd", "presetId": "short"}]}],
- name: critical                     "fallbackTargets": [
  condition: alert.highestPriority     {"entityType": "ALERTS", "target": {"connectorId": "quiet"}}]}
    == 'P1'
  targets:
  - pd                              # or {connector: pd, preset: short, details: {runbook: …}}
fallback: {alerts: quiet}
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from streams.documents.connector import ENTITIES, Entity
from streams.documents.node import Node
from streams.documents.parsing.common import NAME_LIMIT, Reader, checked_length, listed, needed_member, read_id
from streams.documents.parsing.value import read_condition
from streams.documents.router import DEFAULT_ROUTER, LABELS, Router, Rule, Target
from streams.documents.written import Place

OWN: Final = ("kind", "id", "name", "description", "labels", "rules", "fallback", "disabled", "version")
API: Final = (
    "kind", "id", "name", "description", "routingLabels", "entityLabels", "entityType", "rules", "fallbackTargets",
    "fallback", "disabled",
    # Documented, and of no use here: read over.
    "createTime", "updateTime", "teamId",
)  # fmt: skip
API_ONLY: Final = ("routingLabels", "entityLabels", "entityType", "fallbackTargets")

MOST_RULES: Final = 10
MOST_TARGETS: Final = 10
LABEL_LIMIT: Final = 256
DETAIL_LIMIT: Final = 20_000
"""Coralogix, global routers API."""


def read_router(reader: Reader, node: Node, *, kind_needed: bool) -> Router:
    """The router; sound only when nothing has been reported. Raises DocumentError to stop reading."""
    # The documented shape has no kind; the deprecated fallback alone tells it apart when somebody wrote one.
    is_api = any(node.has(name) for name in API_ONLY) or not node.has("kind")
    if is_api and node.has("labels"):
        raise node.fault("is written in two forms at once", "use labels and fallback, or the API's names for them")
    members = node.members(API if is_api else OWN, reader.report)
    reader.check_kind(node, members, "router", needed=kind_needed and not is_api)
    router_id = reader.id(node, members)
    reading = _Router(reader, is_api=is_api)
    with reader.noting():
        if "entityType" in members and not members["entityType"].is_nothing:
            reading.entity = reader.entity(members["entityType"])
    labels = reading.labels(members)
    if not (labels or router_id == DEFAULT_ROUTER or reader.faults):
        reader.report(
            node.fault(
                "has no labels, so that it would take every event",
                f"write one of {', '.join(LABELS)} under {'routingLabels' if is_api else 'labels'}, "
                f"or give it the id {DEFAULT_ROUTER}",
            )
        )
    rules = reading.rules(members)
    fallback = reading.fallback(members)
    if not (rules or fallback or reader.faults):
        reader.report(node.fault("leads nowhere", "write rules, or a fallback"))
    return Router(
        id=router_id,
        name=reader.name(members) or router_id,
        labels=MappingProxyType(labels),
        rules=rules,
        fallback=MappingProxyType(fallback),
        description=reader.description(members),
        disabled=reading.disabled(members),
    )


class _Router:
    def __init__(self, reader: Reader, *, is_api: bool) -> None:
        self.reader = reader
        self.report = reader.report
        self.entity: Entity = "alerts"
        self._is_api = is_api

    def labels(self, members: Mapping[str, Node]) -> dict[str, str]:
        found: dict[str, str] = {}
        with self.reader.noting():
            if self.reader.entries(members, "entityLabels"):
                raise members["entityLabels"].fault(
                    "is not looked at here, so that more events would match", "write it as a condition of the rules"
                )
            for name, value in self.reader.inside(
                members, "routingLabels" if self._is_api else "labels", LABELS
            ).items():
                with self.reader.noting():
                    if not (self._is_api and (value.is_nothing or not value.text())):
                        found[name] = checked_length(value, 1, LABEL_LIMIT)
        return found

    def disabled(self, members: Mapping[str, Node]) -> bool:
        with self.reader.noting():
            if "disabled" in members:
                return members["disabled"].truth()
        return False

    def rules(self, members: Mapping[str, Node]) -> tuple[Rule, ...]:
        found: list[Rule] = []

        def read(number: int, item: Node) -> None:
            found.append(self._rule(number, item))

        with self.reader.noting():
            if "rules" in members and not members["rules"].is_nothing:
                self.reader.each(members["rules"], MOST_RULES, read)
        return tuple(found)

    def _rule(self, number: int, item: Node) -> Rule:
        entity_name, details_name = ("entityType", "customDetails") if self._is_api else ("entity", "details")
        inner = item.members(("name", entity_name, "condition", "targets", details_name), self.report)
        entity: Entity = self.entity
        name, condition = f"rule {number + 1}", "true"
        place: Place = ("rules", number)
        with self.reader.noting():
            if "name" in inner:
                name = checked_length(inner["name"], 1, NAME_LIMIT)
        with self.reader.noting():
            if entity_name in inner and not inner[entity_name].is_nothing:
                entity = self.reader.entity(self.reader.at((*place, "entity"), inner[entity_name]))
        with self.reader.noting():
            given = needed_member(item, inner, "condition", "write true for a rule that always holds")
            condition = read_condition(self.reader.at((*place, "condition"), given))
        targets: tuple[Target, ...] = ()
        with self.reader.noting():
            targets = self._targets(needed_member(item, inner, "targets", "write the ids of connectors"), place)
        return Rule(name, entity, condition, targets, self.reader.texts(inner, details_name, DETAIL_LIMIT))

    # -- targets

    def _targets(self, node: Node, place: Place) -> tuple[Target, ...]:
        found: list[Target] = []

        def read(number: int, item: Node) -> None:
            found.append(self._target(item, (*place, "targets", number)))

        if not self._is_api and not node.is_list:
            read(0, node)  # one target needs no list
        else:
            self.reader.each(node, MOST_TARGETS, read)
            if not node.items():
                raise node.fault("is empty", "write the id of a connector")
        return tuple(found)

    def _target(self, item: Node, place: Place) -> Target:
        if not self._is_api and not item.is_mapping:
            return Target(read_id(self.reader.at((*place, "connector"), item)))
        connector, preset, details = (
            ("connectorId", "presetId", "customDetails") if self._is_api else ("connector", "preset", "details")
        )
        inner = item.members((connector, preset, details, "id"), self.report)
        given = needed_member(item, inner, connector, "write the id of a connector")
        preset_id = None
        if preset in inner and not inner[preset].is_nothing and inner[preset].text():
            preset_id = read_id(self.reader.at((*place, "preset"), inner[preset]))
        return Target(
            connector=read_id(self.reader.at((*place, "connector"), given)),
            preset=preset_id,
            details=self.reader.texts(inner, details, DETAIL_LIMIT),
            id=self.reader.short_text(inner, "id", 0, LABEL_LIMIT) or None,
        )

    # -- fallback

    def fallback(self, members: Mapping[str, Node]) -> dict[Entity, tuple[Target, ...]]:
        with self.reader.noting():
            if not self._is_api:
                return self._own_fallback(members)
            if listed(members, "fallbackTargets"):
                return self._api_fallback(members)
            return self._old_fallback(members)
        return {}

    def _own_fallback(self, members: Mapping[str, Node]) -> dict[Entity, tuple[Target, ...]]:
        given = self.reader.inside(members, "fallback", ENTITIES)
        found: dict[Entity, tuple[Target, ...]] = {}
        for entity in ENTITIES:
            if entity in given:
                with self.reader.noting():
                    found[entity] = self._targets(given[entity], ("fallback", entity))
        return found

    def _api_fallback(self, members: Mapping[str, Node]) -> dict[Entity, tuple[Target, ...]]:
        found: dict[Entity, tuple[Target, ...]] = {}

        def read(_number: int, item: Node) -> None:
            inner = item.members(("entityType", "target"), self.report)
            entity: Entity = "alerts"
            if "entityType" in inner:
                entity = self.reader.entity(inner["entityType"])
            given = needed_member(item, inner, "target", 'write {"connectorId": …}')
            target = self._target(given, ("fallback", entity, "targets", len(found.get(entity, ()))))
            found[entity] = (*found.get(entity, ()), target)

        self.reader.each(members["fallbackTargets"], MOST_TARGETS, read)
        return found

    def _old_fallback(self, members: Mapping[str, Node]) -> dict[Entity, tuple[Target, ...]]:
        """The deprecated `fallback`: a list of targets of the router's own entity."""
        if not listed(members, "fallback"):
            return {}
        return {self.entity: self._targets(members["fallback"], ("fallback", self.entity))}
