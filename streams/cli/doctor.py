"""`pagerline doctor`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import click
import orjson

from streams.cli.hush import hushed
from streams.doctor import account, installation
from streams.doctor.finding import Finding
from streams.doctor.ping import PING_SECONDS, ping
from streams.doctor.store import store
from streams.doctor.subscription import webhook_url
from streams.documents.integration import Integration
from streams.errors import DocumentError, UsageError
from streams.settings import Settings, kafka_options, load
from streams.topology import Topology


@click.command(
    epilog="""\b
Examples:
  pagerline doctor
  pagerline doctor --integration main
  pagerline doctor --integration main --webhook-url https://pagerline.example.com --repair
  pagerline doctor -o json | jq '.[] | select(.state == "wrong")'
"""
)
@click.option("--integration", "integration_id", metavar="ID", help="Look at this integration alone, and more closely.")
@click.option("--webhook-url", metavar="URL", help="Where PagerDuty reaches `pagerline web`, as seen from outside.")
@click.option("--repair", is_flag=True, help="Set up the webhook subscription, or put it right.")
@click.option("--offline", is_flag=True, help="Ask PagerDuty nothing.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form.")
def doctor(integration_id: str | None, webhook_url: str | None, repair: bool, offline: bool, output: str) -> None:
    """Say what is wrong and what to do about it. Exit 1 when something is.

    Looks at brokers, topics, workers and documents; asks PagerDuty whether it knows the connectors' keys (by resolving
    an incident that there is not) and what each integration's token may do. With --integration it also has PagerDuty
    send a test webhook, and waits for it. Nothing is changed without --repair; with it the webhook subscription is
    made or put right, and its id and secret are stored in the integration's document.
    """
    if integration_id is None and (repair or webhook_url is not None):
        raise UsageError("--repair and --webhook-url are about one integration; add --integration ID")
    if integration_id is not None and offline:
        raise UsageError("an integration lives in PagerDuty; leave --offline out")
    settings = load()
    if integration_id is None:
        checks = installation.examine(settings, pagerduty=not offline)
    else:
        checks = _integration(settings, integration_id, webhook_url, repair=repair)
    with hushed():
        findings = asyncio.run(_told(checks, as_text=output == "text"))
    if output == "json":
        click.echo(orjson.dumps([one.to_json() for one in findings], option=orjson.OPT_INDENT_2).decode())
    if any(one.state == "wrong" for one in findings):
        sys.exit(1)


async def _told(checks: AsyncIterator[Finding], *, as_text: bool) -> list[Finding]:
    """All findings; as text each is printed as soon as it is there."""
    findings = []
    async for finding in checks:
        findings.append(finding)
        if as_text:
            click.echo(str(finding))
    return findings


async def _integration(
    settings: Settings, integration_id: str, url: str | None, *, repair: bool
) -> AsyncIterator[Finding]:
    options, topology = kafka_options(settings), Topology.of(settings)
    snapshot = await installation.read_documents(settings, options)
    integration = snapshot.integrations.get(integration_id)
    name = f"integration/{integration_id}"
    if integration is None and name in snapshot.problems:
        raise DocumentError(f"{name} cannot be read: {snapshot.problems[name].reason}")
    if integration is None:
        there = ", ".join(sorted(snapshot.integrations)) or "none"
        raise DocumentError(f"there is no {name}", remedy=f"there is: {there}")

    async def save(changed: Integration) -> None:
        nonlocal integration
        await store(settings, changed)
        integration = changed

    target = None if url is None else webhook_url(url, integration)
    connectors = tuple(snapshot.connectors.values())
    one = account.Account(integration, connectors, settings.api_url, settings.http_timeout)
    trouble = False
    async for finding in account.examine(one, url=target, save=save if repair else None):
        trouble |= finding.state == "wrong" and finding.about in ("subscription", "token", "PagerDuty")
        yield finding
    if integration.subscription is not None and not trouble:
        async with account.Account(integration, connectors, settings.api_url, settings.http_timeout).client() as api:
            yield await ping(api, integration, topology, options, seconds=PING_SECONDS)
