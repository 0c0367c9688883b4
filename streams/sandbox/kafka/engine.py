"""What a Kafka of the sandbox can be asked, whichever engine it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

from streams.errors import KafkaUnavailable
from streams.sandbox.kafka.ready import wait_ready
from streams.sandbox.process import Child, free_port


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine does of what a Kafka cluster does.

    durable: records, groups and topics are still there after stop or kill, and start.
    compaction: `cleanup.policy=compact` and retention are carried out.
    limits: `max.message.bytes` is enforced.
    offset_reset: reading beyond the end of a partition is answered with OFFSET_OUT_OF_RANGE.
    """

    durable: bool
    compaction: bool
    limits: bool
    offset_reset: bool


class Kafka(Protocol):
    """A single broker on this machine.

    `bootstrap` is its `host:port`, the same over stop and start. `start` returns when it can be used and raises
    SandboxError when this machine lacks what it needs, KafkaUnavailable when it does not come up. `stop` ends it in
    order, `kill` with SIGKILL; both are harmless when it does not run. `restart` is stop and start.
    """

    @property
    def bootstrap(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def kill(self) -> None: ...
    async def restart(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Server(ABC):
    """What the engines share: one child process and its address.

    port: where to listen on 127.0.0.1; 0 takes a free one at the first start, and keeps it. log: a file for the
    output; by default it is kept only for the message of a failed start. It may be used from several event loops,
    one after the other.
    """

    CAPABILITIES: ClassVar[Capabilities]
    START_SECONDS: ClassVar[float]

    def __init__(self, *, port: int = 0, log: Path | None = None) -> None:
        self._port = port
        self._log = log
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:<port>`; with port 0 it is known once it has been started."""
        if not self._port:
            raise RuntimeError("a Kafka without a fixed port has no address before it is started")
        return f"127.0.0.1:{self._port}"

    @property
    def capabilities(self) -> Capabilities:
        """What this engine does of what a cluster does."""
        return self.CAPABILITIES

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None and self.running else None

    def tail(self) -> str:
        """The last lines of its output, when it has been started and neither stopped nor killed."""
        return self._child.tail() if self._child is not None else ""

    async def start(self) -> None:
        """Start it and wait until it answers; nothing happens when it runs already."""
        if self.running:
            return
        self._port = self._port or free_port()
        self._child = child = await self._launch()
        try:
            await wait_ready(self.bootstrap, alive=lambda: child.returncode is None, timeout=self.START_SECONDS)
        except BaseException as error:
            tail = child.tail()
            await self.kill()
            if isinstance(error, KafkaUnavailable):
                raise KafkaUnavailable(f"{error}\n{tail}") from None
            raise

    async def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            await self._child.stop()
            self._forget()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        if self._child is not None:
            await self._child.kill()
            self._forget()

    async def restart(self) -> None:
        """Stop and start on the same address."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @abstractmethod
    async def _launch(self) -> Child:
        """Start the process; raises SandboxError when this machine lacks what it needs."""

    def _forget(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None
