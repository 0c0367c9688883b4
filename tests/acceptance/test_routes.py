"""What arrives under which integration key: a Case and an alert, a pinned resolve, and what is malformed."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from streams.documents.secrets import destination_id
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify import collect
from streams.sandbox.verify.collect import Reader
from tests.acceptance.running import Installation, alert, case

ALERTS_KEY = "930" + "a" * 26 + "0d1"
CASES_KEY = "931" + "c" * 26 + "0d1"
OTHER_KEY = "932" + "d" * 26 + "0d1"

CONNECTOR = """
kind: connector
id: payments
type: PAGERDUTY
name: Payments
fields: {{integrationKey: "{alerts}"}}
overrides: {{cases: {{integrationKey: "{cases}"}}}}
"""


async def test_override_for_cases_and_a_resolve_that_follows_its_pin(
    embedded: Installation, pagerline_worker: StartWorker
) -> None:
    simulator = embedded.simulator
    await embedded.apply(CONNECTOR.format(alerts=ALERTS_KEY, cases=CASES_KEY))
    await pagerline_worker(**embedded.settings)
    await embedded.send("alerts", "gk", [alert("gk")])
    await embedded.send("cases", "C-1", [case("C-1")])
    await simulator.seen(lambda entry: entry.effect == "opened", count=2, timeout=60)
    assert {(entry.destination, entry.dedup_key) for entry in simulator.journal} == {
        (destination_id(ALERTS_KEY), "gk"),
        (destination_id(CASES_KEY), "C-1"),
    }
    await embedded.apply(CONNECTOR.format(alerts=OTHER_KEY, cases=OTHER_KEY))
    # The new document is in use when a new incident goes by it.
    async with asyncio.timeout(60):
        number = 0
        while not simulator.incidents(OTHER_KEY):
            number += 1
            await embedded.send("alerts", f"probe-{number}", [alert(f"probe-{number}")])
            await asyncio.sleep(0.2)
    await embedded.send("alerts", "gk", [alert("gk", "Resolved")])
    await embedded.send("cases", "C-1", [case("C-1", "ACKNOWLEDGED"), case("C-1", "CLOSED")])
    await simulator.seen(lambda entry: entry.effect == "resolved", count=2, timeout=60)
    resolved = {entry.dedup_key: entry.destination for entry in simulator.journal if entry.action == "resolve"}
    assert resolved == {"gk": destination_id(ALERTS_KEY), "C-1": destination_id(CASES_KEY)}


async def test_malformed_inputs_become_dead_letters_and_stop_nothing(
    embedded: Installation, pagerline_worker: StartWorker
) -> None:
    await embedded.apply(CONNECTOR.format(alerts=ALERTS_KEY, cases=CASES_KEY))
    await pagerline_worker(**embedded.settings)
    deep = b'{"alert":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    bad: list[tuple[bytes, str, str]] = [
        (b"not json", "not_json", ""),
        (b"[1,2]", "not_object", ""),
        (b'{"alert": {"groupingKey": "x"}}', "wrong_shape", "/alert/status"),
        (b'{"alert": {"groupingKey": "x", "status": "Maybe"}}', "wrong_shape", "/alert/status"),
        (deep, "too_deep", ""),
        (
            b'{"alert": {"groupingKey": "big", "status": "Triggered", "x": "' + b"y" * 2_000_000 + b'"}}',
            "too_large",
            "",
        ),
        (b"null", "not_object", ""),
    ]
    await embedded.send("alerts", "k", [value for value, _, _ in bad])
    await embedded.send("alerts", None, [alert("without-key", unknown={"field": 1})])
    await embedded.send("alerts", "wrong-key", [alert("of-another-key")])
    # Were the resolve there before the trigger is sent, the newest state would win and nobody be paged.
    await embedded.simulator.seen(lambda entry: entry.dedup_key == "of-another-key", timeout=60)
    await embedded.send("alerts", "wrong-key", [alert("of-another-key", "Resolved")])
    await embedded.simulator.seen(
        lambda entry: entry.dedup_key == "of-another-key" and entry.effect == "resolved", timeout=60
    )
    await embedded.simulator.seen(lambda entry: entry.dedup_key == "without-key", timeout=60)
    await embedded.settled()
    letters: list[dict[str, Any]] = []
    async with Reader(embedded.brokers) as reader:
        async for record in reader.records([f"{embedded.prefix}dead-letters"]):
            letters.append(orjson.loads(record.value or b""))
    letters.sort(key=lambda letter: letter["source"]["offset"])
    assert [(letter["reason"]["type"], letter["reason"]["path"]) for letter in letters] == [
        (reason, path) for _, reason, path in bad
    ]
    verdict = (await collect(embedded.brokers, embedded.prefix, embedded.simulator.events_url)).judge()
    assert verdict.ok, verdict.text()
