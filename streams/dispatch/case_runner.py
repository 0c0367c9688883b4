"""An account's incident: one Case, by operations of the REST API, and what PagerDuty says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from streams.dispatch.destination import Destination
from streams.dispatch.incident import WINDOW_MS, Record
from streams.dispatch.outcome import Attempt, replay_of, source_of
from streams.dispatch.plan import Rank
from streams.dispatch.rows import destination_of, index_key
from streams.dispatch.runner import Ack, Runner
from streams.dispatch.standing import Mark
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest_answers import ACCOUNT_REFUSED, Ok, judge_rest
from streams.sync.done import Declined, done
from streams.sync.heard import heard
from streams.sync.perform import Performed
from streams.sync.plan import Acknowledge, Create, Operation, Resolve, Unacknowledge, begin, part_of, plan
from streams.sync.row import CaseIncident
from streams.sync.said import Said
from streams.sync.told import told

if TYPE_CHECKING:
    from streams.dispatch.dispatcher import Dispatcher

BY_PRIORITY: Mapping[str, Rank] = {"P1": Rank.CRITICAL, "P2": Rank.ERROR, "P3": Rank.WARNING}
"""As a Case of this priority pages over a service key; all others are information."""


class CaseRunner(Runner[CaseIncident, Operation]):
    """Carries a Case and its incident into step.

    Updates for the Case are in the row until the broker has confirmed them; a webhook is acknowledged after the row and
    its updates.
    """

    def __init__(self, owner: Dispatcher, partition: int, key: bytes, incident: CaseIncident) -> None:
        super().__init__(owner, partition, key, incident)
        self._indexed = incident.link.id if incident.link is not None else None
        self._heard: list[Ack] = []
        self._untold: list[tuple[set[str], list[Ack]]] = []
        self._telling: set[str] = set()
        self._dirty |= bool(incident.updates)

    # -- what arrives -------------------------------------------------------------------------------------------

    def hear(self, said: Said, ack: Ack) -> bool:
        """Take in what PagerDuty said; `ack` is called when all that follows for the Case is confirmed.

        Returns whether it was new.
        """
        before = self.incident
        self.incident = told(before, said, self._owner.now_ms())
        new = self.incident != before
        if new or self.incident.updates or self._dirty:
            self._heard.append(ack)
            self._dirty = True
        else:
            ack()
        return new

    def _ask(self, record: Record) -> None:
        self.incident = heard(self.incident, record, self._owner.now_ms())

    def add(self, record: Record, ack: Ack, *, fresh: bool = True) -> None:
        super().add(record, ack, fresh=fresh)
        if not fresh:
            self._suspect()  # what this input asks for as well

    # -- what is asked ------------------------------------------------------------------------------------------

    def next(self) -> Operation | None:
        return plan(self.incident)

    def rank(self) -> Rank:
        return rank(self.incident)

    def since(self, destination: Destination) -> float:
        """Its round among the services of the account."""
        return float(destination.rounds.join(self.place, str(self.incident.last["service"])))

    def like(self) -> Record:
        return self.incident.last

    @property
    def _insists(self) -> bool:
        return any(replay_of(record) is not None for record in self.incident.pending)

    def _give_up(self, mark: Mark) -> None:
        operation = plan(self.incident)
        assert operation is not None, "something is to be asked"
        words = f"not sent: PagerDuty refuses this account; it said: {mark.words}"
        self._done(operation, Declined(mark.reason, words))

    def _begin(self, chosen: Operation) -> None:
        self.incident = begin(self._counted(1), chosen)

    def _counted(self, calls: int) -> CaseIncident:
        now_ms = self._owner.now_ms()
        sent = [at for at in self.incident.sent if at > now_ms - WINDOW_MS]
        return replace(self.incident, sent=(*sent, *[now_ms] * calls))

    async def _perform(self, chosen: Operation, destination: Destination) -> None:
        performed = await self._owner.accounts.perform(self.incident.last, chosen)
        result = performed.result
        for _ in performed.calls[1:]:  # a turn is one call
            destination.window.begin()
            destination.window.end(self._owner.clock())
        if len(performed.calls) > 1:
            self.incident = self._counted(len(performed.calls) - 1)
        if isinstance(result, TryAgain):
            destination.failed(result.after, throttled=result.reason == "rate_limited")
        elif isinstance(result, Declined) and result.reason in ACCOUNT_REFUSED:
            self._owner.refused(destination, Refused(result.reason, result.words))
        else:
            destination.standing.answered()
        self._give_back()
        self._attempted(chosen, performed)
        if isinstance(result, TryAgain):
            self.incident = replace(self.incident, doing=None)
            self._behind = True
            return
        self._done(chosen, result)
        await self._write()

    def _done(self, operation: Operation, result: Any) -> None:
        self.incident = done(self.incident, operation, result, self._owner.now_ms())
        self._dirty = True

    def _attempted(self, operation: Operation, performed: Performed) -> None:
        now_ms, part = self._owner.now_ms(), part_of(operation)
        sources = [source_of(one.record) for one in self.incident.waiting if part is None or part in one.parts]
        for answer in performed.calls:
            verdict = judge_rest(answer)
            self._owner.meter.attempt(answer, "accepted" if isinstance(verdict, Ok) else verdict.reason)
            error = None if isinstance(verdict, Ok) else verdict.words
            attempt = Attempt(now_ms, round(answer.ms, 1), answer.status, error, answer.call)
            for source in sources:
                self.incident = self.incident.attempted(source, attempt)

    # -- its row, and the Case's updates -------------------------------------------------------------------------

    async def _before_write(self) -> None:
        """A webhook may name the incident alone: where its Case is must be known before the Case's row says so."""
        self.incident = self.incident.closing(self._owner.now_ms())
        link = self.incident.link
        if link is not None and link.id != self._indexed:
            account = destination_of(self._key).decode()
            await self._owner.table.write(self._partition, index_key(account, link.id), self._key)
            self._indexed = link.id
        self._owner.linked(self.place, self.incident)

    async def _written(self, written: CaseIncident) -> None:
        acks, self._heard = self._heard, []
        self._untold.append(({update["id"] for update in written.updates}, acks))
        for update in written.updates:
            if update["id"] not in self._telling:
                self._telling.add(update["id"])
                confirmed = await self._owner.publisher.publish("case-updates", written.case, update)
                self._owner.track(confirmed)
                confirmed.add_done_callback(partial(self._told, update["id"]))
        self._release_heard(())

    def _told(self, update_id: str, confirmed: asyncio.Future[object]) -> None:
        self._telling.discard(update_id)
        if confirmed.cancelled():
            return
        if (error := confirmed.exception()) is not None:
            self._owner.crash(error)
            return
        self.incident = self.incident.published((update_id,))
        self._dirty = True  # else the next owner would tell it again
        self._release_heard((update_id,))
        self._owner.sweep(self)

    def _release_heard(self, told: tuple[str, ...]) -> None:
        left = []
        for ids, acks in self._untold:
            ids.difference_update(told)
            if ids:
                left.append((ids, acks))
                continue
            for ack in acks:
                ack()
        self._untold = left

    @property
    def _busy(self) -> bool:
        return bool(self._telling or self._heard or self._untold)


def rank(incident: CaseIncident) -> Rank:
    """How urgent the next operation is: an incident that nobody was paged for by its Case's priority, then statuses,
    then all else."""
    operation = plan(incident)
    if isinstance(operation, Create):
        return BY_PRIORITY.get(str(operation.priority), Rank.INFO) if operation.make else Rank.STATE
    if isinstance(operation, Acknowledge | Unacknowledge | Resolve):
        return Rank.STATE
    return Rank.REPEAT
