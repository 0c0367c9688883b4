"""The PagerDuty simulator: an account behind a real HTTP server on this machine.

async with Simulator(limit=120) as sim:
    ...                                     # point a client at sim.events_url
    sim.fail("status", status=503, count=3) # the next three requests
    await sim.seen(lambda entry: entry.effect == "opened", timeout=5)
    assert [i.status for i in sim.incidents()] == ["triggered"]
"""

from __future__ import annotations

import asyncio
import datetime
import random
import ssl
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from aiohttp import web

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.control import Control
from streams.sandbox.pagerduty.control_people import PeopleControl
from streams.sandbox.pagerduty.control_rest import RestControl
from streams.sandbox.pagerduty.events_api import EventsApi
from streams.sandbox.pagerduty.events_http import EventsHttp
from streams.sandbox.pagerduty.http_rim import MAX_READ_BYTES, Rim
from streams.sandbox.pagerduty.journal import Entry
from streams.sandbox.pagerduty.rest.access import Access
from streams.sandbox.pagerduty.rest.api import DEFAULT_LIMIT as DEFAULT_REST_LIMIT
from streams.sandbox.pagerduty.rest.http import RestHttp
from streams.sandbox.pagerduty.rest.journal import RestCall
from streams.sandbox.pagerduty.timer import Timer
from streams.sandbox.pagerduty.tls import Certificates
from streams.sandbox.pagerduty.webhooks.courier import Courier
from streams.sandbox.pagerduty.webhooks.deliveries import Attempt
from streams.sandbox.pagerduty.window import DEFAULT_LIMIT

T = TypeVar("T")

SHUTDOWN_S: Final = 1.0
"""For requests that are being answered; held ones are let go at once."""


class Simulator(Account):
    """An `Account`, with all its controls, that is served while the context is open.

    host, port: where to listen; port 0 takes a free one. tls: serve https, with a CA made for this simulator.
    limit: events a minute for a key, None for no limit. known_keys: the routing keys that exist; None: every
    well-formed one. tokens, rest_limit: of the REST API (`Rest`). trust: what the certificates of webhook receivers are
    checked with. public_url: what the links in answers and webhooks begin with, where it is reached under another name
    than it listens on. clock, rng: where time and randomness come from.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        limit: int | None = DEFAULT_LIMIT,
        known_keys: Iterable[str] | None = None,
        tokens: Mapping[str, Access] | Iterable[str] | None = None,
        rest_limit: int | None = DEFAULT_REST_LIMIT,
        trust: ssl.SSLContext | None = None,
        public_url: str | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(limit=limit, known_keys=known_keys, tokens=tokens, rest_limit=rest_limit, clock=clock, rng=rng)
        self._host = host
        self._port = port
        self._tls = tls
        self._public_url = public_url
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._courier = Courier(self.webhooks, self.clock, trust)
        self._timer = Timer(self.desk, self.clock)
        self._ca_directory: tempfile.TemporaryDirectory[str] | None = None

    @property
    def events_url(self) -> str:
        """The base URL without a path, to take the place of `https://events.pagerduty.com`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    @property
    def api_url(self) -> str:
        """The same, to take the place of `https://api.pagerduty.com`."""
        return self.events_url

    @property
    def public_url(self) -> str:
        """What links begin with: as it was given, else the base URL, with the loopback address for "every address"."""
        if self._public_url is not None:
            return self._public_url.rstrip("/")
        return self.events_url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

    @property
    def ca_file(self) -> str:
        """A PEM file with the CA to trust, there while the context is open.

        Clients take it as `ssl.create_default_context(cafile=...)` or from the environment variable SSL_CERT_FILE.
        Raises RuntimeError when the simulator does not serve TLS.
        """
        if self._ca_directory is None:
            raise RuntimeError("there is a CA only inside the context of a Simulator(tls=True)")
        return str(Path(self._ca_directory.name, "ca.pem"))

    async def __aenter__(self) -> Self:
        self._stopping.clear()
        app = web.Application(client_max_size=MAX_READ_BYTES)
        rim = Rim(self.clock, self._stopping)
        app.add_routes(EventsHttp(EventsApi(self), rim).routes())
        app.add_routes(RestHttp(self.rest, rim).routes())
        for control in (Control(self), PeopleControl(self), RestControl(self)):
            app.add_routes(control.routes())
        context = self._certify() if self._tls else None
        # A client that gives up ends its request here too, so that a held connection does not outlive it.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=context)
        try:
            await site.start()
        except OSError:
            await self._stop()
            raise
        self._port = self._runner.addresses[0][1]
        self.shapes.api, self.shapes.web = self.public_url, f"{self.public_url}/sim/#"
        self._courier.start()
        self._timer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def _certify(self) -> ssl.SSLContext:
        certificates = Certificates(self._host, datetime.datetime.now(datetime.UTC))
        self._ca_directory = tempfile.TemporaryDirectory(prefix="pagerline-ca-")
        Path(self.ca_file).write_bytes(certificates.ca_pem)
        return certificates.server_context()

    async def _stop(self) -> None:
        self._stopping.set()
        await self._timer.stop()
        await self._courier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._ca_directory is not None:
            self._ca_directory.cleanup()
            self._ca_directory = None

    async def webhooks_quiet(self, timeout: float = 10.0) -> None:
        """Return when no webhook is on its way. Raises TimeoutError after `timeout` seconds of real time."""
        await self._courier.quiet(timeout)

    @property
    def webhooks_waiting(self) -> int:
        """Webhooks that are not delivered yet."""
        return self._courier.waiting

    async def seen(self, like: Callable[[Entry], bool], *, count: int = 1, timeout: float = 10.0) -> list[Entry]:
        """Wait until the events' journal has `count` entries that are `like` this, those already there included.

        Returns all that match. Raises TimeoutError after `timeout` seconds of real time.
        """
        return await _seen(self.journal, self.journal.listeners, like, count, timeout)

    async def called(
        self, like: Callable[[RestCall], bool], *, count: int = 1, timeout: float = 10.0
    ) -> list[RestCall]:
        """The same for the REST calls."""
        return await _seen(self.rest.journal, self.rest.journal.listeners, like, count, timeout)

    async def delivered(
        self, like: Callable[[Attempt], bool], *, count: int = 1, timeout: float = 10.0
    ) -> list[Attempt]:
        """The same for the attempts to deliver webhooks."""
        return await _seen(self.webhooks.attempts, self.webhooks.attempts.listeners, like, count, timeout)


async def _seen(
    journal: Iterable[T],
    listeners: list[Callable[[T], None]],
    like: Callable[[T], bool],
    count: int,
    timeout: float,
) -> list[T]:
    found = [entry for entry in journal if like(entry)]
    enough = asyncio.Event()

    def look(entry: T) -> None:
        if like(entry):
            found.append(entry)
            if len(found) >= count:
                enough.set()

    listeners.append(look)
    try:
        if len(found) < count:
            async with asyncio.timeout(timeout):
                await enough.wait()
    finally:
        listeners.remove(look)
    return found
