"""Presets: Pagerline's own form, and the JSON shape of the documented API (Coralogix, presets API).

kind: preset                        {"id": "payments", "name": "Payments", "entityType": "ALERTS",
id: payments                         "connectorType": "PAGERDUTY",
entity: alerts                       "parentId": "preset_system_pagerduty_alerts_basic",
parent: preset_system_…_basic        "configOverrides": [
fields:                                {"conditionType": {"matchEntityType": {}}, "payloadType": "triggered",
  summary: "{{ alertDef.name }}"        "messageConfig": {"fields": [
subtypes:                                 {"fieldName": "summary", "template": "{{ alertDef.name }}"}]}}]}
  logsImmediateTriggered:
    severity: critical
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import orjson

from streams.documents.connector import SERVED, TYPES, ConnectorType, Entity
from streams.documents.node import Node, suggestion
from streams.documents.parsing.common import Reader, checked_length, listed, needed_member, read_id
from streams.documents.parsing.value import read_template
from streams.documents.preset import MESSAGE_FIELDS, Preset, Templates
from streams.documents.secrets import is_template

OWN: Final = (
    "kind", "id", "name", "description", "entity", "connectorType", "parent", "fields", "subtypes", "version",
)  # fmt: skip
API: Final = (
    "kind", "id", "name", "description", "entityType", "connectorType", "parentId", "presetType", "configOverrides",
    # Documented, and of no use here: read over. Attachments are for chat.
    "attachmentConfig", "createTime", "updateTime", "teamId",
)  # fmt: skip
API_ONLY: Final = ("entityType", "parentId", "presetType", "configOverrides")
SYSTEM_PREFIX: Final = "preset_system_"

PAYLOAD_TYPES: Final = ("triggered", "pagerduty_triggered")
"""The documented name, and the one in the API's own examples."""

SUBTYPE_LIMIT: Final = 256

_SEVERITIES: Final = ("critical", "error", "warning", "info")
_URGENCIES: Final = ("high", "low")


def read_preset(reader: Reader, node: Node, *, kind_needed: bool) -> Preset:
    """The preset; sound only when nothing has been reported. Raises DocumentError to stop reading."""
    is_api = any(node.has(name) for name in API_ONLY)
    if is_api and (node.has("fields") or node.has("subtypes") or node.has("entity") or node.has("parent")):
        raise node.fault(
            "is written in two forms at once", "use entity, parent, fields and subtypes, or the API's names for them"
        )
    members = node.members(API if is_api else OWN, reader.report)
    reader.check_kind(node, members, "preset", needed=kind_needed and not is_api)
    preset_id = _own_id(reader, node, members)
    entity_name = "entityType" if is_api else "entity"
    entity = reader.entity(needed_member(node, members, entity_name, "write alerts or cases"))
    connector_type: ConnectorType = "PAGERDUTY"
    if "connectorType" in members:
        given = reader.at(("connectorType",), members["connectorType"])
        connector_type = _type(given)
        if entity not in SERVED[connector_type]:
            raise given.fault(f"takes no {entity}", "write entity: cases, or connectorType: PAGERDUTY")
    reading = _Preset(reader, connector_type)
    if is_api:
        reading.api(members)
    else:
        reading.own(members)
    if not (reading.general or reading.subtypes or reader.faults):
        reader.report(node.fault("says nothing", "write templates under fields, such as fields.summary"))
    return Preset(
        id=preset_id,
        name=reader.name(members) or preset_id,
        entity=entity,
        connector_type=connector_type,
        description=reader.description(members),
        parent=_parent(reader, members, "parentId" if is_api else "parent"),
        general=reading.general,
        subtypes=MappingProxyType(reading.subtypes),
    )


def default_parent(connector_type: ConnectorType, entity: Entity) -> str:
    """The system preset that a preset without a parent falls back to."""
    return _SYSTEM[connector_type, entity]


_SYSTEM: Final[Mapping[tuple[ConnectorType, Entity], str]] = {
    ("PAGERDUTY", "alerts"): "preset_system_pagerduty_alerts_basic",
    ("PAGERDUTY", "cases"): "preset_system_pagerduty_cases_basic",
    ("PAGERDUTY_INCIDENTS", "cases"): "preset_system_pagerduty_incidents_cases_basic",
}


def _own_id(reader: Reader, node: Node, members: Mapping[str, Node]) -> str:
    with reader.noting():
        if "presetType" in members and members["presetType"].text().upper() == "SYSTEM":
            raise members["presetType"].fault("is a system preset, which Pagerline brings along", "leave it out")
        preset_id = reader.id(node, members)
        if preset_id.startswith(SYSTEM_PREFIX):
            raise members["id"].fault(
                f"begins with {SYSTEM_PREFIX}, as only the presets do that Pagerline brings along",
                "give it another id, and the system preset as parent",
            )
        return preset_id
    return ""


def _parent(reader: Reader, members: Mapping[str, Node], name: str) -> str | None:
    with reader.noting():
        if name in members and not members[name].is_nothing and members[name].text():
            return read_id(reader.at(("parent",), members[name]))
    return None


def _type(node: Node) -> ConnectorType:
    text = node.text()
    for known in TYPES:
        if text == known:
            return known
    raise node.fault("is not a type of connector that messages go to here", suggestion(text, TYPES))


