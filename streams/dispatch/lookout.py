"""What time alone makes necessary: rows for what waits, room in memory, digests, the end of hopeless lines."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from streams.dispatch.destination import Destination, Place
from streams.dispatch.digest import EXAMPLES, digest_key
from streams.dispatch.incident import Record
from streams.dispatch.plan import LOW
from streams.dispatch.runner import Runner

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

LOOK_SECONDS = 1.0
"""What has waited this long is written to the table first (architecture, section 4)."""

TRIED_SECONDS = 5.0
"""A row that lacks requests that were made in vain is written after so long, once for all that were made meanwhile:
nobody looks at one incident more often, and what a killed worker loses of them is not missed."""

BUSY_SECONDS = 0.05
"""Until the next look when this one could not do it all."""

SAVES = 1_000
"""Rows written after one look: as many as a broker takes until the next."""

FLUSHED = 200
"""Waiting incidents of a refused destination that are given up at one look."""


class Lookout:
    """Looks around once a second while anybody waits, and more often while there is more to do than one look does."""

    def __init__(self, owner: Dispatcher) -> None:
        self._owner = owner
        # Ordered ones: the first entry of a plain dict is far to find when many before it were deleted.
        self._unsaved: OrderedDict[Place, float] = OrderedDict()
        self._tried: OrderedDict[Place, float] = OrderedDict()
        self._held: dict[int, OrderedDict[Place, None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, runner: Runner[Any, Any]) -> None:
        """Note a runner whose row does not hold all that waits (oldest first), or that waits with acknowledgements, or
        whose row lacks requests that were made."""
        place = runner.place
        if runner.behind and place not in self._tried:
            self._tried[place] = self._owner.clock()
            self.soon()
        if runner.dirty:
            if place not in self._unsaved:
                self._unsaved[place] = self._owner.clock()
                self.soon()
        elif runner.acks:
            self._held.setdefault(place[0], OrderedDict())[place] = None
            self.soon()

    def forget(self, place: Place) -> None:
        """There is nothing left of it in memory."""
        self._unsaved.pop(place, None)
        self._tried.pop(place, None)
        if place[0] in self._held:
            self._held[place[0]].pop(place, None)

    def soon(self, seconds: float = LOOK_SECONDS) -> None:
        """Look around within so many seconds."""
        if self._owner.acts() and (self._timer is None or seconds < LOOK_SECONDS):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def close(self) -> None:
        """Forget everybody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unsaved.clear()
        self._tried.clear()
        self._held.clear()

    def _look(self) -> None:
        self._timer = None
        destinations = list(self._owner.destinations())
        saves = sum(self._save(runner) for runner in islice(self._overdue(), SAVES))
        saves += sum(self._save(runner) for runner in islice(self._crowding(), SAVES))
        saves += sum(self._save(runner) for runner in islice(self._untold(), SAVES))
        flushed = sum([self._flush(destination) for destination in destinations])
        folds = sum([self._fold(destination) for destination in destinations])
        if saves >= SAVES or flushed:
            self.soon(BUSY_SECONDS)
        elif self._unsaved or self._tried or any(self._held.values()) or folds:
            self.soon()

    def _overdue(self) -> Iterator[Runner[Any, Any]]:
        """Those whose rows have been behind for a second, each once."""
        now, later = self._owner.clock(), {}
        while self._unsaved:
            place, since = next(iter(self._unsaved.items()))
            if now - since < LOOK_SECONDS:
                break
            del self._unsaved[place]
            runner = self._owner.runner_at(place)
            if runner is None or not runner.dirty:
                continue
            if self._owner.waits(runner):
                yield runner
            else:
                later[place] = now  # a request is under way, and its outcome will be written
        self._unsaved.update(later)

    def _untold(self) -> Iterator[Runner[Any, Any]]:
        """Those whose rows have lacked requests for some seconds, each once."""
        now = self._owner.clock()
        while self._tried:
            place, since = next(iter(self._tried.items()))
            if now - since < TRIED_SECONDS:
                break
            del self._tried[place]
            runner = self._owner.runner_at(place)
            if runner is not None and runner.behind:
                yield runner

    def _crowding(self) -> Iterator[Runner[Any, Any]]:
        """Of partitions with too many acknowledgements withheld, the oldest of those that wait."""
        for partition, held in self._held.items():
            for place in list(islice(held, self._owner.excess(partition))):
                del held[place]
                runner = self._owner.runner_at(place)
                if runner is not None:
                    yield runner

    def _save(self, runner: Runner[Any, Any]) -> bool:
        saved = runner.save()
        if not saved and runner.acks:
            self.watch(runner)
        return saved

    def _fold(self, destination: Destination) -> bool:
        """Let the destination's digest say what it has to; False when there is nothing to watch."""
        digest, line = destination.digest, destination.line
        waiting, now = line.count(LOW), self._owner.clock()
        action = digest.wants(waiting, destination.fold_above, now)
        if action is not None:
            places = line.oldest(LOW, EXAMPLES)
            examples = [self._pending_at(place) for place in places]
            like = examples[0] if examples else digest.last
            if like is not None:
                place = places[0][0] if places else digest.partition, digest_key(like["destination"])
                digest.partition = place[0]
                self._owner.tell(place, digest.say(action, like, waiting, examples, now, self._owner.now_ms()))
        return digest.open or bool(destination.fold_above and line)

    def _pending_at(self, place: Place) -> Record:
        runner = self._owner.runner_at(place)
        incident = runner.incident if runner is not None else self._owner.stored(place)
        return next((record for record in incident.pending if record["action"] == "trigger"), incident.pending[0])

    def _flush(self, destination: Destination) -> int:
        """Give up what waits for a destination that PagerDuty refuses."""
        if not destination.line or self._owner.marked(destination) is None:
            return 0
        places = [place for _ in range(FLUSHED) if (place := destination.line.next()) is not None]
        return sum([self._owner.runner(place).flush() for place in places if not self._owner.desk.dismissed(place)])
