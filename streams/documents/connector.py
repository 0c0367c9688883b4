"""A connector: where alerts and Cases go, and the form it has in the topic `connectors`.

Names and limits are those of the documented connector (Coralogix, connectors API): the plain value of a field is the
base, an override counts for one entity type, and either may be a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

import orjson

from streams import contracts
from streams.documents.options import DEFAULTS, Options
from streams.documents.secrets import Cipher, Secret
from streams.errors import DocumentError

ConnectorType = Literal["PAGERDUTY", "PAGERDUTY_INCIDENTS"]
"""The path, fixed for life: a service key, or bi-directional."""
Entity = Literal["alerts", "cases"]
Fields = Mapping[str, Secret]

SERVED: Final[tuple[ConnectorType, ...]] = ("PAGERDUTY",)
"""The types that this version takes; the records of all types can be read."""
ENTITIES: Final[tuple[Entity, ...]] = get_args(Entity)
FIELDS: Final = ("integrationKey", "dynamicintegrationKey")
"""Of the type PAGERDUTY; the lower-case `i` of the second is the documented spelling."""

ID_PATTERN: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}")

KEY_PREFIX: Final = "connector/"


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector. `fields` and the values of `overrides` hold keys or templates that render to keys.

    `version` counts the changes written, 0: not written yet.
    """

    id: str
    name: str
    type: ConnectorType
    fields: Fields
    overrides: Mapping[Entity, Fields]
    options: Options = DEFAULTS
    version: int = 0

    def same_content(self, other: Connector) -> bool:
        """Whether they differ in nothing but the version."""
        return replace(self, version=0) == replace(other, version=0)


def frozen_fields(fields: Mapping[str, Secret]) -> Fields:
    """The fields as a mapping that nobody can change."""
    return MappingProxyType(dict(fields))


def frozen_overrides(overrides: Mapping[Entity, Mapping[str, Secret]]) -> Mapping[Entity, Fields]:
    """The overrides as a mapping that nobody can change; entity types without any are left out."""
    return MappingProxyType({entity: frozen_fields(fields) for entity, fields in overrides.items() if fields})


def record_key(connector_id: str) -> bytes:
    """The key of a connector's records."""
    return (KEY_PREFIX + connector_id).encode()


def id_of(key: bytes | None) -> str | None:
    """The connector that a record belongs to; None for the record of another kind of document."""
    text = (key or b"").decode(errors="replace")
    return text.removeprefix(KEY_PREFIX) if text.startswith(KEY_PREFIX) else None


def to_record(connector: Connector, cipher: Cipher) -> bytes:
    """The value of a record: JSON, every field's value sealed, since templates hold keys as well."""

    def sealed(fields: Fields) -> dict[str, Any]:
        return {name: {"enc": cipher.seal(secret.reveal())} for name, secret in fields.items()}

    return orjson.dumps(
        {
            "v": 1,
            "kind": "connector",
            "id": connector.id,
            "type": connector.type,
            "name": connector.name,
            "fields": sealed(connector.fields),
            "overrides": {entity: sealed(fields) for entity, fields in connector.overrides.items()},
            "options": connector.options.to_json(),
            "version": connector.version,
        }
    )


def from_record(value: bytes, cipher: Cipher) -> Connector:
    """The connector of a record's value.

    Raises DocumentError when the value is not a connector's record that this version knows, SecretError when it is
    sealed with a key that the cipher lacks.
    """
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise DocumentError("the record is not JSON") from None
    if wrong := contracts.problem("connectors", record):
        raise DocumentError(wrong.message)

    def opened(fields: Mapping[str, Any]) -> Fields:
        return frozen_fields(
            {name: Secret(cipher.open(one["enc"]) if isinstance(one, dict) else one) for name, one in fields.items()}
        )

    overrides = {cast(Entity, entity): opened(fields) for entity, fields in record.get("overrides", {}).items()}
    return Connector(
        id=record["id"],
        name=record["name"],
        type=record["type"],
        fields=opened(record.get("fields", {})),
        overrides=frozen_overrides(overrides),
        options=Options.from_json(record.get("options", {})),
        version=record["version"],
    )
