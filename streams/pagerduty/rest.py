"""The client of PagerDuty's REST API v2: the calls that two-way sync needs, one attempt each.

async with RestClient(integration.api_url, integration.token, integration.from_email, timeout=10, connections=8) as api:
    answer = await api.incident("Q0ACME00000015")
    match judge_rest(answer):
        case Ok(): status = answer.one("incident")["status"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import orjson

from streams.documents.secrets import Secret, mask
from streams.pagerduty.http import FAILURES, KEEP_ALIVE_SECONDS, USER_AGENT, CheckedConnector, seconds, told
from streams.pagerduty.proxy import proxy_of
from streams.pagerduty.rest_answers import RestAnswer

ACCEPT: Final = "application/vnd.pagerduty+json;version=2"
PAGE: Final = 100
"""Entries of one page of a list: the most that PagerDuty gives (REST API v2, pagination)."""
MOST_BYTES: Final = 16_000_000
"""Of one answer. A hundred log entries with their channels may hold a hundred events of 512 KB, as a rule of 5."""
OPEN: Final = ("triggered", "acknowledged")

Query = Iterable[tuple[str, str]]


class RestClient:
    """Calls of one account, under one token. Whether to call again is the caller's business, and so is the limit.

    A call never raises for what PagerDuty or the network does: that is in the RestAnswer. `may_send` is asked at the
    last moment before a request is written; a False raises StaleWorker and nothing leaves. Raises SettingsError when
    the environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        api_url: str,
        token: Secret,
        from_email: str,
        *,
        timeout: float,
        connections: int,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """`timeout`: seconds for one call. `from_email`: the user that PagerDuty shows as the one who did it."""
        self._base = api_url.rstrip("/")
        self._token = token.reveal().strip()
        self._from = from_email
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections
        self._may_send = may_send
        self._session: aiohttp.ClientSession | None = None
        proxy = proxy_of(api_url)
        self._through: dict[str, Any] = proxy.options() if proxy is not None else {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=CheckedConnector(self._may_send, limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=self._timeout,
            headers={"Accept": ACCEPT, "User-Agent": USER_AGENT, "Authorization": f"Token token={self._token}"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    # -- incidents ----------------------------------------------------------------------------------------------

    async def create_incident(
        self,
        *,
        title: str,
        service: str,
        key: str,
        details: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer:
        """`POST /incidents`. `service` and `priority` are ids. `key` makes a repeat harmless while the incident is
        open: it is refused as a duplicate (400, code 2002)."""
        incident: dict[str, Any] = {
            "type": "incident",
            "title": title,
            "service": {"id": service, "type": "service_reference"},
            "incident_key": key,
        }
        if details:
            incident["body"] = {"type": "incident_body", "details": details}
        if urgency:
            incident["urgency"] = urgency
        if priority:
            incident["priority"] = {"id": priority, "type": "priority_reference"}
        return await self._call("POST", "/incidents", json={"incident": incident})

    async def incident(self, incident_id: str) -> RestAnswer:
        """`GET /incidents/{id}`: the incident is under `incident`."""
        return await self._call("GET", f"/incidents/{_part(incident_id)}")

    async def incidents_by_key(self, key: str, *, statuses: Iterable[str] = ()) -> RestAnswer:
        """`GET /incidents` of any age with this `incident_key`, the newest first.

        PagerDuty also gives incidents of which an alert has this key. Raises ValueError for an empty key, for which it
        would give all open incidents.
        """
        if not key:
            raise ValueError("an empty incident key stands for all incidents")
        query = [("incident_key", key), ("date_range", "all"), ("sort_by", "created_at:desc"), ("limit", str(PAGE))]
        return await self._call("GET", "/incidents", query=[*query, *(("statuses[]", status) for status in statuses)])

    async def open_incidents(self, *, services: Iterable[str] = (), offset: int = 0) -> RestAnswer:
        """`GET /incidents`: one page of the open ones of any age, of these services (ids) or of all."""
        query = [("date_range", "all"), ("sort_by", "created_at:asc"), *(("statuses[]", status) for status in OPEN)]
        query += [("service_ids[]", service) for service in services]
        return await self._call("GET", "/incidents", query=[*query, *_page(offset)])

    async def update_incident(
        self,
        incident_id: str,
        *,
        status: str | None = None,
        resolution: str | None = None,
        title: str | None = None,
        urgency: str | None = None,
        priority: str | None = None,
    ) -> RestAnswer:
        """`PUT /incidents/{id}`: change what is given. `priority` is an id.

        Read before: `acknowledged` or `triggered` on a resolved incident reopens it (since 2025-09-18).
        """
        given = {"status": status, "resolution": resolution, "title": title, "urgency": urgency}
        incident: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if priority is not None:
            incident["priority"] = {"id": priority, "type": "priority_reference"}
        body = {"incident": {"type": "incident", **incident}}
        return await self._call("PUT", f"/incidents/{_part(incident_id)}", json=body)

    async def notes(self, incident_id: str) -> RestAnswer:
        """`GET /incidents/{id}/notes`: all of them, under `notes`."""
        return await self._call("GET", f"/incidents/{_part(incident_id)}/notes")

    async def add_note(self, incident_id: str, content: str) -> RestAnswer:
        """`POST /incidents/{id}/notes`. A repeat adds it twice: after an unknown outcome, look at `notes` first."""
        return await self._call("POST", f"/incidents/{_part(incident_id)}/notes", json={"note": {"content": content}})

    async def log_entries(self, *, since: str, until: str | None = None, offset: int = 0) -> RestAnswer:
        """`GET /log_entries`: one page of the account's log with incidents and channels, under `log_entries`.

        `since` and `until` are ISO 8601 with an offset. PagerDuty gives the newest first, and nothing past the
        10,000th entry.
        """
        span = [("since", since), *((("until", until),) if until is not None else ())]
        shape = [("is_overview", "false"), ("include[]", "channels"), ("time_zone", "UTC")]
        return await self._call("GET", "/log_entries", query=[*span, *shape, *_page(offset)])

    # -- what an account has ------------------------------------------------------------------------------------

    async def services(self, *, query: str | None = None, offset: int = 0) -> RestAnswer:
        """`GET /services`: one page of all services, or of those whose name contains `query`."""
        named = [("query", query)] if query else []
        return await self._call("GET", "/services", query=[*named, ("sort_by", "name"), *_page(offset)])

    async def service(self, service_id: str) -> RestAnswer:
        """`GET /services/{id}`: the service is under `service`."""
        return await self._call("GET", f"/services/{_part(service_id)}")

    async def users(self, *, query: str, offset: int = 0) -> RestAnswer:
        """`GET /users`: one page of those whose name (and in practice address) contains `query`."""
        return await self._call("GET", "/users", query=[("query", query), *_page(offset)])

    async def user(self, user_id: str) -> RestAnswer:
        """`GET /users/{id}`; `me` is whom the token belongs to, refused (400) for the token of an account."""
        return await self._call("GET", f"/users/{_part(user_id)}")

    async def priorities(self) -> RestAnswer:
        """`GET /priorities`, the most severe first; 402 where the account has none."""
        return await self._call("GET", "/priorities", query=_page(0))

    async def abilities(self) -> RestAnswer:
        """`GET /abilities`: a list of words under `abilities`."""
        return await self._call("GET", "/abilities")

    # -- webhook subscriptions ----------------------------------------------------------------------------------

    async def subscriptions(self, *, offset: int = 0) -> RestAnswer:
        """`GET /webhook_subscriptions`: one page, under `webhook_subscriptions`; the secrets are null."""
        return await self._call("GET", "/webhook_subscriptions", query=_page(offset))

    async def subscription(self, subscription_id: str) -> RestAnswer:
        """`GET /webhook_subscriptions/{id}`: under `webhook_subscription`; the secret is null."""
        return await self._call("GET", f"/webhook_subscriptions/{_part(subscription_id)}")

    async def create_subscription(
        self,
        *,
        url: str,
        events: Iterable[str],
        description: str,
        filter_type: str = "account_reference",
        filter_id: str | None = None,
    ) -> RestAnswer:
        """`POST /webhook_subscriptions`. The answer has the secret, under `delivery_method`, and nothing ever has it
        again. The URL cannot be changed later."""
        only: dict[str, str] = {"type": filter_type} if filter_id is None else {"type": filter_type, "id": filter_id}
        subscription = {
            "type": "webhook_subscription",
            "delivery_method": {"type": "http_delivery_method", "url": url},
            "description": description,
            "events": list(events),
            "filter": only,
        }
        return await self._call("POST", "/webhook_subscriptions", json={"webhook_subscription": subscription})

    async def update_subscription(self, subscription_id: str, changes: Mapping[str, Any]) -> RestAnswer:
        """`PUT /webhook_subscriptions/{id}`: `description`, `events`, `filter` or `active`."""
        body = {"webhook_subscription": {"type": "webhook_subscription", **changes}}
        return await self._call("PUT", f"/webhook_subscriptions/{_part(subscription_id)}", json=body)

    async def enable_subscription(self, subscription_id: str) -> RestAnswer:
        """`POST /webhook_subscriptions/{id}/enable`: after PagerDuty has disabled it for a while."""
        return await self._call("POST", f"/webhook_subscriptions/{_part(subscription_id)}/enable")

    async def ping_subscription(self, subscription_id: str) -> RestAnswer:
        """`POST /webhook_subscriptions/{id}/ping`: PagerDuty sends a webhook `pagey.ping`."""
        return await self._call("POST", f"/webhook_subscriptions/{_part(subscription_id)}/ping")

    async def delete_subscription(self, subscription_id: str) -> RestAnswer:
        """`DELETE /webhook_subscriptions/{id}`."""
        return await self._call("DELETE", f"/webhook_subscriptions/{_part(subscription_id)}")

    # -- one call -----------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, *, query: Query = (), json: Any = None) -> RestAnswer:
        """Raises StaleWorker; every other failure is a RestAnswer without a status."""
        assert self._session is not None, "the client was not entered"
        headers = dict(self._through.get("headers", {}))
        if method != "GET":  # who reads is nobody's business, and a wrong `From` must not keep one from reading
            headers |= {"Content-Type": "application/json", "From": self._from}
        started = perf_counter()
        try:
            async with self._session.request(
                method,
                self._base + path,
                params=list(query),
                data=orjson.dumps(json) if json is not None else None,
                allow_redirects=False,
                **{**self._through, "headers": headers},
            ) as response:
                raw = await _read(response)
                return RestAnswer(
                    status=response.status,
                    body=self._document(raw),
                    retry_after=seconds(response.headers.get("Retry-After")),
                    remaining=_whole(response.headers.get("ratelimit-remaining")),
                    reset=seconds(response.headers.get("ratelimit-reset")),
                    ms=(perf_counter() - started) * 1000,
                    request_id=response.headers.get("x-request-id"),
                )
        except TimeoutError:
            error = f"no answer within {self._timeout.total:g} s"
        except FAILURES as failure:
            error = told(failure)
        ms = (perf_counter() - started) * 1000
        return RestAnswer(None, error=self._masked(error), ms=ms)

    def _masked(self, text: str) -> str:
        return text.replace(self._token, mask(self._token)) if self._token else text

    def _document(self, raw: bytes) -> Any:
        """The body as RestAnswer has it. Gateways and debugging proxies repeat the request: the token is masked."""
        raw = self._masked(raw.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        if not raw.strip():
            return None
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode(errors="replace")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises ClientPayloadError above MOST_BYTES."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"an answer of more than {MOST_BYTES} bytes")
    return bytes(raw)


def _page(offset: int) -> list[tuple[str, str]]:
    return [("limit", str(PAGE)), ("offset", str(offset))]


def _part(text: str) -> str:
    """An id as one part of a path: whatever stands in it, it cannot lead to another one.

    Raises ValueError when it is empty or dots, which would name the whole list.
    """
    if not text.strip("."):
        raise ValueError("an id is empty")
    return quote(text, safe="")


def _whole(header: str | None) -> int | None:
    try:
        return int(header) if header else None
    except ValueError:
        return None
