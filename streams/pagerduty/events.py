"""The client of PagerDuty's Events API v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson

from streams import __version__
from streams.pagerduty.answers import Answer

PATH = "/v2/enqueue"
HEADERS = {"Content-Type": "application/json", "User-Agent": f"pagerline/{__version__}"}


class StaleWorker(Exception):
    """The worker's lease ran out between the decision to send and the sending."""


class CheckedConnector(aiohttp.TCPConnector):
    """Asks once more, when a connection is at hand and the request is about to be written."""

    def __init__(self, may_send: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._may_send = may_send

    async def connect(self, *args: Any, **options: Any) -> Any:
        """A connection for one request. Raises StaleWorker when nothing may be sent any more."""
        connection = await super().connect(*args, **options)
        if not self._may_send():
            connection.release()
            raise StaleWorker
        return connection


class EventsClient:
    """Sends alert events. One attempt a call: whether to try again is the dispatcher's business.

    `may_send` is asked at the last moment before a request is written, also when the request had to wait for a
    connection; a False raises StaleWorker and nothing leaves.
    """

    def __init__(
        self, base_url: str, *, timeout: float, connections: int, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        self._url = base_url.rstrip("/") + PATH
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections
        self._may_send = may_send
        self._session: aiohttp.ClientSession | None = None
        self._proxy = proxy_of(base_url)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=CheckedConnector(self._may_send, limit=self._connections, keepalive_timeout=30.0),
            timeout=self._timeout,
            headers=HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def enqueue(self, record: Mapping[str, Any], routing_key: str) -> Answer:
        """Send one outbox record under `routing_key` (in clear; it goes nowhere but into the request).

        Raises StaleWorker; every other failure is an Answer without a status.
        """
        assert self._session is not None, "the client was not entered"
        body = orjson.dumps(event_body(record, routing_key))
        started = perf_counter()
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False, proxy=self._proxy) as response:
                text = await response.read()
                return Answer(
                    status=response.status,
                    body=text,
                    retry_after=_seconds(response.headers.get("Retry-After")),
                    ms=(perf_counter() - started) * 1000,
                )
        except TimeoutError:
            error = f"no answer within {self._timeout.total:g} s"
        except aiohttp.ClientError as failure:
            error = f"{type(failure).__name__}: {failure}"
        return Answer(status=None, error=error, ms=(perf_counter() - started) * 1000)


def proxy_of(url: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for a URL.

    Looked up once: aiohttp's `trust_env` does it for every request, in a thread, at a quarter of the request's cost.
    """
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def event_body(record: Mapping[str, Any], routing_key: str) -> dict[str, Any]:
    """The request body for an outbox record; acknowledge and resolve are bare (PagerDuty refuses a poor payload)."""
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": record["action"],
        "dedup_key": record["dedup_key"],
    }
    if record["action"] == "trigger":
        for name in ("payload", "client", "client_url", "links"):
            if record.get(name):
                body[name] = record[name]
    return body


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; a date or nonsense counts as not given."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
