"""Made fit to send: any message in, a valid PagerDuty event out, and what had to be changed noted.

The limits are those of PagerDuty Events API v2 (alert event body): summary of at most 1,024 characters, source and
summary not blank, severity one of four, the whole at most 512 kB. A refused event is a page nobody gets, so every
field falls back instead of failing, and details are shortened, the longest texts first, before any is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from streams.routing.links import http_url
from streams.routing.plain import NODE_LIMIT, blank, cut, kind_of, one_line, plain
from streams.routing.severity import SEVERITIES
from streams.routing.times import iso_8601

EVENT_LIMIT: Final = 512_000
"""Bytes of the whole event: 512 kB read the smaller way."""

ENVELOPE: Final = 2_048
"""Bytes kept for what is added when it is sent: routing key, action, a dedup key of 255 characters at 6 bytes each."""

SUMMARY_LIMIT: Final = 1_024
SOURCE_LIMIT: Final = 1_024
"""PagerDuty documents none for the source; the summary's shows whole on its pages."""

FIELD_LIMIT: Final = 255
"""Characters of component, group, class, client and a link's text: no limit is documented, and labels are short."""

LINKS_LIMIT: Final = 20
"""Links: PagerDuty takes 50 on change events; twenty of the longest still leave most of the event to the details."""

SHORTENED_TO: Final = (65_536, 16_384, 4_096, 1_024, 256, 64)
"""Characters that a text in the details may keep, tried in turn until the event fits."""

OWN_DETAIL: Final = "pagerline"
"""The detail that says where the event came from; the last to be dropped."""

FALLBACK_SUMMARY: Final = "Event without a summary"
FALLBACK_SOURCE: Final = "unknown source"
FALLBACK_SEVERITY: Final = "critical"
"""For a word that is none of the four: somebody meant to page, and it is better to page than not."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a trigger says. `render_errors`: field to what was wrong with it."""

    payload: dict[str, Any]
    client: str | None = None
    client_url: str | None = None
    links: tuple[dict[str, str], ...] = ()
    render_errors: dict[str, str] = field(default_factory=dict)


def fit(
    payload: Mapping[str, Any],
    *,
    client: object = None,
    client_url: object = None,
    links: Iterable[object] = (),
    render_errors: Mapping[str, str] | None = None,
) -> Message:
    """A valid message from fields of any type and size. Never raises; takes time in proportion to what it keeps."""
    errors = dict(render_errors or {})
    details = _details(payload.get("custom_details"), errors)
    fitted: dict[str, Any] = {
        "summary": _summary(payload.get("summary"), details, errors),
        "source": _source(payload.get("source"), errors),
        "severity": _severity(payload.get("severity"), errors),
    }
    if (given := payload.get("timestamp")) is not None:
        if timestamp := iso_8601(given):
            fitted["timestamp"] = timestamp
        else:
            errors["timestamp"] = f"left out: {kind_of(given)} that is no point in time"
    for name in ("component", "group", "class"):
        if (text := one_line(payload.get(name), FIELD_LIMIT)) and not blank(text):
            fitted[name] = text
    fitted["custom_details"] = details
    message = Message(
        payload=fitted,
        client=one_line(client, FIELD_LIMIT) or None,
        client_url=_client_url(client_url, errors),
        links=_links(links),
        render_errors=errors,
    )
    _shrink(message)
    return message


def _summary(given: object, details: dict[str, Any], errors: dict[str, str]) -> str:
    # One character past the limit tells a text that fits from one that must be cut.
    text = one_line(given, SUMMARY_LIMIT + 1)
    if blank(text):
        errors.setdefault("summary", f"is {kind_of(given)} without a visible character")
        return FALLBACK_SUMMARY
    if len(text) > SUMMARY_LIMIT:
        details["full_summary"], _ = plain(given)
        return cut(text, SUMMARY_LIMIT)
    return text


def _source(given: object, errors: dict[str, str]) -> str:
    text = one_line(given, SOURCE_LIMIT)
    if blank(text):
        errors.setdefault("source", f"is {kind_of(given)} without a visible character")
        return FALLBACK_SOURCE
    return text


def _severity(given: object, errors: dict[str, str]) -> str:
    word = given.strip().lower() if isinstance(given, str) and len(given) <= FIELD_LIMIT else ""
    if word in SEVERITIES:
        return word
    errors.setdefault("severity", "is none of critical, error, warning, info")
    return FALLBACK_SEVERITY


def _details(given: object, errors: dict[str, str]) -> dict[str, Any]:
    if given is None:
        return {}
    details, whole = plain(given)
    if not whole:
        errors["custom_details"] = f"cut after {NODE_LIMIT:,} values"
    if isinstance(details, dict):
        return details
    errors.setdefault("custom_details", f"is {kind_of(given)}, not an object")
    return {"details": details}


def _client_url(given: object, errors: dict[str, str]) -> str | None:
    url = http_url(given)
    if url is None and given is not None:
        errors.setdefault("client_url", "left out: no http or https address")
    return url


def _links(given: Iterable[object]) -> tuple[dict[str, str], ...]:
    """The usable links, each address once."""
    usable: dict[str, dict[str, str]] = {}
    for link in given:
        if len(usable) == LINKS_LIMIT:
            break
        if isinstance(link, Mapping) and (href := http_url(link.get("href"))) and href not in usable:
            text = one_line(link.get("text"), FIELD_LIMIT)
            usable[href] = {"href": href, "text": text} if text else {"href": href}
    return tuple(usable.values())


def _shrink(message: Message) -> None:
    """Shorten, then drop, custom details until the event fits."""
    details = message.payload["custom_details"]
    if _fits(message):
        return
    for limit in SHORTENED_TO:
        details = {name: _shortened(value, limit) for name, value in details.items()}
        message.payload["custom_details"] = details
        if _fits(message):
            message.render_errors["custom_details"] = (
                f"texts shortened to {limit:,} characters: the event was too large"
            )
            return
    by_size = sorted((name for name in details if name != OWN_DETAIL), key=lambda name: -_size(details[name]))
    message.render_errors["custom_details"] = "shortened, and the largest dropped: the event was too large"
    for name in (*by_size, OWN_DETAIL):
        details.pop(name, None)
        if _fits(message):
            return


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return cut(value, limit)
    if isinstance(value, dict):
        return {name: _shortened(inner, limit) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner, limit) for inner in value]
    return value


def _fits(message: Message) -> bool:
    whole = (message.payload, message.client, message.client_url, message.links)
    return _size(whole) <= EVENT_LIMIT - ENVELOPE


def _size(value: object) -> int:
    return len(orjson.dumps(value))
