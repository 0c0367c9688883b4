"""What an incident made over REST says: the built-in message of a Case, and any message made fit to send.

Fields: title, urgency and priority of an incident, and the text of its body (PagerDuty REST API v2, create an
incident). Urgency is left to the service unless a preset says one: its owner has decided when it wakes people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.events import PRIORITIES, Event
from streams.routing.case import TITLE_LIMIT
from streams.routing.links import http_url
from streams.routing.plain import blank, cut, one_line
from streams.routing.reading import mapping
from streams.routing.severity import priority_of

BODY_LIMIT: Final = 16_384
"""Characters of the body; no limit is documented, and a page shows the first lines."""

URGENCIES: Final = ("high", "low")

LABELS_LISTED: Final = 30


def default_incident(event: Event) -> tuple[dict[str, Any], dict[str, str]]:
    """The message of a Case when no preset says otherwise, and what was wrong with its fields. Never raises."""
    case = mapping(event.context.get("case"))
    priority, wrong = priority_of(event)
    title = one_line(case.get("title"), TITLE_LIMIT)
    errors = {"priority": wrong} if wrong else {}
    return fit_incident(
        {
            "title": f"Case {event.dedup_key}" if blank(title) else title,
            "body": _body(event, case, priority),
            "urgency": None,
            "priority": priority,
        },
        errors,
    )


def fit_incident(given: Mapping[str, Any], errors: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """A message that can be sent, of fields of any type, and what was wrong with them. Never raises."""
    wrong = dict(errors)
    title = one_line(given.get("title"), TITLE_LIMIT)
    if blank(title):
        wrong.setdefault("title", "is no text with a visible character")
        title = "Case without a title"
    urgency, priority = (one_line(given.get(name), 64).strip() or None for name in ("urgency", "priority"))
    if urgency is not None and urgency.lower() not in URGENCIES:
        wrong.setdefault("urgency", "is neither high nor low")
        urgency = None
    if priority is not None and priority.upper() not in PRIORITIES:
        wrong.setdefault("priority", "is not P1 to P5")
        priority = None
    body = given.get("body")
    return {
        "title": title,
        "body": cut(body.strip(), BODY_LIMIT) if isinstance(body, str) else "",
        "urgency": urgency and urgency.lower(),
        "priority": priority and priority.upper(),
    }, wrong


def _body(event: Event, case: Mapping[str, Any], priority: str | None) -> str:
    labels = mapping(mapping(event.context.get("_context")).get("entityLabels"))
    known = {
        "Case": http_url(case.get("caseDetailUrl")) or case.get("id"),
        "Priority": priority,
        "Category": case.get("category"),
        "Opened": case.get("createdAt"),
        **{f"Label {name}": _values(value) for name, value in list(labels.items())[:LABELS_LISTED]},
    }
    lines = [f"{one_line(name, 255)}: {text}" for name, value in known.items() if (text := one_line(value, 1_024))]
    description = case.get("description")
    return "\n\n".join([*([description.strip()] if isinstance(description, str) and description.strip() else []),
                        "\n".join(lines)])  # fmt: skip


def _values(value: object) -> object:
    return ", ".join(one_line(one, 255) for one in value[:20]) if isinstance(value, list) else value
