"""The parts of the demo, started and ended together."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from streams.documents.secrets import new_key
from streams.sandbox.case_system import CaseLink, CaseStore
from streams.sandbox.kafka import EmbeddedKafka
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.process import Child, SandboxError
from streams.sandbox.worker import WORKER, WebProcess, WorkerProcess, environment

DOCUMENTS: Final = tuple(Path(__file__).with_name(name) for name in ("connectors.yaml", "two-way.yaml", "routers.yaml"))

INTEGRATION: Final = "main"
PAGERLINE: Final = ("Pagerline", "pagerline@example.com")
"""The user of the account that acts for Pagerline, as two-way.yaml has it."""
SERVICES: Final = ("Checkout", "Payments")
"""The services of the account that two-way.yaml names."""


class Stage:
    """Kafka, simulator, a small Case system, and the environment that workers, web and commands run in.

    worker: the program of a worker, for whoever wants to see the verdict fail.
    """

    def __init__(self, worker: Sequence[str] = WORKER) -> None:
        self._program = worker
        self._exit = AsyncExitStack()
        self._workers = 0

    async def __aenter__(self) -> Self:
        self.folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="pagerline-demo-")))
        self.kafka = await self._exit.enter_async_context(EmbeddedKafka())
        self.simulator = await self._exit.enter_async_context(Simulator())
        self.cases = self.folder / "cases.sqlite"
        self.store = self._exit.enter_context(CaseStore(self.cases))
        self.settings: Mapping[str, str] = {
            "PAGERLINE_BROKERS": self.kafka.bootstrap,
            "PAGERLINE_EVENTS_URL": self.simulator.events_url,
            "PAGERLINE_API_URL": self.simulator.api_url,
            "PAGERLINE_SECRET_KEYS": new_key(),
        }
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._exit.aclose()

    async def prepare(self) -> None:
        """Make the topics, apply the sample documents, connect the Case system, and start the web process."""
        self.simulator.rest.add_user(*PAGERLINE)
        for name in SERVICES:
            self.simulator.rest.add_service(name)
        await self.command("topics", "apply")
        await self.command("apply", *(word for path in DOCUMENTS for word in ("-f", str(path))))
        self.link = await self._exit.enter_async_context(CaseLink(self.store, self.kafka.bootstrap))
        self.web = WebProcess(self.settings, folder=self.folder, log=self.folder / "web.log")
        await self.web.launch()
        self._exit.push_async_callback(self.web.close)

    async def subscribe(self) -> None:
        """Let the doctor make the webhook subscription and try it, as one would with PagerDuty."""
        await self.web.ready()
        await self.command("doctor", "--integration", INTEGRATION, "--webhook-url", self.web.url, "--repair")

    async def command(self, *arguments: str) -> None:
        """Run one `pagerline` command to its end. Raises SandboxError with its words when it fails."""
        program = (sys.executable, "-m", "streams.cli.main", *arguments)
        child = Child.start(program, env=environment(self.settings), cwd=self.folder)
        try:
            if code := await child.wait():
                raise SandboxError(f"pagerline {' '.join(arguments)} ended with {code}: {child.tail()}")
        finally:
            child.close()

    async def launch_worker(self) -> WorkerProcess:
        """Start a worker and do not wait; it is ended with the stage."""
        self._workers += 1
        log = self.folder / f"worker-{self._workers}.log"
        worker = WorkerProcess(self.settings, folder=self.folder, log=log, program=self._program)
        await worker.launch()
        self._exit.push_async_callback(worker.close)
        return worker
