"""A connector: where alerts and Cases go.

Names and limits are those of the documented connector (Coralogix, connectors API): the plain value of a field is the
base, an override counts for one entity type, and either may be a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from streams.documents.options import DEFAULTS, Options
from streams.documents.secrets import Secret

ConnectorType = Literal["PAGERDUTY", "PAGERDUTY_INCIDENTS"]
"""The path, fixed for life: a service key, or bi-directional."""
Entity = Literal["alerts", "cases"]
Fields = Mapping[str, Secret]

TYPES: Final[tuple[ConnectorType, ...]] = get_args(ConnectorType)
ENTITIES: Final[tuple[Entity, ...]] = get_args(Entity)
SERVED: Final[Mapping[ConnectorType, tuple[Entity, ...]]] = {
    "PAGERDUTY": ("alerts", "cases"),
    "PAGERDUTY_INCIDENTS": ("cases",),
}
"""What goes through a connector of each type (Coralogix, PagerDuty: bi-directional is for Cases only)."""
FIELDS: Final[Mapping[ConnectorType, tuple[str, ...]]] = {
    "PAGERDUTY": ("integrationKey", "dynamicintegrationKey"),
    "PAGERDUTY_INCIDENTS": ("integrationId", "service", "dynamicservice"),
}
"""By type; the lower-case `i` of `dynamicintegrationKey` is the documented spelling."""

ID_PATTERN: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}")


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector. `fields` and the values of `overrides` hold keys, names or templates that render to them.

    `version` counts the changes written, 0: not written yet.
    """

    id: str
    name: str
    type: ConnectorType
    fields: Fields
    overrides: Mapping[Entity, Fields]
    options: Options = DEFAULTS
    version: int = 0
    description: str = ""

    def same_content(self, other: Connector) -> bool:
        """Whether they differ in nothing but the version."""
        return replace(self, version=0) == replace(other, version=0)

    @property
    def integration(self) -> str | None:
        """The id of the integration that a bi-directional connector goes through."""
        found = self.fields.get("integrationId")
        return found.reveal() if found is not None else None


def frozen_fields(fields: Mapping[str, Secret]) -> Fields:
    """The fields as a mapping that nobody can change."""
    return MappingProxyType(dict(fields))


def frozen_overrides(overrides: Mapping[Entity, Mapping[str, Secret]]) -> Mapping[Entity, Fields]:
    """The overrides as a mapping that nobody can change; entity types without any are left out."""
    return MappingProxyType({entity: frozen_fields(fields) for entity, fields in overrides.items() if fields})
