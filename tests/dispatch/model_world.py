"""The world around a dispatcher: Kafka's logs, PagerDuty, one worker at a time, and what must hold between them."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from model_broker import Channel, Ledger, status_of
from model_pagerduty import Input, PagerDuty, Place, after
from outbox_records import KEY_TOKEN, outbox
from virtual_time import VirtualLoop

from streams.dispatch.dispatcher import Dispatcher
from streams.dispatch.incident import Incident, Record, is_digest
from streams.dispatch.outcome import source_of
from streams.kafka.ledger import AckLedger
from streams.pagerduty.answers import Answer
from streams.sync.perform import Performed

PARTITIONS = 2
SEVERITIES = ("critical", "error", "info")
TIMEOUT = 10.0
RENEWED = "gAAAAA-renewed"
DRAIN_COMMIT = 0.1
"""Seconds between the end of a drain and the partitions' being gone: the final commit."""

ANSWERS = {
    "ok": (202, None),
    "throttled": (429, None),
    "throttled_for": (429, 30.0),
    "broken": (500, None),
    "broken_but_taken": (502, None),
    "hanging": (None, None),
    "hanging_but_taken": (None, None),
    "cut_off": (None, None),
    "unreachable": (None, None),
}
TAKEN = frozenset({"ok", "broken_but_taken", "hanging_but_taken", "cut_off"})
"""Faults after which PagerDuty has the event all the same."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A world's constants. `faults`: the probability of each fault of a request. `late`: whether what is on the wire of
    a dead process may arrive after its successor has spoken. `prompt`: the network takes next to no time."""

    seed: int
    limit: int = 1000
    in_flight: int = 4
    share: int = 2
    withheld: int = 1000
    faults: float = 0.0
    slow_broker: float = 0.0
    fold: int = 0
    late: bool = False
    prompt: bool = False


@dataclass(slots=True)
class Request:
    """One request on the wire."""

    given: Input
    kind: str
    at: float
    refused: bool


class AllOld:
    """A rotation of keys, as far as the dispatcher knows of it: every token of an outbox record is of the older one."""

    def record(self, record: Record) -> Record:
        return {**record, "routing_key": RENEWED} if record["routing_key"] == KEY_TOKEN else record

    def is_old(self, row: bytes) -> bool:
        return KEY_TOKEN.encode() in row


