"""What the topic `connectors` says, as far as it has been read: a value, made from records one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from streams.documents.connector import Connector
from streams.documents.document import KINDS, Document, Kind, read_key
from streams.documents.integration import Integration
from streams.documents.preset import Preset
from streams.documents.records import from_record
from streams.documents.revision import MARK_KEY, Mark, read_mark
from streams.documents.router import Router
from streams.documents.secrets import Cipher
from streams.errors import DocumentError, SecretError

MARKS_KEPT: Final = 64
"""Marks that a writer can look its own up in; applies come one every few seconds at most, and it looks at once."""

_T = TypeVar("_T")


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the topic; `where` is `<topic>/<partition>/<offset>`. No value: the document is deleted.

    `apply` and `revision` are what its headers say (`streams.documents.revision`).
    """

    key: bytes | None
    value: bytes | None
    where: str
    apply: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why the newest record of a document is not used. The one before it stays in use, if there was any.

    `locked`: it is sealed with a key that is not at hand; nothing is wrong with the record itself.
    """

    reason: str
    where: str
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A mark that was read, and whether its apply counts."""

    mark: Mark
    accepted: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The documents by kind and id, and what is wrong with those whose newest record cannot be read. Never changes.

    `problems` go by kind and id (`connector/payments`). `revision` is that of the last apply that is part of it, 0
    before the first; `head` that of the last one in the topic: higher while applies are held back, because one of
    their records cannot be read (`held`, the records). `marks`: the last marks, newest last. `strays`: keys under which
    the topic's newest record is of a refused apply. `waiting`: records whose mark has not come.
    """

    connectors: Mapping[str, Connector]
    problems: Mapping[str, Unreadable]
    integrations: Mapping[str, Integration] = field(default_factory=_nothing)
    presets: Mapping[str, Preset] = field(default_factory=_nothing)
    routers: Mapping[str, Router] = field(default_factory=_nothing)
    revision: int = 0
    head: int = 0
    held: tuple[Record, ...] = ()
    marks: tuple[Seen, ...] = ()
    strays: frozenset[bytes] = frozenset()
    waiting: tuple[Record, ...] = ()

    def of(self, kind: Kind) -> Mapping[str, Document]:
        """The documents of one kind by id."""
        found: Mapping[str, Document] = getattr(self, kind + "s")
        return found

    def get(self, name: str) -> Document | None:
        """The document of this kind and id (`connector/payments`)."""
        found = read_key(name.encode())
        return self.of(found[0]).get(found[1]) if found else None

    @property
    def documents(self) -> list[Document]:
        """All of them, kind by kind."""
        return [document for kind in KINDS for document in self.of(kind).values()]

    @property
    def locked(self) -> tuple[str, ...]:
        """Kind and id of the documents whose newest record is sealed with a key that is not at hand."""
        return tuple(sorted(name for name, problem in self.problems.items() if problem.locked))

    @property
    def lost(self) -> tuple[str, ...]:
        """Those of `locked` without an earlier version to go on with: they exist, and cannot be used at all."""
        return tuple(name for name in self.locked if self.get(name) is None)

    def restarted(self) -> Snapshot:
        """The same documents before the first record of a topic that was made anew, whose revisions begin at 1."""
        return replace(self, revision=0, head=0, held=(), marks=(), strays=frozenset(), waiting=())

    def after(self, records: Iterable[Record], cipher: Cipher, *, whole: bool = False) -> Snapshot:
        """What holds after these records. Records of no kind of document are passed over.

        `whole`: an apply one of whose records cannot be read is held back as a whole, and with it all that comes after,
        until every record can be read or has been overwritten; otherwise all but that record counts. For a process that
        acts on what it reads, once it has read what there was at its start: there is no complete state to go on from
        before.
        """
        building = _Building(self, cipher, whole=whole)
        for record in records:
            building.take(record)
        return building.done()


NOTHING: Final = Snapshot(MappingProxyType({}), MappingProxyType({}))
"""Before the first record."""


class _Building:
    def __init__(self, before: Snapshot, cipher: Cipher, *, whole: bool) -> None:
        self._before = before
        self._cipher = cipher
        self._whole = whole
        self._documents: dict[Kind, dict[str, Document]] = {kind: dict(before.of(kind)) for kind in KINDS}
        self._touched: set[Kind] = set()
        self._problems = dict(before.problems)
        self._revision, self._head = before.revision, before.head
        self._held = {record.key: record for record in before.held}
        self._marks = list(before.marks)
        self._strays = set(before.strays)
        self._waiting = list(before.waiting)

    def take(self, record: Record) -> None:
        if record.key == MARK_KEY:
            self._mark(read_mark(record.value))
            return
        if self._waiting and self._waiting[0].apply != record.apply:
            self._mark_is_gone()
        if record.apply is None:
            self._count([record])
        else:
            self._waiting.append(record)

    def done(self) -> Snapshot:
        def frozen(kind: Kind) -> Any:
            return MappingProxyType(self._documents[kind]) if kind in self._touched else self._before.of(kind)

        return replace(
            self._before,
            connectors=frozen("connector"),
            integrations=frozen("integration"),
            presets=frozen("preset"),
            routers=frozen("router"),
            problems=MappingProxyType(self._problems),
            revision=self._revision,
            head=self._head,
            held=tuple(self._held.values()),
            marks=tuple(self._marks[-MARKS_KEPT:]),
            strays=frozenset(self._strays),
            waiting=tuple(self._waiting),
        )

    def _mark(self, mark: Mark | None) -> None:
        if mark is None:  # of a version that does things otherwise; what it marks is not for us to judge
            self._waiting = []
            return
        if self._waiting and self._waiting[0].apply != mark.apply:
            self._mark_is_gone()
        group, self._waiting = self._waiting, []
        # Lower than what is read: another apply came between. Higher: compaction took marks in between away.
        accepted = mark.base >= self._head
        self._marks.append(Seen(mark, accepted))
        if not accepted:
            self._strays.update(record.key for record in group if record.key)
            return
        self._head = mark.revision
        self._count(group)

    def _mark_is_gone(self) -> None:
        group, self._waiting = self._waiting, []
        self._head = max(self._head, group[0].revision)
        self._count(group)

    def _count(self, group: list[Record]) -> None:
        self._strays.difference_update(record.key for record in group if record.key)
        if self._held:
            group = list({**self._held, **{record.key: record for record in group}}.values())
        read = [(*whose, self._read(*whose, record)) for record in group if (whose := read_key(record.key))]
        # A record of no apply stands for itself, as older versions write them.
        hold = (
            self._whole
            and any(isinstance(found, Unreadable) for _, _, found in read)
            and any(record.apply is not None for record in group)
        )
        for kind, document_id, found in read:
            name = f"{kind}/{document_id}"
            if isinstance(found, Unreadable):
                self._problems[name] = found
                continue
            self._problems.pop(name, None)
            if hold:
                continue
            self._touched.add(kind)
            if found is None:
                self._documents[kind].pop(document_id, None)
            else:
                self._documents[kind][document_id] = found
        self._held = {record.key: record for record in group} if hold else {}
        if not hold:
            self._revision = self._head

    def _read(self, kind: Kind, document_id: str, record: Record) -> Document | Unreadable | None:
        if record.value is None:
            return None
        try:
            document = from_record(kind, record.value, self._cipher)
        except (DocumentError, SecretError) as error:
            return Unreadable(str(error), record.where, isinstance(error, SecretError))
        if document.id != document_id:
            return Unreadable(f"the record's key says {document_id}, its value {document.id}", record.where)
        return document
