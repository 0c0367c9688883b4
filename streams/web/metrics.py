"""What the web process counts."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebMetrics:
    """In a registry of their own, served at /metrics."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "pagerline_web_requests_total",
            "Requests answered, by method, resource (as declared, `unknown` for all others) and status.",
            ("method", "resource", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "pagerline_web_request_seconds",
            "Time to answer a request.",
            ("resource",),
            registry=registry,
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Outermost: what it counts is what the client gets."""
        began = time.perf_counter()
        answer = await handler(request)
        resource = request.match_info.route.resource
        name = "unknown" if resource is None else resource.canonical
        method = request.method if resource is not None else "-"  # anybody can make up methods
        self.requests.labels(method, name, answer.status).inc()
        self.seconds.labels(name).observe(time.perf_counter() - began)
        return answer

    async def page(self, _request: web.Request) -> web.Response:
        """`GET /metrics`."""
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
