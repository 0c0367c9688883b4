"""Two sides and what is between them: a Case system, PagerDuty, a lossy channel, and a worker that may be killed.

The worker keeps to dispatch's rules: a row is stored before its updates are told, before inputs are acknowledged, and
before the next operation after an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from random import Random
from typing import Any

from model_pagerduty_account import US, Account, Held, KnownNames
from sync_records import a_comment, case_record

from streams.dispatch.outcome import source_of
from streams.pagerduty.answers import TryAgain
from streams.pagerduty.rest_answers import RestAnswer
from streams.sync import notes
from streams.sync.done import done
from streams.sync.heard import heard
from streams.sync.perform import Performed, perform
from streams.sync.plan import Operation, begin, plan
from streams.sync.row import CaseIncident
from streams.sync.said import Ignored, Said, from_incident, from_log_entry, from_webhook, gone
from streams.sync.told import told

PEOPLE = ("ada", "grace")


class CaseSystem:
    """The Case: follows updates once each, in order; every change of it is an input."""

    def __init__(self) -> None:
        self.status, self.title, self.priority = "OPEN", "Checkout is slow", "P3"
        self.comments: list[tuple[str, str]] = []
        self.own_comments: list[str] = []
        self.reason: str | None = None
        self.log: list[dict[str, Any]] = []
        self.followed: set[str] = set()
        self.told: list[dict[str, Any]] = []
        self.lives = 1
        self.say()

    def say(self, comment: dict[str, Any] | None = None, by: str = "USER") -> None:
        resolution = {"by": by, "note": self.reason} if self.status in ("RESOLVED", "CLOSED") else None
        offset = len(self.log)
        self.log.append(
            case_record(
                self.status,
                offset,
                title=self.title,
                priority=self.priority,
                comment=comment,
                resolution=resolution,
                timestamp=offset,
            )
        )

    def become(self, status: str, reason: str | None = None, by: str = "USER") -> None:
        if self.status != status:
            self.status, self.reason = status, reason
            self.say(by=by)

    def comment(self) -> None:
        name = f"c-{len(self.own_comments)}"
        self.own_comments.append(name)
        self.say(a_comment(name, f"text of {name}"))

    def follow(self, update: dict[str, Any]) -> None:
        self.told.append(update)
        if update["id"] in self.followed:
            return
        self.followed.add(update["id"])
        change = update["change"]
        if not update["apply"]:
            return
        if change == "acknowledged" and self.status == "OPEN":
            self.become("ACKNOWLEDGED")
        elif change == "unacknowledged" and self.status == "ACKNOWLEDGED":
            self.become("OPEN")
        elif change == "resolved" and self.status in ("OPEN", "ACKNOWLEDGED"):
            self.become("RESOLVED", by="PAGERDUTY")
        elif change in ("comment", "resolution_note"):
            self.comments.append((update["details"]["note"], update["details"]["text"]))
            self.say()


class _Step:
    def __await__(self) -> Iterator[None]:
        yield


class Wire:
    """The account's REST API, one step before a call and one after it; sometimes the answer is lost, or the call."""

    def __init__(self, account: Account, random: Random, faults: float) -> None:
        self._account, self._random, self._faults = account, random, faults

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> RestAnswer:
            await _Step()
            lost = self._random.random()
            if lost < self._faults / 2:
                return RestAnswer(None, error="the connection was refused")
            answer: RestAnswer = await getattr(self._account, name)(*args, **kwargs)
            await _Step()
            if lost < self._faults:
                return RestAnswer(None, error="timed out")
            return answer

        return call


