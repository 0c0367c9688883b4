"""The brake for dead letters: a bad deployment must not empty a whole topic into them.

Dead letters are for exceptions. When nearly everything becomes one (a producer's new release writes another shape, the
connectors were deleted), it is better that the inputs wait in Kafka, where lag shows them, than that all of them have
to be replayed. Compare Arroyo's limits of its dead-letter queue, which stop the consumer; here the flow goes on slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("pagerline.brake")

WARN_SECONDS = 60.0
"""Between two warnings: often enough to be seen, seldom enough to leave room for other lines."""


class TokenBucket:
    """`burst` at once, then `per_minute`. Pure: `clock` gives monotonic seconds."""

    def __init__(self, burst: int, per_minute: int, clock: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._per_second = per_minute / 60
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> float:
        """Take one and return 0.0; or take none and return the seconds until there will be one."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._per_second


class Brake:
    """Lets dead letters pass as the bucket allows; the others wait, in order, each inside `passed`.

    Whoever waits must not have acknowledged, and may be cancelled at any time: nothing has happened then.
    """

    def __init__(
        self,
        bucket: TokenBucket,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.waiting = 0
        self._bucket = bucket
        self._clock = clock
        self._sleep = sleep
        self._warned = float("-inf")
        self._turn = asyncio.Lock()  # only the first in line sleeps: thousands that wake for one token would be a load

    async def passed(self) -> None:
        """Returns when one more dead letter may be written."""
        if not self._turn.locked() and not self._bucket.take():
            return
        self.waiting += 1
        try:
            async with self._turn:
                while wait := self._bucket.take():
                    self._warn()
                    await self._sleep(wait)
        finally:
            self.waiting -= 1

    def _warn(self) -> None:
        now = self._clock()
        if now - self._warned >= WARN_SECONDS:
            self._warned = now
            log.warning(
                "%d dead letters wait, because there were too many in a short time; their inputs stay in Kafka. See "
                "`pagerline dead-letters list` for what is wrong; PAGERLINE_DEAD_LETTERS_PER_MINUTE is the pace",
                self.waiting,
            )
