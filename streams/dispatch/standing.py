"""How one destination stands with PagerDuty: well, failing, throttled, or refused altogether."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.dispatch.backoff import backoff

LONGEST_PAUSE_SECONDS = 600.0
"""Of a pause that is asked for. PagerDuty's limits move within a minute; whatever asks for hours is not to be believed
when it stands between an alert and a person."""

PROBE_SECONDS = 1.2
"""Longest pause after a failure that is not a 429: a destination that fails is asked about once a second, by one
request, so that pages go on within two seconds of an outage's end."""

REFUSED_SECONDS = 30.0
"""How long a destination that PagerDuty does not know, or does not let us use, is believed to stay so."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a destination is refused: the verdict's reason and PagerDuty's words, and until when that is believed."""

    reason: str
    words: str
    until: float


class Standing:
    """Pauses and marks. Times are monotonic seconds given by the caller; `random` gives a float in [0, 1)."""

    def __init__(self, random: Callable[[], float]) -> None:
        self.failures = 0
        self.mark: Mark | None = None
        self._throttled = 0
        self._random = random
        self._paused_until = float("-inf")
        self._told_until = float("-inf")

    def pause(self, now: float) -> float:
        """Seconds until it may be asked again."""
        return max(0.0, self._paused_until - now, self._told_until - now)

    def asked(self, now: float) -> None:
        """A request begins; while the destination fails, the next one waits."""
        if self.failures:
            self._paused_until = max(self._paused_until, now + PROBE_SECONDS)

    def answered(self) -> None:
        """PagerDuty answered for good: no reason to hold back, unless it has named a time."""
        self.failures = self._throttled = 0
        self.mark = None
        self._paused_until = float("-inf")

    def failed(self, now: float, after: float | None, *, alone: bool, throttled: bool) -> None:
        """Pause after a failure: `after` seconds when PagerDuty named them, else the back-off.

        Requests that were in flight together fail together, and count as one failure unless `alone`.
        """
        counts = self.failures == 0 or (alone and now >= max(self._paused_until, self._told_until))
        self.failures += counts
        if after:
            self._told_until = max(self._told_until, now + min(after, LONGEST_PAUSE_SECONDS))
        elif counts and throttled:
            self._throttled += 1
            self._paused_until = now + backoff(self._throttled, self._random)
        elif counts:
            self._paused_until = now + backoff(self.failures, self._random, cap=PROBE_SECONDS)

    def refused(self, now: float, reason: str, words: str) -> None:
        """PagerDuty does not know the destination, or does not let us use it."""
        self.answered()
        self.mark = Mark(reason, words, now + REFUSED_SECONDS)

    def marked(self, now: float) -> Mark | None:
        """The mark to go by; None when there is none, or when it is time to ask again."""
        return self.mark if self.mark is not None and now < self.mark.until else None