class World:
    """Everything, and one worker after another."""

    def __init__(self, seed: int, *, faults: float = 0.0, loss: float = 0.0, doubling: float = 0.0) -> None:
        self.random = Random(seed)
        self.account, self.case = Account(), CaseSystem()
        self.faults, self.loss, self.doubling = faults, loss, doubling
        self.stored: bytes | None = None
        self.committed = 0
        self.updates: list[dict[str, Any]] = []
        self.followed = 0
        self.pending: list[dict[str, Any]] = []
        self.ends: dict[str, set[str]] = defaultdict(set)
        self.people_said: list[tuple[str, str]] = []
        self.deaths = 0
        self.polled: list[Said] | None = None
        self.asked = 0
        self._begin()

    def _begin(self) -> None:
        self.row = CaseIncident.from_row(self.stored) if self.stored else CaseIncident()
        self.position = self.committed
        self.fresh_from = len(self.case.log)
        self.unacked: list[dict[str, Any]] = []
        self.operation: Operation | None = None
        self.running: Coroutine[Any, Any, Performed] | None = None
        self.must_store = bool(self.stored)

    @property
    def now(self) -> int:
        return self.account.now

    # -- the worker -------------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """The next input."""
        if self.position >= len(self.case.log):
            return
        record = self.case.log[self.position]
        self.position += 1
        if not self.row.knows(record):
            self.row = heard(self.row, record, self.now)
        if self.position <= self.fresh_from:
            self.row = self.row.suspected()

    def channel(self) -> None:
        """PagerDuty sends; some is lost, some comes twice."""
        for body in self.account.webhooks:
            if self.random.random() >= self.loss:
                self.pending.append(body)
                if self.random.random() < self.doubling:
                    self.pending.append(body)
        self.account.webhooks = []

    def webhook(self, *, in_order: bool = False) -> None:
        """One of the webhooks on their way, any of them."""
        self.channel()
        if self.pending:
            body = self.pending.pop(0 if in_order else self.random.randrange(len(self.pending)))
            self.unacked.append(body)
            self._told(from_webhook(body))

    def _told(self, said: Said | Ignored) -> None:
        if isinstance(said, Said):
            self.row = told(self.row, said, self.now)

    def act(self) -> None:
        """One step of the operation under way, or the next operation."""
        if self.running is None:
            if self.must_store:
                self.store()
            self.operation = plan(self.row)
            if self.operation is None:
                return
            self.row = begin(self.row, self.operation)
            self.asked += 1
            wire: Any = Wire(self.account, self.random, self.faults)
            self.running = perform(self.operation, wire, KnownNames(), self.now)
        try:
            self.running.send(None)
        except StopIteration as stop:
            self._performed(stop.value.result)

    def _performed(self, result: Any) -> None:
        operation, self.running = self.operation, None
        assert operation is not None
        if isinstance(result, TryAgain):
            self.row = replace(self.row, doing=None)
            return
        self.row = done(self.row, operation, result, self.now)
        self.must_store = True

    def store(self, *, told: bool = True) -> None:
        """Write the row; then what follows from that. Not `told`: the worker dies in between."""
        self.must_store = False
        self.stored = self.row.to_row("this")
        if not told:
            return
        self.updates += self.row.updates
        for source, outcome in self.row.outcomes.items():
            self.ends[source].add(outcome.status)
        self.row = self.row.published([update["id"] for update in self.row.updates])
        for source in list(self.row.outcomes):
            self.row = self.row.reported(source)
        waiting = {source_of(one.record) for one in self.row.waiting}
        while self.committed < self.position and source_of(self.case.log[self.committed]) not in waiting:
            self.committed += 1
        self.unacked = []

    def crash(self, *, told: bool = True) -> None:
        """kill -9; half the time right after the row was stored."""
        if not told:
            self.store(told=False)
        if self.running is not None:
            self.running.close()
        self.deaths += 1
        self.pending += self.unacked
        self._begin()

    # -- the poll ---------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Fetch; what was fetched is fed at the next call."""
        if self.polled is not None:
            for said in self.polled:
                self._told(said)
            self.polled = None
            return
        found = [from_log_entry(entry) for entry in self.account.log[-30:]]
        self.polled = [said for said in found if isinstance(said, Said)]
        if self.row.link is not None:
            held = self.account.incidents.get(self.row.link.id)
            read = from_incident(self.account.document(held)) if held else gone(self.row.link.id, self.now)
            if isinstance(read, Said):
                self.polled.append(read)

    # -- people and the Case ----------------------------------------------------------------------------------------

    @property
    def incident(self) -> Held | None:
        return next(reversed(self.account.incidents.values()), None)

    def person(self, does: str) -> None:
        held, who = self.incident, self.random.choice(PEOPLE)
        if held is None or held.merged_into is not None:
            return
        if does == "acknowledge" and held.status == "triggered":
            self.account.change(held, "acknowledged", who)
        elif does == "unacknowledge" and held.status == "acknowledged":
            self.account.change(held, "triggered", who)
        elif does == "resolve" and held.status != "resolved":
            self.account.change(held, "resolved", who)
        elif does == "reopen" and held.status == "resolved":
            self.account.change(held, "triggered", who)
        elif does == "note":
            self._annotate(held, f"note {self.account.numbers}", who)
        elif does == "resolve with a note" and held.status != "resolved":
            first = self.random.random() < 0.5
            if first:
                self._annotate(held, f"Resolution Note: done {self.account.numbers}", who)
            self.account.change(held, "resolved", who)
            if not first:
                self._annotate(held, f"Resolution Note: done {self.account.numbers}", who)
        elif does == "merge":
            self.account.merge(held, "QOTHER", who)
        elif does == "delete":
            self.account.delete(held)
        elif does == "reassign":
            self.account.reassign(held, who)

    def _annotate(self, held: Held, content: str, who: str) -> None:
        note = self.account.annotate(held, content, who, trimmed=self.random.random() < 0.1)
        self.people_said.append((held.id, note["id"]))

    def case_does(self, does: str) -> None:
        case = self.case
        if does == "acknowledge" and case.status == "OPEN":
            case.become("ACKNOWLEDGED")
        elif does == "take back" and case.status == "ACKNOWLEDGED":
            case.become("OPEN")
        elif does == "resolve" and case.status in ("OPEN", "ACKNOWLEDGED"):
            case.become("RESOLVED", self.random.choice((None, "fixed", "was nothing")))
        elif does == "close" and case.status == "RESOLVED":
            case.become("CLOSED", case.reason)
        elif does == "open again" and case.status in ("RESOLVED", "CLOSED"):
            case.lives += 1
            case.become("OPEN")
        elif does == "comment":
            case.comment()
        elif does == "rename":
            case.title = f"Checkout is slow ({len(case.log)})"
            case.say()

    def follow(self) -> None:
        if self.followed < len(self.updates):
            self.case.follow(self.updates[self.followed])
            self.followed += 1

    # -- the end ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Nothing breaks any more, and nobody does anything of his own accord."""
        self.faults = self.loss = 0.0
        quiet = 0
        for _ in range(400):
            before = self._picture()
            self.channel()
            while self.pending:
                self.webhook(in_order=True)
            while self.position < len(self.case.log):
                self.hear()
            for _ in range(60):
                if self.running is None and plan(self.row) is None:
                    break
                self.act()
            self.store()
            while self.followed < len(self.updates):
                self.follow()
            self.poll()
            self.account.passes(700)
            quiet = quiet + 1 if self._picture() == before else 0
            if quiet > 4:
                return
        raise AssertionError("it never comes to rest")

    def _picture(self) -> tuple[Any, ...]:
        return (
            len(self.case.log),
            len(self.updates),
            len(self.account.writes),
            self.account.events,
            self.asked,
            self.position,
            len(self.pending),
        )


