"""All checks of an installation: brokers, topics, documents, keys, and PagerDuty's answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from streams.doctor import account, kafka, keys
from streams.doctor.finding import Finding, note, ok, wrong
from streams.documents.check import View, faults
from streams.documents.document import name_of
from streams.documents.follower import Follower
from streams.documents.secrets import cipher_of
from streams.documents.snapshot import Snapshot
from streams.documents.written import Written
from streams.errors import KafkaUnavailable, SettingsError, TopicMismatch
from streams.pagerduty.events import EventsClient
from streams.settings import Settings, kafka_options
from streams.topology import Topology, group_id


async def examine(settings: Settings, *, pagerduty: bool = True) -> AsyncIterator[Finding]:
    """What is as it should be, and what is not; as far as one thing can be looked at without the other.

    pagerduty: whether PagerDuty is asked as well. Nothing is changed, neither there nor here.
    """
    options, topology = kafka_options(settings), Topology.of(settings)
    async for finding in kafka.examine(topology, group_id(settings), options):
        yield finding
        if finding.about == "brokers" and finding.state == "wrong":
            return
    try:
        snapshot = await read_documents(settings, options)
    except (KafkaUnavailable, TopicMismatch, SettingsError) as error:
        yield wrong("documents", str(error), "nothing that depends on them was looked at")
        return
    for finding in documents(snapshot):
        yield finding
    if not pagerduty:
        return
    connectors = list(snapshot.connectors.values())
    async with EventsClient(settings.events_url, timeout=settings.http_timeout, connections=1) as client:
        async for finding in keys.examine(connectors, client):
            yield finding
    accounts = account.of_integrations(
        snapshot.integrations.values(), connectors, settings.api_url, settings.http_timeout
    )
    for one in accounts:
        async for finding in account.examine(one):
            yield Finding(finding.state, f"{one.integration.id}: {finding.about}", finding.text, finding.remedy)


async def read_documents(settings: Settings, options: Mapping[str, Any]) -> Snapshot:
    """The documents as they are now. Raises SettingsError, KafkaUnavailable and TopicMismatch."""
    async with Follower(options, settings.topic("connectors"), cipher_of(settings)) as follower:
        return follower.snapshot


def documents(snapshot: Snapshot) -> list[Finding]:
    """What is wrong with the documents that are stored."""
    findings = [
        wrong("documents", f"{name}: {problem.reason}", "give the missing key, or apply the document again")
        for name, problem in snapshot.problems.items()
    ]
    view = View(snapshot.documents, snapshot.problems)
    for document in snapshot.documents:
        for fault in faults(view, document):
            where = Written(document).fault(fault.place, fault.message)
            findings.append(wrong("documents", f"{name_of(document)}: {where}", fault.remedy))
    if not snapshot.connectors and not findings:
        return [note("documents", "there is no connector: every event is a dead letter", "`pagerline apply -f FILE`")]
    if not findings:
        counts = {
            "connector": len(snapshot.connectors),
            "integration": len(snapshot.integrations),
            "router": len(snapshot.routers),
            "preset": len(snapshot.presets),
        }
        told = [f"{number} {kind}{'s' if number != 1 else ''}" for kind, number in counts.items() if number]
        findings.append(ok("documents", ", ".join(told)))
    return findings
