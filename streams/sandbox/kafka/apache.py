"""Apache Kafka itself, one node in KRaft mode: what behaviour counts on that the embedded broker has not.

Its data stay over stop, kill and start. Topics are not created by being asked for.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
import uuid
from pathlib import Path
from typing import ClassVar, Final

from streams.sandbox.kafka.engine import Capabilities, Server
from streams.sandbox.kafka.jars import jars, java
from streams.sandbox.process import Child, SandboxError, free_port

HEAP: Final = "512m"
"""Enough for some hundred partitions; the rest of Kafka's speed comes from the page cache."""

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
# One node cannot hold more copies than one.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Few internal partitions: they are loaded at every start.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
# Tests wait for these.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# After a kill the node may not register again before its old session has ended; Kafka's 9 s would be the whole wait.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Kafka's 128 MiB would be a quarter of the heap.
log.cleaner.dedupe.buffer.size=16777216
"""

_LOG4J: Final = """\
status = error
appender.file.type = File
appender.file.name = file
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c - %m%n
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""


class ApacheKafka(Server):
    """A real broker.

    data: where records, settings and the log `kafka.log` live; by default a folder that goes with this object.
    cache: where the jars are kept (see `streams.sandbox.kafka.jars`).

    async with ApacheKafka(data=Path("kafka-data")) as kafka:
        await kafka.kill()
        await kafka.start()   # same address, same records
    """

    CAPABILITIES: ClassVar[Capabilities] = Capabilities(durable=True, compaction=True, limits=True, offset_reset=True)
    START_SECONDS: ClassVar[float] = 120.0

    def __init__(
        self, *, port: int = 0, data: Path | None = None, log: Path | None = None, cache: Path | None = None
    ) -> None:
        super().__init__(port=port, log=log)
        self._cache = cache
        self._temporary = None if data else tempfile.TemporaryDirectory(prefix="pagerline-kafka-")
        self._data = data.resolve() if data else Path(self._temporary.name if self._temporary else "")

    def remove(self) -> None:
        """Delete the data when they were not given a place; done by itself when this object goes."""
        if self._temporary is not None:
            self._temporary.cleanup()

    async def _launch(self) -> Child:
        program = await asyncio.to_thread(java)
        libraries = await jars(self._cache)
        properties = self._write_settings()
        options = (
            *(f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-Djava.awt.headless=true"),
            f"-Dlog4j2.configurationFile={self._data / 'log4j2.properties'}",
            *("-cp", f"{libraries}/*"),
        )
        if not (self._data / "log" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(properties))
            formatting = Child.start([program, *options, *tool], log=self._log)
            try:
                if await formatting.wait():
                    raise SandboxError(f"Kafka's storage could not be formatted:\n{formatting.tail()}")
            finally:
                await formatting.kill()
                formatting.close()
        return Child.start([program, *options, "kafka.Kafka", str(properties)], log=self._log)

    def _write_settings(self) -> Path:
        self._data.mkdir(parents=True, exist_ok=True)
        values = {"port": self._port, "controller": free_port(), "data": self._data / "log"}
        properties = self._data / "server.properties"
        properties.write_text(_PROPERTIES.format_map(values))
        (self._data / "log4j2.properties").write_text(_LOG4J.format(log=self._data / "kafka.log"))
        return properties
