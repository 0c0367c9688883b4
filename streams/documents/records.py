"""The form that documents have in the topic `connectors`: JSON, all that may be a secret sealed.

The shapes are `schemas/documents/*.json`. Of a connector every value is sealed, since templates hold keys as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from streams import contracts
from streams.documents.connector import Connector, Entity, Fields, frozen_fields, frozen_overrides
from streams.documents.document import Document, Kind, kind_of
from streams.documents.integration import DEFAULT_RATE_LIMIT, Integration
from streams.documents.options import Options
from streams.documents.preset import Preset
from streams.documents.router import Router, Rule, Target
from streams.documents.secrets import Cipher, Secret
from streams.errors import DocumentError

Seal = Callable[[Secret], Any]
"""What stands in the place of a secret: sealed in a record, masked on a screen."""


def to_record(document: Document, cipher: Cipher) -> bytes:
    """The value of a document's record."""
    return orjson.dumps({"v": 1, **to_plain(document, lambda secret: {"enc": cipher.seal(secret.reveal())})})


def from_record(kind: Kind, value: bytes, cipher: Cipher) -> Document:
    """The document of a record's value.

    Raises DocumentError when the value is not a record of this kind that this version knows, SecretError when it is
    sealed with a key that the cipher lacks.
    """
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise DocumentError("the record is not JSON") from None
    if wrong := contracts.problem(f"documents/{kind}", record):
        raise DocumentError(wrong.message)
    document = _READERS[kind](record, lambda sealed: Secret(cipher.open(sealed["enc"])))
    return replace(document, version=record["version"])


def to_plain(document: Document, seal: Seal) -> dict[str, Any]:
    """A document as a record has it and as people write it; `seal` says what stands for each secret. What says nothing
    (no description, no overrides) is left out."""
    body = _WRITERS[kind_of(document)](document, seal)
    return {
        "kind": kind_of(document),
        "id": document.id,
        **({"type": document.type} if isinstance(document, Connector) else {}),
        "name": document.name,
        **{name: value for name, value in body.items() if value not in (None, "", {}, [])},
        "version": document.version,
    }


# -- connectors


def _connector(connector: Connector, seal: Seal) -> dict[str, Any]:
    return {
        "description": connector.description,
        "fields": _sealed(connector.fields, seal) or None,
        "overrides": {entity: _sealed(fields, seal) for entity, fields in connector.overrides.items()},
        "options": connector.options.to_json() if connector.type == "PAGERDUTY" else None,
    }


def _read_connector(record: Mapping[str, Any], open_: Callable[[Any], Secret]) -> Connector:
    overrides = {cast(Entity, entity): _opened(fields, open_) for entity, fields in record.get("overrides", {}).items()}
    return Connector(
        id=record["id"],
        name=record["name"],
        type=record["type"],
        fields=_opened(record.get("fields", {}), open_),
        overrides=frozen_overrides(overrides),
        options=Options.from_json(record.get("options", {})),
        description=record.get("description", ""),
    )


def _sealed(fields: Fields, seal: Seal) -> dict[str, Any]:
    return {name: seal(secret) for name, secret in fields.items()}


def _opened(fields: Mapping[str, Any], open_: Callable[[Any], Secret]) -> Fields:
    return frozen_fields({name: open_(value) for name, value in fields.items()})


# -- integrations


def _integration(integration: Integration, seal: Seal) -> dict[str, Any]:
    return {
        "token": seal(integration.token),
        "from": integration.from_email,
        "region": integration.region,
        "baseUrl": integration.base_url,
        "webhookSecrets": [seal(secret) for secret in integration.webhook_secrets],
        "services": dict(integration.services),
        "rateLimit": integration.rate_limit,
        "subscription": integration.subscription,
    }


def _read_integration(record: Mapping[str, Any], open_: Callable[[Any], Secret]) -> Integration:
    return Integration(
        id=record["id"],
        name=record["name"],
        token=open_(record["token"]),
        from_email=record["from"],
        region=record["region"],
        base_url=record.get("baseUrl"),
        webhook_secrets=tuple(open_(one) for one in record.get("webhookSecrets", ())),
        services=MappingProxyType(dict(record.get("services", {}))),
        rate_limit=record.get("rateLimit", DEFAULT_RATE_LIMIT),
        subscription=record.get("subscription"),
    )


# -- presets


def _preset(preset: Preset, _seal: Seal) -> dict[str, Any]:
    return {
        "entity": preset.entity,
        "connectorType": preset.connector_type,
        "description": preset.description,
        "parent": preset.parent,
        "fields": dict(preset.general),
        "subtypes": {subtype: dict(fields) for subtype, fields in preset.subtypes.items()},
    }


def _read_preset(record: Mapping[str, Any], _open: Callable[[Any], Secret]) -> Preset:
    return Preset(
        id=record["id"],
        name=record["name"],
        entity=record["entity"],
        connector_type=record["connectorType"],
        description=record.get("description", ""),
        parent=record.get("parent"),
        general=MappingProxyType(dict(record.get("fields", {}))),
        subtypes=MappingProxyType(
            {subtype: MappingProxyType(dict(fields)) for subtype, fields in record.get("subtypes", {}).items()}
        ),
    )


# -- routers


def _router(router: Router, _seal: Seal) -> dict[str, Any]:
    return {
        "description": router.description,
        "labels": dict(router.labels),
        "rules": [_rule(rule) for rule in router.rules],
        "fallback": {entity: [_target(one) for one in targets] for entity, targets in router.fallback.items()},
        "disabled": router.disabled or None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "entity": rule.entity,
        "condition": rule.condition,
        "targets": [_target(one) for one in rule.targets],
        **({"details": dict(rule.details)} if rule.details else {}),
    }


def _target(target: Target) -> dict[str, Any]:
    found = {"connector": target.connector, "preset": target.preset, "details": dict(target.details), "id": target.id}
    return {name: value for name, value in found.items() if value}


def _read_router(record: Mapping[str, Any], _open: Callable[[Any], Secret]) -> Router:
    return Router(
        id=record["id"],
        name=record["name"],
        labels=MappingProxyType(dict(record.get("labels", {}))),
        rules=tuple(_read_rule(one) for one in record.get("rules", ())),
        fallback=MappingProxyType(
            {entity: _read_targets(targets) for entity, targets in record.get("fallback", {}).items()}
        ),
        description=record.get("description", ""),
        disabled=record.get("disabled", False),
    )


def _read_rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        name=rule["name"],
        entity=rule["entity"],
        condition=rule["condition"],
        targets=_read_targets(rule["targets"]),
        details=MappingProxyType(dict(rule.get("details", {}))),
    )


def _read_targets(targets: Any) -> tuple[Target, ...]:
    return tuple(
        Target(one["connector"], one.get("preset"), MappingProxyType(dict(one.get("details", {}))), one.get("id"))
        for one in targets
    )


_WRITERS: Final[Mapping[Kind, Callable[[Any, Seal], dict[str, Any]]]] = {
    "connector": _connector,
    "integration": _integration,
    "preset": _preset,
    "router": _router,
}
_READERS: Final[Mapping[Kind, Callable[[Mapping[str, Any], Callable[[Any], Secret]], Document]]] = {
    "connector": _read_connector,
    "integration": _read_integration,
    "preset": _read_preset,
    "router": _read_router,
}
