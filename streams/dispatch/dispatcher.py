"""All incidents that this worker has work for, and the destinations they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import chain

from streams.dispatch.destination import Destination, Place, Slots
from streams.dispatch.incident import Incident, Record, is_digest, row_key
from streams.dispatch.lookout import Lookout
from streams.dispatch.plan import Rank, rank
from streams.dispatch.ports import Meter, Publisher, Sender, Table
from streams.dispatch.runner import Ack, Runner
from streams.dispatch.standing import Mark
from streams.documents.renewal import Renewal
from streams.pagerduty.answers import Refused

YIELD_EVERY = 500
"""Rows looked through in one turn of the loop."""

RENEWED_AT_ONCE = 50
"""Rows on their way to the broker while more are sealed anew: some milliseconds of work, for pages come first."""


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
        self._runners: dict[Place, Runner] = {}
        self._lookout = Lookout(self)
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
        if not fresh:
            runner.suspect()
        runner.add(record, counted)
        if destination is not None and place in destination.line and runner.incident.pending:
            destination.wait(place, rank(runner.incident), 0.0)  # it stands there: of the same age, of a new rank
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
            started += self._recover_one((partition, key), Incident.from_row(row))
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
                if self._closed:
                    return started
        for destination in self._destinations.values():
            destination.pump()
        return started

    def _recover_one(self, place: Place, incident: Incident) -> bool:
        now_ms, clock = self.now_ms(), self.clock()
        if incident.sent and now_ms - incident.sent[-1] < 60_000:
            destination = self._destination_at(place[1])
            for at in incident.sent:
                destination.restore(clock - (now_ms - at) / 1000)
        if incident.digest is not None and (incident.paged or incident.pending):
            self.destination(incident.digest).digest.taken_over(incident.digest, place[0])
            self._lookout.soon()
        untold = any(source in incident.released for source in incident.outcomes)
        if untold:
            self._start(place, incident).resume()
        elif incident.pending:
            first = incident.pending[0]
            # Nobody has a turn before everybody stands in line.
            self.destination(first).line.put(place, rank(incident), first["source"]["timestamp"])
        return untold or bool(incident.pending)

    async def drain(self, seconds: float) -> None:
        """Close: let requests in flight finish within `seconds`, drop all that waits, and forget all incidents.

        Windows and pauses stay: PagerDuty's limit does not begin anew because partitions moved.
        """
        self._closed = True
        self._lookout.close()
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
        """Delete rows of incidents closed before that time (ms since the epoch); returns how many went.

        `rows` may be as old as this call: each is read again at the moment of its deletion. Ends when partitions move.
        Destinations that nothing is known of any more are forgotten as well.
        """
        gone, epoch = 0, self.epoch
        batch: list[Place] = []
        for number, (partition, key, row) in enumerate(rows, start=1):
            if _over(row, closed_before_ms):
                batch.append((partition, key))
            if number % YIELD_EVERY == 0:
                gone += await self._delete(batch, closed_before_ms)
                batch = []
                await asyncio.sleep(0)
            if self._closed or epoch != self.epoch:
                return gone
        gone += await self._delete(batch, closed_before_ms)
        now = self.clock()
        for name in [name for name, destination in self._destinations.items() if destination.forgettable(now)]:
            del self._destinations[name]
        return gone

    async def _delete(self, places: Iterable[Place], closed_before_ms: int) -> int:
        writes = [
            self.table.write(*place, None)
            for place in places
            if place not in self._runners and (row := self.table.read(*place)) and _over(row, closed_before_ms)
        ]
        await asyncio.gather(*writes)
        return len(writes)

    async def renew(self, rows: Iterable[tuple[int, bytes, bytes]], renewal: Renewal) -> int:
        """Have rows and what is in memory sealed with the newest key; returns how many were not.

        Each is written by its incident's own task, so that nothing newer is overwritten: the count says what was
        begun, or has to wait for a request under way. Ends when partitions move.
        """
        epoch, found = self.epoch, 0
        places = [(runner.place, True) for runner in self._runners.values()]
        stored = (((partition, key), renewal.is_old(row)) for partition, key, row in rows)
        for number, (place, look) in enumerate(chain(places, stored), start=1):
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if self._closed or epoch != self.epoch:
                return found
            if look:
                runner = self.runner(place)
                if runner.renew(renewal.record):
                    found += 1
                    if runner.task is not None and found % RENEWED_AT_ONCE == 0:
                        await asyncio.wait({runner.task})
                self.sweep(runner)
        return found

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
        name = key.partition(b"|")[0]
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

    def waits(self, runner: Runner) -> bool:
        """Whether it stands in its destination's line."""
        destination = self._destinations.get(runner.place[1].partition(b"|")[0])
        return destination is not None and runner.place in destination.line

    def wait(self, runner: Runner, destination: Destination, urgency: Rank) -> None:
        """Stand in line, as old as the oldest record that waits."""
        since = min(record["source"]["timestamp"] for record in runner.incident.pending)
        self._lookout.watch(runner)
        destination.wait(runner.place, urgency, since)

    def leave(self, runner: Runner) -> None:
        """Leave the line: there is nothing to wait for."""
        destination = self._destinations.get(runner.place[1].partition(b"|")[0])
        if destination is not None:
            destination.line.leave(runner.place)

    def _granted(self, destination: Destination, place: Place) -> None:
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

    def watch(self, runner: Runner, task: asyncio.Task[None]) -> None:
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

    def runner_at(self, place: Place) -> Runner | None:
        """The runner of a place, if there is one in memory."""
        return self._runners.get(place)

    def tell(self, place: Place, record: Record) -> None:
        """Send a record that is no input's: a digest's."""
        runner = self.runner(place)
        runner.add(record, lambda: None)
        runner.resume()

    # -- runners come and go ------------------------------------------------------------------------------------

    def runner(self, place: Place) -> Runner:
        """The runner of a place, made from its row if need be."""
        runner = self._runners.get(place)
        if runner is None:
            runner = self._start(place, self.stored(place))
        return runner

    def stored(self, place: Place) -> Incident:
        """What the row of a place says."""
        row = self.table.read(*place)
        return Incident.from_row(row, self.epoch) if row else Incident()

    def _start(self, place: Place, incident: Incident) -> Runner:
        runner = self._runners[place] = Runner(self, *place, incident)
        return runner

    def _ended(self, runner: Runner, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self.crash(error)
            return
        self.sweep(runner)

    def sweep(self, runner: Runner) -> None:
        """Forget a runner that has nothing left but what its row says."""
        if self._runners.get(runner.place) is not runner:
            return  # its partitions were taken away; a confirmation may still come
        if runner.idle:
            del self._runners[runner.place]
            self._lookout.forget(runner.place)
        else:
            runner.resume()
            self._lookout.watch(runner)


def _over(row: bytes, closed_before_ms: int) -> bool:
    incident = Incident.from_row(row)
    return not incident.pending and incident.closed_at is not None and incident.closed_at < closed_before_ms