class _Preset:
    def __init__(self, reader: Reader, connector_type: ConnectorType) -> None:
        self.reader = reader
        self.report = reader.report
        self.type = connector_type
        self.known = MESSAGE_FIELDS[connector_type]
        self.general: Templates = MappingProxyType({})
        self.subtypes: dict[str, Templates] = {}

    def own(self, members: Mapping[str, Node]) -> None:
        with self.reader.noting():
            self.general = self._own_fields(members, "fields", ("fields",))
        with self.reader.noting():
            subtypes = self.reader.entries(members, "subtypes")
            for name in subtypes:
                with self.reader.noting():
                    self.subtypes[name] = self._own_fields(subtypes, name, ("subtypes", name))

    def _own_fields(self, members: Mapping[str, Node], name: str, place: tuple[str, ...]) -> Templates:
        found: dict[str, str] = {}
        for field, value in self.reader.inside(members, name, self.known).items():
            self._read_into(found, field, value, (*place, field))
        return MappingProxyType(found)

    def api(self, members: Mapping[str, Node]) -> None:
        with self.reader.noting():
            if "configOverrides" in members and not members["configOverrides"].is_nothing:
                self.reader.each(members["configOverrides"], 100, self._api_override)

    def _api_override(self, _number: int, item: Node) -> None:
        inner = item.members(("conditionType", "payloadType", "messageConfig"), self.report)
        subtype = self._api_condition(
            needed_member(item, inner, "conditionType", 'write {"matchEntityType": {}} for all events')
        )
        self._check_payload(inner)
        if self.general if subtype is None else subtype in self.subtypes:
            raise inner["conditionType"].fault("has templates already", "write all its fields in one")
        place: tuple[str, ...] = ("fields",) if subtype is None else ("subtypes", subtype)
        found: dict[str, str] = {}
        for one in listed(self.reader.inside(inner, "messageConfig", ("fields",)), "fields"):
            with self.reader.noting():
                parts = one.members(("fieldName", "template"), self.report)
                given = needed_member(one, parts, "fieldName", f"there are: {', '.join(self.known)}")
                name = given.text()
                if name not in self.known:
                    raise given.fault("names no field of a message", suggestion(name, self.known))
                if name in found:
                    raise given.fault("names a field that is written already", "keep one of them")
                value = needed_member(one, parts, "template", "it goes with fieldName as template")
                self._read_into(found, name, value, (*place, name))
        if subtype is None:
            self.general = MappingProxyType(found)
        else:
            self.subtypes[subtype] = MappingProxyType(found)

    def _api_condition(self, node: Node) -> str | None:
        """The subtype that a layer is for; None: the general one."""
        kinds = node.members(("matchEntityType", "matchEntityTypeAndSubType"), self.report)
        if len(kinds) != 1:
            raise node.fault("must have either matchEntityType or matchEntityTypeAndSubType", "write one of them")
        if "matchEntityType" in kinds:
            return None
        given = kinds["matchEntityTypeAndSubType"]
        inner = given.members(("entitySubType", "entityType"), self.report)
        subtype = needed_member(given, inner, "entitySubType", "write the subtype, such as logsImmediateTriggered")
        return checked_length(subtype, 1, SUBTYPE_LIMIT)

    def _check_payload(self, members: Mapping[str, Node]) -> None:
        if self.type != "PAGERDUTY" or "payloadType" not in members or members["payloadType"].is_nothing:
            return
        given = members["payloadType"]
        if given.text() == "pagerduty_resolved":
            raise given.fault("is for a resolve, which PagerDuty takes bare", "leave this override out")
        if given.text() not in ("", *PAYLOAD_TYPES):
            raise given.fault("is no payload of PagerDuty", f"write {PAYLOAD_TYPES[0]}")

    def _read_into(self, found: dict[str, str], name: str, value: Node, place: tuple[str, ...]) -> None:
        with self.reader.noting():
            text = read_template(self.reader.at(place, value))
            if not is_template(text) and name in _LITERALS:
                _LITERALS[name](value, text.strip())
            found[name] = text


def _one_of(words: tuple[str, ...]) -> Callable[[Node, str], None]:
    def check(node: Node, text: str) -> None:
        if text not in words:
            raise node.fault(f"is none of {', '.join(words)}", suggestion(text, words))

    return check


def _not_empty(node: Node, text: str) -> None:
    if not text:
        raise node.fault("is empty", "leave the field out to keep what the parent says")


def _json_object(node: Node, text: str) -> None:
    try:
        sound = isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError as error:
        raise node.fault(
            f"is no JSON: {error}", "put free text in with json_encode and without quotes around it"
        ) from None
    if not sound:
        raise node.fault("is JSON, but no object", 'write {"name": …}')


_LITERALS: Final[Mapping[str, Callable[[Node, str], None]]] = {
    "severity": _one_of(_SEVERITIES),
    "urgency": _one_of(_URGENCIES),
    "summary": _not_empty,
    "source": _not_empty,
    "title": _not_empty,
    "customDetails": _json_object,
}
"""What can be said of a field that is written without a template (Coralogix, PagerDuty message schema)."""
