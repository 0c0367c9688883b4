"""The client of PagerDuty's Events API v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Self

import aiohttp
import orjson

from streams import __version__
from streams.documents.secrets import mask
from streams.pagerduty.answers import Answer
from streams.pagerduty.proxy import proxy_of

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
    connection; a False raises StaleWorker and nothing leaves. Raises SettingsError when the environment names a proxy
    that cannot be used.
    """

    def __init__(
        self, base_url: str, *, timeout: float, connections: int, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        self._url = base_url.rstrip("/") + PATH
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections
        self._may_send = may_send
        self._session: aiohttp.ClientSession | None = None
        proxy = proxy_of(base_url)
        self._through: dict[str, Any] = proxy.options() if proxy is not None else {}

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

        Raises StaleWorker; every other failure is an Answer without a status. Where an answer repeats the request, as
        gateways and debugging proxies do, the Answer has the key masked.
        """
        assert self._session is not None, "the client was not entered"
        body = orjson.dumps(event_body(record, routing_key))
        started = perf_counter()
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False, **self._through) as response:
                text = await response.read()
                return Answer(
                    status=response.status,
                    body=text.replace(routing_key.encode(), mask(routing_key).encode()),
                    retry_after=_seconds(response.headers.get("Retry-After")),
                    ms=(perf_counter() - started) * 1000,
                )
        except TimeoutError:
            error = f"no answer within {self._timeout.total:g} s"
        except aiohttp.ClientError as failure:
            error = _told(failure)
        return Answer(
            status=None, error=error.replace(routing_key, mask(routing_key)), ms=(perf_counter() - started) * 1000
        )


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


def _told(failure: aiohttp.ClientError) -> str:
    """What went wrong. An answer that is an error (a proxy's, as a rule) is told by status and reason alone: its text
    also has the address that was asked, and with it whatever stands in there."""
    if isinstance(failure, aiohttp.ClientResponseError):
        return f"{type(failure).__name__}: {failure.status} {failure.message}"
    return f"{type(failure).__name__}: {failure}"


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; a date or nonsense counts as not given."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
