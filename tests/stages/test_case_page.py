"""`GET /cases/{id}`: who answers, who asks, and who is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from streams.kafka.home import home_partition
from streams.project.row import CaseRow
from streams.stages.case_page import CasePage
from streams.telemetry.health import HealthServer

PARTITIONS = 4
CASE = "team/CASE 1%"
HOME = home_partition(CASE.encode(), PARTITIONS)


class Group:
    """What the workers of a group know of each other."""

    def __init__(self) -> None:
        self.urls: dict[int, str] = {}

    def seen_by(self, mine: set[int]) -> Any:
        return Seen(self, mine)


class Seen:
    def __init__(self, group: Group, mine: set[int]) -> None:
        self._group = group
        self._mine = mine

    def owns(self, topic: str, partition: int) -> bool:
        assert topic == "case-updates"
        return partition in self._mine

    def owner(self, topic: str, partition: int) -> str | None:
        return self._group.urls.get(partition)


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    running: list[tuple[HealthServer, CasePage]] = []

    async def start(
        group: Group, mine: set[int], rows: dict[str, CaseRow] | None, token: str | None = None, bind: str = "127.0.0.1"
    ) -> str:
        def row(partition: int, case: str) -> CaseRow | None:
            assert partition in mine
            return (rows or {}).get(case)

        page = CasePage(
            owners=group.seen_by(mine),
            topic="case-updates",
            partitions=PARTITIONS,
            row=None if rows is None else row,
            bind=bind,
            token=None if token is None else SecretStr(token),
        )
        server = HealthServer("127.0.0.1:0", CollectorRegistry(), lambda: None, more=page.routes)
        await server.start()
        running.append((server, page))
        return server.url

    yield start
    for server, page in running:
        await server.stop()
        await page.close()


async def get(url: str, case: str = CASE, **headers: str) -> tuple[int, dict[str, Any]]:
    path = case.replace("%", "%25").replace(" ", "%20")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/cases/{path}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_owner_answers_and_everybody_else_asks_it(start: Start) -> None:
    group = Group()
    owner = await start(group, {HOME}, {CASE: CaseRow(CASE, "OPEN")})
    other, routing = await start(group, set(), {}), await start(group, set(), None)
    group.urls[HOME] = owner
    for url in (owner, other, routing):
        status, row = await get(url)
        assert (status, row["case"], row["case_status"]) == (200, CASE, "OPEN")


async def test_a_case_that_nobody_knows(start: Start) -> None:
    group = Group()
    owner, other = await start(group, {HOME}, {}), await start(group, set(), {})
    group.urls[HOME] = owner
    for url in (owner, other):
        status, told = await get(url)
        assert (status, told["status"]) == (404, 404)
        assert "nothing is known" in told["detail"]


async def test_nobody_runs_the_stage(start: Start) -> None:
    status, told = await get(await start(Group(), set(), None))
    assert status == 503
    assert "no worker runs stage project" in told["detail"]


async def test_workers_that_advertise_one_address_do_not_ask_each_other_for_ever(start: Start) -> None:
    group = Group()
    url = await start(group, set(), {})
    group.urls[HOME] = url
    status, told = await get(url)
    assert status == 503
    assert "PAGERLINE_ADVERTISED_URL" in told["detail"]


async def test_an_owner_that_is_gone_is_told(start: Start) -> None:
    group = Group()
    group.urls[HOME] = "http://127.0.0.1:1"
    status, told = await get(await start(group, set(), {}))
    assert status == 503
    assert "http://127.0.0.1:1, does not answer" in told["detail"]


async def test_the_token_is_asked_for_and_passed_on(start: Start) -> None:
    group = Group()
    owner = await start(group, {HOME}, {CASE: CaseRow(CASE)}, token="open sesame")
    other = await start(group, set(), {}, token="open sesame")
    group.urls[HOME] = owner
    for url in (owner, other):
        assert (await get(url))[0] == 401
        assert (await get(url, Authorization="Bearer wrong"))[0] == 401
        assert (await get(url, Authorization="Bearer open sesame"))[0] == 200


@pytest.mark.parametrize(("bind", "status"), [("0.0.0.0", 403), ("10.0.0.7", 403), ("::1", 200), ("localhost", 200)])
async def test_beyond_this_host_nothing_is_shown_without_a_token(start: Start, bind: str, status: int) -> None:
    url = await start(Group(), {HOME}, {CASE: CaseRow(CASE)}, bind=bind)
    assert (await get(url))[0] == status
    guarded = await start(Group(), {HOME}, {CASE: CaseRow(CASE)}, bind=bind, token="t")
    assert (await get(guarded, Authorization="Bearer t"))[0] == 200


async def test_a_page_of_another_site_sees_nothing_without_a_token(start: Start) -> None:
    url = await start(Group(), {HOME}, {CASE: CaseRow(CASE)})
    assert (await get(url, Host="rebound.example.com"))[0] == 403
    assert (await get(url, Origin="https://elsewhere.example.com"))[0] == 403
