"""From what people write to connectors: Pagerline's own form, and the JSON shape of the documented API.

    kind: connector                     {"id": "payments", "type": "PAGERDUTY", "name": "Payments",
    id: payments                         "connectorConfig": {"fields": [
    type: PAGERDUTY                        {"fieldName": "integrationKey", "value": "930…"}]},
    name: Payments                       "configOverrides": [{"entityType": "CASES", "fields": [
    fields: {integrationKey: 930…}         {"fieldName": "integrationKey", "template": "931…"}]}]}
    overrides:
      cases: {integrationKey: 931…}
    options: {rateLimit: 120}  # and reservePercent, briefIncidents, foldAbove, foldSummary: streams.documents.options

Every fault is found in one go and carries file, line, column, field and remedy; none shows a key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, get_args

from streams.documents.connector import (
    ENTITIES,
    FIELDS,
    ID_PATTERN,
    SERVED,
    Connector,
    ConnectorType,
    Entity,
    frozen_fields,
    frozen_overrides,
)
from streams.documents.node import Node, Report, suggestion
from streams.documents.options import DEFAULTS, MOST_FOLD, MOST_RATE_LIMIT, MOST_RESERVE, Brief, Options
from streams.documents.secrets import Secret
from streams.documents.source import read_documents
from streams.documents.value import read_template, read_value
from streams.errors import DocumentError, DocumentsWrong, UsageError

NAME_LIMIT: Final = 200
"""Characters (Coralogix, connectors API)."""

OWN: Final = ("kind", "id", "type", "name", "fields", "overrides", "options", "version")
API: Final = (
    "kind", "id", "type", "name", "connectorConfig", "configOverrides", "options",
    # Documented, and of no use here: read over.
    "description", "teamId", "resolvedConnectorConfig", "diagnostics", "createTime", "updateTime",
)  # fmt: skip
OPTIONS: Final = ("rateLimit", "reservePercent", "briefIncidents", "foldAbove", "foldSummary")
API_ONLY: Final = ("connectorConfig", "configOverrides")
BIDIRECTIONAL: Final = "PAGERDUTY_INCIDENTS"


def load_connectors(paths: Iterable[str], stdin: Callable[[], str]) -> list[Connector]:
    """Every connector of the files, directories and standard input (`-`, read by calling `stdin`) in `paths`, in order.

    Raises DocumentsWrong with all faults when there is any, UsageError for a path that is not there or when there is
    no document at all.
    """
    named = list(paths)
    faults: list[DocumentError] = []
    nodes = read_documents(named, stdin, faults.append)
    found: dict[str, Connector] = {}
    for node in nodes:
        with _Noting(faults.append):
            connector = parse_connector(node)
            if connector.id in found:
                raise node.fault(f"connector {connector.id} is written more than once", "keep one of them")
            found[connector.id] = connector
    if faults:
        raise DocumentsWrong(faults)
    if not found:
        raise UsageError(f"there is no document in {', '.join(named)}")
    return list(found.values())


def parse_connector(node: Node) -> Connector:
    """The connector of one document. Raises DocumentsWrong with every fault in it."""
    reader = _Reader()
    with _Noting(reader.report):
        connector = reader.read(node)
        if not reader.faults:
            return connector
    raise DocumentsWrong(sorted(reader.faults, key=lambda fault: (fault.line, fault.column)))


class _Noting:
    """Reports the faults that are raised inside a `with`, and goes on after it."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, raised: BaseException | None, _traceback: object) -> bool:
        if isinstance(raised, DocumentsWrong):
            for fault in raised.problems:
                self._report(fault)
            return True
        if isinstance(raised, DocumentError):
            self._report(raised)
            return True
        return False


