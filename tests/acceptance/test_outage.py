"""PagerDuty fails in every way it can: all is delivered soon after, in order, and one bad key harms no other.

Run at full length with FULL_BARS=1; `make test` takes shorter outages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.sandbox.pagerduty import EVERY, destination_of
from streams.sandbox.pagerduty.faults import Kind
from streams.sandbox.pytest_plugin import StartWorker
from streams.sandbox.verify import collect
from tests.acceptance.running import Installation
from tests.acceptance.traffic import FULL, Traffic, accepted, come_to_rest, connectors, key_of

FAILING = 0
ALL = range(5)
LIMIT = 120
"""Events a minute for one key, here and in the simulator (PagerDuty Events API v2, rate limits)."""
RATE = 2.0
"""New incidents a second on the five keys; with resolves 36 events a minute for each, so that a probe each second
besides does not make the limit bind."""
RESOLVED_AFTER = 6
"""Every other incident is resolved so many incidents later, three seconds: some while its trigger waits."""

FAULT_SECONDS = 30.0 if FULL else 8.0
"""8 s: doubling pauses have grown beyond the bound by then, so that knocking by back-off alone is found out."""
HTTP_TIMEOUT = 0.5
"""A request that hangs when the fault ends is given up this much later, and the next one follows after a pause: both
are part of the bound below, which leaves a pause of about a second."""
RECOVERED_SECONDS = 2.0
OTHERS_SECONDS = 1.0
"""Generous: the others take some 20 ms on a quiet machine, and two time-outs of the bad key would take 1 s."""
PATIENCE_SECONDS = 90.0
"""The longest back-off is 60 s; what comes later than that is told as never."""


@dataclass(frozen=True)
class Trouble:
    """A fault of the simulator; `key` is one routing key, or all."""

    name: str
    kind: Kind
    key: str = EVERY
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failing(self) -> frozenset[int]:
        """The connectors it is felt by."""
        return frozenset(ALL) if self.key == EVERY else frozenset({FAILING})


TROUBLES = (
    Trouble("503 for all", "status", options={"status": 503}),
    Trouble("503 for one key", "status", key_of(FAILING), {"status": 503}),
    # Taken in, and answered when nobody listens any more: everything is sent again.
    Trouble("time-outs for all", "delay", options={"delay": 4 * HTTP_TIMEOUT}),
    Trouble("a hang of one key", "hang", key_of(FAILING)),
)


async def lives(traffic: Traffic, prefix: str) -> dict[int, list[str]]:
    """Incidents on all keys in turns for as long as a fault lasts; returns grouping keys by connector."""
    names: dict[int, list[str]] = {connector: [] for connector in ALL}
    began = time.monotonic()
    for number in range(round(RATE * FAULT_SECONDS)):
        if (early := began + number / RATE - time.monotonic()) > 0:
            await asyncio.sleep(early)
        connector = number % len(ALL)
        names[connector].append(f"{prefix}-{number}")
        await traffic.send(connector, names[connector][-1])
        old = number - RESOLVED_AFTER
        if old >= 0 and old % 2 == 0:
            await traffic.send(old % len(ALL), f"{prefix}-{old}", status="Resolved")
    return names


async def first_accepted(installation: Installation, failing: Iterable[int], healed: float) -> float:
    """Seconds from the end of a fault until each key that failed has been served; infinite when one never is."""
    simulator, slowest = installation.simulator, 0.0
    for connector in failing:
        destination = destination_of(key_of(connector))
        try:
            found = await simulator.seen(
                lambda entry, here=destination: entry.destination == here and accepted(entry) and entry.at >= healed,  # type: ignore[misc]
                timeout=PATIENCE_SECONDS,
            )
        except TimeoutError:
            return float("inf")
        slowest = max(slowest, found[0].at - healed)
    return slowest / 1000


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_outages_end_within_two_seconds_of_their_cause(real: Installation, pagerline_worker: StartWorker) -> None:
    simulator = real.simulator
    simulator.set_limit(LIMIT)
    await real.apply(connectors(ALL, LIMIT))
    worker = await pagerline_worker(**real.settings, PAGERLINE_HTTP_TIMEOUT=str(HTTP_TIMEOUT))
    recovered: dict[str, float] = {}
    slowest: dict[str, float] = {}
    async with Traffic(real) as traffic:
        await traffic.arrive(await traffic.steady(ALL, "warm", rate=10.0, seconds=1.0))
        for number, trouble in enumerate(TROUBLES):
            fault = simulator.fail(trouble.kind, trouble.key, **trouble.options)
            names = await lives(traffic, f"trouble-{number}")
            healed = simulator.clock.time_ms()
            simulator.heal(fault)
            recovered[trouble.name] = await first_accepted(real, trouble.failing, healed)
            await come_to_rest(real, worker)
            others = [name for connector in ALL if connector not in trouble.failing for name in names[connector]]
            slowest[trouble.name] = max(traffic.latencies(others), default=0.0) / 1000
            print(
                f"{trouble.name}, {FAULT_SECONDS:g} s: first delivery {recovered[trouble.name]:.2f} s after its end; "
                f"slowest of {len(others)} others {slowest[trouble.name] * 1000:.0f} ms",
                flush=True,
            )
    verdict = (await collect(real.brokers, real.prefix, simulator.events_url)).judge()
    print(verdict.text())
    assert verdict.ok, verdict.text()
    assert {name: took for name, took in slowest.items() if took > OTHERS_SECONDS} == {}
    assert {name: took for name, took in recovered.items() if took > RECOVERED_SECONDS} == {}


@pytest.mark.kafka
async def test_an_answer_that_is_lost_makes_one_incident_and_one_outcome(
    real: Installation, pagerline_worker: StartWorker
) -> None:
    simulator = real.simulator
    await real.apply(connectors([FAILING], LIMIT))
    worker = await pagerline_worker(**real.settings)
    async with Traffic(real) as traffic:
        for status, action in (("Triggered", "trigger"), ("Resolved", "resolve")):
            simulator.fail("drop_after_accept", count=1)
            await traffic.send(FAILING, "unheard", status=status)
            await simulator.seen(
                lambda entry, action=action: entry.action == action and accepted(entry),  # type: ignore[misc]
                timeout=60,
            )
        await come_to_rest(real, worker)
    assert [(entry.action, entry.status) for entry in simulator.journal] == [
        ("trigger", None),
        ("trigger", 202),
        ("resolve", None),
        ("resolve", 202),
    ]
    assert [incident.status for incident in simulator.incidents()] == ["resolved"]
    collected = await collect(real.brokers, real.prefix, simulator.events_url)
    verdict = collected.judge()
    assert verdict.ok, verdict.text()
    assert len(collected.deliveries) == verdict.counts.delivered == 2
