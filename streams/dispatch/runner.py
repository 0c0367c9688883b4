"""Carries one incident to the state it should have: send, note the outcome, again, until nothing is left to plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.dispatch.destination import Destination
from streams.dispatch.incident import Incident, Record, is_digest
from streams.dispatch.outcome import SENT_PLAIN, Attempt, Outcome, Tried, dead_letter, delivery, replay_of, source_of
from streams.dispatch.plain import plain
from streams.dispatch.plan import plan, rank
from streams.pagerduty.answers import (
    DESTINATION_REFUSED,
    EVENT_REFUSED,
    Accepted,
    Answer,
    Refused,
    TryAgain,
    Verdict,
    judge,
)

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

Ack = Callable[[], None]


class Runner:
    """The one task that acts for an incident: a single operation in flight, a single writer of its row.

    An outcome is published only after the row that holds it is confirmed, and an acknowledgement given only after the
    outcome is confirmed. So a crash anywhere leads to the same outcome being told again, never to another one.

    While the incident waits for its turn there is no task; the dispatcher asks for a `save` when it is time for one.
    """

    def __init__(self, owner: Dispatcher, partition: int, key: bytes, incident: Incident) -> None:
        self.incident = incident
        self.place = (partition, key)
        self.turn: Destination | None = None
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._partition = partition
        self._key = key
        self._records: dict[str, Record] = {source_of(record): record for record in incident.pending}
        self._records.update(incident.released)
        self._acks: dict[str, list[Ack]] = {}
        self._publishing: set[str] = set()
        self._refused: dict[str, str] = {}
        self._chosen: Record | None = None
        self._overtaken = self._save = self._behind = False
        self._dirty = any(source in incident.released for source in incident.outcomes)

    # -- what arrives -------------------------------------------------------------------------------------------

    def add(self, record: Record, ack: Ack) -> None:
        """Take in an outbox record; `ack` is called when its input has its outcome, or needs none."""
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
            # Had an outcome of the row not been told, its input would have been delivered again before this one.
            before = self.incident.only(self._records)
            now_ms = self._owner.now_ms()
            reason = before.stale(record) if replay else None
            self.incident = before.skip(record, reason, now_ms) if reason else before.ask(record, now_ms)
            self._records[source] = record
            self._dirty = True
            # Were it sent before the row says what it made pointless, a crash would bring that back after it. And of a
            # digest nobody would know but for its row.
            self._overtaken |= len(self.incident.outcomes) > len(before.outcomes) or is_digest(record)

    def suspect(self) -> None:
        """What is pending may have been sent by whoever had the partition before."""
        self.incident = self.incident.suspected()

    # -- its task -----------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Go on, if there is something to do and nothing in the way."""
        if not self._owner.acts() or not (self.task is None or self.task.done()) or not self._wanted:
            return
        record = plan(self.incident)
        free = self.turn is None and not self._save and not self._overtaken
        if record is not None and free and self._free_turn(record):
            self._choose(record)  # what comes while nobody waits is sent as it comes
        self.task = asyncio.get_running_loop().create_task(self._run())
        self._owner.watch(self, self.task)

    @property
    def _wanted(self) -> bool:
        if self.turn is not None or self._save:
            return True
        return self._dirty if not self.incident.pending else not self._owner.waits(self)

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
        """Out of the line of a destination that is refused, give up. False for a replay: it is there to ask again."""
        self.resume()
        record = plan(self.incident)
        return record is not None and replay_of(record) is None

    async def _run(self) -> None:
        try:
            while self._owner.acts():
                record = plan(self.incident)
                if self._chosen is not None:
                    await self._operate()
                elif record is None:
                    self._owner.leave(self)
                    self._give_back()
                    if not self._dirty:
                        return
                    await self._write()
                elif self._save:
                    await self._write()
                elif self.turn is not None or self._take_turn(record):
                    await self._operate()
                else:
                    return
        finally:
            self._give_back()

    def _take_turn(self, record: Record) -> bool:
        """Have a turn now, or stand in line for one; True when there is something to do."""
        destination = self._owner.destination(record)
        mark = self._owner.marked(destination)
        if mark is not None and replay_of(record) is None:
            verdict = Refused(mark.reason, f"not sent: PagerDuty refuses this destination; it said: {mark.words}")
            self._owner.leave(self)
            self._settle(record, Answer(status=None), verdict, ms=None)
            self._save = True
            return True
        if not self._free_turn(record):
            self._owner.wait(self, destination, rank(self.incident))
        return self.turn is not None

    def _free_turn(self, record: Record) -> bool:
        destination = self._owner.destination(record)
        free = self._owner.marked(destination) is None and not self._owner.waits(self)
        if free and destination.take(rank(self.incident)):
            self.turn = destination
        return self.turn is not None

    def _choose(self, record: Record) -> None:
        self._chosen = record
        self.incident = self.incident.asking(self._owner.now_ms())

    async def _operate(self) -> None:
        """One request: what was chosen, or else what is newest once the row says all it must."""
        if self._chosen is None:
            while self._overtaken:
                await self._write()
            newest = plan(self.incident)
            if newest is None or not self._owner.acts():
                return
            self._choose(newest)
        record, self._chosen = self._chosen, None
        destination = self.turn
        assert record is not None, "something is chosen"
        assert destination is not None, "a turn is held"
        refused = self._refused.get(source_of(record))
        answer = await self._owner.sender.send(record if refused is None else plain(record))
        verdict = judge(answer)
        if isinstance(verdict, TryAgain):
            destination.failed(verdict.after, throttled=verdict.reason == "rate_limited")
        elif isinstance(verdict, Refused) and verdict.reason in DESTINATION_REFUSED:
            self._owner.refused(destination, verdict)
        else:
            destination.standing.answered()
        self._give_back()
        await self._note(record, answer, verdict)

    def _give_back(self) -> None:
        destination, self.turn = self.turn, None
        if destination is not None:
            destination.give_back()

    # -- outcomes -----------------------------------------------------------------------------------------------

    async def _note(self, record: Record, answer: Answer, verdict: Verdict) -> None:
        self._owner.meter.attempt(answer, "accepted" if isinstance(verdict, Accepted) else verdict.reason)
        source = source_of(record)
        if isinstance(verdict, TryAgain):
            self._attempted(source, answer, verdict)
        elif self._plainer(record, verdict):
            self._attempted(source, answer, verdict)
            self._refused[source] = verdict.words
        else:
            self._settle(record, answer, verdict, ms=round(answer.ms, 1))
            await self._write()

    def _plainer(self, record: Record, verdict: Verdict) -> bool:
        """Whether the event is to be sent once more in its plainest form."""
        refused = isinstance(verdict, Refused) and verdict.reason in EVENT_REFUSED and record["action"] == "trigger"
        return refused and source_of(record) not in self._refused

    def _attempted(self, source: str, answer: Answer, verdict: Verdict) -> None:
        error = None if isinstance(verdict, Accepted) else verdict.words
        attempt = Attempt(self._owner.now_ms(), round(answer.ms, 1), answer.status, error)
        self.incident = self.incident.attempted(source, attempt)
        self._behind = True

    def _settle(self, record: Record, answer: Answer, verdict: Accepted | Refused, *, ms: float | None) -> None:
        source = source_of(record)
        if ms is not None:
            self._attempted(source, answer, verdict)
        words = self._refused.pop(source, None)
        taken = isinstance(verdict, Accepted)
        if words is not None:
            verdict = Refused("invalid_event", words + (SENT_PLAIN if taken else ""))
        tried = self.incident.tried.get(source, Tried())
        outcome = Outcome(
            source=source,
            status="dead" if isinstance(verdict, Refused) else "delivered",
            reason=verdict.reason if isinstance(verdict, Refused) else "delivered",
            message=verdict.words,
            at=self._owner.now_ms(),
            http_status=answer.status,
            attempts=tried.newest,
            attempts_total=tried.total,
            plain=taken and words is not None,
            replay=replay_of(record),
            folded=self._owner.folded(self._owner.destination(record), record),
        )
        self.incident = self.incident.settle(record, outcome)
        self._dirty = True

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
        written = self.incident
        self._dirty = self._overtaken = self._save = self._behind = False
        await self._owner.table.write(self._partition, self._key, written.to_row(self._owner.epoch))
        for source, outcome in written.outcomes.items():
            if source not in self._publishing and source in self._records:
                await self._publish(source, outcome)
        for source in written.released:
            if source not in written.outcomes:
                self._acknowledge(source)

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
        return not self.incident.pending or (
            self._owner.waits(self) and not self._acks and not self._behind and not self._refused
        )

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
