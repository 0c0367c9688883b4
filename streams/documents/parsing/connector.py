"""Connectors: Pagerline's own form, and the JSON shape of the documented API (Coralogix, connectors API).

    kind: connector                     {"id": "payments", "type": "PAGERDUTY", "name": "Payments",
    id: payments                         "connectorConfig": {"fields": [
    type: PAGERDUTY                        {"fieldName": "integrationKey", "value": "930…"}]},
    name: Payments                       "configOverrides": [{"entityType": "CASES", "fields": [
    fields: {integrationKey: 930…}         {"fieldName": "integrationKey", "template": "931…"}]}]}
    overrides:
      cases: {integrationKey: 931…}
    options: {rateLimit: 120}  # and the others of streams.documents.options

Of the type PAGERDUTY_INCIDENTS the fields are `integrationId`, `service`, `dynamicservice`, and there are no options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from streams.documents.connector import (
    ENTITIES,
    FIELDS,
    SERVED,
    TYPES,
    Connector,
    ConnectorType,
    Entity,
    frozen_fields,
    frozen_overrides,
)
from streams.documents.node import Node, choice, suggestion
from streams.documents.options import (
    DEFAULTS,
    EVENTS_URLS,
    MOST_FOLD,
    MOST_RATE_LIMIT,
    MOST_RESERVE,
    Brief,
    Options,
)
from streams.documents.parsing.common import Reader, listed, needed_member, read_id
from streams.documents.parsing.value import read_key, read_service, read_template, read_url
from streams.documents.secrets import Secret, is_template

OWN: Final = ("kind", "id", "type", "name", "description", "fields", "overrides", "options", "version")
API: Final = (
    "kind", "id", "type", "name", "description", "connectorConfig", "configOverrides", "options",
    # Documented, and of no use here: read over.
    "teamId", "resolvedConnectorConfig", "diagnostics", "createTime", "updateTime",
)  # fmt: skip
OPTIONS: Final = ("rateLimit", "reservePercent", "briefIncidents", "foldAbove", "foldSummary", "region", "baseUrl")
API_ONLY: Final = ("connectorConfig", "configOverrides")
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "rateLimit": (1, MOST_RATE_LIMIT),
    "reservePercent": (0, MOST_RESERVE),
    "foldAbove": (0, MOST_FOLD),
}
NOT_HERE: Final = "alerts never go through a connector of type PAGERDUTY_INCIDENTS"


def read_connector(reader: Reader, node: Node, *, kind_needed: bool) -> Connector:
    """The connector; sound only when nothing has been reported. Raises DocumentError to stop reading."""
    is_api = any(node.has(name) for name in API_ONLY)
    if is_api and (node.has("fields") or node.has("overrides")):
        raise node.fault(
            "is written in two forms at once",
            "use fields and overrides, or connectorConfig and configOverrides",
        )
    members = node.members(API if is_api else OWN, reader.report)
    reader.check_kind(node, members, "connector", needed=kind_needed and not is_api)
    # The fields depend on the type: with a wrong one, whatever could be said of them would mislead.
    given = reader.at(("type",), needed_member(node, members, "type", "write type: PAGERDUTY"))
    reading = _Connector(reader, _type(given))
    connector_id = reader.id(node, members)
    if is_api:
        fields, overrides = reading.api_fields(members), reading.api_overrides(members)
    else:
        fields, overrides = reading.own_fields(members, ("fields",)), reading.own_overrides(members)
    if not reader.faults:
        reading.check_complete(node, fields, overrides)
    return Connector(
        id=connector_id,
        name=reader.name(members) or connector_id,
        type=reading.type,
        fields=frozen_fields(fields),
        overrides=frozen_overrides(overrides),
        options=reading.options(members),
        description=reader.description(members),
    )


def _type(node: Node) -> ConnectorType:
    text = node.text()
    for known in TYPES:
        if text == known:
            return known
    raise node.fault("is no type of connector that there is here", suggestion(text, TYPES))


class _Connector:
    def __init__(self, reader: Reader, type_: ConnectorType) -> None:
        self.reader = reader
        self.report = reader.report
        self.type = type_
        self.known = FIELDS[type_]

    def check_complete(
        self, node: Node, fields: Mapping[str, Secret], overrides: Mapping[Entity, Mapping[str, Secret]]
    ) -> None:
        if self.type == "PAGERDUTY":
            if not (fields or any(overrides.values())):
                self.report(node.fault("holds no key", "write the routing key as fields.integrationKey"))
            return
        if "integrationId" not in fields:
            self.report(node.fault("names no integration", "write the id of an integration as fields.integrationId"))
        if not any(name in one for one in (fields, *overrides.values()) for name in ("service", "dynamicservice")):
            self.report(node.fault("names no service", "write the id or name of a service as fields.service"))

    def options(self, members: Mapping[str, Node]) -> Options:
        with self.reader.noting():
            if "options" in members and not members["options"].is_nothing:
                if self.type == "PAGERDUTY_INCIDENTS":
                    raise members["options"].fault(
                        "belongs to service keys", "write rateLimit, region and baseUrl in the integration"
                    )
                return Options(**self._option_values(members["options"].members(OPTIONS, self.report)))
        return DEFAULTS

    def _option_values(self, options: Mapping[str, Node]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, node in options.items():
            with self.reader.noting():
                if name in _BOUNDS:
                    found[name] = node.whole_number(*_BOUNDS[name])
                elif name == "foldSummary":
                    found[name] = read_template(node)
                elif name == "baseUrl":
                    found[name] = read_url(node)
                else:
                    found[name] = choice(node, EVENTS_URLS if name == "region" else get_args(Brief))
        return found

    # -- Pagerline's form

    def own_fields(self, members: Mapping[str, Node], place: tuple[str, ...]) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        with self.reader.noting():
            for name, value in self.reader.inside(members, place[-1], self.known).items():
                self._read_into(found, name, value, (*place, name))
        return found

    def own_overrides(self, members: Mapping[str, Node]) -> dict[Entity, dict[str, Secret]]:
        overrides: dict[Entity, dict[str, Secret]] = {}
        with self.reader.noting():
            entities = self.reader.inside(members, "overrides", ENTITIES)
            for entity in ENTITIES:
                if entity in entities:
                    self._check_served(entity, entities[entity])
                    overrides[entity] = self.own_fields(entities, ("overrides", entity))
        return overrides

    # -- the documented API's form

    def api_fields(self, members: Mapping[str, Node]) -> dict[str, Secret]:
        with self.reader.noting():
            inside = self.reader.inside(members, "connectorConfig", ("fields",))
            return self._api_list(inside, "value", ("fields",))
        return {}

    def api_overrides(self, members: Mapping[str, Node]) -> dict[Entity, dict[str, Secret]]:
        overrides: dict[Entity, dict[str, Secret]] = {}
        with self.reader.noting():
            for item in listed(members, "configOverrides"):
                with self.reader.noting():
                    self._api_override(item, overrides)
        return overrides

    def _api_override(self, item: Node, overrides: dict[Entity, dict[str, Secret]]) -> None:
        inner = item.members(("entityType", "fields"), self.report)
        given = needed_member(item, inner, "entityType", "write ALERTS or CASES")
        if given.text().upper().endswith("TEST_NOTIFICATIONS"):
            raise given.fault("must be ALERTS or CASES: nothing else is sent", "leave this override out")
        entity = self.reader.entity(given)
        if entity in overrides:
            raise given.fault("has an override already", "write all its fields in one")
        self._check_served(entity, given)
        overrides[entity] = self._api_list(inner, "template", ("overrides", entity))

    def _api_list(self, members: Mapping[str, Node], value_name: str, place: tuple[str, ...]) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for item in listed(members, "fields"):
            with self.reader.noting():
                inner = item.members(("fieldName", value_name), self.report)
                given = needed_member(item, inner, "fieldName", f"there are: {', '.join(self.known)}")
                value = needed_member(item, inner, value_name, f"it goes with fieldName as {value_name}")
                name = given.text()
                if name not in self.known:
                    raise given.fault("names no field of this type", suggestion(name, self.known))
                if name in found:
                    raise given.fault("names a field that is written already", "keep one of them")
                self._read_into(found, name, value, (*place, name))
        return found

    # -- both

    def _check_served(self, entity: Entity, node: Node) -> None:
        if entity not in SERVED[self.type]:
            raise node.fault(NOT_HERE, "leave this override out")

    def _read_into(self, found: dict[str, Secret], name: str, value: Node, place: tuple[str, ...]) -> None:
        with self.reader.noting():
            self.reader.at(place, value)
            found[name] = self._value(name, value, place)

    def _value(self, name: str, value: Node, place: tuple[str, ...]) -> Secret:
        if self.type == "PAGERDUTY":
            return read_key(value)
        if name != "integrationId":
            return read_service(value)
        if len(place) > 2:
            raise value.fault("is the same for all entities", "write integrationId in fields")
        if is_template(value.text()):
            raise value.fault("is a template", "write the id of one integration; choose services with dynamicservice")
        return Secret(read_id(value))