class World:
    """What survives a worker, the log of what must never happen, and the worker of the moment."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.random = Random(settings.seed)
        self.loop = VirtualLoop()
        self.pagerduty = PagerDuty()
        self.outbox: dict[int, list[Record]] = {partition: [] for partition in range(PARTITIONS)}
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self.rows: dict[tuple[int, bytes], bytes] = {}
        self.landed, self.told = Ledger(), Ledger()
        self.inputs: dict[str, Input] = {}
        self.by_place: dict[Place, list[Input]] = defaultdict(list)
        self.by_source_partition: dict[int, list[tuple[int, Record]]] = defaultdict(list)
        self.superseded_by: dict[str, str] = {}
        self.outages: dict[str, tuple[float, str]] = {}
        self.wrong: list[str] = []
        self.digests: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self.calm = False
        self.deaths = 0
        self._late: list[Request] = []
        self._expected: dict[Place, tuple[str, int]] = defaultdict(lambda: ("closed", 0))
        self.worker: Worker | None = None
        self.start()

    # -- the route stage --------------------------------------------------------------------------------------------

    def ask(self, place: Place, action: str, *, source_partition: int = 0, refused: bool = False) -> None:
        """A new input, routed."""
        destination, dedup_key = place
        earlier = self.by_source_partition[source_partition]
        record = outbox(
            action,
            len(earlier),
            incident=dedup_key,
            destination=destination,
            partition=source_partition,
            limit=self.settings.limit,
            timestamp=round(self.loop.time() * 1000),
        )
        if self.settings.fold:
            record["fold"] = {"above": self.settings.fold}
        if action == "trigger":
            record["payload"] |= {"severity": SEVERITIES[len(earlier) % 3], "custom_details": {}}
        state, life = self._expected[place]
        life += action == "trigger" and state == "closed"
        of_life = None if action == "acknowledge" and state == "closed" else life
        self._expected[place] = (after(state, action), life)
        source = source_of(record)
        given = Input(source, place, action, len(self.by_place[place]), of_life, refused)
        self.inputs[source] = given
        self.by_place[place].append(given)
        partition = int(destination[-1], 16) % PARTITIONS
        earlier.append((partition, record))
        self._append(partition, record)

    def replay(self, source_partition: int, count: int) -> None:
        """Route worked on its last `count` inputs of a partition again, after a crash of its own."""
        for partition, record in self.by_source_partition[source_partition][-count:]:
            self._append(partition, dict(record))

    def _append(self, partition: int, record: Record) -> None:
        self.outbox[partition].append(record)
        if self.worker is not None:
            self.loop.call_soon(self.worker.feed, partition)

    # -- time, faults, ends -----------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.loop.run(lambda: False, deadline=self.loop.time() + seconds, idle_ok=True)

    def pass_steps(self, steps: int) -> None:
        last = self.loop.steps + steps
        self.loop.run(lambda: self.loop.steps >= last, deadline=self.loop.time(), idle_ok=True)

    def crash(self) -> None:
        """kill -9, here and now."""
        worker, self.worker = self.worker, None
        if worker is None:
            return
        self.deaths += 1
        worker.die()
        self.loop.abandon()
        self._fail_if(self.loop.failures)
        self.loop = VirtualLoop(self.loop.time())

    def start(self) -> None:
        """A worker that takes over where the last one left the logs."""
        if self.worker is None:
            for request in self._late:
                self.loop.call_at(request.at, self._arrives_late, request)
            self._late = []
            self.worker = Worker(self)
            self.worker.start()

    def rebalance(self, bound: float, *, moved: bool) -> None:
        """The partitions are taken away in order, and come back to the same worker or to another one."""
        worker = self.worker
        if worker is not None:
            self.loop.complete(worker.hand_over(bound))
            if moved:
                self.worker = worker = Worker(self)
            worker.start()

    def renew(self) -> None:
        """The worker seals anew what an older key sealed; this takes as long as it takes."""
        if self.worker is not None:
            self.worker.renew()

    def left_on_the_wire(self, request: Request) -> None:
        """The sender is gone: the request may still arrive."""
        if request.kind not in TAKEN or request.refused or self.random.random() < 0.5:
            return
        if self.settings.late:
            request.at = self.loop.time() + self.random.choice((0.0, 0.01, 3.0))
            self._late.append(request)
        else:
            self.pagerduty.accept(request.given)

    def _arrives_late(self, request: Request) -> None:
        self.pagerduty.accept(request.given, late=True)

    def slow_broker(self) -> float:
        """The probability that a record takes the broker seconds."""
        return 0.0 if self.calm else self.settings.slow_broker

    def fault(self, destination: str) -> str:
        """What becomes of a request sent now."""
        if self.calm:
            return "ok"
        until, kind = self.outages.get(destination, (0.0, "ok"))
        if self.loop.time() < until:
            return kind
        if self.random.random() < self.settings.faults:
            return self.random.choice(list(ANSWERS))
        return "ok"

    # -- the end ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """No more faults: everything must come to its end, within what limits and back-off allow."""
        self.calm = True
        self.start()
        outstanding = sum(map(len, self.outbox.values()))
        bound = 600.0 + 120.0 * outstanding / self.settings.limit
        self.loop.run(lambda: self.finished or bool(self.loop.failures), deadline=self.loop.time() + bound)
        self._fail_if(self.loop.failures)
        if not self.finished:
            assert self.worker is not None
            self.wrong.append(f"not finished after {bound:.0f} s: {self.worker.unfinished()}")

    @property
    def finished(self) -> bool:
        worker = self.worker
        return worker is not None and not worker.unfinished()

    def close(self) -> None:
        self.loop.abandon()

    def _fail_if(self, failures: list[dict[str, Any]]) -> None:
        for context in failures:
            self.wrong.append(f"the event loop caught {context.get('exception') or context['message']!r}")
        failures.clear()

    # -- what must hold ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises AssertionError with everything that is wrong, in words."""
        wrong = self.wrong + self.pagerduty.wrong
        wrong += [f"the digest of {name} is open" for name, said in self.digests.items() if said[-1][0] == "trigger"]
        for place, inputs in self.by_place.items():
            wrong += self._check_state(place, inputs)
            wrong += [line for given in inputs for line in self._check_outcome(given)]
        assert not wrong, "\n".join(wrong)

    def _check_state(self, place: Place, inputs: list[Input]) -> list[str]:
        found = self.pagerduty.state[place]
        accepted = self.pagerduty.accepted[place]
        # What gave way to a refused event says nothing, unless PagerDuty had accepted it without our hearing of it.
        right = {
            self._fold(inputs, lambda given: not self._void(given)),
            self._fold(inputs, lambda given: not self._void(given) or given in accepted),
            # An acknowledge that came while the refused trigger was under way is kept for the trigger after it: the
            # input's state, had PagerDuty taken everything.
            self._fold(inputs, lambda given: True),
        }
        return [] if found in right else [f"{place}: PagerDuty says {found}, the inputs {sorted(right)}"]

    @staticmethod
    def _fold(inputs: list[Input], counts: Callable[[Input], bool]) -> str:
        state = "closed"
        for given in inputs:
            if counts(given):
                state = after(state, given.action)
        return state

    def _void(self, given: Input) -> bool:
        """Whether it was refused, or gave way to one that was."""
        if "dead" in self._statuses(given):
            return given not in self.pagerduty.accepted[given.place]
        by = self.superseded_by.get(given.source)
        return by is not None and self._void(self.inputs[by])

    def _statuses(self, given: Input) -> set[str]:
        return self.told.get(f"{given.source}@{given.place[0]}", set())

    def _check_outcome(self, given: Input) -> list[str]:
        statuses = self._statuses(given)
        if len(statuses) != 1:
            return [f"{given.action} {given.source} has the outcomes {sorted(statuses)}"]
        if statuses == {"superseded"}:
            newer = self.inputs[self.superseded_by[given.source]]
            if newer.place != given.place or newer.index <= given.index:
                return [f"{given.source} superseded by {newer.source}, which is not newer"]
        elif statuses == {"skipped"}:
            return [] if given.action == "resolve" else [f"{given.action} {given.source} was skipped"]
        elif statuses != {"dead" if given.refused else "delivered"}:
            return [f"{given.source} is {statuses}"]
        elif statuses == {"delivered"} and given not in self.pagerduty.accepted[given.place]:
            return [f"{given.source} is said to be delivered and was never accepted"]
        return []


