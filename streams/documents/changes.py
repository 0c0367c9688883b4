"""What it takes to bring the documents that there are to those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from streams.documents.advice import advice
from streams.documents.check import View, check, faults
from streams.documents.connector import Connector
from streams.documents.document import KINDS, Document, Kind, kind_of, name_of, same_content
from streams.documents.integration import Integration
from streams.documents.links import referring
from streams.documents.snapshot import Snapshot
from streams.documents.system_presets import SYSTEM
from streams.documents.written import Written, written
from streams.errors import DocumentError, DocumentsWrong

NAMED: Final = 5
"""Documents that one line names."""

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

    Raises DocumentsWrong with all faults: a connector that exists would change its type, a reference leads nowhere or
    to what does not fit, here or in a document that stays. What is only odd is in the warnings.
    """
    changes: list[Change] = []
    faults: list[DocumentError] = []
    documents = [written(one) for one in wanted]
    for one in documents:
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
        if isinstance(document, Integration) and isinstance(before, Integration):
            document = document.keeping(before)
        changes.append(_change(snapshot, document, before))
    if prune:
        changes += _pruned(snapshot, {name_of(one.document) for one in documents})
    before_it = View(snapshot.documents, snapshot.problems)
    after_it = _after(snapshot, changes)
    faults += check(after_it, documents, before_it)
    if faults:
        raise DocumentsWrong(faults)
    touched = [change.document for change in changes if change.document is not None and change.verb != "unchanged"]
    return Changes(snapshot.head, tuple(changes), tuple(advice(after_it, touched, before_it)))


def plan_deletion(snapshot: Snapshot, kind: Kind, document_id: str, *, force: bool = False) -> Changes:
    """The change that deletes a document.

    Raises DocumentError when there is none of that name, and, unless `force`, when others refer to it; with it the
    warnings tell which lead nowhere then.
    """
    name = f"{kind}/{document_id}"
    before = snapshot.get(name)
    if before is None and name not in snapshot.problems:
        if kind == "preset" and document_id in SYSTEM:
            raise DocumentError(
                f"{name} is Pagerline's own and cannot be deleted",
                remedy="nothing uses it that does not name it",
            )
        raise DocumentError(f"there is no {name}", remedy=f"`pagerline get {kind}s` lists all")
    if (holders := referring(snapshot.documents, name)) and not force:
        more = f" and {len(holders) - NAMED} more" if len(holders) > NAMED else ""
        raise DocumentError(
            f"{name} is not deleted: {', '.join(holders[:NAMED])}{more} refer{'s' if len(holders) == 1 else ''} to it",
            remedy="change or delete what refers to it first",
        )
    change = Change("deleted", name, None, before)
    after_it = _after(snapshot, [change])
    dangling = [
        f"{holder}: {Written(after_it.documents[holder]).fault(fault.place, fault.message)}"
        for holder in holders
        for fault in faults(after_it, after_it.documents[holder])
    ]
    warnings = advice(after_it, [], View(snapshot.documents))
    return Changes(snapshot.head, (change,), (*dangling, *warnings))


def _after(snapshot: Snapshot, changes: list[Change]) -> View:
    """The documents as they are after these changes."""
    there = {name_of(document): document for document in snapshot.documents}
    gone = [change.name for change in changes if change.document is None]
    for change in changes:
        if change.document is None:
            there.pop(change.name, None)
        else:
            there[change.name] = change.document
    return View(there.values(), snapshot.problems.keys() - set(gone), gone)


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
