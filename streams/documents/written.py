"""A document with the places at which its parts are written: what is found wrong later can still be pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from streams.documents.document import Document
from streams.documents.node import Node
from streams.errors import DocumentError

Place = tuple[str | int, ...]
"""A part of a document in its own terms, whatever form it is written in: `("rules", 0, "targets", 1, "preset")`."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document, the node of the whole, and the nodes of those parts that can be wrong in company with others."""

    document: Document
    node: Node | None = None
    places: Mapping[Place, Node] = field(default_factory=lambda: MappingProxyType({}))

    def fault(self, place: Place, message: str, remedy: str = "") -> DocumentError:
        """A fault at this part: with file, line and column where they are known, and the field as it is written."""
        node = self.places.get(place)
        if node is not None:
            return node.fault(message, remedy)
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
        if self.node is None:
            return DocumentError(message, path=path, remedy=remedy)
        at = self.node.fault(message)
        return DocumentError(message, file=at.file, line=at.line, column=at.column, path=path, remedy=remedy)


def written(one: Document | Written) -> Written:
    """A document with its places, if it has any."""
    return one if isinstance(one, Written) else Written(one)
