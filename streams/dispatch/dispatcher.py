"""All incidents that this worker has work for, and the destinations they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from streams.dispatch.destination import Destination, Slots
from streams.dispatch.incident import Incident, Record, row_key
from streams.dispatch.ports import Meter, Publisher, Sender, Table
from streams.dispatch.runner import Ack, Runner


class Dispatcher:
    """Takes outbox records, runs one Runner per incident with work, and is emptied when partitions move.

    in_flight: requests to PagerDuty at once. share: of those, how many one destination may hold. withheld: records of
    one partition that may wait for their acknowledgement before acknowledgements are given early. `clock` gives
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
        self._clock = clock
        self._random = random
        self._slots = Slots(in_flight)
        self._share = share
        self._withheld_most = withheld
        self._withheld: dict[int, int] = {}
        self._runners: dict[tuple[int, bytes], Runner] = {}
        self._destinations: dict[str, Destination] = {}
        self._confirming: set[asyncio.Future[object]] = set()
        self._closed = False

    def accept(self, partition: int, record: Record, ack: Ack) -> None:
        """Take one outbox record of `partition`; `ack` is called once, when its outcome is durable.

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

        destination = self._destinations.get(record["destination"])
        if destination is not None:
            destination.limit_to(record["limit"])
        key = row_key(record["destination"], record["dedup_key"])
        runner = self._runners.get((partition, key))
        if runner is None:
            row = self.table.read(partition, key)
            # What the row says was released is told by now: `recover` has seen to it.
            incident = replace(Incident.from_row(row), released={}) if row else Incident()
            runner = self._start(partition, key, incident)
        runner.add(record, counted)
        runner.resume()

    def recover(self, rows: Iterable[tuple[int, bytes, bytes]]) -> int:
        """Open, and go on with what the table says is unfinished; returns how many incidents that is."""
        self._closed = False
        started = 0
        for partition, key, row in rows:
            incident = Incident.from_row(row)
            if incident.pending or any(source in incident.released for source in incident.outcomes):
                self._start(partition, key, incident)
                started += 1
        return started

    async def drain(self, seconds: float) -> None:
        """Close: let requests in flight finish within `seconds`, drop all that waits, and forget all incidents.

        Windows and pauses stay: PagerDuty's limit does not begin anew because partitions moved.
        """
        self._closed = True
        for destination in self._destinations.values():
            destination.close()
        tasks = [runner.task for runner in self._runners.values() if not runner.task.done()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))
        if self._confirming:
            await asyncio.wait(self._confirming, timeout=seconds)
        self._runners = {}
        self._withheld = {}

    async def purge(self, rows: Iterable[tuple[int, bytes, bytes]], closed_before_ms: int) -> int:
        """Delete rows of incidents closed before that time (ms since the epoch); returns how many went."""
        gone = 0
        for partition, key, row in rows:
            incident = Incident.from_row(row)
            closed = incident.closed_at is not None and incident.closed_at < closed_before_ms
            if closed and not incident.pending and (partition, key) not in self._runners:
                await self.table.write(partition, key, None)
                gone += 1
        return gone

    # -- for runners --------------------------------------------------------------------------------------------

    def acts(self) -> bool:
        """Whether operations may begin: not between `drain` and `recover`."""
        return not self._closed

    def destination(self, record: Record) -> Destination:
        """The destination of a record."""
        name = record["destination"]
        destination = self._destinations.get(name)
        if destination is None:
            destination = self._destinations[name] = Destination(
                record["limit"], share=self._share, slots=self._slots, clock=self._clock, random=self._random
            )
        return destination

    def crowded(self, partition: int) -> bool:
        """Whether so many records of the partition wait that acknowledgements are to be given early."""
        return self._withheld.get(partition, 0) > self._withheld_most

    def track(self, confirmed: asyncio.Future[object]) -> None:
        """Remember a record on its way to the broker, for the drain."""
        self._confirming.add(confirmed)
        confirmed.add_done_callback(self._confirming.discard)

    def watch(self, runner: Runner) -> None:
        """Notice the end of a runner's task: forget it when idle, report it when it broke."""
        runner.task.add_done_callback(lambda task: self._ended(runner, task))

    @property
    def backlog(self) -> int:
        """Incidents with unfinished work."""
        return len(self._runners)

    def _start(self, partition: int, key: bytes, incident: Incident) -> Runner:
        runner = self._runners[partition, key] = Runner(self, partition, key, incident)
        self.watch(runner)
        return runner

    def _ended(self, runner: Runner, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self.crash(error)
            return
        self.sweep(runner)

    def sweep(self, runner: Runner) -> None:
        """Forget a runner that has nothing left."""
        if self._runners.get(runner.place) is not runner:
            return  # its partitions were taken away; a confirmation may still come
        if runner.idle:
            del self._runners[runner.place]
        else:
            runner.resume()
