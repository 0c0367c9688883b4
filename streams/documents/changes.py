"""What it takes to bring the documents that there are to those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from streams.documents.connector import Connector
from streams.documents.document import KINDS, Document, Kind, kind_of, name_of, same_content
from streams.documents.snapshot import Snapshot
from streams.documents.written import Written, written
from streams.errors import DocumentError, DocumentsWrong

Verb = Literal["created", "changed", "unchanged", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one document: `document` is what holds afterwards (None: it is deleted), `before` what held
    (None: nothing, or something that cannot be read). `name` is its kind and id."""

    verb: Verb
    name: str
    document: Document | None
    before: Document | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes made from the documents of revision `base`; `warnings` are sentences for whoever makes them."""

    base: int
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    @property
    def writes(self) -> tuple[Change, ...]:
        """Those that change something."""
        return tuple(change for change in self.changes if change.verb != "unchanged")


def plan_changes(snapshot: Snapshot, wanted: Iterable[Document | Written], *, prune: bool = False) -> Changes:
    """One change for each wanted document, in their order, with the version that it gets; then, with `prune`, one for
    each stored document that is not wanted, which goes. Without it those stay as they are.

    Raises DocumentsWrong when a connector that exists would change its type.
    """
    changes: list[Change] = []
    faults: list[DocumentError] = []
    for one in map(written, wanted):
        document = one.document
        before = snapshot.get(name_of(document))
        if isinstance(document, Connector) and isinstance(before, Connector) and before.type != document.type:
            faults.append(
                one.fault(
                    ("type",),
                    f"connector {document.id} is of type {before.type}, which stays fixed for life",
                    f"make a new connector of type {document.type} under another id",
                )
            )
            continue
        changes.append(_change(snapshot, document, before))
    if faults:
        raise DocumentsWrong(faults)
    if prune:
        changes += _pruned(snapshot, {change.name for change in changes})
    return Changes(snapshot.head, tuple(changes))


def plan_deletion(snapshot: Snapshot, kind: Kind, document_id: str) -> Changes:
    """The change that deletes a document. Raises DocumentError when there is none of that name."""
    name = f"{kind}/{document_id}"
    before = snapshot.get(name)
    if before is None and name not in snapshot.problems:
        raise DocumentError(f"there is no {name}", remedy=f"`pagerline get {kind}s` lists all")
    return Changes(snapshot.head, (Change("deleted", name, None, before),))


def _change(snapshot: Snapshot, document: Document, before: Document | None) -> Change:
    name = name_of(document)
    unreadable = name in snapshot.problems
    if before is None:
        return Change("changed" if unreadable else "created", name, replace(document, version=1), None)
    if unreadable or not same_content(before, document):
        return Change("changed", name, replace(document, version=before.version + 1), before)
    return Change("unchanged", name, before, before)


_ORDER: Final = {kind: number for number, kind in enumerate(KINDS)}


def _pruned(snapshot: Snapshot, wanted: set[str]) -> list[Change]:
    there = {name_of(document): document for document in snapshot.documents}
    going = sorted(there.keys() - wanted, key=lambda name: (-_ORDER[kind_of(there[name])], name))
    return [Change("deleted", name, None, there[name]) for name in going]
