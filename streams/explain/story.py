"""The story of one incident: a value made from its records. Pure; `-o json` is this value as it stands.

All times are milliseconds since the epoch. No text holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from streams.dispatch.outcome import SENT_PLAIN

Status = Literal["delivered", "superseded", "skipped", "dead", "waiting"]
State = Literal["waiting", "dead", "triggered", "acknowledged", "resolved", "not_paged", "unknown"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to PagerDuty: when, how long (ms), its status, and PagerDuty's words or the connection's error.
    `call`: what was asked of an account; None for an event."""

    at: int
    ms: float
    status: int | None
    error: str | None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A field of the connector that gave no routing key, why, and its template (keys masked) where it is one."""

    candidate: str
    reason: str
    template: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """How the destination was found: by `chosen` (a field, or `pin`), after `passed_over`. `key` is masked.

    `service` is that of an account. `revision` is that of the documents it was found by, `router` the router that chose
    the connector, `preset` what the message was made by. `invalid` are rules whose condition is at fault.
    """

    chosen: str | None
    key: str | None
    template: str | None
    pinned: bool
    passed_over: tuple[Tried, ...]
    service: str | None = None
    revision: int | None = None
    router: str | None = None
    preset: str | None = None
    invalid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How an input ended at one destination, or that it waits (`at` is None then).

    `reason` is for machines, `message` for people. `by` is the input that superseded it. `replay` is the id of the dead
    letter that this was a replay of; `letter` that of the dead letter it ended in. `render_errors` are the fields of
    the message that fell back to the built-in text, and why.
    """

    status: Status
    reason: str
    message: str
    stage: Literal["route", "dispatch"]
    at: int | None
    destination: str | None = None
    connector: str | None = None
    rule: str | None = None
    choice: Choice | None = None
    latency_ms: int | None = None
    http_status: int | None = None
    by: str | None = None
    attempts: tuple[Attempt, ...] = ()
    attempts_total: int = 0
    render_errors: Mapping[str, str] = field(default_factory=dict)
    folded: bool = False
    replay: str | None = None
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One input record, `<topic>/<partition>/<offset>`, and its endings, oldest first, one for each destination and
    replay. None at all: none was found."""

    source: str
    written_at: int | None
    action: str | None
    asked: bool
    endings: tuple[Ending, ...]


@dataclass(frozen=True, slots=True)
class Pinned:
    """Where a connector sends the incident; `open` until its resolve."""

    connector: str
    destination: str
    open: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What PagerDuty was last told at a destination: none, triggered, acknowledged or resolved.

    Of a Case at an account how its incident stands, with its number and page, the service it is at, and what is wrong:
    `error` keeps the two sides from each other, `conflict` is a difference that somebody has to look at.
    """

    destination: str
    state: str
    closed_at: int | None
    incident: str | None = None
    number: int | None = None
    url: str | None = None
    service: str | None = None
    error: str | None = None
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """What became of a Case's incident at PagerDuty: a record of `case-updates`. `at` is PagerDuty's time, `by` who did
    it; `apply`: the Case was asked to follow."""

    at: int
    recorded_at: int
    change: str
    apply: bool
    by: str | None
    found_by: str
    message: str
    destination: str


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands: a word for machines and a sentence."""

    state: State
    message: str


@dataclass(frozen=True, slots=True)
class Story:
    """The life of an incident. `complete`: False when it began before what was looked at. `updates`: of a Case, what
    PagerDuty said, oldest first."""

    incident: str | None
    dedup_key: str | None
    now: Now
    pins: tuple[Pinned, ...]
    destinations: tuple[Known, ...]
    inputs: tuple[Input, ...]
    workers: int | None
    complete: bool
    updates: tuple[Update, ...] = ()

    def endings(self) -> Iterable[Ending]:
        """All of them."""
        return (ending for one in self.inputs for ending in one.endings)


def order_of(source: str, written_at: int | None) -> tuple[int, str, int, int]:
    """The order of inputs: by time, and within a partition by offset."""
    topic, partition, offset = source.rsplit("/", 2)
    return written_at or 0, topic, int(partition), int(offset)


def took_plain(ending: Ending) -> bool:
    """Whether PagerDuty refused the event as it was, and took its plainest form: dead, and yet somebody was paged."""
    return ending.status == "dead" and ending.message.endswith(SENT_PLAIN)


def state_of(endings: Sequence[tuple[Input, Ending]]) -> dict[str, str]:
    """What PagerDuty was last told at each destination, by the endings alone (oldest input first)."""
    after = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
    states: dict[str, str] = {}
    for one, ending in endings:
        taken = ending.status == "delivered" or took_plain(ending)
        if taken and ending.destination is not None and one.action in after:
            before = states.get(ending.destination)
            if one.action == "acknowledge" and before not in ("triggered", "acknowledged"):
                continue  # PagerDuty drops an acknowledge for what is not open
            states[ending.destination] = after[one.action]
    return states
