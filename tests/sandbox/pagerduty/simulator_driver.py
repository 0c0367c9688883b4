"""Short words for the simulator's tests: events to send, samples, and the Events API without HTTP."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from streams.sandbox.pagerduty.account import Account
from streams.sandbox.pagerduty.clock import ManualClock
from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi, Reply
from streams.sandbox.pagerduty.journal import Entry

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "f" * 32
ORCHESTRATION_KEY = "R" + "0" * 31

_SAMPLES = Path(__file__).parents[2] / "fixtures" / "pagerduty" / "events_v2"


def sample(name: str) -> Any:
    """A sample by its file name without `.json`."""
    return json.loads((_SAMPLES / f"{name}.json").read_text())


def sample_text(name: str) -> str:
    return (_SAMPLES / name).read_text()


def trigger(dedup_key: str | None = "db-1/disk", *, key: str = KEY, **payload: Any) -> dict[str, Any]:
    """A valid trigger; keyword arguments replace payload fields."""
    event: dict[str, Any] = {
        "routing_key": key,
        "event_action": "trigger",
        "payload": {"summary": "Disk is full", "source": "db-1", "severity": "error", **payload},
    }
    return event if dedup_key is None else {**event, "dedup_key": dedup_key}


def act(action: str, dedup_key: str = "db-1/disk", *, key: str = KEY) -> dict[str, Any]:
    """A bare acknowledge or resolve."""
    return {"routing_key": key, "event_action": action, "dedup_key": dedup_key}


def change(*, key: str = KEY, **more: Any) -> dict[str, Any]:
    return {"routing_key": key, "payload": {"summary": "Deployed checkout 1.42.0"}, **more}


def without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    """The event with one field left out."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    holder = copy
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    return copy


class PureEvents:
    """An account and its Events API with a clock that stands still."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.account = Account(clock=self.clock, rng=random.Random(7), **settings)
        self._api = EventsApi(self.account)

    def reply(self, event: object, endpoint: Endpoint = Endpoint.ALERT) -> Reply:
        return self._api.handle(endpoint, event if isinstance(event, bytes) else json.dumps(event).encode())

    def send(self, event: object, endpoint: Endpoint = Endpoint.ALERT) -> tuple[int, Any]:
        """Status and body, parsed when it is JSON."""
        answer = self.reply(event, endpoint).answer
        assert answer is not None, "the connection was dropped"
        is_json = answer.content_type == "application/json"
        return answer.status, json.loads(answer.body) if is_json else answer.body.decode()

    def effect(self, event: object) -> tuple[str, str | None]:
        """Send an event; what it did, and why not."""
        self.reply(event)
        return self.last.effect.value, self.last.reason

    @property
    def last(self) -> Entry:
        return self.account.journal[-1]