def case_status(status: str) -> str:
    return {"OPEN": "triggered", "ACKNOWLEDGED": "acknowledged"}.get(status, "resolved")


def wrong(world: World) -> list[str]:
    """What must hold once it is quiet, and does not."""
    case, row, account = world.case, world.row, world.account
    found = []
    ends = {source: sorted(kinds) for source, kinds in world.ends.items()}
    for record in case.log:
        if len(ends.get(source_of(record), [])) != 1:
            found.append(f"input {source_of(record)} ended as {ends.get(source_of(record))}")
    if row.waiting or row.updates or row.outcomes:
        found.append(f"not at rest: {row.waiting} {row.updates} {row.outcomes}")
    creates = [write for write in account.writes if write[0] == "create"]
    if len(creates) > case.lives + len(account.deleted):
        found.append(f"{len(creates)} incidents for {case.lives} lives")
    link = row.link and account.incidents.get(row.link.id)
    if row.linked and link is not None:
        there, here = link.status, case_status(case.status)
        if row.conflict is None and there != here:
            found.append(f"the Case is {case.status}, the incident {there}")
        if row.conflict is not None and here != "resolved":
            found.append(f"a conflict of a Case that is {case.status}")
        if "resolved" not in (here, there) and link.title != case.title:
            found.append("the titles differ")
    if row.link is not None and row.ended is None and link is None:
        found.append("a deleted incident that nobody noticed")
    if row.link is None and case.status in ("OPEN", "ACKNOWLEDGED") and row.create == "no" and not account.incidents:
        found.append("an open Case without an incident")
    found += _comments(world)
    before = ""
    for update in world.updates:
        change = update["change"]
        # Our acknowledge came after somebody's un-acknowledge, which the Case follows: it must hear of ours as well.
        needed = change == "acknowledged" and before == "unacknowledged" and update["apply"]
        # A Case that was opened again meanwhile has forgotten the incident that our late acknowledge opened.
        needed = needed or (change == "reopened" and case.lives > 1)
        if (update["actor"] or {}).get("id") == US and update["found_by"] != "answer" and not needed:
            found.append(f"an echo: {update}")
        before = change if change.endswith("acknowledged") else before
    return found


def _comments(world: World) -> list[str]:
    found, case, row = [], world.case, world.row
    seen = [note for note, _text in case.comments]
    for incident, note in world.people_said:
        wanted = row.link is not None and row.link.id == incident and row.ended is None
        if seen.count(note) > 1 or (wanted and seen.count(note) != 1):
            found.append(f"note {note} stands {seen.count(note)} times on the Case")
    posted: list[str] = []
    for held in [*world.account.incidents.values(), *world.account.deleted]:
        marks = [mark for one in held.notes if (mark := notes.marker(one["content"])) is not None]
        posted += [mark.comment for mark in marks if not mark.comment.startswith("resolution-")]
        resolutions = [mark.comment for mark in marks if mark.comment.startswith("resolution-")]
        found += [f"{one} stands twice" for one in resolutions if resolutions.count(one) > 1]
    for record in case.log:
        comment = record["comment"]
        if comment is None:
            continue
        # With one life, whatever was said while there was an incident, or might have been, belongs to it.
        delivered = world.ends[source_of(record)] == {"delivered"} or (row.linked and case.lives == 1)
        if posted.count(comment["id"]) > 1 or (delivered and row.ended is None and posted.count(comment["id"]) != 1):
            found.append(f"comment {comment['id']} stands {posted.count(comment['id'])} times at PagerDuty")
    return found
