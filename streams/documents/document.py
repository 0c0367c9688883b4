"""What all kinds of documents have in common: their names, and the keys of their records."""

from __future__ import annotations

from typing import Final, Literal, get_args

from streams.documents.connector import Connector
from streams.documents.integration import Integration
from streams.documents.preset import Preset
from streams.documents.router import Router

Kind = Literal["integration", "connector", "preset", "router"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""In an order in which each refers only to those before it."""

Document = Connector | Integration | Preset | Router

_KIND_OF: Final[dict[type, Kind]] = {
    Integration: "integration",
    Connector: "connector",
    Preset: "preset",
    Router: "router",
}


def kind_of(document: Document) -> Kind:
    """The kind of a document."""
    return _KIND_OF[type(document)]


def name_of(document: Document) -> str:
    """Kind and id, `connector/payments`: unique among all documents, and the key of its records."""
    return f"{kind_of(document)}/{document.id}"


def record_key(kind: Kind, document_id: str) -> bytes:
    """The key of a document's records."""
    return f"{kind}/{document_id}".encode()


def read_key(key: bytes | None) -> tuple[Kind, str] | None:
    """Kind and id of the document that a record belongs to; None for a record that belongs to none."""
    kind, slash, document_id = (key or b"").decode(errors="replace").partition("/")
    for known in KINDS:
        if kind == known and slash:
            return known, document_id
    return None


def same_content(one: Document, other: Document) -> bool:
    """Whether they differ in nothing but the version."""
    return type(one) is type(other) and one.same_content(other)  # type: ignore[arg-type]
