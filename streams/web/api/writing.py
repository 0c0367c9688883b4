"""What all writes of documents have in common: the revision they expect, and what is answered when it is another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Final

from streams.documents.changes import Changes, plan_changes
from streams.documents.document import Kind
from streams.documents.parse import parse_json
from streams.documents.snapshot import Snapshot
from streams.documents.written import Written
from streams.errors import DocumentError, DocumentsChanged, DocumentsWrong
from streams.web.operation import Call, Parameter, Reply
from streams.web.problem import ApiError, Fault
from streams.web.problem import wrong as wrong_request
from streams.web.schema import text

BY: Final = "web"
"""Who the log of revisions says has written."""

TRIES: Final = 3
"""For a write that expects no revision, when somebody else writes at the same moment."""

IF_MATCH: Final = Parameter(
    "If-Match",
    "header",
    text(most=100, examples=["*"]),
    "The ETag of the read that this write goes by: when the documents have changed since, 412 and nothing is written.",
)

PROBLEMS: Final = ("wrong-document", "conflict", "precondition-failed")
"""Of every write."""

Planning = Callable[[Snapshot], Changes]


def etag(snapshot: Snapshot) -> Mapping[str, str]:
    """The revision of all documents; any change makes another one."""
    return {"ETag": f'"{snapshot.head}"'}


async def write(
    call: Call, planning: Planning, *, dry_run: bool = False, places: bool = False
) -> tuple[Changes, Snapshot]:
    """Plan on the newest documents and write, whole or not at all; gives what holds then. `places`: whether lines and
    columns of faults are those of the body.

    Raises ApiError: precondition-failed when `If-Match` names another revision, conflict when somebody was quicker.
    """
    expected = call.header.get("If-Match")
    for last in (False,) * (TRIES - 1) + (True,):
        snapshot = await call.backend.read()
        if expected is not None and not _is_revision(expected, snapshot):
            raise ApiError(
                "precondition-failed",
                f"the documents are those of revision {snapshot.head} by now, not those of {expected[:40]}; read again",
                headers=etag(snapshot),
            )
        with nullcontext() if places else _without_places():
            changes = await asyncio.to_thread(planning, snapshot)
        if dry_run or not changes.writes:
            return changes, snapshot
        try:
            return changes, await call.backend.write(changes, by=BY)
        except DocumentsChanged as error:
            if expected is not None:
                raise ApiError("precondition-failed", str(error)) from None
            if last:
                raise ApiError("conflict", str(error)) from None
    raise AssertionError("the last try returns or raises")


def _is_revision(expected: str, snapshot: Snapshot) -> bool:
    """`*`, or one of several entity tags, is the present one; the quotes may be missing."""
    return any(tag.strip().strip('"') in ("*", str(snapshot.head)) for tag in expected.split(","))


async def create(call: Call, kind: Kind) -> tuple[Changes, Snapshot, str]:
    """Create the document of the body, under an id of ours where it brings none; gives that id too."""
    document = call.body[kind]
    if isinstance(document, dict):
        document = {"id": f"{kind}-{uuid.uuid4().hex[:12]}", **document}
    wanted = parsed(kind, {kind: document}, kind)

    def plan(snapshot: Snapshot) -> Changes:
        absent(snapshot, kind, wanted.document.id)
        return plan_changes(snapshot, [wanted])

    return *await write(call, plan), wanted.document.id


async def replace(call: Call, kind: Kind, body: Mapping[str, object]) -> tuple[Changes, Snapshot, str]:
    """Write the document of the body in the place of the one of its id; gives that id too."""
    wanted = parsed(kind, body, kind)

    def plan(snapshot: Snapshot) -> Changes:
        existing(snapshot, kind, wanted.document.id)
        return plan_changes(snapshot, [wanted])

    return *await write(call, plan), wanted.document.id


def existing(snapshot: Snapshot, kind: Kind, document_id: str) -> None:
    """Raises ApiError when there is no such document, readable or not."""
    name = f"{kind}/{document_id}"
    if snapshot.get(name) is None and name not in snapshot.problems:
        raise ApiError("not-found", f"there is no {kind} {document_id[:128]}")


def absent(snapshot: Snapshot, kind: Kind, document_id: str) -> None:
    """Raises ApiError when there is such a document already."""
    name = f"{kind}/{document_id}"
    if snapshot.get(name) is not None or name in snapshot.problems:
        raise ApiError("conflict", f"there is a {kind} {document_id} already; PUT replaces it")


async def delete(call: Call, kind: Kind, document_id: str, planning: Planning) -> Reply:
    """Delete a document; 409 names what refers to it."""

    def plan(snapshot: Snapshot) -> Changes:
        existing(snapshot, kind, document_id)
        try:
            return planning(snapshot)
        except DocumentError as error:
            raise ApiError("conflict", str(error)) from None

    _, after = await write(call, plan)
    return Reply({}, headers=etag(after))


def parsed(kind: Kind, body: Mapping[str, object], member: str) -> Written:
    """The document of a request's body, which holds it as `member`. Raises DocumentsWrong."""
    document = body[member]
    if not isinstance(document, dict):
        raise wrong_request([Fault(member, "must be an object")])
    with _without_places():
        return parse_json(kind, document)


@contextmanager
def _without_places() -> Iterator[None]:
    """Faults of a document that was taken out of its body name the field alone: its lines are not the body's."""
    try:
        yield
    except DocumentsWrong as wrong:
        raise DocumentsWrong(
            DocumentError(one.message, path=one.path, remedy=one.remedy) for one in wrong.problems
        ) from None
