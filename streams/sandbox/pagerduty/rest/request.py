"""One REST request on its way: what came, whose it is, and short words for reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from streams.sandbox.pagerduty.answers import Answer
from streams.sandbox.pagerduty.directory import User
from streams.sandbox.pagerduty.rest.access import Access
from streams.sandbox.pagerduty.rest.answers import TOO_DEEP, arguments, invalid, ok

T = TypeVar("T")

DEFAULT_PAGE: Final = 25
MAX_PAGE: Final = 100
"""More than that is taken for that (REST API, pagination)."""
MAX_DEPTH: Final = 10_000
"""Of offset and limit together."""


class Received(NamedTuple):
    """A request as it came. query: pairs in order. headers: names in lower case."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Request:
    """A request that may be done. at: milliseconds since the epoch. ids: the parts of its path that name something."""

    received: Received
    at: int
    ids: tuple[str, ...]
    access: Access
    user: User | None
    """Who acts; always there where `From` is needed."""

    @property
    def actor(self) -> User:
        """Who acts, where the operation needs one."""
        assert self.user is not None
        return self.user

    def text(self, name: str) -> str | None:
        """A query parameter."""
        return next((value for key, value in self.received.query if key == name), None)

    def texts(self, name: str) -> list[str]:
        """A repeated query parameter, `name[]`."""
        return [value for key, value in self.received.query if key in (f"{name}[]", name)]

    def yes(self, name: str) -> bool:
        return self.text(name) == "true"

    @property
    def include(self) -> frozenset[str]:
        return frozenset(self.texts("include"))

    def body(self, wrapper: str) -> dict[str, Any]:
        """The object inside the body's wrapper. Raises Refused (400)."""
        return _object(self.json().get(wrapper), wrapper)

    def bodies(self, wrapper: str) -> list[dict[str, Any]]:
        """The objects inside the body's wrapper. Raises Refused (400)."""
        given = self.json().get(wrapper)
        if not isinstance(given, list) or not given:
            raise invalid(f"{wrapper} must be a list")
        return [_object(one, wrapper) for one in given]

    def json(self) -> dict[str, Any]:
        """The whole body. Raises Refused (400)."""
        try:
            given = orjson.loads(self.received.body or b"{}")
        except orjson.JSONDecodeError:
            raise invalid("The request body is not JSON") from None
        return _object(given, "The request body")

    def moment(self, name: str) -> int | None:
        """A query parameter that is a time, in milliseconds since the epoch. Raises Refused (400)."""
        text = self.text(name)
        if text is None:
            return None
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name} is not an ISO 8601 time") from None
        aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)

    def page(self, wrapper: str, found: Iterable[T], show: Callable[[T], object]) -> Answer:
        """A page of a list, with classic paging. Raises Refused (400)."""
        limit, offset = min(self._number("limit", DEFAULT_PAGE), MAX_PAGE), self._number("offset", 0)
        if offset + limit > MAX_DEPTH:
            raise arguments(TOO_DEEP)
        everything = list(found)
        shown = [show(one) for one in everything[offset : offset + limit]]
        return ok(
            {
                wrapper: shown,
                "limit": limit,
                "offset": offset,
                "more": offset + limit < len(everything),
                "total": len(everything) if self.yes("total") else None,
            }
        )

    def _number(self, name: str, default: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and (name != "limit" or int(text))):
            raise invalid(f"{name.capitalize()} must be a whole number")
        return int(text)


def _object(value: object, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise invalid(f"{name} must be an object")


def blank(value: object) -> bool:
    """Whether a text is missing or has nothing in it."""
    return not isinstance(value, str) or not value.strip()
