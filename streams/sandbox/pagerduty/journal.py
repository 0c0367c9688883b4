"""Every request the simulator has seen, in order, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from streams.sandbox.pagerduty.incidents import Effect

SMALL_DETAILS: Final = 1024
"""Custom details up to this many bytes of JSON are kept; a journal may hold 100,000 entries."""


class Entry(NamedTuple):
    """One request. Compact: strings and numbers only, no routing key."""

    order: int
    """Counts arrivals from 1 and never starts again, not even after a reset."""
    at: int
    """Arrival, milliseconds since the epoch."""
    destination: str | None
    """`key:<16 hex>`; None when the body had no routing key to tell."""
    action: str | None
    """trigger, acknowledge or resolve (or what stood there instead), `change` for a change event."""
    dedup_key: str | None
    status: int | None
    """The HTTP status answered; None when the connection was left hanging or dropped."""
    effect: Effect
    reason: str | None
    """Why nothing happened, as a machine word; None when something did."""
    incident: str | None
    summary: str | None
    severity: str | None
    details: str | None
    """The custom details as JSON, when they are small."""
    errors: tuple[str, ...] = ()
    """What the 400 said."""
    fault: str | None = None
    """The id of the fault rule that was applied."""

    @property
    def custom_details(self) -> Any:
        """The custom details, parsed; None when there were none, or they were too large to keep."""
        return None if self.details is None else orjson.loads(self.details)


def entry_json(entry: Entry) -> dict[str, Any]:
    """The entry as the control API shows it, for orjson to write out."""
    shown: dict[str, Any] = entry._asdict()
    details = shown.pop("details")
    shown["custom_details"] = None if details is None else orjson.Fragment(details)
    return shown


class Journal:
    """The entries in order of arrival. Grows with the run; `clear` empties it."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._cleared = 0
        self.listeners: list[Callable[[Entry], None]] = []
        """Called with each new entry, after it was added."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]

    @property
    def next_order(self) -> int:
        """The order number that the next entry must have."""
        return self._cleared + len(self._entries) + 1

    def add(self, entry: Entry) -> None:
        """Append an entry, whose order must be `next_order`."""
        self._entries.append(entry)
        for listener in tuple(self.listeners):
            listener(entry)

    def since(self, order: int, limit: int) -> list[Entry]:
        """At most `limit` entries that came after `order`, oldest first."""
        start = max(0, order - self._cleared)
        return list(islice(self._entries, start, start + limit))

    def clear(self) -> None:
        """Forget the entries; the order numbers go on."""
        self._cleared += len(self._entries)
        self._entries.clear()
