"""Carries one incident to the state it should have: send, note the outcome, again, until nothing is left to plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.dispatch.destination import Destination
from streams.dispatch.incident import Incident, Record
from streams.dispatch.outcome import ATTEMPTS_KEPT, Attempt, Outcome, dead_letter, delivery, source_of
from streams.dispatch.plan import plan
from streams.pagerduty.answers import Accepted, Answer, Refused, TryAgain, Verdict, judge

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

Ack = Callable[[], None]

WRITE_AFTER_SECONDS = 1.0
"""What has waited this long is written to the table first (architecture, section 4)."""


LOOK_AGAIN_SECONDS = 10.0
"""How often an incident that waits looks whether acknowledgements must be given early; a backlog of 100,000 then costs
10,000 looks a second, each a few microseconds."""


class Runner:
    """The one task that acts for an incident: a single operation in flight, a single writer of its row.

    An outcome is published only after the row that holds it is confirmed, and an acknowledgement given only after the
    outcome is confirmed. So a crash anywhere leads to the same outcome being told again, never to another one.
    """

    def __init__(self, owner: Dispatcher, partition: int, key: bytes, incident: Incident) -> None:
        self.incident = incident
        self.place = (partition, key)
        self._owner = owner
        self._partition = partition
        self._key = key
        self._records: dict[str, Record] = {source_of(record): record for record in incident.pending}
        self._records.update(incident.released)
        self._acks: dict[str, list[Ack]] = {}
        self._attempts: dict[str, list[Attempt]] = {}
        self._totals: dict[str, int] = {}
        self._publishing: set[str] = set()
        self._overtaken = False
        self._dirty = any(source in incident.released for source in incident.outcomes)
        self.task = asyncio.get_running_loop().create_task(self._run())

    def add(self, record: Record, ack: Ack) -> None:
        """Take in an outbox record; `ack` is called when its input has its outcome, or needs none."""
        source = source_of(record)
        self._acks.setdefault(source, []).append(ack)
        if not self.incident.knows(record):
            # Had an outcome of the row not been told, its input would have been delivered again before this one.
            before = self.incident.only(self._records)
            self.incident = before.ask(record, self._owner.now_ms())
            self._records[source] = record
            self._dirty = True
            # Were it sent before the row says what it made pointless, a crash would bring that back after it.
            self._overtaken |= len(self.incident.outcomes) > len(before.outcomes)
        elif source in self.incident.outcomes:
            self._records[source] = record
            self._dirty = True
        elif not any(source_of(waiting) == source for waiting in self.incident.pending):
            self._acknowledge(source)  # known and reported before

    async def _run(self) -> None:
        while self._owner.acts():
            record = plan(self.incident)
            if record is None:
                if not self._dirty:
                    return
                await self._write()
                continue
            destination = self._owner.destination(record)
            if not destination.take():
                await self._turn(destination)
            try:
                while self._overtaken:
                    await self._write()
                if not self._owner.acts():
                    return
                record = plan(self.incident)  # what is newest now
                assert record is not None, "only an operation takes work away"
                answer = await self._owner.sender.send(record)
                verdict = judge(answer)
                if isinstance(verdict, TryAgain):
                    destination.failed(verdict.after)
                else:
                    destination.answered()
            finally:
                destination.give_back()
            await self._note(record, answer, verdict)

    async def _turn(self, destination: Destination) -> None:
        """Wait for a turn; meanwhile write what has waited long, and acknowledge early where too many wait."""
        turn = destination.queue()
        try:
            while not turn.done():
                await asyncio.wait({turn}, timeout=WRITE_AFTER_SECONDS if self._dirty else LOOK_AGAIN_SECONDS)
                if not turn.done() and (self._dirty or self._crowded()):
                    await self._write()
        except BaseException:
            if turn.done() and not turn.cancelled():
                destination.give_back()
            turn.cancel()
            raise
        if turn.cancelled():
            raise asyncio.CancelledError  # the line was closed: partitions are being taken away

    async def _note(self, record: Record, answer: Answer, verdict: Verdict) -> None:
        source = source_of(record)
        at = self._owner.now_ms()
        attempts = self._attempts.setdefault(source, [])
        error = None if isinstance(verdict, Accepted) else verdict.words
        attempts.append(Attempt(at=at, ms=round(answer.ms, 1), status=answer.status, error=error))
        del attempts[:-ATTEMPTS_KEPT]
        self._totals[source] = self._totals.get(source, 0) + 1
        self._owner.meter.attempt(answer, "accepted" if isinstance(verdict, Accepted) else verdict.reason)
        if isinstance(verdict, TryAgain):
            return
        outcome = Outcome(
            source=source,
            status="dead" if isinstance(verdict, Refused) else "delivered",
            reason=verdict.reason if isinstance(verdict, Refused) else "delivered",
            message=verdict.words,
            at=at,
            http_status=answer.status,
            attempts=tuple(self._attempts.pop(source)),
            attempts_total=self._totals.pop(source),
        )
        self.incident = self.incident.settle(record, outcome)
        await self._write()

    def _crowded(self) -> bool:
        return self._owner.crowded(self._partition) and any(
            source_of(record) in self._acks for record in self.incident.pending
        )

    async def _write(self) -> None:
        """Write the row; when it is confirmed, publish its outcomes and give the acknowledgements that follow."""
        if self._owner.crowded(self._partition):
            self.incident = self.incident.release()
        written = self.incident
        self._dirty = self._overtaken = False
        await self._owner.table.write(self._partition, self._key, written.to_row())
        for source, outcome in written.outcomes.items():
            if source not in self._publishing and source in self._records:
                await self._publish(source, outcome)
        for source in written.released:
            if source not in written.outcomes:
                self._acknowledge(source)

    async def _publish(self, source: str, outcome: Outcome) -> None:
        record = self._records[source]
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
        self._attempts.pop(source, None)
        self._totals.pop(source, None)
        self._dirty |= source in self.incident.released  # else every recovery would tell it again
        self.incident = self.incident.reported(source)
        self._acknowledge(source)
        self._owner.sweep(self)

    def _acknowledge(self, source: str) -> None:
        for ack in self._acks.pop(source, ()):
            ack()

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return self.task.done() and not self._publishing and not self._dirty and not self.incident.pending

    def resume(self) -> None:
        """Go on after `add`, if the task had come to its end."""
        if self._owner.acts() and self.task.done() and (self._dirty or self.incident.pending):
            self.task = asyncio.get_running_loop().create_task(self._run())
            self._owner.watch(self)

    async def stop(self) -> None:
        """End the task where it stands; what it had not finished will be delivered again or is in the row."""
        self.task.cancel()
        await asyncio.wait({self.task})
