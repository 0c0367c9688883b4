"""The dispatcher's account path in a world of its own: Cases, an account, Kafka's logs, one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from model_pagerduty_account import US, Account, Held, KnownNames
from model_two_sides import CaseSystem, case_status

from streams.dispatch.dispatcher import Dispatcher
from streams.dispatch.outcome import source_of
from streams.kafka.ledger import AckLedger
from streams.pagerduty.answers import Answer
from streams.pagerduty.rest_answers import RestAnswer
from streams.sync import notes
from streams.sync.perform import Performed, perform
from streams.sync.plan import Operation
from streams.sync.row import CaseIncident
from streams.sync.said import Said, from_incident, from_log_entry, from_webhook
from tests.dispatch.model_broker import Channel, Ledger, status_of
from tests.dispatch.virtual_time import VirtualLoop

ACCOUNT = "account:main"
TIMEOUT = 10.0
CASES = ("CASE-0", "CASE-1", "CASE-2")
SERVICES = ("Payments", "Search", "Payments")
RATE_LIMITED = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}


class Case(CaseSystem):
    """A Case of this name; what it says goes to the outbox."""

    def __init__(self, world: World, name: str, service: str) -> None:
        self._world, self._name, self._service = world, name, service
        super().__init__()

    def say(self, comment: dict[str, Any] | None = None, by: str = "USER") -> None:
        super().say(comment, by)
        record = self.log[-1]
        offset = len(self._world.outbox)
        now = round(self._world.loop.time() * 1000)
        record |= {"incident": f"case:{self._name}", "dedup_key": self._name, "service": self._service}
        record["limit"] = self._world.limit
        record["case"] = {**record["case"], "id": self._name}
        record["source"] = {**record["source"], "offset": offset, "timestamp": now, "key": self._name}
        if comment is not None:
            record["comment"] = {**comment, "id": f"{self._name}/{comment['id']}"}
        self._world.append(record)


class World:
    """What survives a worker, and the worker of the moment."""

    def __init__(
        self,
        seed: int,
        *,
        faults: float = 0.0,
        loss: float = 0.0,
        limit: int = 960,
        in_flight: int = 4,
        withheld: int = 1000,
        cases: int = 2,
    ) -> None:
        self.random = Random(seed)
        self.faults, self.loss, self.limit, self.in_flight, self.withheld = faults, loss, limit, in_flight, withheld
        self.loop = VirtualLoop()
        self.account = Account()
        self.account.passes(round(self.loop.time()))
        self._began = self.account.now
        self.outbox: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = []
        self.committed = {"outbox": 0, "webhooks": 0}
        self.rows: dict[tuple[int, bytes], bytes] = {}
        self.told = Ledger()
        self.updates: list[dict[str, Any]] = []
        self.followed = 0
        self.worker: Worker | None = None
        self.wrong: list[str] = []
        self.people: list[tuple[str, str]] = []
        self.arrivals: list[float] = []
        self.outage_until = 0.0
        self.cases: dict[str, Case] = {}
        self.start()
        for name, service in list(zip(CASES, SERVICES, strict=True))[:cases]:
            self.cases[name] = Case(self, name, service)

    def open_case(self, name: str, service: str) -> None:
        self.cases[name] = Case(self, name, service)

    # -- logs -------------------------------------------------------------------------------------------------------

    def append(self, record: dict[str, Any]) -> None:
        self.outbox.append(record)
        if self.worker is not None:
            self.loop.call_soon(self.worker.feed)

    def deliver_webhooks(self) -> None:
        """What PagerDuty sends reaches the topic, or not; sometimes twice, and in another order."""
        sent, self.account.webhooks = self.account.webhooks, []
        arrived = [body for body in sent if self.random.random() >= self.loss]
        arrived += [body for body in arrived if self.random.random() < 0.2]
        if self.random.random() < 0.3:
            self.random.shuffle(arrived)
        self.webhooks += arrived
        if self.worker is not None and arrived:
            self.loop.call_soon(self.worker.feed)

    def follow(self) -> None:
        """The Case system reads case-updates."""
        while self.followed < len(self.updates):
            update = self.updates[self.followed]
            self.followed += 1
            self.cases[update["case"]].follow(update)

    # -- time and ends ------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self._catch_up()
        self.loop.run(lambda: False, deadline=self.loop.time() + seconds, idle_ok=True)
        self._catch_up()

    def pass_steps(self, steps: int) -> None:
        last = self.loop.steps + steps
        self.loop.run(lambda: self.loop.steps >= last, deadline=self.loop.time(), idle_ok=True)

    def _catch_up(self) -> None:
        self.account.now = max(self.account.now, self._began + round(self.loop.time() * 1000))

    def crash(self) -> None:
        worker, self.worker = self.worker, None
        if worker is None:
            return
        worker.die()
        self.loop.abandon()
        self._fail()
        self.loop = VirtualLoop(self.loop.time())

    def start(self) -> None:
        if self.worker is None:
            self.worker = Worker(self)
            self.worker.start()

    def rebalance(self) -> None:
        if self.worker is not None:
            self.loop.complete(self.worker.hand_over())
            self.worker = Worker(self)
            self.worker.start()

    def poll(self) -> None:
        """The reconciler's pass, by its results: the log of late, and how open incidents stand."""
        worker = self.worker
        if worker is None or not worker.begun:
            return
        said = [from_log_entry(entry) for entry in self.account.log[-40:]]
        for name in worker.dispatcher.desk.open_incidents(ACCOUNT):
            held = self.account.incidents.get(name)
            if held is not None:
                said.append(from_incident(self.account.document(held)))
        for one in said:
            if isinstance(one, Said):
                self.loop.call_soon(worker.hear_at_once, one)

    def person(self, does: str) -> None:
        name = self.random.choice(list(self.cases))
        found = [held for held in self.account.incidents.values() if held.key == f"case/{name}"]
        if not found:
            return
        self._catch_up()
        self.account.passes(self.random.choice((1, 50, 700)))
        held, who = found[-1], self.random.choice(("ada", "grace"))
        moves = {
            "acknowledge": ("triggered", "acknowledged"),
            "unacknowledge": ("acknowledged", "triggered"),
            "resolve": ("any", "resolved"),
            "reopen": ("resolved", "triggered"),
        }
        if does == "note":
            self._annotate(held, who)
        else:
            before, after = moves[does]
            if held.status == before or (before == "any" and held.status != "resolved"):
                self.account.change(held, after, who)
        self.deliver_webhooks()

    def _annotate(self, held: Held, who: str) -> None:
        note = self.account.annotate(held, f"note {self.account.numbers}", who)
        self.people.append((held.key.removeprefix("case/"), note["id"]))

    def case_does(self, does: str) -> None:
        case = self.cases[self.random.choice(list(self.cases))]
        if does == "acknowledge" and case.status == "OPEN":
            case.become("ACKNOWLEDGED")
        elif does == "take back" and case.status == "ACKNOWLEDGED":
            case.become("OPEN")
        elif does == "resolve" and case.status in ("OPEN", "ACKNOWLEDGED"):
            case.become("RESOLVED", self.random.choice((None, "fixed")))
        elif does == "comment":
            case.comment()
        elif does == "rename":
            case.title = f"Checkout is slow ({len(case.log)})"
            case.say()

    # -- the end ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        self.faults = self.loss = self.outage_until = 0.0
        self.start()
        quiet = 0
        for _ in range(120):
            before = self._picture()
            self.deliver_webhooks()
            self.pass_time(30.0)
            self.follow()
            self.poll()
            quiet = quiet + 1 if self._picture() == before else 0
            if quiet > 3:
                break
        else:
            self.wrong.append("it never comes to rest")
        self._fail()

    def _picture(self) -> tuple[Any, ...]:
        worker = self.worker
        unread = worker.unfinished() if worker else "no worker"
        return (len(self.outbox), len(self.updates), len(self.account.writes), self.account.events, unread)

    def _fail(self) -> None:
        for context in self.loop.failures:
            self.wrong.append(f"the event loop caught {context.get('exception') or context['message']!r}")
        self.loop.failures.clear()

    def check(self) -> None:
        wrong = list(self.wrong)
        assert self.worker is not None
        if unfinished := self.worker.unfinished():
            wrong.append(unfinished)
        for record in self.outbox:
            statuses = self.told.get(f"{source_of(record)}@{ACCOUNT}", set())
            if len(statuses) != 1:
                wrong.append(f"{source_of(record)} has the outcomes {sorted(statuses)}")
        for name, case in self.cases.items():
            wrong += self._check_case(name, case)
        assert not wrong, "\n".join(wrong)

    def _check_case(self, name: str, case: Case) -> list[str]:
        value = self.rows.get((0, f"{ACCOUNT}|{name}".encode()))
        held = [one for one in self.account.incidents.values() if one.key == f"case/{name}"]
        if value is None:
            return [f"{name} has no row"]
        row, found = CaseIncident.from_row(value), []
        if len(held) > 1:
            found.append(f"{name} has {len(held)} incidents")
        if row.updates or row.waiting or row.outcomes.keys() & row.released.keys():
            found.append(f"{name} is not at rest: {row.updates} {row.waiting} {row.outcomes}")
        if row.link is not None:
            there = self.account.incidents[row.link.id].status
            if row.conflict is None and there != case_status(case.status):
                found.append(f"{name} is {case.status}, its incident {there}")
            if (0, f"{ACCOUNT}#{row.link.id}".encode()) not in self.rows:
                found.append(f"nothing leads from {row.link.id} to {name}")
        seen = [note for note, _text in case.comments]
        for whose, note in self.people:
            if whose == name and row.link is not None and seen.count(note) != 1:
                found.append(f"note {note} stands {seen.count(note)} times on {name}")
        marks = [mark.comment for one in held for each in one.notes if (mark := notes.marker(each["content"]))]
        for record in case.log:
            comment = record["comment"]
            done = comment and self.told.get(f"{source_of(record)}@{ACCOUNT}") == {"delivered"}
            if done and marks.count(comment["id"]) != 1:
                found.append(f"comment {comment['id']} stands {marks.count(comment['id'])} times")
        if len(marks) != len(set(marks)):
            found.append(f"a note stands twice: {marks}")
        return found


