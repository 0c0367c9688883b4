"""Stages on workers of their own, in one group."""

from __future__ import annotations

from typing import Any

import aiohttp

from streams import contracts
from streams.sandbox.pytest_plugin import StartWorker
from tests.acceptance.running import Installation, alert
from tests.acceptance.test_routes import ALERTS_KEY, CASES_KEY, CONNECTOR

UPDATES = contracts.schema("case-updates")["examples"]


async def test_each_stage_on_its_own_worker_and_one_that_takes_over(
    embedded: Installation, pagerline_worker: StartWorker
) -> None:
    simulator = embedded.simulator
    await embedded.apply(CONNECTOR.format(alerts=ALERTS_KEY, cases=CASES_KEY))
    routing = await pagerline_worker(stages="route", ready=False, **embedded.settings)
    dispatching = await pagerline_worker(stages="dispatch", ready=False, **embedded.settings)
    projecting = await pagerline_worker(stages="project", **embedded.settings)
    await embedded.send("alerts", "gk-1", [alert("gk-1")])
    await embedded.send("case-updates", UPDATES[0]["case"], UPDATES)
    await simulator.seen(lambda entry: entry.effect == "opened", timeout=60)
    await embedded.settled()
    await routing.ready()
    async with aiohttp.ClientSession() as session, session.get(f"{routing.url}/cases/{UPDATES[0]['case']}") as answer:
        assert answer.status == 200, "a worker that does not have the Case asks the one that has"
        assert (await answer.json())["updates"] == len(UPDATES)
    await dispatching.kill()
    await projecting.kill()
    await pagerline_worker(**embedded.settings)
    await embedded.send("alerts", "gk-1", [alert("gk-1", "Resolved")])
    await embedded.send("case-updates", UPDATES[0]["case"], [UPDATES[0], resolved()])
    await simulator.seen(lambda entry: entry.effect == "resolved", timeout=60)
    await embedded.settled()
    row = await embedded.case_row(UPDATES[0]["case"])
    assert row is not None
    assert row.updates == len(UPDATES) + 1, "what was told before is told again, and known"
    assert row.links["account:main"].incident_status == "resolved"


def resolved() -> dict[str, Any]:
    state = {**UPDATES[0]["state"], "incident_status": "resolved"}
    return {**UPDATES[0], "id": "later", "change": "resolved", "state": state, "found_by": "webhook"}
