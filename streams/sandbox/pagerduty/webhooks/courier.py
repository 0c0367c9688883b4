"""Delivers webhooks over HTTP: one line a subscription and incident, in which the first one holds up the others."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final

import aiohttp

from streams.sandbox.pagerduty.clock import Clock
from streams.sandbox.pagerduty.webhooks.deliveries import MAX_BODY_BYTES, Outcome, Trouble, Webhook, judge
from streams.sandbox.pagerduty.webhooks.signature import signature_header
from streams.sandbox.pagerduty.webhooks.subscriptions import Subscription
from streams.sandbox.pagerduty.webhooks.webhooks import Webhooks

AGENT: Final = "PagerDuty-Webhook/V3.0"
EXPIRED: Final = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED: tried again, unlike other certificate errors."""

Line = tuple[str, str]


class Courier:
    """Runs while the simulator serves. trust: the TLS settings that receivers' certificates are checked with."""

    def __init__(self, webhooks: Webhooks, clock: Clock, trust: ssl.SSLContext | None = None) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._trust = trust or ssl.create_default_context()
        # PagerDuty's sender knows nothing newer (developer docs "Webhooks, TLS").
        self._trust.maximum_version = ssl.TLSVersion.TLSv1_2
        self._session: aiohttp.ClientSession | None = None
        self._lines: dict[Line, deque[Webhook]] = {}
        self._workers: dict[Line, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def start(self) -> None:
        # Each delivery has a connection of its own, as from a fleet of senders; so none is found closed.
        connector = aiohttp.TCPConnector(limit=0, force_close=True, ssl=self._trust)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        self._webhooks.send = self._take
        self._webhooks.changed = self._wake

    async def stop(self) -> None:
        self._webhooks.send = lambda webhook: None
        self._webhooks.changed = lambda: None
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._lines.clear()
        self._quiet.set()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def waiting(self) -> int:
        """Webhooks that are not delivered yet."""
        return sum(map(len, self._lines.values()))

    async def quiet(self, timeout: float = 10.0) -> None:
        """Return when no webhook is on its way. Raises TimeoutError after `timeout` seconds of real time."""
        async with asyncio.timeout(timeout):
            await self._quiet.wait()

    def _take(self, webhook: Webhook) -> None:
        line = (webhook.subscription, webhook.resource)
        self._lines.setdefault(line, deque()).append(webhook)
        self._quiet.clear()
        if line not in self._workers:
            self._workers[line] = asyncio.create_task(self._work(line), name=f"webhooks {line[1]}")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _work(self, line: Line) -> None:
        waiting = self._lines[line]
        try:
            while waiting:
                await self._deliver(waiting[0])
                waiting.popleft()
        finally:
            del self._workers[line]
            self._lines.pop(line, None)
            if not self._lines:
                self._quiet.set()

    async def _deliver(self, webhook: Webhook) -> None:
        """Bring one webhook to its end."""
        webhooks = self._webhooks
        late = webhooks.lateness()
        if late > 0:
            await self._clock.sleep(late)
        number = 0
        while True:
            while webhooks.switches.hold:
                await self._changed.wait()
            subscription = webhooks.receiver(webhook)
            if subscription is None:
                webhooks.note(webhook, number, None, Outcome.DISCARDED)
                return
            number += 1
            answer = await self._post(webhook, subscription)
            outcome = judge(answer)
            waits = webhooks.retries.wait(number)
            if outcome is Outcome.RETRIED and self._age(webhook) + waits > webhooks.retries.horizon_s:
                outcome = Outcome.DROPPED
            webhooks.note(webhook, number, answer, outcome)
            if outcome is not Outcome.RETRIED:
                break
            await self._pause(waits, webhook)
        if outcome is Outcome.DELIVERED and webhooks.comes_twice():
            answer = await self._post(webhook, subscription)
            webhooks.note(webhook, number + 1, answer, judge(answer), repeated=True)

    async def _pause(self, seconds: float, webhook: Webhook) -> None:
        """Wait, but not on when the subscription is disabled meanwhile."""
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            while not sleep.done() and self._webhooks.receiver(webhook) is not None:
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait((sleep, changed), return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            sleep.cancel()

    def _age(self, webhook: Webhook) -> float:
        return (self._clock.time_ms() - webhook.at) / 1000

    async def _post(self, webhook: Webhook, subscription: Subscription) -> int | Trouble:
        """One attempt: the status, or why there is none."""
        if len(webhook.body) > MAX_BODY_BYTES:
            return 413
        request = asyncio.ensure_future(self._request(webhook, subscription))
        limit = asyncio.ensure_future(self._clock.sleep(self._webhooks.timeout_s))
        try:
            await asyncio.wait((request, limit), return_when=asyncio.FIRST_COMPLETED)
            return request.result() if request.done() else Trouble.TIMEOUT
        finally:
            request.cancel()
            limit.cancel()

    async def _request(self, webhook: Webhook, subscription: Subscription) -> int | Trouble:
        assert self._session is not None
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "user-agent": AGENT,
            "x-pagerduty-signature": signature_header(subscription.secrets, webhook.body),
            "x-webhook-id": webhook.id,
            "x-webhook-subscription": subscription.id,
            **dict(subscription.headers),
        }
        try:
            async with self._session.post(
                subscription.url,
                data=webhook.body,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=("Accept-Encoding",),
                timeout=aiohttp.ClientTimeout(total=None),
            ) as response:
                return response.status
        except aiohttp.ClientConnectorCertificateError as error:
            reason = error.certificate_error
            expired = isinstance(reason, ssl.SSLCertVerificationError) and reason.verify_code == EXPIRED
            return Trouble.CONNECTION if expired else Trouble.TLS
        except aiohttp.ClientSSLError:
            return Trouble.TLS
        except (aiohttp.ClientError, OSError):
            return Trouble.CONNECTION
