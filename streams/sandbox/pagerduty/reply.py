"""What a fault rule makes of an answer."""

from __future__ import annotations

from typing import NamedTuple

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.faults import ActiveFault


class Reply(NamedTuple):
    """What the HTTP rim must do: wait `delay` seconds (None: for ever), then answer; without an answer, close."""

    answer: Answer | None
    delay: float | None = 0.0


def reply(answer: Answer, rule: ActiveFault | None) -> Reply:
    """The answer as the fault rule lets it out."""
    if rule is None:
        return Reply(answer)
    fault = rule.fault
    if fault.kind == "hang":
        return Reply(None, fault.delay or None)
    return Reply(answer if fault.answers else None, fault.delay)
