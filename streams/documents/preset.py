"""A preset: what a message says, field by field, as templates.

Two layers (Coralogix, presets): the general one, and one for each entity subtype, which wins where it says something.
A custom preset says only what differs from its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from streams.documents.connector import ConnectorType, Entity

Templates = Mapping[str, str]
"""Templates by the name of the message field they render."""

MESSAGE_FIELDS: Final[Mapping[ConnectorType, tuple[str, ...]]] = {
    "PAGERDUTY": (
        "summary",
        "severity",
        "source",
        "timestamp",
        "component",
        "group",
        "class",
        "customDetails",
    ),
    "PAGERDUTY_INCIDENTS": ("title", "body", "urgency", "priority"),
}
"""The fields of a message: those of the documented PagerDuty preset (Coralogix, PagerDuty message schema), and of an
incident made over REST, which no page documents (PagerDuty REST API v2, create an incident)."""

PresetType = Literal["SYSTEM", "CUSTOM"]


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset. `general` and the values of `subtypes` hold templates by message field; `parent` is the id of the
    preset that says what this one does not. `version` counts the changes written; 0 for a system preset."""

    id: str
    name: str
    entity: Entity
    connector_type: ConnectorType = "PAGERDUTY"
    description: str = ""
    parent: str | None = None
    type: PresetType = "CUSTOM"
    general: Templates = field(default_factory=lambda: MappingProxyType({}))
    subtypes: Mapping[str, Templates] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 0

    def same_content(self, other: Preset) -> bool:
        """Whether they differ in nothing but the version."""
        return replace(self, version=0) == replace(other, version=0)
