"""The client of PagerDuty's Events API v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Self

import aiohttp
import orjson

from streams.documents.secrets import mask
from streams.errors import SettingsError
from streams.pagerduty.answers import Answer
from streams.pagerduty.body import PATH, event_body
from streams.pagerduty.http import (
    FAILURES,
    KEEP_ALIVE_SECONDS,
    USER_AGENT,
    CheckedConnector,
    StaleWorker,
    seconds,
    told,
)
from streams.pagerduty.proxy import proxy_of

HEADERS = {"Content-Type": "application/json", "User-Agent": USER_AGENT}

__all__ = ["EventsClient", "StaleWorker"]


class EventsClient:
    """Sends alert events. One attempt a call: whether to try again is the dispatcher's business.

    `may_send` is asked at the last moment before a request is written, also when the request had to wait for a
    connection; a False raises StaleWorker and nothing leaves. Raises SettingsError when the environment names a proxy
    that cannot be used.
    """

    def __init__(
        self, base_url: str, *, timeout: float, connections: int, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        self._base_url = base_url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections
        self._may_send = may_send
        self._session: aiohttp.ClientSession | None = None
        self._ways: dict[str, tuple[str, dict[str, Any]]] = {base_url: way_to(base_url)}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=CheckedConnector(self._may_send, limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
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

        It goes to the record's `events_url` where there is one, else to the client's own.
        Raises StaleWorker; every other failure is an Answer without a status. Where an answer repeats the request, as
        gateways and debugging proxies do, the Answer has the key masked.
        """
        assert self._session is not None, "the client was not entered"
        body = orjson.dumps(event_body(record, routing_key))
        started = perf_counter()
        try:
            url, through = self._way(record.get("events_url") or self._base_url)
            async with self._session.post(url, data=body, allow_redirects=False, **through) as response:
                text = await response.read()
                return Answer(
                    status=response.status,
                    body=text.replace(routing_key.encode(), mask(routing_key).encode()),
                    retry_after=seconds(response.headers.get("Retry-After")),
                    ms=(perf_counter() - started) * 1000,
                )
        except TimeoutError:
            error = f"no answer within {self._timeout.total:g} s"
        except FAILURES as failure:
            error = told(failure)
        except SettingsError as unusable:
            error = str(unusable)  # the proxy for another URL than the one that was tried at start
        return Answer(
            status=None, error=error.replace(routing_key, mask(routing_key)), ms=(perf_counter() - started) * 1000
        )

    def _way(self, base_url: str) -> tuple[str, dict[str, Any]]:
        """Where to post, and through which proxy; looked up once for each of the few URLs there are."""
        way = self._ways.get(base_url)
        if way is None:
            way = self._ways[base_url] = way_to(base_url)
        return way


def way_to(base_url: str) -> tuple[str, dict[str, Any]]:
    """The URL that events are posted to, and what a request through the proxy needs. Raises SettingsError."""
    proxy = proxy_of(base_url)
    return base_url.rstrip("/") + PATH, proxy.options() if proxy is not None else {}
