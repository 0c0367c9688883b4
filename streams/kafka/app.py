"""Faust's App made safe: settings that do not lose, a lease, a drain that is bounded, an end that is an end."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import faust
from faust.types import TP
from mode.supervisors import CrashingSupervisor
from yarl import URL

from streams.kafka.assignor import ReturningAssignor
from streams.kafka.lease import Lease
from streams.kafka.names import check_names
from streams.kafka.producer import Producer
from streams.kafka.tables import SafeTableManager
from streams.kafka.transport import SafeTransport

log = logging.getLogger("pagerline.kafka")

YEAR_SECONDS = 31_536_000.0
"""`broker_max_poll_interval`: a worker without partitions, or with all of them paused, would leave the group after
this and never come back. Our own watchdog decides instead."""

POLL_RECORDS = 200
"""Records of one fetch, over all partitions together: some milliseconds of work before the loop looks up."""

BUFFER = 20_000
"""Records that wait for one agent. From four fifths on, the agent's partitions are no longer fetched, each from its
next record on, so that up to POLL_RECORDS x partitions may still come. While that stays below the last fifth (20
partitions), a slow agent stops nobody else; beyond it, all delivery waits for room in that agent's buffer."""

FLUSH_SECONDS = 15.0
"""Bound of waiting for confirmations in a drain: half of what the group waits for a busy member."""

CRASH_SECONDS = 10.0
"""For an orderly stop after a crash. Faust sometimes never finishes one, and a worker that hangs pages nobody."""

Hook = Callable[[], Awaitable[None]]


