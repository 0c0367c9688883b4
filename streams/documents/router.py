"""A router: which connectors an event goes through, by its labels and by conditions.

All labels of a router must be among the event's; then every rule whose condition is true sends to all its targets, and
where none is true the fallback of the event's entity type does (Coralogix, notification center, routing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from streams.documents.connector import Entity

DEFAULT_ROUTER: Final = "router_default"
"""The router that needs no labels (Coralogix)."""

LABELS: Final = ("environment", "service", "team")
"""Routing labels; alerts carry them as `routing.<label>` (Coralogix, routing labels)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends: a connector, and the preset that says what the message is (None: the default one)."""

    connector: str
    preset: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `condition` is an expression of the template language, without braces; `true` is always.

    `details` (and a target's) are added to the message's custom details.
    """

    name: str
    entity: Entity
    condition: str
    targets: tuple[Target, ...]
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Router:
    """One router. `labels` by their names without the prefix `routing.`; `version` counts the changes written."""

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rules: tuple[Rule, ...] = ()
    fallback: Mapping[Entity, tuple[Target, ...]] = field(default_factory=lambda: MappingProxyType({}))
    description: str = ""
    disabled: bool = False
    version: int = 0

    def same_content(self, other: Router) -> bool:
        """Whether they differ in nothing but the version."""
        return replace(self, version=0) == replace(other, version=0)
