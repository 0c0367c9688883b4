"""The parts of the demo, started and ended together."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import aiohttp

from streams.documents.secrets import new_key
from streams.sandbox.kafka import EmbeddedKafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.process import Child, SandboxError, free_port

CONNECTORS = Path(__file__).with_name("connectors.yaml")

COMMAND = (sys.executable, "-m", "streams.cli.main")


class Stage:
    """Kafka, simulator and the environment that workers and commands run in; at most one worker at a time.

    worker: the command line of a worker, for whoever wants to see the verdict fail.
    """

    def __init__(self, worker: tuple[str, ...] = (*COMMAND, "worker")) -> None:
        self._worker_command = worker
        self._exit = AsyncExitStack()
        self.workers: list[Child] = []

    async def __aenter__(self) -> Self:
        folder = tempfile.TemporaryDirectory(prefix="pagerline-demo-")
        self._exit.callback(folder.cleanup)
        self.folder = Path(folder.name)
        self.kafka = await self._exit.enter_async_context(EmbeddedKafka())
        self.simulator = await self._exit.enter_async_context(Simulator())
        self.health_port = free_port()
        self.environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")},
            "PAGERLINE_BROKERS": self.kafka.bootstrap,
            "PAGERLINE_EVENTS_URL": self.simulator.events_url,
            "PAGERLINE_SECRET_KEYS": new_key(),
            "PAGERLINE_HEALTH_BIND": f"127.0.0.1:{self.health_port}",
        }
        self._session = await self._exit.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *error: object) -> None:
        for worker in self.workers:
            if worker.returncode is None:
                await worker.stop(timeout=15)
            worker.close()
        await self._exit.aclose()

    async def command(self, *arguments: str) -> None:
        """Run one `pagerline` command to its end. Raises SandboxError with its words when it fails."""
        child = await Child.start([*COMMAND, *arguments], env=self.environment, cwd=self.folder)
        code = await child.wait()
        words = child.tail()
        child.close()
        if code:
            raise SandboxError(f"pagerline {' '.join(arguments)} ended with {code}: {words}")

    async def start_worker(self) -> Child:
        """Start a worker; it joins its group in the background."""
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        worker = await Child.start(self._worker_command, env=self.environment, cwd=self.folder, log=log)
        self.workers.append(worker)
        return worker

    async def ready(self) -> bool:
        """Whether a worker is at work. Raises SandboxError when the newest one has ended by itself."""
        worker = self.workers[-1]
        if worker.returncode is not None:
            raise SandboxError(f"the worker ended with {worker.returncode}: {worker.tail()}")
        try:
            async with self._session.get(f"http://127.0.0.1:{self.health_port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False
