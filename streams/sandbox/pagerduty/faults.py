"""Trouble on demand: rules that make the simulator misbehave for some requests, for some time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from streams.sandbox.pagerduty.answers import JSON, TEXT, Answer
from streams.sandbox.pagerduty.destination import EVERY, REST

Kind = Literal["status", "delay", "hang", "drop_after_accept", "drop_before_accept", "lose"]

MEANING: Final[Mapping[Kind, str]] = {
    "status": "answer this status, take nothing in",
    "delay": "take the event in at once, answer late",
    "hang": "take nothing in and never answer; with a delay, close the connection after it",
    "drop_after_accept": "take the event in, then close the connection without an answer",
    "drop_before_accept": "close the connection without an answer, take nothing in",
    "lose": "answer 202 and lose the event, as in PagerDuty's incident 6bf6s5x13tmg",
}

ACTIONS: Final = ("trigger", "acknowledge", "resolve", "change")


_OPERATION: Final = re.compile(r"read|write|[a-z]+(_[a-z]+)+")


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule. It ends when it has been applied `count` times or when `for_seconds` have passed, whichever is first.

    Raises ValueError when a field is not as it must be; the text says what would be right.
    """

    kind: Kind
    match: str = EVERY
    """A destination id, `rest` for the REST API, or `*` for everything."""
    action: str | None = None
    """Only events with this action (`change`: change events), or REST calls of this operation, `read` or `write`; None:
    all."""
    status: int = 500
    """For kind `status`."""
    body: bytes = b""
    """For kind `status`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """For kind `status`, `Retry-After` for one."""
    delay: float = 0.0
    """Seconds before the answer is sent or the connection closed."""
    count: int | None = None
    for_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind is {self.kind!r}; it must be one of {', '.join(get_args(Kind))}")
        if self.action is not None and self.match == REST:
            if not (isinstance(self.action, str) and _OPERATION.fullmatch(self.action)):
                raise ValueError(f"action is {self.action!r}; it must be read, write or an operation like create_note")
        elif self.action is not None and self.action not in ACTIONS:
            raise ValueError(f"action is {self.action!r}; it must be one of {', '.join(ACTIONS)}")
        if not (_whole(self.status) and 200 <= self.status <= 599):
            raise ValueError(f"status is {self.status!r}; it must be an HTTP status from 200 to 599")
        if not (_number(self.delay) and self.delay >= 0):
            raise ValueError(f"delay is {self.delay!r}; it must be a number of seconds from 0 on")
        if self.kind == "delay" and self.delay == 0:
            raise ValueError("a fault of kind delay needs a delay in seconds")
        if self.count is not None and not (_whole(self.count) and self.count >= 1):
            raise ValueError(f"count is {self.count!r}; it must be a whole number from 1 on")
        if self.for_seconds is not None and not (_number(self.for_seconds) and self.for_seconds > 0):
            raise ValueError(f"for_seconds is {self.for_seconds!r}; it must be a number above 0")
        if not all(isinstance(text, str) for pair in self.headers.items() for text in pair):
            raise ValueError("headers must be texts")

    @property
    def takes_nothing_in(self) -> bool:
        """Whether the request is not even looked at."""
        return self.kind in ("status", "hang", "drop_before_accept")

    @property
    def answers(self) -> bool:
        """Whether the client gets an HTTP answer at all."""
        return self.kind in ("status", "delay", "lose")

    @property
    def answer(self) -> Answer:
        """The answer of kind `status`."""
        content_type = JSON if self.body[:1] in (b"{", b"[") else TEXT
        return Answer(self.status, self.body, content_type, self.headers)


@dataclass(slots=True)
class ActiveFault:
    """A rule in force. `left`: how often it still applies; `until`: the monotonic second of its end."""

    id: str
    fault: Fault
    left: int | None
    until: float | None


class FaultRules:
    """The rules in force, oldest first. The first one that matches a request is applied to it."""

    def __init__(self) -> None:
        self._active: list[ActiveFault] = []
        self._made = 0

    def add(self, fault: Fault, now: float) -> str:
        """Put a rule in force at monotonic time `now`; returns its id."""
        self._made += 1
        until = None if fault.for_seconds is None else now + fault.for_seconds
        self._active.append(ActiveFault(f"fault-{self._made}", fault, fault.count, until))
        return self._active[-1].id

    def remove(self, fault_id: str | None = None) -> int:
        """End the rule with this id, or all of them; returns how many ended."""
        kept = [] if fault_id is None else [rule for rule in self._active if rule.id != fault_id]
        ended = len(self._active) - len(kept)
        self._active = kept
        return ended

    def active(self, now: float) -> list[ActiveFault]:
        """The rules in force at `now`."""
        self._active = [rule for rule in self._active if rule.until is None or rule.until > now]
        return list(self._active)

    def take(
        self, destination: str | None, action: str | None, now: float, *, also: str | None = None
    ) -> ActiveFault | None:
        """The rule to apply to a request, counted as applied; None when none matches.

        also: another name of its action. Kind `lose` does not apply to the REST API, which never promises to do things.
        """
        if not self._active:
            return None
        for rule in self.active(now):
            fault = rule.fault
            if fault.match not in (EVERY, destination) or fault.action not in (None, action, also):
                continue
            if destination == REST and fault.kind == "lose":
                continue
            if rule.left is not None:
                rule.left -= 1
                if rule.left == 0:
                    self._active.remove(rule)
            return rule
        return None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