class _Reader:
    """Reads one document: reports what is wrong with one part and reads on with the next."""

    def __init__(self) -> None:
        self.faults: list[DocumentError] = []
        self.report = self.faults.append

    def read(self, node: Node) -> Connector:
        """The connector; sound only when nothing has been reported. Raises DocumentError to stop reading."""
        is_api = any(node.has(name) for name in API_ONLY)
        if is_api and (node.has("fields") or node.has("overrides")):
            raise node.fault(
                "is written in two forms at once",
                "use fields and overrides, or connectorConfig and configOverrides",
            )
        members = node.members(API if is_api else OWN, self.report)
        self._check_kind(node, members, needed=not is_api)
        # The fields depend on the type: with a wrong one, whatever could be said of them would mislead.
        connector_type = _type(_needed(node, members, "type", "write type: PAGERDUTY"))
        connector_id = self._id(node, members)
        if is_api:
            fields, overrides = self._api_fields(members), self._api_overrides(members)
        else:
            fields, overrides = self._own_fields(members), self._own_overrides(members)
        if not (fields or any(overrides.values()) or self.faults):
            self.report(node.fault("holds no key", "write the routing key as fields.integrationKey"))
        return Connector(
            id=connector_id,
            name=self._name(members) or connector_id,
            type=connector_type,
            fields=frozen_fields(fields),
            overrides=frozen_overrides(overrides),
            options=self._options(members),
        )

    def _check_kind(self, node: Node, members: Mapping[str, Node], *, needed: bool) -> None:
        if "kind" in members or needed:
            kind = _needed(node, members, "kind", "write kind: connector")
            if kind.text() != "connector":
                raise kind.fault("is not a kind that this version knows", "write kind: connector")

    def _id(self, node: Node, members: Mapping[str, Node]) -> str:
        with _Noting(self.report):
            given = _needed(node, members, "id", "give it a name of letters, digits, '-' and '_', which never changes")
            if ID_PATTERN.fullmatch(given.text()):
                return given.text()
            raise given.fault("must be 1 to 128 letters, digits, '-' or '_', and begin with a letter or digit")
        return ""

    def _name(self, members: Mapping[str, Node]) -> str:
        with _Noting(self.report):
            if "name" in members:
                text = members["name"].text()
                if 1 <= len(text) <= NAME_LIMIT:
                    return text
                raise members["name"].fault(f"has {len(text)} characters, must have 1 to {NAME_LIMIT}")
        return ""

    def _options(self, members: Mapping[str, Node]) -> Options:
        with _Noting(self.report):
            if "options" in members:
                return Options(**self._option_values(members["options"].members(OPTIONS, self.report)))
        return DEFAULTS

    def _option_values(self, options: Mapping[str, Node]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        bounds = {
            "rateLimit": (1, MOST_RATE_LIMIT),
            "reservePercent": (0, MOST_RESERVE),
            "foldAbove": (0, MOST_FOLD),
        }
        for name, node in options.items():
            with _Noting(self.report):
                if name in bounds:
                    found[name] = node.whole_number(*bounds[name])
                elif name == "foldSummary":
                    found[name] = read_template(node)
                elif node.text() in get_args(Brief):
                    found[name] = node.text()
                else:
                    raise node.fault("must be skip or send", suggestion(node.text(), get_args(Brief)))
        return found

    # -- Pagerline's form

    def _own_fields(self, members: Mapping[str, Node]) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        with _Noting(self.report):
            for name, value in self._inside(members, "fields", FIELDS).items():
                self._read_into(found, name, value)
        return found

    def _own_overrides(self, members: Mapping[str, Node]) -> dict[Entity, dict[str, Secret]]:
        overrides: dict[Entity, dict[str, Secret]] = {}
        with _Noting(self.report):
            entities = self._inside(members, "overrides", ENTITIES)
            for entity in ENTITIES:
                overrides[entity] = self._own_fields({"fields": entities[entity]} if entity in entities else {})
        return overrides

    # -- the documented API's form

    def _api_fields(self, members: Mapping[str, Node]) -> dict[str, Secret]:
        with _Noting(self.report):
            return self._api_list(self._inside(members, "connectorConfig", ("fields",)), "value")
        return {}

    def _api_overrides(self, members: Mapping[str, Node]) -> dict[Entity, dict[str, Secret]]:
        overrides: dict[Entity, dict[str, Secret]] = {}
        with _Noting(self.report):
            for item in _list(members, "configOverrides"):
                inner = item.members(("entityType", "fields"), self.report)
                given = _needed(item, inner, "entityType", "write ALERTS or CASES")
                entity = next((one for one in ENTITIES if one == given.text().casefold()), None)
                if entity is None:
                    self.report(given.fault("must be ALERTS or CASES: nothing else is sent", "leave this override out"))
                elif entity in overrides:
                    self.report(given.fault("has an override already", "write all its fields in one"))
                else:
                    overrides[entity] = self._api_list(inner, "template")
        return overrides

    def _api_list(self, members: Mapping[str, Node], value_name: str) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for item in _list(members, "fields"):
            with _Noting(self.report):
                inner = item.members(("fieldName", value_name), self.report)
                given = _needed(item, inner, "fieldName", f"there are: {', '.join(FIELDS)}")
                value = _needed(item, inner, value_name, f"it goes with fieldName as {value_name}")
                name = given.text()
                if name not in FIELDS:
                    raise given.fault("names no field of this type", suggestion(name, FIELDS))
                if name in found:
                    raise given.fault("names a field that is written already", "keep one of them")
                self._read_into(found, name, value)
        return found

    # -- both

    def _inside(self, members: Mapping[str, Node], name: str, known: Collection[str]) -> dict[str, Node]:
        if name not in members or members[name].is_nothing:
            return {}
        return members[name].members(known, self.report)

    def _read_into(self, found: dict[str, Secret], name: str, value: Node) -> None:
        with _Noting(self.report):
            found[name] = read_value(value)


def _needed(node: Node, members: Mapping[str, Node], name: str, remedy: str) -> Node:
    if name not in members:
        raise node.fault(f"{name} is missing", remedy)
    return members[name]


def _list(members: Mapping[str, Node], name: str) -> list[Node]:
    return members[name].items() if name in members and not members[name].is_nothing else []


def _type(node: Node) -> ConnectorType:
    text = node.text()
    for known in SERVED:
        if text == known:
            return known
    if text == BIDIRECTIONAL:
        raise node.fault(f"{BIDIRECTIONAL} comes with the bi-directional path, which this version lacks")
    raise node.fault("is not a connector type", suggestion(text, SERVED))
