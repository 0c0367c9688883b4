"""Documents change while alerts flow: each alert is routed by one revision as a whole, and none is lost."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.secrets import destination_id
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify import collect
from streams.sandbox.verify.collect import Reader
from tests.acceptance.running import Installation
from tests.acceptance.traffic import FULL, Traffic

RATE = 200
CHANGES = 100 if FULL else 40
PAUSE_SECONDS = 0.25
"""Between changes: some fifty alerts go by each revision."""
SEED = 20_261_125


def key_of(connector: str, change: int) -> str:
    return f"{ord(connector):03d}{change:05d}" + "a" * 24


def documents(change: int, dice: random.Random) -> tuple[str, set[str]]:
    """Connectors with keys that only this change has, a router to some of them; and the destinations of all alerts."""
    names = dice.sample("abcdef", dice.randint(2, 6))
    targeted = sorted(dice.sample(names, dice.randint(1, len(names))))
    connectors = "---\n".join(
        f"kind: connector\nid: {name}\ntype: PAGERDUTY\n"
        f'fields: {{integrationKey: "{key_of(name, change)}"}}\noptions: {{rateLimit: 10000}}\n'
        for name in names
    )
    # By one rule, by a rule each, or by the fallback alone: it comes to the same.
    way = dice.choice(("rule", "rules", "fallback"))
    if way == "fallback":
        route = f"fallback: {{alerts: [{', '.join(targeted)}]}}\n"
    else:
        groups = [targeted] if way == "rule" else [[name] for name in targeted]
        route = "rules:\n" + "".join(f"  - {{condition: true, targets: [{', '.join(group)}]}}\n" for group in groups)
    router = f"---\nkind: router\nid: router_default\n{route}"
    return connectors + router, {destination_id(key_of(name, change)) for name in targeted}


async def test_no_alert_is_routed_by_half_an_apply(embedded: Installation, pagerline_worker: StartWorker) -> None:
    dice = random.Random(SEED)
    embedded.simulator.set_limit(None)
    async with embedded.documents() as log:
        expected = dict([await one(log, 0, dice)])
        await pagerline_worker(**embedded.settings)
        async with Traffic(embedded) as traffic:
            flowing = asyncio.create_task(alerts(traffic, RATE * (CHANGES * PAUSE_SECONDS + 2)))
            for number in range(1, CHANGES + 1):
                expected.update([await one(log, number, dice)])
                await asyncio.sleep(PAUSE_SECONDS)
            sent = await flowing
    await embedded.settled()
    routed = await outbox(embedded)
    assert routed.keys() == sent
    for name, (revisions, destinations) in routed.items():
        (revision,) = revisions
        assert destinations == expected[revision], name
    used = {revision for revisions, _ in routed.values() for revision in revisions}
    assert len(used) > CHANGES / 2
    verdict = (await collect(embedded.brokers, embedded.prefix, embedded.simulator.events_url)).judge()
    assert verdict.ok, verdict.text()


async def one(log: DocumentLog, number: int, dice: random.Random) -> tuple[int, set[str]]:
    """Apply a change that replaces all documents; the revision that it made, and where alerts go by it."""
    text, destinations = documents(number, dice)
    wanted = load_documents(["-"], lambda: text)
    after = await log.write(plan_changes(await log.read(), wanted, prune=True), by="test")
    return after.revision, destinations


async def alerts(traffic: Traffic, total: float) -> set[str]:
    """Send alerts that name no connector, at the rate."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    names = set()
    for number in range(round(total)):
        if (early := began + number / RATE - loop.time()) > 0:
            await asyncio.sleep(early)
        names.add(f"flow-{number}")
        await traffic.send_anywhere(f"flow-{number}")
    return names


async def outbox(installation: Installation) -> Mapping[str, tuple[set[int], set[str]]]:
    """By grouping key: the revisions and destinations of its outbox records."""
    found: dict[str, tuple[set[int], set[str]]] = defaultdict(lambda: (set(), set()))
    async with Reader(installation.brokers) as reader:
        async for record in reader.records([f"{installation.prefix}pagerduty-outbox"]):
            value: dict[str, Any] = orjson.loads(record.value or b"")
            revisions, destinations = found[value["dedup_key"]]
            revisions.add(value["why"]["revision"])
            destinations.add(value["destination"])
    return found
