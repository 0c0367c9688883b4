"""The ingress of PagerDuty's webhooks: `POST /webhooks/pagerduty/{integration}`.

ingress = WebhookIngress(
    snapshot=lambda: follower.snapshot,
    send=lambda key, value: producer.send(topology.webhooks, key, value),
    registry=registry,
)
app.add_routes(routes(ingress))

A delivery is answered when the broker has it, and otherwise in such a way that PagerDuty tries again (503, 429) for as
long as nobody can say that it is not genuine. PagerDuty waits five seconds, and gives a subscription up after three
answers of 4xx. So 4xx is only for what cannot be a delivery of ours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import ClientConnectionError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from streams.documents.integration import Integration
from streams.documents.references import References
from streams.documents.snapshot import Snapshot
from streams.errors import UnresolvedReference
from streams.pagerduty.delivery import SUBSCRIPTION_HEADER, delivery_record, digest_of, is_ping
from streams.pagerduty.signature import HEADER, Forged, verify
from streams.telemetry.alarms import Alarms
from streams.telemetry.webhooks import WebhookMetrics
from streams.web.flood import FloodLimit

log = logging.getLogger("pagerline.webhooks")

MOST_BYTES: Final = 300_000
"""Of a body. PagerDuty drops webhooks above 256 KB itself."""
MOST_BYTES_FLOODED: Final = 64_000
"""Of a body from a source that floods. PagerDuty promises order up to 55 KB; a larger one comes again."""
ANSWER_SECONDS: Final = 4.0
"""From the request's head to the answer: PagerDuty counts more than five seconds, the way included, as a failure."""
MOST_WAITING_BYTES: Final = 64_000_000
"""Of bodies that the broker has not confirmed yet. They are kept until it does, PagerDuty's retries join them."""
REMEMBERED: Final = 100_000
"""Deliveries by which a repeated one is recognised: some 15 MB; a hundred accounts' webhooks of an hour."""

