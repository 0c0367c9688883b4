"""All incidents that this worker has work for, and the destinations they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from streams.dispatch.accounts import AccountDesk
from streams.dispatch.case_runner import CaseRunner
from streams.dispatch.destination import Destination, Place, Slots
from streams.dispatch.incident import Incident, Record, is_digest, row_key
from streams.dispatch.key_runner import KeyRunner
from streams.dispatch.lookout import Lookout
from streams.dispatch.ports import Accounts, Meter, Publisher, Sender, Table
from streams.dispatch.rows import destination_of, is_incident, value_of
from streams.dispatch.runner import Ack, Runner
from streams.dispatch.standing import Mark
from streams.dispatch.upkeep import YIELD_EVERY, purge, renew
from streams.documents.renewal import Renewal
from streams.pagerduty.answers import Refused
from streams.sync.row import CaseIncident

AnyRunner = Runner[Any, Any]


class Dispatcher:
    """Takes outbox records, runs one Runner per incident with work, and is emptied when partitions move.

    in_flight: requests to PagerDuty at once. share: of those, how many one destination may hold. withheld: records of
    one partition that may wait for their acknowledgement before acknowledgements are given early; an incident whose row
    holds all there is to it then waits in the row alone, with an entry in its destination's line. `clock` gives
    monotonic seconds, `now_ms` wall-clock milliseconds, `random` a float in [0, 1). `crash` is told of bugs.
    """

    def __init__(
        self,
        *,
        table: Table,
        publisher: Publisher,
        sender: Sender,
        accounts: Accounts,
        meter: Meter,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
        random: Callable[[], float],
        crash: Callable[[BaseException], None],
        in_flight: int,
        share: int,
        withheld: int,
    ) -> None:
        self.table = table
        self.publisher = publisher
        self.sender = sender
        self.accounts = accounts
        self.meter = meter
        self.now_ms = now_ms
        self.crash = crash
        self.epoch = ""
        self.clock = clock
        self._random = random
        self._slots = Slots(in_flight)
        self._share = share
        self._withheld_most = withheld
        self._withheld: dict[int, int] = {}
        self._runners: dict[Place, AnyRunner] = {}
        self._lookout = Lookout(self)
        self.desk = AccountDesk(self)
        self._destinations: dict[bytes, Destination] = {}
        self._confirming: set[asyncio.Future[object]] = set()
        self._closed = False

    # -- what arrives -------------------------------------------------------------------------------------------

    def accept(self, partition: int, record: Record, ack: Ack, *, fresh: bool) -> None:
        """Take one outbox record of `partition`; `ack` is called once, when its outcome is durable.

        fresh: nobody else can have acted on it; it came into the log after this worker had taken the partition over.
        Between `drain` and `recover` it is dropped: agents have a buffer, and what comes out of it now is delivered
        again to whoever owns the partition next.
        """
        if self._closed:
            return
        withheld = self._withheld
        withheld[partition] = withheld.get(partition, 0) + 1

        def counted() -> None:
            withheld[partition] -= 1
            ack()

        destination = self._destinations.get(record["destination"].encode())
        if destination is not None:
            destination.serve_as(record)
        place = partition, row_key(record["destination"], record["dedup_key"])
        runner = self.runner(place)
        runner.add(record, counted, fresh=fresh)
        if destination is not None and place in destination.line and runner.next() is not None:
            destination.wait(place, runner.rank(), 0.0)  # it stands there: of the same age, of a new rank
        self._lookout.watch(runner)
        runner.resume()
        if "fold" in record:
            self._lookout.soon()
        self.sweep(runner)

    async def recover(self, rows: Iterable[tuple[int, bytes, bytes]]) -> int:
        """Open, and go on with what the table says is unfinished; returns how many incidents that is."""
        self.epoch = f"{int(self._random() * 2**48):012x}"
        self._closed = False
        started = 0
        for number, (partition, key, row) in enumerate(rows, start=1):
            if is_incident(key):
                started += self._recover_one((partition, key), value_of(key, row))
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
                if self._closed:
                    return started
        for destination in self._destinations.values():
            destination.pump()
        return started

    def _recover_one(self, place: Place, incident: Incident | CaseIncident) -> bool:
        now_ms, clock = self.now_ms(), self.clock()
        if incident.sent and now_ms - incident.sent[-1] < 60_000:
            destination = self._destination_at(place[1])
            for at in incident.sent:
                destination.restore(clock - (now_ms - at) / 1000)
        untold = any(source in incident.released for source in incident.outcomes)
        if isinstance(incident, CaseIncident):
            self.desk.noted(place, incident)
            untold |= bool(incident.updates)
        elif incident.digest is not None and (incident.paged or incident.pending):
            self.destination(incident.digest).digest.taken_over(incident.digest, place[0])
            self._lookout.soon()
        if isinstance(incident, Incident) and not incident.pending and not untold:
            return False
        runner = self._runner_of(place, incident)
        waits = runner.next() is not None
        if untold:
            self._runners[place] = runner
            runner.resume()
        elif waits:
            destination = self.destination(runner.like())
            # Nobody has a turn before everybody stands in line.
            destination.line.put(place, runner.rank(), runner.since(destination))
        return untold or waits

    async def drain(self, seconds: float) -> None:
        """Close: let requests in flight finish within `seconds`, drop all that waits, and forget all incidents.

        Windows and pauses stay: PagerDuty's limit does not begin anew because partitions moved.
        """
        self._closed = True
        self._lookout.close()
        self.desk.close()
        for destination in self._destinations.values():
            destination.close()
        tasks = [task for runner in self._runners.values() if (task := runner.task) is not None and not task.done()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))
        if self._confirming:
            await asyncio.wait(self._confirming, timeout=seconds)
        self._runners = {}
        self._withheld = {}

    async def purge(self, rows: Iterable[tuple[int, bytes, bytes]], closed_before_ms: int) -> int:
        """Delete rows of incidents closed before that time (see `streams.dispatch.upkeep`); returns how many went.

        Destinations that nothing is known of any more are forgotten as well.
        """
        epoch = self.epoch
        gone = await purge(self, rows, closed_before_ms)
        if not self._closed and epoch == self.epoch:
            now = self.clock()
            for name in [name for name, destination in self._destinations.items() if destination.forgettable(now)]:
                del self._destinations[name]
        return gone

    async def renew(self, rows: Iterable[tuple[int, bytes, bytes]], renewal: Renewal) -> int:
        """Have all that is sealed sealed with the newest key (see `streams.dispatch.upkeep`)."""
        return await renew(self, rows, renewal)

    def runners(self) -> list[AnyRunner]:
        """All that are in memory."""
        return list(self._runners.values())

    # -- for runners --------------------------------------------------------------------------------------------

    def acts(self) -> bool:
        """Whether operations may begin: not between `drain` and `recover`."""
        return not self._closed

    def destination(self, record: Record) -> Destination:
        """The destination of a record, limited as the record says."""
        name = record["destination"].encode()
        destination = self._destinations.get(name)
        if destination is None or not destination.window.limit:
            destination = self._destination_at(name)
            destination.serve_as(record)
        return destination

    def _destination_at(self, key: bytes) -> Destination:
        """The destination of a row's key; its limit is 0 as long as no record has told it."""
        name = destination_of(key)
        destination = self._destinations.get(name)
        if destination is None:
            destination = self._destinations[name] = Destination(
                0,
                share=self._share,
                slots=self._slots,
                clock=self.clock,
                random=self._random,
                grant=self._granted,
            )
        return destination

    def waits(self, runner: AnyRunner) -> bool:
        """Whether it stands in its destination's line."""
        destination = self._destinations.get(destination_of(runner.place[1]))
        return destination is not None and runner.place in destination.line

    def wait(self, runner: AnyRunner, destination: Destination) -> None:
        """Stand in line."""
        self._lookout.watch(runner)
        destination.wait(runner.place, runner.rank(), runner.since(destination))

    def leave(self, runner: AnyRunner) -> None:
        """Leave the line: there is nothing to wait for."""
        destination = self._destinations.get(destination_of(runner.place[1]))
        if destination is not None:
            destination.line.leave(runner.place)
            destination.rounds.left(runner.place)

    def linked(self, place: Place, incident: CaseIncident) -> None:
        """The row of a Case is about to be written."""
        self.desk.noted(place, incident)

    def _granted(self, destination: Destination, place: Place) -> None:
        if self.desk.granted(place):
            return
        runner = self.runner(place)
        runner.turn = destination
        runner.resume()

    def marked(self, destination: Destination) -> Mark | None:
        """Why PagerDuty refuses the destination, as long as that is believed."""
        return destination.standing.marked(self.clock())

    def refused(self, destination: Destination, verdict: Refused) -> None:
        """PagerDuty does not know the destination or does not let us use it: what waits for it is given up."""
        destination.standing.refused(self.clock(), verdict.reason, verdict.words)
        if destination.line:
            self._lookout.soon(0.0)

    def folded(self, destination: Destination, record: Record) -> bool:
        """Whether a record waited behind an open digest."""
        return destination.digest.open and not is_digest(record)

    def excess(self, partition: int) -> int:
        """How many records of the partition wait beyond the bound, so that their acknowledgements are given early."""
        return max(0, self._withheld.get(partition, 0) - self._withheld_most)

    def track(self, confirmed: asyncio.Future[object]) -> None:
        """Remember a record on its way to the broker, for the drain."""
        self._confirming.add(confirmed)
        confirmed.add_done_callback(self._confirming.discard)

    def watch(self, runner: AnyRunner, task: asyncio.Task[None]) -> None:
        """Notice the end of a runner's task: forget it when idle, report it when it broke."""
        task.add_done_callback(lambda done: self._ended(runner, done))

    @property
    def backlog(self) -> int:
        """Incidents with unfinished work, those that wait in their rows alone included."""
        parked = sum(len(destination.line) for destination in self._destinations.values())
        return parked + sum(not self.waits(runner) for runner in self._runners.values())

    @property
    def refusing(self) -> int:
        """Destinations that PagerDuty does not know or does not let us use."""
        return sum(destination.standing.mark is not None for destination in self._destinations.values())

    # -- for the lookout ----------------------------------------------------------------------------------------

    def destinations(self) -> Iterable[Destination]:
        """All destinations that there are."""
        return self._destinations.values()

    def runner_at(self, place: Place) -> AnyRunner | None:
        """The runner of a place, if there is one in memory."""
        return self._runners.get(place)

    def tell(self, place: Place, record: Record) -> None:
        """Send a record that is no input's: a digest's."""
        runner = self.runner(place)
        runner.add(record, lambda: None)
        runner.resume()

    # -- runners come and go ------------------------------------------------------------------------------------

    def runner(self, place: Place) -> AnyRunner:
        """The runner of a place, made from its row if need be."""
        runner = self._runners.get(place)
        if runner is None:
            runner = self._start(place, self.stored(place))
        return runner

    def stored(self, place: Place) -> Incident | CaseIncident:
        """What the row of a place says."""
        return value_of(place[1], self.table.read(*place), self.epoch)

    def _start(self, place: Place, incident: Incident | CaseIncident) -> AnyRunner:
        runner = self._runners[place] = self._runner_of(place, incident)
        return runner

    def _runner_of(self, place: Place, incident: Incident | CaseIncident) -> AnyRunner:
        if isinstance(incident, CaseIncident):
            return CaseRunner(self, *place, incident)
        return KeyRunner(self, *place, incident)

    def _ended(self, runner: AnyRunner, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self.crash(error)
            return
        self.sweep(runner)

    def sweep(self, runner: AnyRunner) -> None:
        """Forget a runner that has nothing left but what its row says."""
        if self._runners.get(runner.place) is not runner:
            return  # its partitions were taken away; a confirmation may still come
        if runner.idle:
            del self._runners[runner.place]
            self._lookout.forget(runner.place)
        else:
            runner.resume()
            self._lookout.watch(runner)
