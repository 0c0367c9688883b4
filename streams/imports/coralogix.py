"""Connectors, presets and routers as the documented API gives them (Coralogix, notification center API).

Lists (`{"connectors": […]}`), single objects (`{"connector": …}`), batches by id and bare objects are taken, all kinds
in one file or apart. What goes elsewhere than to PagerDuty is left out and said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from streams.documents.connector import ENTITIES, FIELDS, ConnectorType
from streams.documents.document import Kind
from streams.documents.parsing.preset import PAYLOAD_TYPES, SYSTEM_PREFIX, default_parent
from streams.documents.preset import MESSAGE_FIELDS
from streams.documents.references import is_reference
from streams.documents.secrets import is_routing_key, is_template
from streams.documents.system_presets import SYSTEM
from streams.imports.carried import Carried, slug, variable
from streams.imports.routers import carry_router
from streams.imports.shapes import Json, obj, objs, text
from streams.imports.words import connector_type_of, entity_type, name_of

KINDS: Final[tuple[Kind, ...]] = ("connector", "preset", "router")
KEY_FIELDS: Final = ("integrationKey", "dynamicintegrationKey")

TOKEN: Final = "${ENV:PAGERDUTY_TOKEN}"
FROM: Final = "change-me@example.com"
"""Of an integration: the API gives neither its token nor its user."""


def import_coralogix(exports: Iterable[tuple[str, Any]]) -> Carried:
    """All that these exports (a file's name and its content) hold, references between them kept right."""
    carried = Carried()
    found: dict[Kind, list[Json]] = {kind: [] for kind in KINDS}
    for name, content in exports:
        _sort(name, content, found, carried)
    for connector in found["connector"]:
        _connector(connector, carried)
    presets = {text(preset.get("id")) for preset in found["preset"] if connector_type_of(preset.get("connectorType"))}
    for preset in found["preset"]:
        _preset(preset, presets, carried)
    for router in found["router"]:
        carry_router(router, carried)
    return carried


def _sort(file: str, content: Any, found: dict[Kind, list[Json]], carried: Carried) -> None:
    if isinstance(content, list):
        for one in content:
            _sort(file, one, found, carried)
        return
    if not isinstance(content, dict):
        carried.note(file, "not read: it holds something that is no object")
        return
    wrapped = False
    for kind in KINDS:
        several = content.get(kind + "s")
        one = content.get(kind)
        if isinstance(several, dict):  # a batch: by id
            several = list(several.values())
        if isinstance(several, list) or isinstance(one, dict):
            wrapped = True
            found[kind] += [each for each in [*(several or []), one] if isinstance(each, dict)]
    if not wrapped:
        own = _kind(content)
        if own is None:
            carried.note(f"{file}: {name_of('object', content)}", "not read: it is no connector, preset or router")
        else:
            found[own].append(content)


def _kind(content: Json) -> Kind | None:
    if "connectorType" in content or "presetType" in content or "parentId" in content:
        return "preset"
    if "rules" in content or "routingLabels" in content or "fallbackTargets" in content:
        return "router"
    return "connector" if "type" in content or "connectorConfig" in content else None


# -- connectors -------------------------------------------------------------------------------------------------------


def _connector(given: Json, carried: Carried) -> None:
    about = name_of("connector", given)
    connector_type = connector_type_of(given.get("type"))
    if connector_type is None:
        carried.note(
            about, f"not carried over: it is of type {given.get('type')}, which leads elsewhere than to PagerDuty"
        )
        return
    identity = str(given.get("id") or slug(str(given.get("name") or "connector")))
    name = f"connector/{identity}"
    known = FIELDS[connector_type]
    fields = _fields(obj(given.get("connectorConfig")).get("fields"), "value", known, about, name, carried)
    overrides: dict[str, Json] = {}
    for override in objs(given.get("configOverrides")):
        entity = entity_type(override.get("entityType"))
        if entity not in ENTITIES:
            carried.note(
                about, f"the override for {override.get('entityType')} is left out: nothing else is sent", name
            )
            continue
        overrides[entity] = _fields(override.get("fields"), "template", known, about, name, carried)
    document: Json = {
        "kind": "connector",
        "id": identity,
        "type": connector_type,
        "name": given.get("name") or identity,
        "description": given.get("description") or "",
        "fields": fields,
        "overrides": {entity: found for entity, found in overrides.items() if found},
    }
    if connector_type == "PAGERDUTY" and not fields and not document["overrides"]:
        document["fields"] = {"integrationKey": variable(identity)}
        carried.note(
            about, f"its key is not in the export: set the variable in {variable(identity)} for the workers", name
        )
    if connector_type == "PAGERDUTY_INCIDENTS":
        _integration(str(fields.get("integrationId") or ""), carried)
    carried.add("connector", document, about)


def _fields(
    given: Any, value_name: str, known: Iterable[str], about: str, document: str, carried: Carried
) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in objs(given):
        name, value = text(one.get("fieldName")), text(one.get(value_name))
        if name not in known:
            carried.note(about, f"field {name} is left out: Pagerline has no such field", document)
        elif name in KEY_FIELDS and not (is_template(value) or is_reference(value) or is_routing_key(value.strip())):
            reference = variable(document.partition("/")[2])
            found[name] = reference
            carried.note(
                about, f"{name} holds no key of PagerDuty (32 letters and digits): set it as {reference}", document
            )
        else:
            found[name] = value
    return found


def _integration(identity: str, carried: Carried) -> None:
    """The account that a bi-directional connector goes through: the API gives its id alone."""
    if not identity or f"integration/{identity}" in carried.documents:
        return
    about = f"integration {identity}"
    document = {"kind": "integration", "id": identity, "name": identity, "token": TOKEN, "from": FROM}
    if carried.add("integration", document, about) is not None:
        carried.note(
            about,
            f"made up around its id: set the REST API key as {TOKEN}, and write the e-mail of a user of the account as "
            "`from`; see `pagerline doctor` for the webhooks",
            f"integration/{identity}",
        )


# -- presets ----------------------------------------------------------------------------------------------------------


def _preset(given: Json, presets: set[str], carried: Carried) -> None:
    about = name_of("preset", given)
    identity = str(given.get("id") or slug(str(given.get("name") or "preset")))
    if str(given.get("presetType") or "").upper().endswith("SYSTEM") or identity.startswith(SYSTEM_PREFIX):
        if identity not in SYSTEM:
            carried.note(about, "not carried over: a system preset that Pagerline does not bring along")
        return
    connector_type = connector_type_of(given.get("connectorType"))
    entity = entity_type(given.get("entityType"))
    if connector_type is None:
        carried.note(about, f"not carried over: it is for {given.get('connectorType')}")
        return
    if entity not in ENTITIES:
        carried.note(about, f"not carried over: it is for {given.get('entityType')}")
        return
    name = f"preset/{identity}"
    fields: dict[str, str] = {}
    subtypes: dict[str, dict[str, str]] = {}
    for layer in objs(given.get("configOverrides")):
        _layer(layer, connector_type, fields, subtypes, about, name, carried)
    parent = text(given.get("parentId"))
    if parent and parent not in SYSTEM and parent not in presets:
        usual = default_parent(connector_type, entity)
        carried.note(about, f"its parent {parent} is not known here: {usual} stands in for it", name)
        parent = usual
    policy = obj(given.get("attachmentConfig")).get("policy")
    if policy == "ENABLED":
        carried.note(about, "attachments are left out: PagerDuty takes none", name)
    document = {
        "kind": "preset",
        "id": identity,
        "name": given.get("name") or identity,
        "description": given.get("description") or "",
        "entity": entity,
        "connectorType": connector_type,
        "fields": fields,
        "subtypes": subtypes,
        **({"parent": parent} if parent else {}),
    }
    carried.add("preset", document, about)


def _layer(
    layer: Json,
    connector_type: ConnectorType,
    fields: dict[str, str],
    subtypes: dict[str, dict[str, str]],
    about: str,
    document: str,
    carried: Carried,
) -> None:
    payload = text(layer.get("payloadType")) or PAYLOAD_TYPES[0]
    if payload not in PAYLOAD_TYPES:
        why = "PagerDuty takes a resolve bare" if "resolved" in payload else "PagerDuty has no such payload"
        carried.note(about, f"the templates of payload {payload} are left out: {why}", document)
        return
    subtype = text(obj(obj(layer.get("conditionType")).get("matchEntityTypeAndSubType")).get("entitySubType"))
    into = fields if not subtype else subtypes.setdefault(subtype, {})
    for one in objs(obj(layer.get("messageConfig")).get("fields")):
        name = text(one.get("fieldName"))
        if name not in MESSAGE_FIELDS[connector_type]:
            carried.note(about, f"field {name} is left out: a message to PagerDuty has none", document)
        else:
            into[name] = text(one.get("template"))
