"""The control API's part for people: the page at /sim/, and what its buttons do.

POST /sim/people/<act> with `{"incident": "Q...", "user": "alex@example.com", ...}`; the fields of an act are the
arguments of the method of `People` that does it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from aiohttp import web

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.board import board
from streams.sandbox.pagerduty.control_http import json_answer, json_object, told

PAGE: Final = files("streams.sandbox.pagerduty").joinpath("page.html").read_bytes()

Fields = dict[str, Any]


class PeopleControl:
    def __init__(self, account: Account) -> None:
        self._account = account
        people = account.people
        self._acts: dict[str, Callable[[Fields], object]] = {
            "open": lambda f: people.open(
                _text(f, "service"), _text(f, "title"), _text(f, "user"), urgency=f.get("urgency", "high")
            ),
            "acknowledge": lambda f: people.acknowledge(_text(f, "incident"), _text(f, "user")),
            "unacknowledge": lambda f: people.unacknowledge(_text(f, "incident"), _text(f, "user")),
            "resolve": lambda f: people.resolve(_text(f, "incident"), _text(f, "user"), _maybe(f, "note")),
            "reopen": lambda f: people.reopen(_text(f, "incident"), _text(f, "user")),
            "note": lambda f: people.add_note(_text(f, "incident"), _text(f, "user"), _text(f, "text")),
            "reassign": lambda f: people.reassign(_text(f, "incident"), _text(f, "user"), _text(f, "to")),
            "escalate": lambda f: people.escalate(_text(f, "incident"), _text(f, "user"), f.get("level", 2)),
            "delegate": lambda f: people.delegate(_text(f, "incident"), _text(f, "user"), _text(f, "policy")),
            "priority": lambda f: people.set_priority(_text(f, "incident"), _text(f, "user"), _maybe(f, "priority")),
            "title": lambda f: people.set_title(_text(f, "incident"), _text(f, "user"), _text(f, "title")),
            "publish": lambda f: people.publish(_text(f, "incident"), _text(f, "user"), _text(f, "message")),
            "merge": lambda f: people.merge(_text(f, "incident"), _texts(f, "sources"), _text(f, "user")),
            "delete": lambda f: people.delete(_text(f, "incident")),
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sim", self._to_page),
            web.get("/sim/", self._page),
            web.get("/sim/board", told(self._board)),
            web.post("/sim/people/{act}", told(self._act)),
        ]

    async def _to_page(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/sim/")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=PAGE, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"})

    async def _board(self, request: web.Request) -> web.StreamResponse:
        return json_answer(board(self._account))

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """Answers the id of the incident or note that came of it."""
        act = self._acts.get(request.match_info["act"])
        if act is None:
            raise ValueError(f"no act {request.match_info['act']!r}; there are {', '.join(self._acts)}")
        made = act(await json_object(request))
        return json_answer({"id": getattr(made, "id", None)})


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"{name} is missing; it must be a text")


def _maybe(fields: Fields, name: str) -> str | None:
    return None if fields.get(name) in (None, "") else _text(fields, name)


def _texts(fields: Fields, name: str) -> list[str]:
    value = fields.get(name)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return value
    raise ValueError(f"{name} is missing; it must be a list of incident ids")
