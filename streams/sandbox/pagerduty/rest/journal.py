"""Every REST call the simulator has seen, in order, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class RestCall(NamedTuple):
    """One call. No token in it."""

    order: int
    """Counts arrivals from 1 and never starts again, not even after a reset."""
    at: int
    """Arrival, milliseconds since the epoch."""
    method: str
    path: str
    action: str | None
    """The operation, `create_note` for one; None for a path that there is not."""
    status: int | None
    """The HTTP status answered; None when the connection was left hanging or dropped."""
    done: bool
    """Whether the account did what was asked, with or without an answer."""
    token: str | None
    """`token:<16 hex>`; None when the header told none."""
    user: str | None
    """The email address of the user who acted."""
    incident: str | None
    """The incident it was about: of the path, or the one that was created."""
    query: str = ""
    body: Any = None
    """The request's JSON, when it is small."""
    fault: str | None = None
    request_id: str = ""

    @property
    def write(self) -> bool:
        """Whether it asked for a change."""
        return self.method not in ("GET", "HEAD")


class RestJournal:
    """The calls in order of arrival; `clear` empties it."""

    def __init__(self) -> None:
        self._calls: list[RestCall] = []
        self._cleared = 0
        self.listeners: list[Callable[[RestCall], None]] = []
        """Called with each new call, after it was added."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[RestCall]:
        return iter(self._calls)

    def __getitem__(self, index: int) -> RestCall:
        return self._calls[index]

    @property
    def next_order(self) -> int:
        return self._cleared + len(self._calls) + 1

    def add(self, call: RestCall) -> None:
        """Append a call, whose order must be `next_order`."""
        self._calls.append(call)
        for listener in tuple(self.listeners):
            listener(call)

    def since(self, order: int, limit: int) -> list[RestCall]:
        """At most `limit` calls that came after `order`, oldest first."""
        start = max(0, order - self._cleared)
        return self._calls[start : start + limit]

    def clear(self) -> None:
        """Forget the calls; the order numbers go on."""
        self._cleared += len(self._calls)
        self._calls.clear()
