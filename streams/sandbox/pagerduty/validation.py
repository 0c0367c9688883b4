"""The rules an event must keep, and the words PagerDuty has for a broken one.

Sources: PagerDuty developer docs "Events API v2" (send an alert event, send a change event) for the rules;
error texts as the API's users have quoted them. Where no source has the text, or says whether a wrong type is
refused at all, the simulator is strict and the text is its own, marked "own words" below: what passes here
should pass there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MAX_BODY_BYTES: Final = 512_000
"""The documented 512 KB, read the cautious way: as Alertmanager and Grafana count it."""
MAX_SUMMARY: Final = 1024  # characters, not bytes
MAX_DEDUP_KEY: Final = 255  # characters
MAX_CHANGE_LINKS: Final = 50
KEY_LENGTH: Final = 32

ACTIONS: Final = ("trigger", "acknowledge", "resolve")
SEVERITIES: Final = ("info", "warning", "error", "critical")
"""In rising order: a trigger may raise the severity of an open alert, never lower it."""

_KEY = re.compile(r"[0-9A-Za-z]{32}")
_ISO_8601 = re.compile(
    r"\d{4}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-4])(:?[0-5]\d(:?([0-5]\d|60)([.,]\d+)?)?)?"
    r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?",
    re.ASCII,
)


def well_formed_key(key: object) -> bool:
    """Whether `key` can be a routing key at all: 32 letters and digits."""
    return isinstance(key, str) and _KEY.fullmatch(key) is not None


def alert_errors(event: Mapping[str, Any]) -> list[str]:
    """The broken rules of a `POST /v2/enqueue` body, in the API's words; empty when it is valid."""
    errors: list[str] = []
    _routing_key(event, errors)
    action = event.get("event_action")
    if _blank(action):
        errors.append("'event_action' is missing or blank")
    elif action not in ACTIONS:  # own words, after the pattern of the severity's
        errors.append("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
    dedup_key = event.get("dedup_key")
    if _blank(dedup_key):
        if action in ("acknowledge", "resolve"):
            errors.append("'dedup_key' is missing or blank")  # own words
    elif not isinstance(dedup_key, str):
        errors.append("'dedup_key' is invalid (must be a string)")  # own words
    elif len(dedup_key) > MAX_DEDUP_KEY:
        errors.append("'dedup_key' is too long (maximum is 255 characters)")  # own words
    payload = event.get("payload")
    # A payload sent along with an acknowledge or resolve is held to the same rules: grafana/alerting#111.
    if payload is not None or action == "trigger":
        _alert_payload({} if payload is None else payload, errors)
    _strings(event, ("client", "client_url"), "", errors)
    if event.get("images") is not None:
        _images(event["images"], errors)
    if event.get("links") is not None:
        _links(event["links"], errors)
    return errors


def change_errors(event: Mapping[str, Any]) -> list[str]:
    """The broken rules of a `POST /v2/change/enqueue` body, but for `too_many_links`; empty when it is valid."""
    errors: list[str] = []
    _routing_key(event, errors)
    key = event.get("routing_key")
    if well_formed_key(key) and str(key).startswith("R"):  # documented rule, own words
        errors.append("'routing_key' is invalid (an orchestration key cannot take change events)")
    payload = event.get("payload")
    payload = {} if payload is None else payload
    if not isinstance(payload, dict):
        errors.append("'payload' is invalid (must be an object)")
    else:
        _summary(payload, errors)
        _strings(payload, ("source",), "payload.", errors)
        _timestamp_and_details(payload, errors)
    if event.get("images") is not None:
        _images(event["images"], errors)
    if event.get("links") is not None:
        _links(event["links"], errors)
    return errors


def too_many_links(event: Mapping[str, Any]) -> bool:
    """Whether a change event has more links than the change API takes; it answers this one in another shape."""
    links = event.get("links")
    return isinstance(links, list) and len(links) > MAX_CHANGE_LINKS


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _routing_key(event: Mapping[str, Any], errors: list[str]) -> None:
    key = event.get("routing_key")
    if well_formed_key(key):
        return
    if _blank(key):
        errors.append("'routing_key' cannot be blank")
    elif not isinstance(key, str):
        errors.append("'routing_key' is invalid (must be a string)")  # own words
    else:
        if len(key) != KEY_LENGTH:
            errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        if not (key.isascii() and key.isalnum()):
            errors.append("'routing_key' cannot contain non-alphanumeric characters.")


def _alert_payload(payload: object, errors: list[str]) -> None:
    if not isinstance(payload, dict):
        errors.append("'payload' is invalid (must be an object)")  # own words
        return
    _summary(payload, errors)
    source = payload.get("source")
    if _blank(source):
        errors.append("'payload.source' is missing or blank")
    elif not isinstance(source, str):
        errors.append("'payload.source' is invalid (must be a string)")  # own words
    severity = payload.get("severity")
    if _blank(severity):
        errors.append("'payload.severity' is missing or blank")
    elif severity not in SEVERITIES:
        errors.append(
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
        )
    _strings(payload, ("component", "group", "class"), "payload.", errors)
    _timestamp_and_details(payload, errors)


def _summary(payload: Mapping[str, Any], errors: list[str]) -> None:
    summary = payload.get("summary")
    if _blank(summary):
        errors.append("'payload.summary' is missing or blank")  # own words, after the pattern of source and severity
    elif not isinstance(summary, str):
        errors.append("'payload.summary' is invalid (must be a string)")  # own words
    elif len(summary) > MAX_SUMMARY:
        errors.append("'summary' is too long (maiximum is 1024 characters)")  # the typing error is PagerDuty's


def _timestamp_and_details(payload: Mapping[str, Any], errors: list[str]) -> None:
    timestamp = payload.get("timestamp")
    # That a bad one is refused: polyverse/pagerduty-rs#2, elastic/kibana#116173. Own words.
    if not _blank(timestamp) and not (isinstance(timestamp, str) and _ISO_8601.fullmatch(timestamp)):
        errors.append("'payload.timestamp' is invalid (must be an ISO 8601 date and time)")
    # Documented as an object; a plain string is taken in practice (Sensu's handler sends one).
    if not isinstance(payload.get("custom_details"), dict | str | None):
        errors.append("'payload.custom_details' is invalid (must be an object)")  # own words


def _strings(holder: Mapping[str, Any], names: tuple[str, ...], prefix: str, errors: list[str]) -> None:
    for name in names:
        if not isinstance(holder.get(name), str | None):
            errors.append(f"'{prefix}{name}' is invalid (must be a string)")  # own words


def _images(images: object, errors: list[str]) -> None:  # documented rules, own words
    for at, image in _objects("images", images, errors):
        src = image.get("src")
        if _blank(src):
            errors.append(f"'{at}.src' is missing or blank")
        elif not (isinstance(src, str) and src[:8].lower() == "https://"):
            errors.append(f"'{at}.src' is invalid (must be an https URL)")
        _strings(image, ("href", "alt"), f"{at}.", errors)


def _links(links: object, errors: list[str]) -> None:  # documented rules, own words
    for at, link in _objects("links", links, errors):
        href = link.get("href")
        if _blank(href):
            errors.append(f"'{at}.href' is missing or blank")
        elif not isinstance(href, str):
            errors.append(f"'{at}.href' is invalid (must be a string)")
        _strings(link, ("text",), f"{at}.", errors)


def _objects(name: str, items: object, errors: list[str]) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(items, list):
        errors.append(f"'{name}' is invalid (must be an array)")
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            found.append((f"{name}[{index}]", item))
        else:
            errors.append(f"'{name}[{index}]' is invalid (must be an object)")
    return found
