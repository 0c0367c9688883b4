"""`pagerline web`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from logging.config import dictConfig

import click

from streams.errors import PagerlineError, UsageError
from streams.settings import Settings, load
from streams.telemetry.logs import logging_config

log = logging.getLogger("pagerline.web")


class CannotServe(UsageError):
    """The web process has not begun: broker, topics or keys are not as they must be."""


@click.command(
    epilog="""\b
Examples:
  pagerline web
  PAGERLINE_WEB_BIND=0.0.0.0:8080 PAGERLINE_WEB_TOKEN=$(openssl rand -hex 32) pagerline web
  curl -H "Authorization: Bearer $PAGERLINE_WEB_TOKEN" localhost:8080/api/v1/lag
"""
)
def web() -> None:
    """Run the API, the console and the ingress of PagerDuty's webhooks until SIGTERM or SIGINT.

    The console is at /, the API's document at /openapi.json. Listens on PAGERLINE_WEB_BIND (127.0.0.1:8080). Any other
    address than a loopback one needs PAGERLINE_WEB_TOKEN, which every request has to send as a bearer token then. The
    process keeps no state: run as many as you like. Exit 2 when it cannot begin.
    """
    settings = load()
    dictConfig(logging_config(settings.log_level))
    # What goes wrong in an operation we log ourselves; the rest is other people's broken HTTP, a traceback for each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises UsageError when it cannot begin."""
    from aiohttp.web import TCPSite

    from streams.web.app import runner_of, web_app
    from streams.web.guard import check_bind

    check_bind(settings)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    bind = settings.web_bind
    runner = runner_of(web_app(settings), shutdown_timeout=settings.shutdown_seconds)
    chatter = logging.getLogger("aiokafka")
    level = chatter.level
    chatter.setLevel(logging.CRITICAL)  # of brokers that are away: the error says it in one line
    try:
        await runner.setup()
    except PagerlineError as error:
        raise CannotServe(str(error)) from error
    finally:
        chatter.setLevel(level)
    try:
        try:
            await TCPSite(runner, bind.host, bind.port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise UsageError(f"PAGERLINE_WEB_BIND={bind}: {reason}; name a free port, or 0") from error
        port = runner.addresses[0][1]
        guarded = "with a token" if settings.web_token else "for this machine alone, without a token"
        log.info("console and API on http://%s, %s", bind._replace(port=port), guarded)
        await end.wait()
        log.info("ending")
    finally:
        await runner.cleanup()
