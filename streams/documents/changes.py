"""What it takes to bring the connectors that there are to those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from streams.documents.connector import Connector
from streams.documents.snapshot import Snapshot
from streams.errors import DocumentError, DocumentsWrong


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one connector: `connector` is what holds afterwards, `before` what held (None: nothing, or
    something that cannot be read)."""

    verb: Literal["created", "changed", "unchanged"]
    connector: Connector
    before: Connector | None


def plan_changes(snapshot: Snapshot, wanted: Iterable[Connector]) -> list[Change]:
    """One change for each wanted connector, with the version that it gets. Those that are not wanted stay as they are.

    Raises DocumentsWrong when a connector that exists would change its type.
    """
    changes: list[Change] = []
    faults: list[DocumentError] = []
    for connector in wanted:
        before = snapshot.connectors.get(connector.id)
        unreadable = connector.id in snapshot.problems
        if before is not None and before.type != connector.type:
            faults.append(
                DocumentError(
                    f"connector {connector.id} is of type {before.type}, which stays fixed for life",
                    path="type",
                    remedy=f"make a new connector of type {connector.type} under another id",
                )
            )
        elif before is None:
            changes.append(Change("changed" if unreadable else "created", replace(connector, version=1), None))
        elif unreadable or not before.same_content(connector):
            changes.append(Change("changed", replace(connector, version=before.version + 1), before))
        else:
            changes.append(Change("unchanged", before, before))
    if faults:
        raise DocumentsWrong(faults)
    return changes
