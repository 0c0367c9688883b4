"""Carries one incident to the state it should have: ask, note the outcome, again, until nothing is left to plan.

What all destinations have in common: one task an incident, its turn, its row, its outcomes and acknowledgements. What
is asked, and how, is a service key's (`streams.dispatch.key_runner`) or an account's (`streams.dispatch.case_runner`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from streams.dispatch.destination import Destination, Place
from streams.dispatch.incident import Record, is_digest
from streams.dispatch.outcome import Outcome, dead_letter, delivery, replay_of, source_of
from streams.dispatch.plan import Rank
from streams.dispatch.rows import Row
from streams.dispatch.standing import Mark

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

Ack = Callable[[], None]


Held = TypeVar("Held", bound=Row)
Next = TypeVar("Next")


class Runner(ABC, Generic[Held, Next]):
    """The one task that acts for an incident: a single operation in flight, a single writer of its row.

    An outcome is published only after the row that holds it is confirmed, and an acknowledgement given only after the
    outcome is confirmed. So a crash anywhere leads to the same outcome being told again, never to another one.

    While the incident waits for its turn there is no task; the dispatcher asks for a `save` when it is time for one.
    """

    def __init__(self, owner: Dispatcher, partition: int, key: bytes, incident: Held) -> None:
        self.incident = incident
        self.place: Place = (partition, key)
        self.turn: Destination | None = None
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._partition = partition
        self._key = key
        self._records: dict[str, Record] = {source_of(record): record for record in incident.pending}
        self._records.update(incident.released)
        self._acks: dict[str, list[Ack]] = {}
        self._publishing: set[str] = set()
        self._chosen: Next | None = None
        self._overtaken = self._save = self._behind = False
        self._dirty = any(source in incident.released for source in incident.outcomes)

    # -- what is asked, and how -------------------------------------------------------------------------------------

    @abstractmethod
    def next(self) -> Next | None:
        """What to ask PagerDuty now; None when it knows all there is to know."""

    @abstractmethod
    def rank(self) -> Rank:
        """How urgent that is."""

    @abstractmethod
    def since(self, destination: Destination) -> float:
        """Its age, for the order within a rank."""

    @abstractmethod
    def like(self) -> Record:
        """A record that says what the destination is."""

    @abstractmethod
    def _ask(self, record: Record) -> None:
        """Take an input in that the row does not know."""

    @abstractmethod
    def _begin(self, chosen: Next) -> None:
        """It is about to be asked."""

    @abstractmethod
    async def _perform(self, chosen: Next, destination: Destination) -> None:
        """Ask; the turn is given back within."""

    @property
    @abstractmethod
    def _insists(self) -> bool:
        """Whether to ask even a destination that refuses: a replay is there to ask again."""

    @abstractmethod
    def _give_up(self, mark: Mark) -> None:
        """What waits is not asked for, as the destination refuses."""

    # -- what arrives -------------------------------------------------------------------------------------------

    def add(self, record: Record, ack: Ack, *, fresh: bool = True) -> None:
        """Take in an outbox record; `ack` is called when its input has its outcome, or needs none.

        Not `fresh`: whoever had the partition before may have acted on it.
        """
        if not fresh:
            self._suspect()
        source, replay = source_of(record), replay_of(record)
        self._acks.setdefault(source, []).append(ack)
        told = self.incident.outcomes.get(source)
        if told is not None and told.replay == replay and not (replay and told.status == "dead"):
            self._records[source] = record
            self._dirty = True
        elif any(source_of(waiting) == source for waiting in self.incident.pending):
            if source in self.incident.released and source in self._owner.stored(self.place).released:
                self._acknowledge(source)  # the row is all that is needed of it
            return
        elif replay is None and self.incident.knows(record):
            self._acknowledge(source)  # known and reported before
        else:
            before = self.incident.outcomes.keys()
            self._ask(record)
            self._records[source] = record
            self._dirty = True
            # Were it sent before the row says what it made pointless, a crash would bring that back after it. And of a
            # digest nobody would know but for its row.
            self._overtaken |= bool(self.incident.outcomes.keys() - before) or is_digest(record)

    def _suspect(self) -> None:
        self.incident = self.incident.suspected()

    # -- its task -----------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Go on, if there is something to do and nothing in the way."""
        if not self._owner.acts() or not (self.task is None or self.task.done()) or not self._wanted:
            return
        following = self.next()
        free = self.turn is None and not self._save and not self._overtaken
        if following is not None and free and self._free_turn():
            self._choose(following)  # what comes while nobody waits is sent as it comes
        self.task = asyncio.get_running_loop().create_task(self._run())
        self._owner.watch(self, self.task)

    @property
    def _wanted(self) -> bool:
        if self.turn is not None or self._save:
            return True
        return self._dirty if self.next() is None else not self._owner.waits(self)

    def save(self) -> bool:
        """Write what waits, and give the acknowledgements early where too many wait. False: nothing to do."""
        if not self._dirty and not self._behind and not self.crowded:
            return False
        self._save = True
        self.resume()
        return True

    def renew(self, renew: Callable[[Record], Record]) -> bool:
        """Have all records in the row and in memory as `renew` gives them, and acknowledge what waits: from then on its
        record in the outbox is not needed any more. False: nothing to do. While a request is under way nothing is done
        yet, and it is to be asked for again."""
        incident = self.incident.renewed(renew)
        records = {source: renew(record) for source, record in self._records.items()}
        if incident is self.incident and all(records[source] is one for source, one in self._records.items()):
            return False
        if self._owner.acts() and (self.task is None or self.task.done()) and self.turn is None:
            self._records = records
            self.incident = incident.release()
            self._dirty = self._save = True
            self.resume()
        return True

    def flush(self) -> bool:
        """Out of the line of a destination that is refused, give up. False for what insists on asking."""
        self.resume()
        return self.next() is not None and not self._insists

    async def _run(self) -> None:
        try:
            while self._owner.acts():
                following = self.next()
                if self._chosen is not None:
                    await self._operate()
                elif following is None:
                    self._owner.leave(self)
                    self._give_back()
                    if not self._dirty:
                        return
                    await self._write()
                elif self._save:
                    await self._write()
                elif self.turn is not None or self._take_turn():
                    await self._operate()
                else:
                    return
        finally:
            self._give_back()

    def _take_turn(self) -> bool:
        """Have a turn now, or stand in line for one; True when there is something to do."""
        destination = self._owner.destination(self.like())
        mark = self._owner.marked(destination)
        if mark is not None and not self._insists:
            self._owner.leave(self)
            self._give_up(mark)
            self._save = True
            return True
        if not self._free_turn():
            self._owner.wait(self, destination)
        return self.turn is not None

    def _free_turn(self) -> bool:
        destination = self._owner.destination(self.like())
        free = self._owner.marked(destination) is None and not self._owner.waits(self)
        if free and destination.take(self.rank()):
            self.turn = destination
        return self.turn is not None

    def _choose(self, chosen: Next) -> None:
        self._chosen = chosen
        self._begin(chosen)

    async def _operate(self) -> None:
        """One operation: what was chosen, or else what is newest once the row says all it must."""
        if self._chosen is None:
            while self._overtaken:
                await self._write()
            newest = self.next()
            if newest is None or not self._owner.acts():
                return
            self._choose(newest)
        chosen, self._chosen = self._chosen, None
        destination = self.turn
        assert chosen is not None, "something is chosen"
        assert destination is not None, "a turn is held"
        await self._perform(chosen, destination)

    def _give_back(self) -> None:
        destination, self.turn = self.turn, None
        if destination is not None:
            destination.give_back()

    # -- outcomes -----------------------------------------------------------------------------------------------

    @property
    def crowded(self) -> bool:
        """Whether acknowledgements of what waits are to be given early."""
        return self._owner.excess(self._partition) > 0 and any(
            source_of(record) in self._acks for record in self.incident.pending
        )

    async def _write(self) -> None:
        """Write the row; when it is confirmed, publish its outcomes and give the acknowledgements that follow."""
        if self._owner.excess(self._partition):
            self.incident = self.incident.release()
        await self._before_write()
        written = self.incident
        self._dirty = self._overtaken = self._save = self._behind = False
        await self._owner.table.write(self._partition, self._key, written.to_row(self._owner.epoch))
        await self._written(written)
        for source, outcome in written.outcomes.items():
            if source not in self._publishing and source in self._records:
                await self._publish(source, outcome)
        for source in written.released:
            if source not in written.outcomes:
                self._acknowledge(source)

    async def _before_write(self) -> None:
        """What must be stored before the row."""

    async def _written(self, written: Held) -> None:
        """What follows from the stored row beside outcomes and acknowledgements."""

    async def _publish(self, source: str, outcome: Outcome) -> None:
        record = self._records[source]
        if is_digest(record):  # no input, so nobody asks what became of it
            del self._records[source]
            self.incident = self.incident.reported(source)
            return
        self._publishing.add(source)
        if outcome.status == "dead":
            key = record["source"].get("key") or record["incident"]
            confirmed = await self._owner.publisher.publish("dead-letters", key, dead_letter(record, outcome))
        else:
            value = delivery(record, outcome)
            confirmed = await self._owner.publisher.publish("deliveries", record["incident"], value)
        self._owner.track(confirmed)
        confirmed.add_done_callback(lambda done: self._published(source, outcome, done))

    def _published(self, source: str, outcome: Outcome, done: asyncio.Future[object]) -> None:
        self._publishing.discard(source)
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            self._owner.crash(error)
            return
        self._owner.meter.outcome(self._records.pop(source), outcome)
        self._dirty |= source in self.incident.released  # else every recovery would tell it again
        self.incident = self.incident.reported(source)
        self._acknowledge(source)
        self._owner.sweep(self)

    def _acknowledge(self, source: str) -> None:
        for ack in self._acks.pop(source, ()):
            ack()

    # -- its end ------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is left in memory that the row does not hold, or nothing is left at all."""
        if self._publishing or self._dirty or self.turn is not None or not (self.task is None or self.task.done()):
            return False
        if self._busy:
            return False
        return self.next() is None or (self._owner.waits(self) and not self._acks and not self._behind)

    @property
    def _busy(self) -> bool:
        """Whether something else is only in memory."""
        return False

    @property
    def dirty(self) -> bool:
        """Whether the row does not hold all that waits."""
        return self._dirty

    @property
    def behind(self) -> bool:
        """Whether the row lacks requests that were made for what waits."""
        return self._behind

    @property
    def acks(self) -> bool:
        """Whether acknowledgements wait with it."""
        return bool(self._acks)

    async def stop(self) -> None:
        """End the task where it stands; what it had not finished will be delivered again or is in the row."""
        self._give_back()
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
