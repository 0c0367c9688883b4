"""What a Case's row is made of: comments on their way, known changes, inputs that wait and how their parts ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.dispatch.outcome import Status as Ending

Record = Mapping[str, Any]
"""An outbox record of an account destination (schemas/pagerduty-outbox.json)."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of the Case for PagerDuty. `tried`: it may have been posted; the notes must be looked at first."""

    id: str
    text: str
    author: str | None = None
    resolution: bool = False
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is known, and how it was heard of: each of its echoes is taken for this change once."""

    kind: str
    at: int
    own: bool = False
    webhook: bool = False
    log: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """How a part of an input ended; `by`: the source of the input that came instead, `near`: what may have been
    meant."""

    status: Ending
    reason: str
    message: str
    by: str | None = None
    http: int | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An input with parts that PagerDuty has not taken yet.

    parts: `create`, `acknowledge`, `unacknowledge`, `resolve`, `fields`, `note:<comment id>`. took: PagerDuty took one
    of its parts. lost: why another one was not done.
    """

    record: Record
    parts: tuple[str, ...]
    took: bool = False
    lost: Lost | None = None
