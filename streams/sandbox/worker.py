"""A worker, and the web process, as processes of their own, for tests that kill and freeze them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from streams.errors import PagerlineError
from streams.sandbox.process import Child, free_port

READY_SECONDS: Final = 60.0
"""To join a group takes 5 to 10 s, and the imports of a worker some on a busy machine."""

STOP_SECONDS: Final = 45.0
"""Above the worker's own bound for an orderly end."""

ASK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.05
"""Between two questions: a probe costs the worker well under a millisecond."""


WORKER: Final = (sys.executable, "-m", "streams.cli.main", "worker")
WEB: Final = (sys.executable, "-m", "streams.cli.main", "web")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, with these PAGERLINE_* and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGERLINE_")}
    return {**inherited, **settings}


class WorkerFailed(PagerlineError):
    """A worker ended, or did not become ready; the text holds the end of its log."""


class WorkerProcess:
    """`pagerline worker`, started with `settings` (PAGERLINE_*) and no others.

    folder: where it runs, so that no .env of elsewhere is read. log: the file its output is appended to.
    program: another program than `pagerline worker`, for tests that want to see a broken one found out.
    """

    what = "worker"
    bind = "PAGERLINE_HEALTH_BIND"
    """The setting that says where it answers."""

    def __init__(
        self, settings: Mapping[str, str], *, folder: Path, log: Path, program: Sequence[str] = WORKER
    ) -> None:
        self._bind = settings.get(self.bind) or f"127.0.0.1:{free_port()}"
        self._env = {**environment(settings), self.bind: self._bind}
        self._folder = folder
        self._log = log
        self._program = tuple(program)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Of its health server: `/livez`, `/readyz`, `/metrics`; with the web process, of all that it serves."""
        return f"http://{self._bind}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._started().pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; afterwards its exit code, or minus the signal that ended it."""
        return self._started().returncode

    def log(self) -> str:
        """All it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def start(self, *, timeout: float = READY_SECONDS) -> None:
        """Start it and wait until `/readyz` answers 200.

        Raises WorkerFailed when it ends before that, or is not ready after `timeout` seconds; it does not run then.
        """
        await self.launch()
        try:
            await self.ready(timeout=timeout)
        except BaseException:
            await self.kill()
            raise

    async def launch(self) -> None:
        """Start it and do not wait. It may be started again after its end."""
        await self.close()
        self._child = Child.start(self._program, log=self._log, env=self._env, cwd=self._folder)

    async def ready(self, *, timeout: float = READY_SECONDS) -> None:
        """Wait until it is ready. Raises WorkerFailed as `start` does, but leaves it running."""
        child = self._started()
        last: object = "no answer"
        limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
        try:
            async with asyncio.timeout(timeout), aiohttp.ClientSession(timeout=limit) as session:
                while True:
                    if child.returncode is not None:
                        raise WorkerFailed(f"the {self.what} ended (exit code {child.returncode})\n{child.tail()}")
                    try:
                        async with session.get(f"{self.url}/readyz") as answer:
                            last = f"{answer.status} {(await answer.text()).strip()}"
                            if answer.status == 200:
                                return
                    except (aiohttp.ClientError, TimeoutError) as error:
                        last = error
                    await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            raise WorkerFailed(f"the {self.what} was not ready after {timeout:g} s: {last}\n{child.tail()}") from None

    async def terminate(self, *, timeout: float = STOP_SECONDS) -> int:
        """SIGTERM, and SIGKILL after `timeout` seconds. Returns its exit code (-9 for the latter)."""
        return await self._started().stop(timeout)

    async def kill(self) -> None:
        """SIGKILL; nothing happens when it does not run."""
        if self._child is not None and self._child.returncode is None:
            await self._child.kill()

    async def close(self) -> None:
        """SIGKILL, if it runs, and let go of the log file."""
        await self.kill()
        if self._child is not None:
            self._child.close()

    def pause(self) -> None:
        """SIGSTOP: as a machine that hangs."""
        self._started().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._started().signal(signal.SIGCONT)

    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"the {self.what} has not been started")
        return self._child


class WebProcess(WorkerProcess):
    """`pagerline web`, in the same way."""

    what = "web process"
    bind = "PAGERLINE_WEB_BIND"

    def __init__(self, settings: Mapping[str, str], *, folder: Path, log: Path, program: Sequence[str] = WEB) -> None:
        super().__init__(settings, folder=folder, log=log, program=program)
