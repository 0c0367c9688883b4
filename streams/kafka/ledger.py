"""Which offset may be committed: the one before the first delivered record that is not yet acknowledged."""

from __future__ import annotations

from collections import deque


class AckLedger:
    """The delivered and acknowledged offsets of one partition since it was assigned.

    Faust's own calculation commits past work in flight when acknowledgements come out of order (its issue
    606). Here the offsets that were delivered are remembered in their order, so holes in the log (compaction,
    transaction markers) need no bookkeeping: they are never delivered, hence never waited for.

    Not thread-safe: the worker's main loop delivers and acknowledges.
    """

    __slots__ = ("_acked", "_delivered", "_frontier")

    def __init__(self) -> None:
        self._delivered: deque[int] = deque()
        self._acked: set[int] = set()
        self._frontier: int | None = None

    def deliver(self, offset: int) -> None:
        """Note that `offset` was handed out. An offset at or below the newest one is ignored (a re-read)."""
        if not self._delivered or offset > self._delivered[-1]:
            self._delivered.append(offset)

    def ack(self, offset: int) -> None:
        """Note that the work of `offset` is durably done. Any order; once is enough."""
        self._acked.add(offset)

    def frontier(self) -> int | None:
        """The offset to commit (the next one to process after a restart), or None when nothing was finished yet.

        Reading does not consume: a commit that failed is simply tried again with the same or a later answer.
        """
        while self._delivered and self._delivered[0] in self._acked:
            done = self._delivered.popleft()
            self._acked.discard(done)
            self._frontier = done + 1
        return self._frontier

    @property
    def withheld(self) -> int:
        """How many delivered records are not yet committable."""
        self.frontier()
        return len(self._delivered)
