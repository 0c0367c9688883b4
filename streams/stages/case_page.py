"""`GET /cases/{id}` of a worker: a row of table `cases`, answered by its owner whoever is asked.

The owner of a Case is the worker that has its partition of `case-updates`. Workers know each other's addresses from the
group itself: each one says its own when it joins. Who is asked and is not the owner asks the owner, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from streams.kafka.home import home_partition
from streams.project.row import CaseRow
from streams.web.guard import Guard, is_loopback
from streams.web.problem import ApiError, response

FORWARDED: Final = "X-Pagerline-Forwarded"
"""On a question that another worker passes on: it is not passed on again."""

ASK_SECONDS: Final = 5.0
"""For the owner's answer, which takes it a millisecond; it may be gone without the group knowing yet."""


class Owners(Protocol):
    """Who owns what (`streams.kafka.app.SafeApp`)."""

    def owns(self, topic: str, partition: int) -> bool: ...
    def owner(self, topic: str, partition: int) -> str | None: ...


class CasePage:
    """`row` reads the table in a partition that is ours; None on a worker without stage project.

    token: the bearer token that is asked for; None: none is, which is only right where nobody else can connect, so that
    `bind`, where the worker listens, must be a loopback address then.
    """

    def __init__(
        self,
        *,
        owners: Owners,
        topic: str,
        partitions: int,
        row: Callable[[int, str], CaseRow | None] | None,
        bind: str,
        token: SecretStr | None,
    ) -> None:
        self._owners = owners
        self._topic = topic
        self._partitions = partitions
        self._row = row
        self._token = None if token is None else token.get_secret_value()
        self._guard = Guard(token)
        self._closed = token is None and not is_loopback(bind)
        self._session: aiohttp.ClientSession | None = None

    @property
    def routes(self) -> list[web.RouteDef]:
        """An id may hold slashes."""
        return [web.get("/cases/{case:.+}", self._get, allow_head=False)]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _get(self, request: web.Request) -> web.Response:
        try:
            if self._closed:
                raise ApiError(
                    "forbidden", "Cases are shown beyond this host only with a token: set PAGERLINE_WEB_TOKEN"
                )
            self._guard.check(request)
            return await self._answer(request)
        except ApiError as error:
            return response(error)

    async def _answer(self, request: web.Request) -> web.Response:
        """The row, from here or from its owner. Raises ApiError."""
        case = request.match_info["case"]
        partition = home_partition(case.encode(), self._partitions)
        if self._row is not None and self._owners.owns(self._topic, partition):
            row = self._row(partition, case)
            if row is None:
                raise ApiError("not-found", "nothing is known of this Case: never linked, or long over")
            return web.json_response(row.to_json())
        owner = self._owners.owner(self._topic, partition)
        if owner is None:
            raise again("no worker runs stage project, or the group is being formed; try again")
        if FORWARDED in request.headers:
            raise again(
                "this worker does not own the Case, though another one asked it: the partitions are being given out "
                "anew (try again), or workers on several hosts advertise one address (set PAGERLINE_ADVERTISED_URL)"
            )
        return await self._ask(owner, request)

    async def _ask(self, owner: str, request: web.Request) -> web.Response:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS))
        headers = {FORWARDED: "1"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            async with self._session.get(owner + request.rel_url.raw_path, headers=headers) as answer:
                body = await answer.read()
                return web.Response(status=answer.status, body=body, content_type=answer.content_type)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise again(
                f"the owner of the Case, {owner}, does not answer ({type(error).__name__}); try again"
            ) from None


def again(detail: str) -> ApiError:
    """What passes by itself, as a rule within a rebalance's few seconds."""
    return ApiError("unavailable", detail, headers={"Retry-After": "1"})
