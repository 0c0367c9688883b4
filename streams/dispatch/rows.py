"""Rows of table `incidents` by their keys, and what each holds.

key:…|<dedup key>, account:…|<dedup key>    an incident
account:…#<id at PagerDuty>                 which of them that is: the key of its row
account:…@cursor                            how far the account's log has been read
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, Self

from streams.dispatch.incident import Incident, Record
from streams.dispatch.outcome import Outcome
from streams.sync.row import CaseIncident

ACCOUNT = b"account:"


class Row(Protocol):
    """An incident's row as a runner needs it."""

    @property
    def pending(self) -> tuple[Record, ...]:
        """The outbox records that wait."""

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """Decided, not known to be told, by source."""

    @property
    def released(self) -> Mapping[str, Record]:
        """Whose acknowledgement was given early, by source."""

    def knows(self, record: Record) -> bool: ...
    def suspected(self) -> Self: ...
    def release(self) -> Self: ...
    def reported(self, source: str) -> Self: ...
    def renewed(self, renew: Callable[[Record], Record]) -> Self: ...
    def to_row(self, epoch: str = "") -> bytes: ...


def is_incident(key: bytes) -> bool:
    """Whether the row is an incident's. No destination's id has a bar in it."""
    return b"|" in key


def is_account(key: bytes) -> bool:
    """Whether the row is an account's."""
    return key.startswith(ACCOUNT)


def destination_of(key: bytes) -> bytes:
    """The destination's id."""
    return key.partition(b"|")[0]


def index_key(account: str, incident_id: str) -> bytes:
    """The key of the row that says which Case an incident belongs to; its value is the key of that Case's row."""
    return f"{account}#{incident_id}".encode()


def cursor_key(account: str) -> bytes:
    """The key of the row that says how far the account's log has been read."""
    return f"{account}@cursor".encode()


def value_of(key: bytes, row: bytes | None, epoch: str | None = None) -> Incident | CaseIncident:
    """What the row of an incident holds; of no row, one of which nothing is known."""
    if is_account(key):
        return CaseIncident.from_row(row, epoch) if row else CaseIncident()
    return Incident.from_row(row, epoch) if row else Incident()


def is_over(key: bytes, row: bytes, closed_before_ms: int) -> bool:
    """Whether an incident's row may be deleted: nothing is to be done, and it was closed before that time."""
    value = value_of(key, row)
    done = not value.pending and value.closed_at is not None and value.closed_at < closed_before_ms
    return done and not (isinstance(value, CaseIncident) and value.updates)