class Worker:
    """One process; its fakes are what it can do."""

    def __init__(self, world: World) -> None:
        self.world, self.loop = world, world.loop
        self.begun = self._owner = False
        self._confirmed: dict[tuple[int, bytes], bytes] = {}
        self._channels: dict[str, Channel] = {}
        self._position = dict(world.committed)
        self._ledgers = {name: AckLedger() for name in world.committed}
        self._flying = 0
        self._generation = 0
        self.dispatcher = Dispatcher(
            table=self,
            publisher=self,
            sender=self,
            accounts=self,
            meter=self,
            clock=self.loop.time,
            now_ms=lambda: world._began + round(self.loop.time() * 1000),
            random=world.random.random,
            crash=self._bug,
            in_flight=world.in_flight,
            share=world.in_flight,
            withheld=world.withheld,
        )
        self.loop.call_later(1.0, self._commit)

    def start(self) -> None:
        self._beginning = self.loop.create_task(self._begin())

    async def _begin(self) -> None:
        self._owner = self.begun = True
        self._ends = {"outbox": len(self.world.outbox), "webhooks": len(self.world.webhooks)}
        self._confirmed = dict(self.world.rows)
        self._position = dict(self.world.committed)
        self._ledgers = {name: AckLedger() for name in self.world.committed}
        await self.dispatcher.recover([(place[0], place[1], row) for place, row in self._confirmed.items()])
        self.feed()

    def feed(self) -> None:
        if not self._owner:
            return
        while self._position["outbox"] < len(self.world.outbox):
            offset, ack = self._handed_out("outbox")
            fresh = offset >= self._ends["outbox"]
            self.dispatcher.accept(0, self.world.outbox[offset], ack, fresh=fresh)
        while self._position["webhooks"] < len(self.world.webhooks):
            offset, ack = self._handed_out("webhooks")
            said = from_webhook(self.world.webhooks[offset])
            if isinstance(said, Said):
                self.dispatcher.desk.hear(0, ACCOUNT, said, ack)
            else:
                ack()

    def hear_at_once(self, said: Said) -> None:
        if self._owner:
            self.dispatcher.desk.hear(0, ACCOUNT, said, lambda: None)

    def _handed_out(self, name: str) -> tuple[int, Callable[[], None]]:
        offset, ledger, generation = self._position[name], self._ledgers[name], self._generation
        self._position[name] = offset + 1
        ledger.deliver(offset)
        return offset, lambda: ledger.ack(offset) if generation == self._generation else None

    def _commit(self) -> None:
        if self._owner and self.world.random.random() < 0.7:
            self._commit_now()
        if self.world.worker is self:
            self.loop.call_later(1.0, self._commit)

    def _commit_now(self) -> None:
        for name, ledger in self._ledgers.items():
            frontier = ledger.frontier()
            if frontier is not None:
                self.world.committed[name] = max(frontier, self.world.committed[name])

    async def hand_over(self) -> None:
        await self.dispatcher.drain(0.5)
        for channel in self._channels.values():
            await channel.flush()
        self._commit_now()
        self._owner = self.begun = False
        self._generation += 1
        if self._flying:
            self._complain("still asking after the drain")

    def die(self) -> None:
        for channel in self._channels.values():
            channel.cut()

    def unfinished(self) -> str:
        unread = {
            name: (self._position[name], withheld) for name in self._position if (withheld := self._withheld(name))
        }
        if not self.begun or unread or self.dispatcher.backlog:
            return f"begun {self.begun}, withheld {unread}, backlog {self.dispatcher.backlog}"
        return ""

    def _withheld(self, name: str) -> int:
        log = self.world.outbox if name == "outbox" else self.world.webhooks
        return self._ledgers[name].withheld + len(log) - self._position[name]

    def _complain(self, text: str) -> None:
        self.world.wrong.append(f"at {self.loop.time():.3f}: {text}")

    def _bug(self, error: BaseException) -> None:
        self._complain(f"crash: {error!r}")

    # -- table and producer -------------------------------------------------------------------------------------------

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self._confirmed.get((partition, key))

    async def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        assert value is not None
        place = (partition, key)
        await self._send("table", lambda: self.world.rows.update({place: value}), lambda: None)
        self._confirmed[place] = value

    async def publish(self, topic: str, key: str, value: Mapping[str, Any]) -> asyncio.Future[Any]:
        if topic == "case-updates":
            case = key.encode()
            row = self._confirmed[(0, f"{ACCOUNT}|".encode() + case)]
            if value["id"] not in {update["id"] for update in CaseIncident.from_row(row).updates}:
                self._complain(f"update {value['id']} is told before its row is stored")
            return self._send(topic, lambda: self.world.updates.append(dict(value)), lambda: None)
        status = status_of(topic, dict(value))
        return self._send(topic, lambda: None, lambda: self.world.told.note(value["id"], status))

    def _send(self, channel: str, land: Callable[[], Any], confirmed: Callable[[], None]) -> asyncio.Future[None]:
        if not self._owner:
            self._complain(f"writes to {channel} after its partitions were taken away")
        if channel not in self._channels:
            self._channels[channel] = Channel(self.loop, self.world.random, lambda: 0.0)
        return self._channels[channel].send(land, confirmed)

    # -- PagerDuty ----------------------------------------------------------------------------------------------------

    async def send(self, record: Mapping[str, Any]) -> Answer:
        raise AssertionError("there is no service key here")

    async def perform(self, record: Mapping[str, Any], operation: Operation) -> Performed:
        wire = _Wire(self)
        self._flying += 1
        try:
            api: Any = wire
            performed = await perform(operation, api, KnownNames(), self.world.account.now)
        finally:
            self._flying -= 1
        return replace(performed, calls=tuple(wire.answers))

    def outcome(self, record: Mapping[str, Any], outcome: Any) -> None:
        return None

    def attempt(self, answer: Any, meaning: str) -> None:
        return None


class _Wire:
    """Calls that take time, fail, and whose answers get lost."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self._world = worker, worker.world
        self.answers: list[RestAnswer] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> RestAnswer:
            answer = await self._call(name, args, kwargs)
            self.answers.append(answer)
            return answer

        return call

    async def _call(self, name: str, args: Any, kwargs: Any) -> RestAnswer:
        world, random = self._world, self._world.random
        await asyncio.sleep(random.choice((0.0, 0.002, 0.1)))
        world.arrivals.append(self._worker.loop.time())
        if self._worker.loop.time() < world.outage_until:
            return RestAnswer(503, {"error": {"message": "Service Unavailable"}})
        fault = random.random()
        if fault < world.faults / 3:
            return RestAnswer(429, RATE_LIMITED, reset=5.0)
        world._catch_up()
        answer: RestAnswer = await getattr(world.account, name)(*args, **kwargs)
        world.deliver_webhooks()
        if fault < world.faults:
            await asyncio.sleep(TIMEOUT)
            return RestAnswer(None, error="timed out")
        await asyncio.sleep(random.choice((0.0, 0.002, 0.1)))
        return answer


__all__ = ["US", "World"]