class SafeApp(faust.App):
    """A Faust app whose agents read `stream.channel` and acknowledge when the work is durable.

    The channel, not the stream: iterating a stream acknowledges each event by itself, and even one made with `noack()`
    turns the loop once for every event, which halves the throughput.

    on_prepare: called first, before any agent or consumer exists (topics, documents, health).
    on_drain:   called before partitions are given away and at shutdown; must finish or drop its work.
    on_ready:   called when tables are restored and before streams go on.
    """

    def __init__(
        self,
        app_id: str,
        *,
        options: Mapping[str, Any],
        session_seconds: float,
        heartbeat_seconds: float,
        partitions: int,
        instance_id: str | None = None,
        client_id: str = "pagerline",
    ) -> None:
        check_names()
        self.client_options: Mapping[str, Any] = options
        self.lease = Lease(session_seconds, monotonic)
        self._producers: list[Producer] = []
        self.records = self.new_producer()
        self.on_prepare: list[Hook] = []
        self.on_drain: list[Hook] = []
        self.on_ready: list[Hook] = []
        self.owning = False
        self.serving = False
        self._draining = asyncio.Lock()  # a stop may come while a rebalance drains
        self.log_ends: dict[TP, int] = {}
        """Ends of the owned partitions when their tables were restored: no other worker has seen what lies behind."""
        super().__init__(
            app_id,
            env_prefix="PAGERLINE_FAUST_",  # Faust's unprefixed environment variables would override these settings
            version=1,
            origin="streams",
            autodiscover=False,
            broker=_broker_url(options["bootstrap_servers"]),
            broker_client_id=client_id,
            broker_credentials=_credentials(options),
            key_serializer="raw",
            value_serializer="raw",
            broker_max_poll_interval=YEAR_SECONDS,
            broker_max_poll_records=POLL_RECORDS,
            stream_buffer_maxsize=BUFFER,
            broker_session_timeout=session_seconds,
            broker_heartbeat_interval=heartbeat_seconds,
            broker_rebalance_timeout=30.0,  # bounds how long a member that is busy can hold up the group
            broker_request_timeout=40.0,
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=instance_id,  # static membership: a restart takes back its own at once
            stream_wait_empty=False,  # our own drain is bounded, Faust's is not
            stream_recovery_delay=0.0,
            processing_guarantee="at_least_once",
            topic_allow_declare=False,
            topic_disable_leader=True,
            topic_partitions=partitions,
            table_standby_replicas=0,
            web_enabled=False,
            worker_redirect_stdouts=False,
            agent_supervisor=CrashingSupervisor,
            TableManager=SafeTableManager,
            PartitionAssignor=ReturningAssignor,
        )
        self.on_rebalance_complete.connect(self._ready)

    def advertise(self, url: str) -> None:
        """Let the group know where this worker answers HTTP; to be said once, before the app starts."""
        self.conf.canonical_url = URL(url)

    def owner(self, topic: str, partition: int) -> str | None:
        """The URL that the partition's owner advertises, as of the last rebalance; None: nobody reads it.

        `topic` must be an input: who owns a changelog is known to workers alone that have its table.
        """
        for url, topics in self.assignor.external_topics_metadata().items():
            if partition in topics.get(topic, ()):
                return str(url)
        return None

    def owns(self, topic: str, partition: int) -> bool:
        """Whether this worker acts for the partition now."""
        return self.serving and self.lease.valid and TP(topic, partition) in self.consumer.assignment()

    def _new_transport(self) -> Any:
        return SafeTransport(self.conf.broker_consumer, self)

    def new_producer(self) -> Producer:
        """One more producer, started, flushed and stopped with the app.

        aiokafka has one request to a broker under way at a time, so stages that share a producer wait for each other.
        """
        producer = Producer(self.client_options, self.lease)
        self._producers.append(producer)
        return producer

    async def on_first_start(self) -> None:
        """Prepare what must exist before agents, then start the producer. (Faust would make a data folder here.)"""
        for prepare in self.on_prepare:
            await prepare()
        for producer in self._producers:
            await producer.start()

    async def on_stop(self) -> None:
        """Drain within the bound, then let Faust stop and commit. A recovery that ends meanwhile opens nothing."""
        self.owning = False
        await self.drain()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """Close the producer last: the final commit may depend on what it still confirms."""
        await super().on_shutdown()
        for producer in self._producers:
            await producer.stop()

    async def drain(self) -> None:
        """Stop acting for the partitions: finish or drop work, and have every record that was sent confirmed.

        What a broker does not confirm within the bound is not acknowledged, hence comes again. Before the partitions
        go to another worker, it must not arrive any more either: then this process ends.
        """
        self.serving = False
        async with self._draining:
            for hook in self.on_drain:
                await hook()
            await self._flush()

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                for producer in self._producers:
                    await producer.flush()
        except TimeoutError:
            unconfirmed = f"records sent are still not confirmed after {FLUSH_SECONDS:.0f} s"
            if not self.should_stop:
                end_process(f"{unconfirmed}, and the partitions are asked for")
            log.warning("%s; what depends on them comes again", unconfirmed)

    async def _ready(self, *_args: Any, **_kwargs: Any) -> None:
        """Begin to act, unless the partitions are being taken away again (another recovery follows) or all ends."""
        if not self.owning or self.should_stop:
            return
        for hook in self.on_ready:
            await hook()
        self.serving = self.owning and not self.should_stop

    def _crash(self, reason: BaseException) -> None:
        """Something in Faust or in ours broke: stop in order if that works, and in any case stop."""
        super()._crash(reason)
        deadline = threading.Timer(CRASH_SECONDS, end_process, (f"crashed: {reason!r}",))
        deadline.daemon = True
        deadline.start()

    def membership_lost(self, reason: str) -> None:
        """Called from the consumer's thread. While we act for partitions, losing the group is the end."""
        if self.serving and not self.should_stop:
            end_process(f"{reason}; ending at once so that nothing stale is sent")


def end_process(reason: str) -> None:
    """End this process without any clean-up that could still send something; exit code 1."""
    log.critical("worker ends: %s", reason)
    logging.shutdown()
    os._exit(1)


def _broker_url(servers: str | list[str]) -> str:
    names = servers if isinstance(servers, str) else ",".join(servers)
    return ";".join(f"kafka://{name.strip()}" for name in names.split(","))


def _credentials(options: Mapping[str, Any]) -> Any:
    context: ssl.SSLContext | None = options.get("ssl_context")
    protocol = options.get("security_protocol", "PLAINTEXT")
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=options.get("sasl_plain_username"),
            password=options.get("sasl_plain_password"),
            mechanism=options.get("sasl_mechanism"),
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if protocol == "SSL" else None


async def every(seconds: float, check: Callable[[], None]) -> None:
    """Call `check` for ever, each `seconds`."""
    while True:
        await asyncio.sleep(seconds)
        check()
