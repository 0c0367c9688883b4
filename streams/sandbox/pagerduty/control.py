"""The control API under `/sim/`: what happened, and trouble to order. JSON in, JSON out.

A `key` or `match` in a request may be a routing key, a destination id or `*`; answers only show destination ids.
A wrong request is answered 400 with `{"error": "..."}`.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, fields
from typing import Any, Final, get_args

import orjson
from aiohttp import web

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.control_http import json_answer, json_object, told, whole_number
from streams.sandbox.pagerduty.destination import EVERY, destination_of, target_of
from streams.sandbox.pagerduty.faults import ActiveFault
from streams.sandbox.pagerduty.incidents import Incident, Status
from streams.sandbox.pagerduty.journal import entry_json

PAGE: Final = 1000
"""Journal entries written out at a time: some 2 ms, in which no event is answered."""
MAX_PAGE: Final = 10_000

_INCIDENT: Final = tuple(one.name for one in fields(Incident) if one.repr)


class Control:
    """Serves an account's journal, incidents, services and switches."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self._healthz),
            web.get("/sim/journal", told(self._journal)),
            web.get("/sim/incidents", told(self._incidents)),
            web.get("/sim/services", told(self._services)),
            web.get("/sim/faults", told(self._faults)),
            web.post("/sim/faults", told(self._add_fault)),
            web.delete("/sim/faults", told(self._remove_faults)),
            web.delete("/sim/faults/{id}", told(self._remove_faults)),
            web.post("/sim/limits", told(self._limits)),
            web.post("/sim/maintenance", told(self._maintenance)),
            web.post("/sim/names", told(self._names)),
            web.post("/sim/reset", told(self._reset)),
        ]

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        return json_answer({"status": "ok"})

    async def _journal(self, request: web.Request) -> web.StreamResponse:
        """`?since=N&limit=M&format=json|ndjson`: the entries after order N, oldest first.

        As json a page, 1,000 entries unless told and 10,000 at most; as ndjson all that there are, unless told.
        """
        since, form = whole_number(request, "since", 0), request.query.get("format", "json")
        journal = self._account.journal
        if form == "ndjson":
            return await self._lines(request, since, whole_number(request, "limit", len(journal)))
        if form != "json":
            raise ValueError(f"format is {form!r}; it must be json or ndjson")
        entries = journal.since(since, min(whole_number(request, "limit", PAGE), MAX_PAGE))
        last = entries[-1].order if entries else since
        return json_answer(
            {
                "entries": [entry_json(entry) for entry in entries],
                "next": last,
                "more": bool(entries) and last + 1 < journal.next_order,
            }
        )

    async def _lines(self, request: web.Request, since: int, limit: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        while entries := self._account.journal.since(since, min(limit, PAGE)):
            lines = (orjson.dumps(entry_json(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
            await response.write(b"".join(lines))
            await asyncio.sleep(0)  # events have their turn between two pages
            since, limit = entries[-1].order, limit - len(entries)
        await response.write_eof()
        return response

    async def _incidents(self, request: web.Request) -> web.StreamResponse:
        """`?key=...&status=triggered|acknowledged|resolved&dedup_key=...`, all optional."""
        query = request.query
        if query.get("status", "triggered") not in get_args(Status):
            raise ValueError(f"status is {query['status']!r}; it must be one of {', '.join(get_args(Status))}")
        found = self._account.incidents(query.get("key", EVERY), status=query.get("status"))
        if "dedup_key" in query:
            found = [incident for incident in found if incident.dedup_key == query["dedup_key"]]
        return json_answer({"incidents": [self._incident(incident) for incident in found]})

    def _incident(self, incident: Incident) -> dict[str, Any]:
        shown = {name: getattr(incident, name) for name in _INCIDENT}  # asdict copies deep: ten times slower
        shown["service"] = self._account.name_of(incident.destination)
        return shown

    async def _services(self, request: web.Request) -> web.StreamResponse:
        return json_answer({"services": self._account.services()})

    async def _faults(self, request: web.Request) -> web.StreamResponse:
        now = self._account.clock.monotonic()
        return json_answer({"faults": [_fault_json(rule, now) for rule in self._account.active_faults()]})

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        """The fields of `Fault`; `body` may be a text or any JSON value."""
        given = await json_object(request)
        body = given.pop("body", "")
        fault_id = self._account.fail(
            given.pop("kind", None),
            _key(given.pop("match", EVERY)),
            body=body if isinstance(body, str) else orjson.dumps(body),
            **given,
        )
        return json_answer({"id": fault_id}, status=201)

    async def _remove_faults(self, request: web.Request) -> web.StreamResponse:
        fault_id = request.match_info.get("id")
        removed = self._account.heal(fault_id)
        if fault_id is not None and not removed:
            return json_answer({"error": f"no fault {fault_id} is in force"}, status=404)
        return json_answer({"removed": removed})

    async def _limits(self, request: web.Request) -> web.StreamResponse:
        """`{"limit": 60, "match": "key:..."}`; null is no limit; without `match` the default of all."""
        given = await json_object(request)
        if "limit" not in given:
            raise ValueError("limit is missing; it must be a whole number of events a minute, or null for none")
        match = _key(given.get("match", EVERY))
        self._account.set_limit(given["limit"], match)
        return json_answer({"match": target_of(match), "limit": given["limit"]})

    async def _maintenance(self, request: web.Request) -> web.StreamResponse:
        """`{"match": "key:...", "on": true, "for_seconds": 60}`, all optional."""
        given = await json_object(request)
        match, on = _key(given.get("match", EVERY)), given.get("on", True)
        if not isinstance(on, bool):
            raise ValueError(f"on is {on!r}; it must be true or false")
        if on:
            self._account.start_maintenance(match, given.get("for_seconds"))
        else:
            self._account.end_maintenance(match)
        return json_answer({"match": target_of(match), "on": on})

    async def _names(self, request: web.Request) -> web.StreamResponse:
        """`{"key": "...", "name": "Payments"}`"""
        given = await json_object(request)
        key, name = given.get("key"), given.get("name")
        if not (isinstance(key, str) and key and key != EVERY and isinstance(name, str) and name):
            raise ValueError("key must be a routing key or destination id, and name a text")
        self._account.name(key, name)
        return json_answer({"destination": destination_of(key), "name": name})

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        self._account.reset()
        return json_answer({"reset": True})


def _fault_json(rule: ActiveFault, now: float) -> dict[str, Any]:
    shown = asdict(rule.fault)
    shown["body"] = rule.fault.body.decode(errors="replace")
    return {
        "id": rule.id,
        **shown,
        "left": rule.left,
        "seconds_left": None if rule.until is None else round(rule.until - now, 3),
    }


def _key(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("match must be a routing key, a destination id or *")
