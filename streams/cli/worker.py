"""`pagerline worker`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from logging.config import dictConfig
from typing import TYPE_CHECKING, Any

import click

from streams.errors import PagerlineError, UsageError
from streams.settings import Settings, load
from streams.telemetry.logs import logging_config
from streams.topology import STAGES

if TYPE_CHECKING:
    from streams.app import Worker

SWITCH_SECONDS = 0.0002
"""Faust's consumer lives in a second thread; at CPython's default of 5 ms the hand-over alone doubles the latency."""

GC_THRESHOLDS = (50_000, 20, 50)
"""An event makes some thousand objects, of which almost none is part of a cycle: CPython's default of 700 would look
through all that is in flight several times for each event."""

EXTRA_SECONDS = 4.0
"""On top of PAGERLINE_SHUTDOWN_SECONDS: with no broker in reach Faust never finishes stopping by itself."""


class CannotStart(UsageError):
    """The worker has not begun: broker, topics, port or keys are not as they must be."""


class Stages(click.ParamType):
    """Stages separated by commas."""

    name = "stages"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        named = [name.strip() for name in value.split(",")]
        if wrong := [name for name in named if name not in STAGES]:
            self.fail(f"{', '.join(map(repr, wrong))} is no stage; there are {', '.join(STAGES)}", param, ctx)
        return tuple(name for name in STAGES if name in named)


@click.command(
    epilog="""\b
Examples:
  PAGERLINE_BROKERS=127.0.0.1:9092 PAGERLINE_SECRET_KEYS=... pagerline worker
  pagerline worker --stages route
  pagerline worker --stages dispatch,project
"""
)
@click.option(
    "--stages",
    type=Stages(),
    default=",".join(STAGES),
    show_default=True,
    help="The stages to run, separated by commas. Workers of one group may run different ones; a stage that no worker "
    "runs shows as lag.",
)
def worker(stages: tuple[str, ...]) -> None:
    """Run the stages until SIGTERM or SIGINT: route decides, dispatch pages, project keeps the state of Cases.

    Settings come from the environment (PAGERLINE_*) or .env. Topics that are missing are created first. `/livez`,
    `/readyz` and `/metrics` are served on PAGERLINE_HEALTH_BIND; a second worker on one host needs another port (0: any
    free one). Exit 2 when it cannot begin: no broker, a port in use, a stored connector that PAGERLINE_SECRET_KEYS does
    not open.
    """
    settings = load()
    dictConfig(logging_config(settings.log_level))
    sys.exit(run(settings, stages))


def run(settings: Settings, stages: Sequence[str]) -> int:
    """Run a worker in this process; returns the exit code. Raises CannotStart."""
    import faust
    import uvloop

    from streams.app import Worker

    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.install()
    starting = asyncio.Runner()
    loop = starting.get_loop()
    asyncio.set_event_loop(loop)
    pagerline = Worker(settings, stages)
    prepare(pagerline, starting)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)

    class Process(faust.Worker):
        """Faust's process, with an end that comes even when a broker is out of reach."""

        def _schedule_shutdown(self, signal: object) -> None:
            deadline = threading.Timer(settings.shutdown_seconds + EXTRA_SECONDS, end_late)
            deadline.daemon = True
            deadline.start()
            super()._schedule_shutdown(signal)

        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            await pagerline.close()

    process = Process(pagerline.app, loop=loop, loglevel="info", logging_config=logging_config(settings.log_level))
    try:
        process.execute_from_commandline()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def prepare(pagerline: Worker, starting: asyncio.Runner) -> None:
    """Prepare the worker, before Faust, which would make a traceback of an error. Raises CannotStart."""

    async def begin() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        loop.add_signal_handler(signal.SIGTERM, task.cancel)  # the first process of a container has no other
        try:
            await pagerline.prepare()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    chatter = logging.getLogger("aiokafka")
    level = chatter.level
    chatter.setLevel(logging.CRITICAL)  # of brokers that are away: the error says it in one line
    try:
        starting.run(begin())
    except asyncio.CancelledError:
        starting.close()
        raise SystemExit(0) from None
    except PagerlineError as error:
        starting.close()
        raise CannotStart(str(error)) from error
    finally:
        chatter.setLevel(level)


def end_late() -> None:
    """The bound of the shutdown is over. What is not acknowledged is delivered again to the next worker."""
    logging.getLogger("pagerline.worker").warning("not stopped in time, ending now; nothing is lost by that")
    logging.shutdown()
    os._exit(0)
