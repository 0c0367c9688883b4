"""A Faust consumer that commits only what is done, keeps a lease, and delivers without extra tasks.

What is replaced, and why, with the private names of faust-streaming 0.15.3 that it leans on (checked at start by
`streams.kafka.names`): see the table in docs/faust.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.protocol.group import SyncGroupRequest
from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    Consumer,
    Transport,
    ensure_aiokafka_TP,
)
from faust.types import TP
from faust.types.tuples import Message

from streams.kafka.lease import Lease
from streams.kafka.ledger import AckLedger
from streams.kafka.names import check_attributes
from streams.kafka.pace import pace

YIELD_EVERY = 100
"""Records handed to agents before the loop is given to others; Faust's own figure."""

FETCH_SECONDS = 1.0
"""How long a fetch waits for records. Before that it waits, without a bound, for the end of a reassignment that is
under way; a seek waits for the fetch, so it may take as long as both."""

FINAL_COMMIT_SECONDS = 5.0
"""Bound of the commit made while partitions are being taken away, when the group waits for us, and at the end."""


class SafeConsumer(Consumer):
    """Commits up to the first delivered record without an acknowledgement, and no further."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ledgers: dict[TP, AckLedger] = {}
        self._position = asyncio.Lock()
        self._seeks = 0
        super().__init__(*args, **kwargs)
        check_attributes(self, Consumer)

    # -- what is delivered and acknowledged ---------------------------------------------------------------------

    def _to_message(self, tp: TP, record: Any) -> Any:
        message = super()._to_message(tp, record)
        if self.app.topics.acks_enabled_for(message.topic):
            self._ledger(tp).deliver(record.offset)
        return message

    def ack(self, message: Message) -> bool:
        """Acknowledge one record; refused when it was delivered before the last rebalance (it comes again)."""
        if message.generation_id != self.app.consumer_generation_id or message.acked:
            return False
        message.acked = True
        self._ledger(message.tp).ack(message.offset)
        return True

    def _ledger(self, tp: TP) -> AckLedger:
        ledger = self._ledgers.get(tp)
        if ledger is None:
            ledger = self._ledgers[TP(tp.topic, tp.partition)] = AckLedger()
        return ledger

    def behind(self, tp: TP) -> int:
        """How many records of `tp` are not handed out yet, as far as the broker has told."""
        return max(0, (self.highwater(tp) or 0) - (self._read_offset.get(tp) or 0))

    def withheld(self, tp: TP) -> int:
        """How many delivered records of `tp` are not committable yet."""
        ledger = self._ledgers.get(tp)
        return ledger.withheld if ledger else 0

    # -- committing ---------------------------------------------------------------------------------------------

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._ledgers) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._ledger(tp).frontier()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        return None  # holes in the log are never delivered, so there is nothing to remember

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        assignment = self.assignment()
        owned = {tp: offset for tp, offset in offsets.items() if tp in assignment}
        if not owned or not await self._commit(owned):
            return False
        self._committed_offset.update(owned)
        return True

    async def commit_and_end_transactions(self) -> None:
        """The last commit of a consumer that stops."""
        await self._commit_finally()

    async def _commit_finally(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FINAL_COMMIT_SECONDS):
                while await self.maybe_wait_for_commit_to_finish():
                    pass  # `commit` would take that one for ours and do nothing, and it knows only older acks
                await self.commit()

    # -- rebalancing --------------------------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Go back to the committed offsets; what was delivered before will be delivered again.

        Never while a fetch is under way: its records would be lost to us, taken from behind the position that the
        seek sets, or delivered ahead of what the seek brings back, and then committed past.
        """
        async with self._position:
            self._seeks += 1
            self._ledgers.clear()
            await super().perform_seek()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish work, commit it, and only then let Faust forget the partitions, whatever became of the commit."""
        self.app.owning = False
        self.stop_flow()
        try:
            await self.app.drain()
            await self._commit_finally()
        finally:
            self._ledgers.clear()
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """From here on the partitions are ours again, though nothing is served before the tables are restored."""
        self.app.owning = not self.app.should_stop
        await super().on_partitions_assigned(assigned, generation_id)

    # -- delivery -----------------------------------------------------------------------------------------------

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """What the broker has for the active partitions.

        Faust's own seeks when the flow was stopped during a fetch, which may be while a drain is still acknowledging.
        Here such records are dropped: the flow is never resumed without a seek, and that brings them back.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = self._get_active_partitions()
        if not active:
            await self.sleep(timeout)
            return
        async with self._position:
            if not self.flow_active or self.should_stop:
                return
            seeks = self._seeks
            records = await self._getmany(active_partitions=active, timeout=timeout)
        for tp, record in self.scheduler.iterate(records):
            if not self.flow_active or seeks != self._seeks:
                return
            if tp in active or tp in self._buffered_partitions:
                yield tp, self._to_message(tp, record)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand fetched records to the agents.

        Faust races every single delivery against a rebalance (four tasks a record). Here the delivery is awaited
        and generation and position compared afterwards, which is what the race was for.
        """
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        handed_out = 0
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                async for tp, message in self.getmany(timeout=FETCH_SECONDS):
                    read = self._read_offset[tp]
                    if read is not None and message.offset < read:
                        continue
                    seeks = self._seeks
                    await self.callback(message)
                    if seeks != self._seeks or message.generation_id != self.app.consumer_generation_id:
                        break
                    self._read_offset[tp] = message.offset + 1
                    handed_out += 1
                    if handed_out % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    def _new_consumer_thread(self) -> Any:
        return LeasedThread(self, loop=self.loop, beacon=self.beacon)


class LeasedThread(AIOKafkaConsumerThread):
    """The thread that speaks to the group coordinator: renews the lease, notices the loss of membership."""

    async def on_start(self) -> None:
        """Start the client and listen in on its coordinator."""
        await super().on_start()
        consumer = self._ensure_consumer()
        check_attributes(consumer, AIOKafkaConsumer)
        check_attributes(consumer._fetcher, Fetcher)
        pace(consumer._fetcher, monotonic)
        coordinator = consumer._coordinator
        check_attributes(coordinator, GroupCoordinator)
        renew_by(coordinator, self.app.lease)
        reset = coordinator.reset_generation

        def reset_generation() -> None:
            """The coordinator no longer knows us: another worker may have our partitions by now."""
            self.app.membership_lost("the group coordinator no longer knows this worker")
            reset()

        coordinator.reset_generation = reset_generation

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and to the beginning where none is; returns the committed ones."""
        offsets: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return offsets

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        # aiokafka leaves partitions without a committed offset where they are: behind what was read for nothing.
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        if new := [tp for tp, offset in committed.items() if not offset or offset < 0]:
            await consumer.seek_to_beginning(*new)
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False when it has to be tried again (the broker is away, a rebalance is under way)."""
        assignment = self.assignment()
        wanted = {ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in assignment}
        try:
            await self._ensure_consumer().commit(wanted)
        except (CommitFailedError, IllegalStateError) as error:
            self.log.info("Offsets not committed, the group is rebalancing: %s", error)
            return False
        except KafkaError as error:
            if not error.retriable:
                raise
            self.log.warning("Offsets not committed, will try again: %s", error)
            return False
        return True


def renew_by(coordinator: Any, lease: Lease, clock: Callable[[], float] = monotonic) -> None:
    """Renew the lease by what the group coordinator answers: a heartbeat, and the SyncGroup that ends a rejoin.

    Always from before the request was sent, never from when we get to see the answer: a process that was stopped
    in between may see it after the broker has given its partitions away.
    """
    heartbeat, rejoin, send = coordinator._do_heartbeat, coordinator._do_rejoin_group, coordinator._send_req
    synced_at = float("-inf")

    async def send_req(request: Any) -> Any:
        nonlocal synced_at
        if isinstance(request, SyncGroupRequest):
            synced_at = clock()
        return await send(request)

    async def do_heartbeat() -> bool:
        sent_at = clock()
        known = bool(await heartbeat())
        if known:
            lease.renew(sent_at)
        return known

    async def do_rejoin_group(subscription: Any) -> bool:
        nonlocal synced_at
        synced_at = float("-inf")
        joined = bool(await rejoin(subscription))
        if joined:
            lease.renew(synced_at)
        return joined

    coordinator._send_req, coordinator._do_heartbeat, coordinator._do_rejoin_group = (
        send_req,
        do_heartbeat,
        do_rejoin_group,
    )


class SafeTransport(Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = SafeConsumer
