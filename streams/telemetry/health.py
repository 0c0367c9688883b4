"""`/livez`, `/readyz`, `/metrics` of a worker and what else it serves, from before it joins its group until it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.errors import UsageError

ANY_HOST: Final = ("0.0.0.0", "[::]")


@dataclass(slots=True)
class HealthServer:
    """Serves on `bind` ("host:port", port 0: any free one). `unready` returns why the worker does no work, or None.

    `more`: what else is answered here.
    """

    bind: str
    registry: CollectorRegistry
    unready: Callable[[], str | None]
    more: Sequence[web.RouteDef] = ()
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Bind and serve. Raises UsageError when the address is taken."""
        host, _, port = self.bind.rpartition(":")
        app = web.Application()
        app.add_routes(
            [
                *self.more,
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host.strip("[]"), int(port))
        try:
            await site.start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error
            raise UsageError(f"PAGERLINE_HEALTH_BIND={self.bind}: {reason}; name a free port, or 0") from error
        self.port = self._runner.addresses[0][1]

    @property
    def url(self) -> str:
        """Where other processes reach it, as far as can be told from here: a wildcard is this host's name."""
        host = self.bind.rpartition(":")[0]
        return f"http://{socket.gethostname() if host in ANY_HOST else host}:{self.port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="the loop turns\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        reason = self.unready()
        return web.Response(text=f"{reason or 'at work'}\n", status=503 if reason else 200)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
