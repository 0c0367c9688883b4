"""What the readers of all kinds share: faults are collected, one part's fault does not hide the next one's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from streams.documents.connector import ENTITIES, ID_PATTERN, Entity
from streams.documents.node import Node, Report, nearest
from streams.documents.written import Place
from streams.errors import DocumentError, DocumentsWrong

NAME_LIMIT: Final = 200
DESCRIPTION_LIMIT: Final = 5_000
"""Characters (Coralogix, notification center API)."""

MOST: Final = 100
"""Entries of a list where the documented API names no smaller number (fields, overrides)."""

_ENTITY_PREFIX: Final = "ENTITY_TYPE_"
"""Answers of the documented API have it, requests do not."""

ID_REMEDY: Final = "give it a name of letters, digits, '-' and '_', which never changes"
ID_FORM: Final = "write 1 to 128 letters, digits, '-' or '_', the first a letter or digit"


class Noting:
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


class Reader:
    """What is noted while one document is read: its faults, and the places of what may be looked at later."""

    def __init__(self) -> None:
        self.faults: list[DocumentError] = []
        self.report: Report = self.faults.append
        self.places: dict[Place, Node] = {}

    def noting(self) -> Noting:
        """A `with` that reports what is raised inside it."""
        return Noting(self.report)

    def at(self, place: Place, node: Node) -> Node:
        """Remember where a part is written."""
        self.places[place] = node
        return node

    def check_kind(self, node: Node, members: Mapping[str, Node], kind: str, *, needed: bool) -> None:
        if "kind" in members or needed:
            given = needed_member(node, members, "kind", f"write kind: {kind}")
            if given.text() != kind:
                raise given.fault(f"must be {kind} here", f"write kind: {kind}")

    def id(self, node: Node, members: Mapping[str, Node]) -> str:
        with self.noting():
            given = needed_member(node, members, "id", ID_REMEDY)
            return read_id(given)
        return ""

    def name(self, members: Mapping[str, Node]) -> str:
        return self.short_text(members, "name", 1, NAME_LIMIT)

    def description(self, members: Mapping[str, Node]) -> str:
        return self.short_text(members, "description", 0, DESCRIPTION_LIMIT)

    def short_text(self, members: Mapping[str, Node], name: str, least: int, most: int) -> str:
        """A text of so many characters; empty when it is not written, or wrong."""
        with self.noting():
            if name in members and not (least == 0 and members[name].is_nothing):
                return checked_length(members[name], least, most)
        return ""

    def entity(self, node: Node) -> Entity:
        """`alerts` or `cases`, as people or the documented API write them. Raises DocumentError."""
        text = node.text()
        found = text.upper().removeprefix(_ENTITY_PREFIX).lower()
        for one in ENTITIES:
            if found == one:
                return one
        near = nearest(text, ENTITIES)
        raise node.fault("is neither alerts nor cases", f"did you mean {near}?" if near else "write one of them")

    def inside(self, members: Mapping[str, Node], name: str, known: Collection[str]) -> dict[str, Node]:
        """The members of a mapping that may be missing. Raises DocumentError."""
        if name not in members or members[name].is_nothing:
            return {}
        return members[name].members(known, self.report)

    def entries(self, members: Mapping[str, Node], name: str) -> dict[str, Node]:
        """The members of a mapping that may be missing, whatever their names. Raises DocumentError."""
        if name not in members or members[name].is_nothing:
            return {}
        return members[name].entries(self.report)

    def texts(self, members: Mapping[str, Node], name: str, most: int) -> Mapping[str, str]:
        """A mapping of names to texts."""
        found: dict[str, str] = {}
        with self.noting():
            for key, value in self.entries(members, name).items():
                with self.noting():
                    found[key] = checked_length(value, 0, most)
        return MappingProxyType(found)

    def each(self, node: Node, most: int, read: Callable[[int, Node], None]) -> None:
        """Read the entries of a list, each by itself. Raises DocumentError when it is none or has too many."""
        items = node.items()
        if len(items) > most:
            raise node.fault(f"has {len(items)} entries, {most} is the limit", "take some out")
        for number, item in enumerate(items):
            with self.noting():
                read(number, item)


def read_id(node: Node) -> str:
    """An id. Raises DocumentError."""
    if ID_PATTERN.fullmatch(node.text()):
        return node.text()
    raise node.fault("is no id", ID_FORM)


def checked_length(node: Node, least: int, most: int) -> str:
    """A text of so many characters. Raises DocumentError."""
    text = node.text()
    if least <= len(text) <= most:
        return text
    remedy = "shorten it" if len(text) > most else "write something, or leave it out"
    raise node.fault(f"has {len(text)} characters, must have {least} to {most}", remedy)


def needed_member(node: Node, members: Mapping[str, Node], name: str, remedy: str) -> Node:
    """A member that must be there. Raises DocumentError."""
    if name not in members:
        raise node.fault(f"{name} is missing", remedy)
    return members[name]


def listed(members: Mapping[str, Node], name: str) -> list[Node]:
    """The entries of a list that may be missing. Raises DocumentError."""
    return members[name].items() if name in members and not members[name].is_nothing else []
