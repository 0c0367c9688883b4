"""What PagerDuty must show in the end, worked out from the input records alone.

A second, short statement of the rules of `schemas/alerts.json` and `schemas/cases.json`, written apart from the code
that acts on them, so that the one can check the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

import orjson

from streams.sandbox.samples.record import Record

State = Literal["triggered", "acknowledged", "resolved"]

_ALERT: Final[dict[str, State]] = {"Triggered": "triggered", "Resolved": "resolved"}
_CASE: Final[dict[str, State]] = {
    "OPEN": "triggered",
    "ACTIVE": "triggered",
    "ACKNOWLEDGED": "acknowledged",
    "RESOLVED": "resolved",
    "CLOSED": "resolved",
}


def final_states(records: Iterable[Record]) -> dict[str, State]:
    """The state of each incident (`alert:<grouping key>`, `case:<case id>`) after all `records`, taken in their order.

    The newest message decides, but that PagerDuty drops an acknowledge or a resolve for an incident that is not open
    (Events API v2): a resolved one stays resolved, and one that was never triggered is not in the answer.
    """
    states: dict[str, State] = {}
    for record in records:
        incident, meaning = _meaning(record.topic, orjson.loads(record.value))
        is_open = states.get(incident, "resolved") != "resolved"
        if meaning == "triggered" or (meaning is not None and is_open):
            states[incident] = meaning
    return states


def _meaning(topic: str, document: dict[str, Any]) -> tuple[str, State | None]:
    if topic == "alerts":
        alert = document["alert"]
        return f"alert:{alert.get('groupingKey') or alert['id']}", _ALERT[alert["status"]]
    case = document["case"]
    resolved = case.get("state") == "RESOLVED"
    return f"case:{case['id']}", "resolved" if resolved else _CASE.get(case["status"])
