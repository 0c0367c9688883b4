"""Outbox records of account destinations for tests, in few words."""

from __future__ import annotations

from typing import Any

ACTIONS = {"OPEN": "trigger", "ACKNOWLEDGED": "acknowledge", "RESOLVED": "resolve", "CLOSED": "resolve"}


def case_record(
    status: str = "OPEN",
    offset: int = 0,
    *,
    case: str = "CASE-1",
    account: str = "main",
    service: str = "Payments",
    title: str = "Checkout is slow",
    priority: str | None = "P3",
    comment: dict[str, Any] | None = None,
    resolution: dict[str, Any] | None = None,
    timestamp: int = 0,
    partition: int = 0,
    limit: int = 960,
    **more: Any,
) -> dict[str, Any]:
    """One record of `pagerduty-outbox` for an account, as route writes it."""
    return {
        "v": 1,
        "incident": f"case:{case}",
        "dedup_key": case,
        "destination": f"account:{account}",
        "connector": "cases",
        "limit": limit,
        "integration": account,
        "service": service,
        "action": ACTIONS[status],
        "case": {
            "id": case,
            "status": status,
            "title": title,
            "priority": priority,
            "url": f"https://example.com/#/cases/{case}",
            "updated_at": None,
            "resolution": resolution,
        },
        "message": {"title": title, "body": "More than 5 % fail", "urgency": "high", "priority": priority},
        "comment": comment,
        "source": {"topic": "cases", "partition": partition, "offset": offset, "timestamp": timestamp, "key": case},
        "why": {"chosen": "service", "passed_over": [], "pinned": False},
        "render_errors": {},
        **more,
    }


def a_comment(name: str, text: str = "Looking at it", author: str = "Ada") -> dict[str, Any]:
    """A comment as it stands in an outbox record."""
    return {"id": name, "text": text, "author": author, "at": None}