class Worker:
    """One process with its dispatcher, from its partitions' coming to their going. Its fakes are what it can do."""

    def __init__(self, world: World) -> None:
        self.world, self.loop, settings = world, world.loop, world.settings
        self._confirmed = dict(world.rows)
        self._channels: dict[str, Channel] = {}
        self._ledgers = {partition: AckLedger() for partition in range(PARTITIONS)}
        self._position = dict(world.committed)
        self._generation = 0
        self._owner = self._begun = False
        self._ends: dict[int, int] = {}
        self._flying: dict[Place, Request] = {}
        self._renewing: list[asyncio.Task[int]] = []
        self._arrivals: dict[str, deque[float]] = defaultdict(deque)
        self.dispatcher = Dispatcher(
            table=self,
            publisher=self,
            sender=self,
            accounts=self,
            meter=self,
            clock=self.loop.time,
            now_ms=lambda: round(self.loop.time() * 1000),
            random=world.random.random,
            crash=self._bug,
            in_flight=settings.in_flight,
            share=settings.share,
            withheld=settings.withheld,
        )
        self.loop.call_later(1.0, self._commit)

    # -- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._beginning = self.loop.create_task(self._begin())

    async def _begin(self) -> None:
        """The tables are restored, the streams go on from what was committed."""
        self._owner = self._begun = True
        self._ends = {partition: len(log) for partition, log in self.world.outbox.items()}
        self._confirmed = dict(self.world.rows)
        self._position = dict(self.world.committed)
        self._ledgers = {partition: AckLedger() for partition in range(PARTITIONS)}
        await self.dispatcher.recover([(place[0], place[1], row) for place, row in self._confirmed.items()])
        for partition in range(PARTITIONS):
            self.feed(partition)

    def feed(self, partition: int) -> None:
        """Hand the dispatcher what its agent has fetched, some of it a moment later."""
        log = self.world.outbox[partition]
        while self._owner and self._position[partition] < len(log):
            if self.world.random.random() < 0.2:
                self.loop.call_later(self.world.random.choice((0.0, 0.01, 0.5)), self.feed, partition)
                return
            self._hand_out(partition)

    def _hand_out(self, partition: int) -> None:
        offset = self._position[partition]
        record = self.world.outbox[partition][offset]
        self._position[partition] = offset + 1
        ledger, generation = self._ledgers[partition], self._generation
        ledger.deliver(offset)
        fresh = offset >= self._ends.get(partition, 2**63)
        self.dispatcher.accept(partition, record, lambda: self._acked(record, ledger, offset, generation), fresh=fresh)

    def _acked(self, record: Record, ledger: AckLedger, offset: int, generation: int) -> None:
        source = source_of(record)
        if generation != self._generation:
            return  # Kafka refuses an acknowledgement of an older generation
        told = f"{source}@{record['destination']}" in self.world.told
        place = (int(record["destination"][-1], 16) % PARTITIONS, _row_key(record))
        row = self._confirmed.get(place)
        if not told and (row is None or source not in Incident.from_row(row).released):
            self._complain(f"{source} acknowledged before its outcome or its row was confirmed")
        ledger.ack(offset)

    def _commit(self) -> None:
        if self._owner and self.world.random.random() < 0.7:
            self._commit_now()
        if self.world.worker is self:
            self.loop.call_later(1.0, self._commit)

    def _commit_now(self) -> None:
        for partition, ledger in self._ledgers.items():
            frontier = ledger.frontier()
            if frontier is not None:
                self.world.committed[partition] = max(frontier, self.world.committed[partition])

    async def hand_over(self, bound: float) -> None:
        """What the consumer does when its partitions are revoked: drain, flush, commit, and the next generation."""
        draining = self.loop.create_task(self.dispatcher.drain(bound))
        await asyncio.sleep(0)
        self._hand_out_buffered()
        await draining
        for channel in self._channels.values():
            await channel.flush()
        self._hand_out_buffered()  # agents have a buffer, and nobody has told them yet
        await asyncio.sleep(DRAIN_COMMIT)
        self._commit_now()
        self._generation += 1
        self._owner = self._begun = False
        if self._flying:
            self._complain(f"still sending after the drain: {list(self._flying)}")

    def _hand_out_buffered(self) -> None:
        for partition, log in self.world.outbox.items():
            if self._position[partition] < len(log) and self.world.random.random() < 0.5:
                self._hand_out(partition)

    def die(self) -> None:
        """What was on its way when the process ended."""
        for channel in self._channels.values():
            channel.cut()
        for request in self._flying.values():
            self.world.left_on_the_wire(request)

    def renew(self) -> None:
        rows = [(partition, key, value) for (partition, key), value in self._confirmed.items()]
        task = self.loop.create_task(self.dispatcher.renew(rows, AllOld()))  # type: ignore[arg-type]
        self._renewing.append(task)
        task.add_done_callback(lambda done: done.cancelled() or (done.exception() and self._bug(done.exception())))

    def unfinished(self) -> str:
        """What is still to be done, in words; empty when nothing is."""
        if not self._begun:
            return "not begun"
        unread = [p for p, log in self.world.outbox.items() if self._position[p] < len(log)]
        withheld = {p: ledger.withheld for p, ledger in self._ledgers.items() if ledger.withheld}
        digests = [name for name, one in self.dispatcher._destinations.items() if one.digest.open]
        if digests:
            return f"digests open: {digests}"
        if unread or withheld or self.dispatcher.backlog:
            return f"unread {unread}, unacknowledged {withheld}, backlog {self.dispatcher.backlog}"
        return ""

    def _complain(self, text: str) -> None:
        self.world.wrong.append(f"at {self.loop.time():.3f}: {text}")

    def _bug(self, error: BaseException) -> None:
        self._complain(f"crash: {error!r}")

    # -- its table and its producer -----------------------------------------------------------------------------------

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self._confirmed.get((partition, key))

    async def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        place = (partition, key)
        await self._send(f"table/{partition}", lambda: _set(self.world.rows, place, value), lambda: None)
        _set(self._confirmed, place, value)

    async def publish(self, topic: str, key: str, value: dict[str, Any]) -> asyncio.Future[Any]:
        record_id, status = value["id"], status_of(topic, value)

        def land() -> None:
            self.world.landed.note(record_id, status)
            if status == "superseded":
                self.world.superseded_by[record_id.split("@")[0]] = value["outcome"]["by"]

        if self.world.random.random() < 0.3:
            await asyncio.sleep(0)
        return self._send(topic, land, lambda: self.world.told.note(record_id, status))

    def _send(self, channel: str, land: Callable[[], None], confirmed: Callable[[], None]) -> asyncio.Future[None]:
        if not self._owner:
            self._complain(f"writes to {channel} after its partitions were taken away")
        if channel not in self._channels:
            self._channels[channel] = Channel(self.loop, self.world.random, self.world.slow_broker)
        return self._channels[channel].send(land, confirmed)

    # -- its connection to PagerDuty ----------------------------------------------------------------------------------

    async def perform(self, record: Record, operation: object) -> Performed:
        raise AssertionError("there are only service keys here")

    async def send(self, record: Record) -> Answer:
        if is_digest(record):
            return await self._tell_digest(record)
        given = self.world.inputs[source_of(record)]
        if not self._owner:
            self._complain(f"sends {given.source} after its partitions were taken away")
        if given.place in self._flying:
            self._complain(f"two requests of {given.place} at once")
        kind = self.world.fault(given.place[0])
        plain = record["payload"] is not None and "custom_details" not in record["payload"]
        refused = given.refused and not (plain and given.index % 2)
        request = self._flying[given.place] = Request(given, kind, self.loop.time(), refused)
        try:
            return await self._exchange(request, record["limit"])
        except asyncio.CancelledError:
            self.world.left_on_the_wire(request)
            raise
        finally:
            del self._flying[given.place]

    async def _tell_digest(self, record: Record) -> Answer:
        destination = record["destination"]
        self._count(destination, record["limit"])
        status, retry_after = ANSWERS[self.world.fault(destination)]
        if status == 202:
            said = record["payload"]["custom_details"]["pagerline"] if record["payload"] else None
            self.world.digests[destination].append((record["action"], said))
        await asyncio.sleep(self.world.random.choice((0.0, 0.002, 0.1)))
        return Answer(status, retry_after=retry_after, error=None if status else "no answer")

    async def _exchange(self, request: Request, limit: int) -> Answer:
        chosen = self.world.random.choice if not self.world.settings.prompt else lambda _times: 0.002
        await asyncio.sleep(chosen((0.0, 0.0, 0.0, 0.002, 0.1, 5.0)))  # for the lease, for a connection, on the way
        self._count(request.given.place[0], limit)
        status, retry_after = ANSWERS[request.kind]
        hangs = request.kind.startswith("hanging")
        if request.kind in TAKEN:
            if request.refused:
                status = 400
            else:
                self.world.pagerduty.accept(request.given)
            request.kind = "arrived"
        await asyncio.sleep(TIMEOUT if hangs else chosen((0.0, 0.0, 0.002, 0.05, 1.5)))
        return Answer(status, retry_after=retry_after, error=None if status else "no answer")

    def _count(self, destination: str, limit: int) -> None:
        self.world.arrivals[destination].append(self.loop.time())
        now, arrivals = self.loop.time(), self._arrivals[destination]
        while arrivals and arrivals[0] <= now - 60.0 + 1e-6:
            arrivals.popleft()
        arrivals.append(now)
        if len(arrivals) > limit:
            self._complain(f"{len(arrivals)} requests to {destination} in 60 s, its limit is {limit}")

    # -- its meter ----------------------------------------------------------------------------------------------------

    def outcome(self, record: Record, outcome: Any) -> None:
        return None

    def attempt(self, answer: Answer, meaning: str) -> None:
        return None


def _set(rows: dict[tuple[int, bytes], bytes], place: tuple[int, bytes], value: bytes | None) -> None:
    if value is None:
        rows.pop(place, None)
    else:
        rows[place] = value


def _row_key(record: Record) -> bytes:
    return f"{record['destination']}|{record['dedup_key']}".encode()
