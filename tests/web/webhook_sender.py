"""Webhooks as PagerDuty sends them, and the ingress on an application of its own to send them to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry

from streams.documents.integration import Integration
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING, Snapshot
from streams.pagerduty.signature import signature
from streams.web.webhooks import WebhookIngress, routes

SAMPLES = Path(__file__).parents[1] / "fixtures" / "pagerduty" / "webhooks_v3"
SECRET = "dGhpcy1pcy1hLXRlc3Qtc2VjcmV0LW5vdC1hLXJlYWwtb25lLTAwMDAwMDAwMDA="
TOKEN = "u+" + "t" * 18
SUBSCRIPTION = "PWHSUB1"


def sample(name: str, **event: Any) -> bytes:
    """The body of a captured webhook, compact as on the wire, with members of its event replaced."""
    document = orjson.loads((SAMPLES / f"{name}.json").read_bytes())
    document["event"].update(event)
    return orjson.dumps(document)


def integration(name: str = "main", *, secrets: tuple[str, ...] = (SECRET,), **more: Any) -> Integration:
    """An integration document."""
    more.setdefault("subscription", SUBSCRIPTION)
    return Integration(
        name, name, Secret(TOKEN), "bot@example.com", webhook_secrets=tuple(map(Secret, secrets)), **more
    )


def snapshot(*integrations: Integration) -> Snapshot:
    """Documents that are nothing but these integrations."""
    return Snapshot(NOTHING.connectors, NOTHING.problems, MappingProxyType({one.id: one for one in integrations}))


def headers(body: bytes, secret: str = SECRET, *, number: int = 1, **more: str) -> dict[str, str]:
    """The headers of a delivery (PagerDuty webhooks v3, requests)."""
    return {
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "PagerDuty-Webhook/V3.0",
        "x-pagerduty-signature": signature(secret, body),
        "x-webhook-id": f"a3d6149f-7577-4e8c-bc7c-{number:012}",
        "x-webhook-subscription": SUBSCRIPTION,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


@dataclass
class Ingress:
    """A served ingress. `documents` may be replaced at any time."""

    url: str
    registry: CollectorRegistry
    ingress: WebhookIngress
    session: aiohttp.ClientSession
    documents: list[Snapshot] = field(default_factory=list)

    async def post(self, body: bytes, head: dict[str, str], name: str = "main") -> tuple[int, str]:
        """Status and outcome of one delivery."""
        async with self.session.post(f"{self.url}/webhooks/pagerduty/{name}", data=body, headers=head) as response:
            return response.status, (await response.json())["outcome"]

    def count(self, outcome: str) -> int:
        """How many deliveries were answered so."""
        return int(self.registry.get_sample_value("pagerline_webhooks_total", {"outcome": outcome}) or 0)

    def counts(self) -> dict[str, int]:
        """All outcomes that there were."""
        [family] = [family for family in self.registry.collect() if family.name == "pagerline_webhooks"]
        return {
            one.labels["outcome"]: int(one.value) for one in family.samples if one.name.endswith("_total") and one.value
        }


@asynccontextmanager
async def serving(
    send: Callable[[bytes, bytes], Any], *integrations: Integration, **options: Any
) -> AsyncIterator[Ingress]:
    """The ingress for these integrations on a port of its own; its records go to `send`."""
    registry = CollectorRegistry()
    documents = [snapshot(*integrations)]
    ingress = WebhookIngress(snapshot=lambda: documents[-1], send=send, registry=registry, **options)
    app = web.Application()
    app.add_routes(routes(ingress))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as session:
            yield Ingress(url, registry, ingress, session, documents)
    finally:
        await ingress.close()
        await runner.cleanup()


class Broker:
    """Confirms at once, or (`away`) only when it is told to."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.away = False
        self.waiting: list[asyncio.Future[None]] = []

    async def send(self, key: bytes, value: bytes) -> asyncio.Future[None]:
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.records.append((key.decode(), orjson.loads(value)))
        if self.away:
            self.waiting.append(confirmed)
        else:
            confirmed.set_result(None)
        return confirmed

    def back(self) -> None:
        """Confirm everything that waits."""
        self.away = False
        for confirmed in self.waiting:
            if not confirmed.done():
                confirmed.set_result(None)
        self.waiting.clear()