Send = Callable[[bytes, bytes], Awaitable[asyncio.Future[Any]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery, and with which status PagerDuty hears of it."""

    name: str
    status: int


ACCEPTED = Outcome("accepted", 202)
PING = Outcome("ping", 202)
REPLAYED = Outcome("replayed", 202)  # PagerDuty's own retry after an answer that was lost looks the same
UNSIGNED = Outcome("unsigned", 401)
FORGED = Outcome("wrong_signature", 401)
WRONG_SECRET = Outcome("wrong_secret", 503)
NO_SECRET = Outcome("no_secret", 503)
UNKNOWN = Outcome("unknown_integration", 503)
OVERSIZED = Outcome("oversized", 413)
ENCODED = Outcome("encoded", 415)
TRUNCATED = Outcome("truncated", 400)
SLOW = Outcome("slow", 503)
FLOODED = Outcome("flooded", 429)
UNCONFIRMED = Outcome("unconfirmed", 503)
FULL = Outcome("full", 503)

OUTCOMES: Final = (
    ACCEPTED,
    PING,
    REPLAYED,
    UNSIGNED,
    FORGED,
    WRONG_SECRET,
    NO_SECRET,
    UNKNOWN,
    OVERSIZED,
    ENCODED,
    TRUNCATED,
    SLOW,
    FLOODED,
    UNCONFIRMED,
    FULL,
)


class WebhookIngress:
    """Checks deliveries and hands them to Kafka. To be used from one event loop.

    snapshot: the documents as they are now. send: queues a record of `pagerduty-webhooks` by key and value; the future
    it gives is done when the broker has it. clock: monotonic seconds. now_ms: milliseconds since the epoch.
    """

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        send: Send,
        registry: CollectorRegistry,
        references: References | None = None,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._snapshot = snapshot
        self._send = send
        self._references = references or References()
        self._clock = clock
        self._now_ms = now_ms
        self._flood = FloodLimit(clock)
        self._metrics = WebhookMetrics(registry, [outcome.name for outcome in OUTCOMES])
        self._waiting: dict[bytes, asyncio.Task[bool]] = {}
        self._waiting_bytes = 0
        self._confirmed: OrderedDict[bytes, None] = OrderedDict()
        self._alarms = Alarms(log, clock)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one delivery, within ANSWER_SECONDS and the time that a turn of the loop takes."""
        started = self._clock()
        outcome = await self._outcome(request, started)
        self._metrics.answered(outcome.name, self._clock() - started)
        return web.json_response({"outcome": outcome.name}, status=outcome.status)

    async def _outcome(self, request: web.Request, started: float) -> Outcome:
        name, source, snapshot = request.match_info["integration"], request.remote or "", self._snapshot()
        integration = snapshot.integrations.get(name)
        if integration is None:
            problem = snapshot.problems.get(f"integration/{name}")
            why = f"it cannot be read: {problem.reason}" if problem else "there is none of that id"
            self._alarms.raised((UNKNOWN, bool(problem)), f"webhooks come for the integration {name[:80]!r}; {why}")
            return UNKNOWN
        secrets = self._secrets(integration)
        if not secrets:
            return NO_SECRET
        ours = request.headers.get(SUBSCRIPTION_HEADER) == integration.subscription is not None
        flooding = self._flood.flooding(source)
        if refused := _refused_unread(request, flooded=flooding and not (ours or integration.subscription is None)):
            self._flood.bad(source)
            return refused
        try:
            async with asyncio.timeout(started + ANSWER_SECONDS - self._clock()):
                body = await _read(request, MOST_BYTES_FLOODED if flooding else MOST_BYTES)
        except TimeoutError:
            return SLOW
        except (ClientConnectionError, ConnectionError, HttpProcessingError, web.RequestPayloadError):
            self._flood.bad(source)
            return TRUNCATED
        if body is None:
            self._flood.bad(source)
            return FLOODED if flooding else OVERSIZED
        if isinstance(verify(request.headers.get(HEADER), body, secrets), Forged):
            self._flood.bad(source)
            return self._not_ours(integration, ours=ours)
        return await self._take(integration, request, body, started)

    def _secrets(self, integration: Integration) -> list[str]:
        """Those at hand; one that refers to something that is not there does not keep the others from being used."""
        found = []
        for secret in integration.webhook_secrets:
            try:
                found.append(self._references.resolve(secret).reveal())
            except UnresolvedReference as error:
                self._alarms.raised(
                    (NO_SECRET, integration.id), f"integration {integration.id}: webhook secret: {error}"
                )
        if not integration.webhook_secrets:
            self._alarms.raised(
                (NO_SECRET, integration.id),
                f"integration {integration.id} has no webhook secret, so that no webhook can be checked; "
                f"`pagerline doctor --integration {integration.id} --repair` sets one up",
            )
        return found

    def _not_ours(self, integration: Integration, *, ours: bool) -> Outcome:
        """A signature that no secret of ours made. When it names our own subscription, it may as well be the secret
        that is wrong; PagerDuty then has to try again, for it would give the subscription up."""
        remedy = f"`pagerline doctor --integration {integration.id}` says whether the secret is the right one"
        if ours:
            self._alarms.raised(
                (WRONG_SECRET, integration.id),
                f"integration {integration.id}: webhooks of its own subscription {integration.subscription} are signed "
                f"with another secret than ours, or are forged; {remedy}",
            )
            return WRONG_SECRET
        self._alarms.raised(
            (FORGED, integration.id),
            f"integration {integration.id}: webhooks with a wrong signature are refused; {remedy}",
        )
        return FORGED

    async def _take(self, integration: Integration, request: web.Request, body: bytes, started: float) -> Outcome:
        """Hand a genuine delivery to Kafka, once however often it comes."""
        destination = integration.destination
        digest = digest_of(destination, body)
        if digest in self._confirmed:
            self._confirmed.move_to_end(digest)
            return REPLAYED
        task, first = self._waiting.get(digest), False
        if task is None:
            if self._waiting_bytes + len(body) > MOST_WAITING_BYTES:
                self._alarms.raised(FULL, "no broker confirms webhooks: no more are taken in; PagerDuty tries again")
                return FULL
            record = delivery_record(
                destination, dict(request.headers), body, received_at=self._now_ms(), digest=digest
            )
            task, first = self._produce(digest, destination.encode(), orjson.dumps(record), len(body)), True
        left = started + ANSWER_SECONDS - self._clock()
        done, _ = await asyncio.wait([task], timeout=max(0.0, left))
        if not done or task.cancelled() or not task.result():
            self._alarms.raised(UNCONFIRMED, "no broker has confirmed a webhook in time; PagerDuty tries again")
            return UNCONFIRMED
        if not first:
            return REPLAYED
        return PING if is_ping(body) else ACCEPTED

    def _produce(self, digest: bytes, key: bytes, value: bytes, size: int) -> asyncio.Task[bool]:
        """A task that ends with whether the broker has the record. It goes on when nobody waits for it any more: a
        retry of the same delivery joins it and does not make another record."""

        async def produce() -> bool:
            try:
                await (await self._send(key, value))
            except KafkaError as error:
                self._alarms.raised((UNCONFIRMED, type(error)), f"Kafka refuses a webhook: {error}")
                return False
            finally:
                del self._waiting[digest]
                self._waiting_bytes -= size
            self.remember(digest)
            return True

        task = asyncio.get_running_loop().create_task(produce())
        self._waiting[digest] = task
        self._waiting_bytes += size
        return task

    def remember(self, digest: bytes) -> None:
        """A delivery with this digest (`delivery.digest_of`) is in Kafka, whoever has produced it."""
        self._confirmed[digest] = None
        self._confirmed.move_to_end(digest)
        if len(self._confirmed) > REMEMBERED:
            self._confirmed.popitem(last=False)

    async def close(self) -> None:
        """End what waits for a broker; PagerDuty has been told to try again."""
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def routes(ingress: WebhookIngress) -> list[web.RouteDef]:
    """The ingress as routes of an aiohttp application. They take no bearer token: the signature stands for it."""
    return [web.post("/webhooks/pagerduty/{integration}", ingress.receive)]


def _refused_unread(request: web.Request, *, flooded: bool) -> Outcome | None:
    """What can be refused by its head alone. `flooded`: its source floods, and it names another subscription."""
    if HEADER not in request.headers:
        return UNSIGNED
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return ENCODED  # PagerDuty sends bodies as they are, and signs them so
    if flooded:
        return FLOODED
    return OVERSIZED if (request.content_length or 0) > MOST_BYTES else None


async def _read(request: web.Request, most: int) -> bytes | None:
    """The body to the byte; None, and no more is read, when it is larger than `most`."""
    if (request.content_length or 0) > most:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
