"""A service key's incident: its events, one after another, to the Events API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.dispatch.destination import Destination
from streams.dispatch.incident import Incident, Record
from streams.dispatch.outcome import SENT_PLAIN, Attempt, Outcome, Tried, replay_of, source_of
from streams.dispatch.plain import plain
from streams.dispatch.plan import Rank, plan, rank
from streams.dispatch.runner import Runner
from streams.dispatch.standing import Mark
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


class KeyRunner(Runner[Incident, Record]):
    """Sends what is pending; what PagerDuty refuses is sent once more in its plainest form."""

    def __init__(self, owner: Dispatcher, partition: int, key: bytes, incident: Incident) -> None:
        super().__init__(owner, partition, key, incident)
        self._refused: dict[str, str] = {}

    def next(self) -> Record | None:
        return plan(self.incident)

    def rank(self) -> Rank:
        return rank(self.incident)

    def since(self, destination: Destination) -> float:
        """As old as the oldest record that waits."""
        return float(min(record["source"]["timestamp"] for record in self.incident.pending))

    def like(self) -> Record:
        return self.incident.pending[0]

    def _ask(self, record: Record) -> None:
        # Had an outcome of the row not been told, its input would have been delivered again before this one.
        before = self.incident.only(self._records)
        now_ms = self._owner.now_ms()
        reason = before.stale(record) if replay_of(record) else None
        self.incident = before.skip(record, reason, now_ms) if reason else before.ask(record, now_ms)

    def _begin(self, chosen: Record) -> None:
        self.incident = self.incident.asking(self._owner.now_ms())

    @property
    def _insists(self) -> bool:
        record = plan(self.incident)
        return record is not None and replay_of(record) is not None

    def _give_up(self, mark: Mark) -> None:
        verdict = Refused(mark.reason, f"not sent: PagerDuty refuses this destination; it said: {mark.words}")
        self._settle(self.like(), Answer(status=None), verdict, ms=None)

    async def _perform(self, chosen: Record, destination: Destination) -> None:
        refused = self._refused.get(source_of(chosen))
        answer = await self._owner.sender.send(chosen if refused is None else plain(chosen))
        verdict = judge(answer)
        if isinstance(verdict, TryAgain):
            destination.failed(verdict.after, throttled=verdict.reason == "rate_limited")
        elif isinstance(verdict, Refused) and verdict.reason in DESTINATION_REFUSED:
            self._owner.refused(destination, verdict)
        else:
            destination.standing.answered()
        self._give_back()
        await self._note(chosen, answer, verdict)

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
    def _busy(self) -> bool:
        return bool(self._refused) and plan(self.incident) is not None
