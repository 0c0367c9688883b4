"""All checks of one integration, in the order in which they make sense."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from streams.doctor import access, reference, subscription
from streams.doctor.finding import Finding, wrong
from streams.documents.connector import Connector
from streams.documents.integration import Integration, api_url_of
from streams.documents.references import References
from streams.errors import UnresolvedReference
from streams.pagerduty.rest import RestClient

CONNECTIONS = 2
"""The checks go one after another; a person waits, and the account's limit is the worker's."""


@dataclass(frozen=True, slots=True)
class Account:
    """An integration to look at. api_url: of a setting, in the place of the default region's own. timeout: seconds."""

    integration: Integration
    connectors: tuple[Connector, ...]
    api_url: str
    timeout: float

    def client(self) -> RestClient:
        """A client for it. Raises UnresolvedReference when its token stands in a variable or file that is not there."""
        integration = self.integration
        return RestClient(
            api_url_of(integration, self.api_url),
            References().line(integration.token),
            integration.from_email,
            timeout=self.timeout,
            connections=CONNECTIONS,
        )


async def examine(
    account: Account,
    *,
    url: str | None = None,
    save: subscription.Save | None = None,
) -> AsyncIterator[Finding]:
    """What is as it should be with an integration, and what is not. url: where its webhooks should go to, when that is
    known. save: given, what can be put right is put right, and the document that comes of it stored."""
    try:
        client = account.client()
    except UnresolvedReference as error:
        yield wrong("token", str(error), "the doctor needs it here as well")
        return
    async with client as api:
        known = await access.reachable(api, api_url_of(account.integration, account.api_url))
        yield known
        if known.state == "wrong":
            return
        yield await access.sender(api, account.integration)
        async for finding in access.permissions(api):
            yield finding
        async for finding in reference.services(api, account.integration, account.connectors):
            yield finding
        yield await reference.priorities(api)
        standing = await subscription.look(api, account.integration, url)
        async for finding in subscription.check(standing):
            # What is about to be put right is told when that is done.
            if save is None or finding.state != "wrong" or standing.trouble is not None:
                yield finding
        if save is not None:
            async for finding in subscription.repair(api, account.integration, standing, url, save):
                yield finding


def of_integrations(
    integrations: Iterable[Integration], connectors: Iterable[Connector], api_url: str, timeout: float
) -> list[Account]:
    """The accounts of all integrations."""
    every = tuple(connectors)
    return [Account(one, every, api_url, timeout) for one in integrations]
