"""Who refers to whom: connectors to integrations, presets to presets, routers to connectors and presets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.documents.connector import Connector, Entity
from streams.documents.document import Document, Kind, name_of
from streams.documents.preset import Preset
from streams.documents.router import Router, Target
from streams.documents.written import Place


class Link(NamedTuple):
    """A reference: the part of a document that has it, and what it names."""

    place: Place
    kind: Kind
    id: str

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.id}"


class Way(NamedTuple):
    """A target of a router: where it is written, and what for."""

    place: Place
    entity: Entity
    target: Target


def ways(router: Router) -> Iterator[Way]:
    """All targets of a router, those of its fallback at the end."""
    for number, rule in enumerate(router.rules):
        for at, target in enumerate(rule.targets):
            yield Way(("rules", number, "targets", at), rule.entity, target)
    for entity, targets in router.fallback.items():
        for at, target in enumerate(targets):
            yield Way(("fallback", entity, "targets", at), entity, target)


def links(document: Document) -> Iterator[Link]:
    """All references of a document."""
    if isinstance(document, Connector) and document.integration is not None:
        yield Link(("fields", "integrationId"), "integration", document.integration)
    elif isinstance(document, Preset) and document.parent is not None:
        yield Link(("parent",), "preset", document.parent)
    elif isinstance(document, Router):
        for way in ways(document):
            yield Link((*way.place, "connector"), "connector", way.target.connector)
            if way.target.preset is not None:
                yield Link((*way.place, "preset"), "preset", way.target.preset)


def referring(documents: Iterable[Document], name: str) -> list[str]:
    """Kind and id of the documents that refer to the one of this name."""
    return [name_of(one) for one in documents if any(link.name == name for link in links(one))]
