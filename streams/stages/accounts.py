"""The accounts that dispatch speaks to: a client each, made from its integration document, and the names it knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from streams.documents.integration import Integration, api_url_of
from streams.documents.references import References
from streams.documents.secrets import Secret
from streams.documents.snapshot import Snapshot
from streams.errors import SettingsError, UnresolvedReference
from streams.kafka.lease import Lease
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.events import StaleWorker
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest
from streams.pagerduty.services import Found, ServiceBook, Unknown, resolve
from streams.sync.done import Declined
from streams.sync.perform import Performed, call_of, perform
from streams.sync.plan import Operation

PRIORITIES_SECONDS: Final = 300.0
"""How long an account's priorities are believed; they are made once and hardly ever changed."""

SOON_SECONDS: Final = 30.0
"""How long it is believed that they cannot be read (an account without the ability, a failure)."""


class AccountClients:
    """Does operations at accounts, while this worker may.

    `documents` gives the present documents; an integration that changes has a new client with its next operation, and
    the old one is closed after its last call. api_url: stands in for the default region's address.
    """

    def __init__(
        self,
        *,
        documents: Callable[[], Snapshot],
        lease: Lease,
        api_url: str,
        timeout: float,
        connections: int,
        now_ms: Callable[[], int],
        references: References | None = None,
    ) -> None:
        self._documents = documents
        self._lease = lease
        self._api_url = api_url
        self._timeout = timeout
        self._connections = connections
        self._now_ms = now_ms
        self._references = references or References()
        self._accounts: dict[str, _Account] = {}
        self._opening = asyncio.Lock()

    async def perform(self, record: Mapping[str, Any], operation: Operation) -> Performed:
        """Try once to do an operation for the account of an outbox record."""
        found = self._integration(str(record["integration"]))
        if not isinstance(found, tuple):
            return Performed(found)
        try:
            async with self._using(*found) as account:
                calls: Any = _Calls(account.client, self._lease)
                if record.get("replay"):  # somebody says that it is right now
                    account.book.forget(str(record["service"]))
                performed = await perform(operation, calls, _Names(account, calls), self._now_ms())
        except SettingsError as unusable:  # the proxy for this address, which is not the one that was tried at start
            return Performed(TryAgain("no_answer", str(unusable)))
        return replace(performed, calls=tuple(calls.answers))

    async def call(self, integration_id: str, put: Callable[[Any], Awaitable[RestAnswer]]) -> RestAnswer:
        """Make one call at an account. One that cannot be made is answered as one that nobody answered."""
        found = self._integration(integration_id)
        if not isinstance(found, tuple):
            return RestAnswer(None, error=found.words)
        try:
            async with self._using(*found) as account:
                return await put(_Calls(account.client, self._lease))
        except SettingsError as unusable:
            return RestAnswer(None, error=str(unusable))

    def _integration(self, integration_id: str) -> tuple[Integration, Secret] | Declined | TryAgain:
        """The integration and its token. A token that cannot be found now may be in a moment (a secret that is being
        mounted anew): what needs it waits, and shows as lag."""
        integration = self._documents().integrations.get(integration_id)
        if integration is None:
            words = f"there is no integration {integration_id!r}; apply its document, then replay this dead letter"
            return Declined("unknown_integration", words)
        try:
            return integration, self._references.line(integration.token)
        except UnresolvedReference as error:
            return TryAgain("secret_unreadable", f"the integration's token: {error}")

    @asynccontextmanager
    async def _using(self, integration: Integration, token: Secret) -> AsyncIterator[_Account]:
        account = self._accounts.get(integration.id)
        if account is None or not account.serves(integration, token):
            async with self._opening:
                account = await self._open(integration, token)
        account.users += 1
        try:
            yield account
        finally:
            account.users -= 1
            await account.close_if_left()

    async def _open(self, integration: Integration, token: Secret) -> _Account:
        before = self._accounts.get(integration.id)
        if before is not None and before.serves(integration, token):
            return before  # somebody else was faster
        client = RestClient(
            api_url_of(integration, self._api_url),
            token,
            integration.from_email,
            timeout=self._timeout,
            connections=self._connections,
            may_send=lambda: self._lease.valid,
        )
        await client.__aenter__()
        account = self._accounts[integration.id] = _Account(integration, token, client)
        if before is not None:
            before.left = True
            await before.close_if_left()
        return account

    async def close(self) -> None:
        """Close all connections."""
        for account in self._accounts.values():
            account.left, account.users = True, 0
            await account.close_if_left()
        self._accounts.clear()


class _Account:
    """One integration as its document says, and what is known of the account behind it."""

    def __init__(self, integration: Integration, token: Secret, client: RestClient) -> None:
        self.integration = integration
        self.token = token
        self.client = client
        self.book = ServiceBook(clock=time.monotonic, known=integration.services)
        self.priorities: tuple[float, Mapping[str, str]] = (float("-inf"), {})
        self.users = 0
        self.left = False

    def serves(self, integration: Integration, token: Secret) -> bool:
        return self.integration.same_content(integration) and self.token.reveal() == token.reveal()

    async def close_if_left(self) -> None:
        if self.left and not self.users:
            self.left = False
            await self.client.__aexit__()


class _Calls:
    """The client's calls, made while the worker may, and their answers."""

    def __init__(self, client: RestClient, lease: Lease) -> None:
        self._client = client
        self._lease = lease
        self.answers: list[RestAnswer] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[RestAnswer]]:
        async def call(*args: Any, **kwargs: Any) -> RestAnswer:
            while True:
                await self._lease.hold()
                try:
                    answer: RestAnswer = await getattr(self._client, name)(*args, **kwargs)
                except StaleWorker:
                    continue  # held until the coordinator has spoken; if it no longer knows us, the process ends
                self.answers.append(replace(answer, call=call_of(name, kwargs.get("status"))))
                return answer

        return call


class _Names:
    """What services and priorities are called in an account."""

    def __init__(self, account: _Account, calls: Any) -> None:
        self._account = account
        self._calls = calls

    async def service(self, asked: str) -> str | Declined | TryAgain:
        found = await resolve(asked, self._account.book, lambda question: question.put(self._calls))
        if isinstance(found, Found):
            return found.service.id
        if isinstance(found, TryAgain):
            return found
        if isinstance(found, Refused):
            return Declined(found.reason, found.words, self._calls.answers[-1].status)
        if isinstance(found, Unknown):
            return Declined("unknown_service", str(found), near=tuple(service.name for service in found.near))
        near = tuple(f"{service.name} ({service.id})" for service in found.candidates)
        return Declined("ambiguous_service", str(found), near=near)

    async def priority(self, name: str) -> str | None:
        """Without priorities a page goes out all the same."""
        until, known = self._account.priorities
        if time.monotonic() >= until:
            answer = await self._calls.priorities()
            readable = isinstance(judge_rest(answer), Ok)
            named = [one for one in answer.many("priorities") if one.get("id")]
            known = {str(one.get("name") or one.get("summary")): str(one["id"]) for one in named}
            self._account.priorities = (time.monotonic() + (PRIORITIES_SECONDS if readable else SOON_SECONDS), known)
        return known.get(name)

    def forget(self, asked: str) -> None:
        self._account.book.forget(asked)
