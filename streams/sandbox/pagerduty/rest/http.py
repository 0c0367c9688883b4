"""The REST API's HTTP rim."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from streams.sandbox.pagerduty.http_rim import Rim
from streams.sandbox.pagerduty.rest.request import Received
from streams.sandbox.pagerduty.rest.service import Rest

RESOURCES: Final = (
    "abilities",
    "escalation_policies",
    "incidents",
    "log_entries",
    "oncalls",
    "priorities",
    "services",
    "teams",
    "users",
    "webhook_subscriptions",
)


class RestHttp:
    """Serves `Rest` at the root, as PagerDuty does."""

    def __init__(self, rest: Rest, rim: Rim) -> None:
        self._rest = rest
        self._rim = rim

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", f"/{{path:({'|'.join(RESOURCES)})(/.*)?}}", self._call)]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        try:
            body, cut = await request.read(), False
        except web.HTTPRequestEntityTooLarge:
            body, cut = b"", True
        received = Received(
            request.method,
            request.path,
            list(request.query.items()),
            {name.lower(): value for name, value in request.headers.items()},
            body,
        )
        return await self._rim.answer(request, self._rest.handle(received, cut=cut))
