"""The Events API's HTTP rim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi
from streams.sandbox.pagerduty.http_rim import Rim


class EventsHttp:
    """Serves `EventsApi`."""

    def __init__(self, api: EventsApi, rim: Rim) -> None:
        self._api = api
        self._rim = rim

    def routes(self) -> list[web.RouteDef]:
        """Each path with and without the trailing slash that some senders put."""
        return [
            web.post(path, self._handler(endpoint))
            for endpoint in Endpoint
            for path in (endpoint.value, endpoint.value + "/")
        ]

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        handle = self._api.handle

        async def enqueue(request: web.Request) -> web.StreamResponse:
            try:
                reply = handle(endpoint, await request.read())
            except web.HTTPRequestEntityTooLarge:
                reply = handle(endpoint, b"", cut=True)
            return await self._rim.answer(request, reply)

        return enqueue
