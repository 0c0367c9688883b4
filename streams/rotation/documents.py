"""Documents sealed anew: one apply that changes nothing but the seals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.documents.changes import Change, Changes
from streams.documents.log import DocumentLog
from streams.errors import DocumentsChanged

BY: Final = "pagerline secrets rotate"

TRIES: Final = 10
"""Somebody else's apply may come between, and again; ten in a row do not."""


async def renew_documents(log: DocumentLog, names: Iterable[str]) -> tuple[int, list[str]]:
    """Write these documents (`connector/payments`) once more, as they are now; returns how many, and the names under
    which there is none.

    Raises SecretError when one is sealed with no key at hand, DocumentsChanged when others write all the time.
    """
    wanted = list(names)
    for attempt in range(1, TRIES + 1):
        snapshot = await log.read()
        found = [(name, snapshot.get(name)) for name in wanted]
        changes = tuple(Change("changed", name, document, document) for name, document in found if document is not None)
        try:
            await log.write(Changes(snapshot.head, changes), by=BY)
        except DocumentsChanged:
            if attempt == TRIES:
                raise
        else:
            return len(changes), [name for name, document in found if document is None]
    raise AssertionError("the last try returns or raises")
