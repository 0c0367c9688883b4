"""The control API's part for REST and webhooks: services, switches, subscriptions, and what was called and sent.

No answer shows a token or a webhook secret, but the one to a new subscription or secret.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.board import subscription_json
from streams.sandbox.pagerduty.control_http import json_answer, json_object, told, whole_number
from streams.sandbox.pagerduty.webhooks.events import EVENT_TYPES

PAGE: Final = 1000
MAX_PAGE: Final = 10_000


class RestControl:
    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sim/rest/journal", told(self._calls)),
            web.post("/sim/rest/services", told(self._add_service)),
            web.put("/sim/rest/services/{id}", told(self._rename_service)),
            web.post("/sim/rest/users", told(self._add_user)),
            web.post("/sim/rest/settings", told(self._settings)),
            web.get("/sim/webhooks/journal", told(self._attempts)),
            web.get("/sim/webhooks/switches", told(self._switches)),
            web.post("/sim/webhooks/switches", told(self._set_switches)),
            web.get("/sim/webhooks/subscriptions", told(self._subscriptions)),
            web.post("/sim/webhooks/subscriptions", told(self._subscribe)),
            web.post("/sim/webhooks/subscriptions/{id}/{act}", told(self._act)),
            web.post("/sim/webhooks/events", told(self._inject)),
        ]

    async def _calls(self, request: web.Request) -> web.StreamResponse:
        """`?since=N&limit=M`: the REST calls after order N, oldest first."""
        since, journal = whole_number(request, "since", 0), self._account.rest.journal
        calls = journal.since(since, min(whole_number(request, "limit", PAGE), MAX_PAGE))
        last = calls[-1].order if calls else since
        shown = [{**call._asdict(), "write": call.write} for call in calls]
        return json_answer({"calls": shown, "next": last, "more": bool(calls) and last + 1 < journal.next_order})

    async def _add_service(self, request: web.Request) -> web.StreamResponse:
        """`{"name": "Checkout", "routing_key": "...", "acknowledgement_timeout": 600, "auto_resolve_timeout": 3600}`"""
        given = await json_object(request)
        name = given.pop("name", None)
        if not (isinstance(name, str) and name):
            raise ValueError("name is missing; it must be a text")
        return json_answer({"id": self._account.rest.add_service(name, **given), "name": name}, status=201)

    async def _rename_service(self, request: web.Request) -> web.StreamResponse:
        """`{"name": "Checkout and payments"}`"""
        given, which = await json_object(request), request.match_info["id"]
        if not (isinstance(given.get("name"), str) and given["name"]):
            raise ValueError("name is missing; it must be a text")
        self._account.rest.rename_service(which, given["name"])
        return json_answer({"id": which, "name": given["name"]})

    async def _add_user(self, request: web.Request) -> web.StreamResponse:
        """`{"name": "Sam Example", "email": "sam@example.com"}`"""
        given = await json_object(request)
        user = self._account.rest.add_user(str(given.get("name") or ""), str(given.get("email") or ""))
        if not user.name or "@" not in user.email:
            self._account.directory.users.pop(user.id)
            raise ValueError("name and email are missing; a user has both")
        return json_answer({"id": user.id}, status=201)

    async def _settings(self, request: web.Request) -> web.StreamResponse:
        """Any of `limit`, `refuse_repeats`, `require_from`, `bare_429`, `error_shape`, `without_priorities`."""
        given, rest = await json_object(request), self._account.rest
        switches = {
            "refuse_repeats": rest.refuse_repeats,
            "require_from": rest.require_from,
            "bare_429": rest.bare_429,
            "without_priorities": rest.without_priorities,
        }
        for name, value in given.items():
            if name == "limit":
                rest.set_limit(value)
            elif name == "error_shape":
                rest.shape_errors(value)
            elif name not in switches:
                raise ValueError(f"no setting {name!r}; there are limit, error_shape, {', '.join(switches)}")
            elif not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it must be true or false")
            else:
                switches[name](value)
        return json_answer(given)

    async def _attempts(self, request: web.Request) -> web.StreamResponse:
        """`?since=N&limit=M`: the attempts to deliver from the N-th on, oldest first."""
        attempts = self._account.webhooks.attempts
        since, limit = whole_number(request, "since", 0), min(whole_number(request, "limit", PAGE), MAX_PAGE)
        shown = [attempts[index]._asdict() for index in range(since, min(since + limit, len(attempts)))]
        return json_answer({"attempts": shown, "next": since + len(shown), "more": since + len(shown) < len(attempts)})

    async def _switches(self, request: web.Request) -> web.StreamResponse:
        return json_answer(asdict(self._account.webhooks.switches))

    async def _set_switches(self, request: web.Request) -> web.StreamResponse:
        """Any of `double` (a share), `delay_s`, `reorder_s`, `lose` (how many more, null: all), `hold`."""
        given, webhooks = await json_object(request), self._account.webhooks
        known = asdict(webhooks.switches)
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"no switch {name!r}; there are {', '.join(known)}")
            _check_switch(name, value)
        webhooks.set(**given)
        return json_answer(asdict(webhooks.switches))

    async def _subscriptions(self, request: web.Request) -> web.StreamResponse:
        now = self._account.clock.time_ms()
        return json_answer(
            {"subscriptions": [subscription_json(one, now) for one in self._account.webhooks.subscriptions]}
        )

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        """`{"url": "http://127.0.0.1:8080/hook", "secret": "..."}` to everything, without a token; the answer has the
        secret."""
        given = await json_object(request)
        url, secret = given.get("url"), given.get("secret")
        if not (isinstance(url, str) and url.startswith(("http://", "https://"))):
            raise ValueError("url is missing; it must be an http or https URL")
        subscription = self._account.webhooks.subscribe(url, given.get("events") or EVENT_TYPES, secret=secret)
        return json_answer({"id": subscription.id, "secret": subscription.secret}, status=201)

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """enable, disable, ping, or rotate: a new secret beside the old one, in the answer."""
        webhooks, which, act = self._account.webhooks, request.match_info["id"], request.match_info["act"]
        if act == "rotate":
            return json_answer({"secret": webhooks.rotate(which)})
        acts = {"enable": webhooks.enable, "disable": webhooks.disable, "ping": webhooks.ping}
        if act not in acts:
            raise ValueError(f"no act {act!r}; there are {', '.join(acts)}, rotate")
        acts[act](which)
        return json_answer({"id": which})

    async def _inject(self, request: web.Request) -> web.StreamResponse:
        """`{"event_type": "incident.levitated", "data": {...}}`: any event, of a type that there is or is not."""
        given = await json_object(request)
        event_type, data = given.get("event_type"), given.get("data")
        if not (isinstance(event_type, str) and event_type and isinstance(data, dict)):
            raise ValueError("event_type must be a text and data an object")
        return json_answer({"event": self._account.webhooks.inject(event_type, data)}, status=201)


def _check_switch(name: str, value: Any) -> None:
    if name == "hold":
        right, wanted = isinstance(value, bool), "true or false"
    elif name == "lose":
        right = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
        wanted = "a whole number from 0 on, or null for all"
    else:
        right = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        wanted = "a number from 0 on"
    if not right:
        raise ValueError(f"{name} is {value!r}; it must be {wanted}")
