"""A run told by hand: inputs, what PagerDuty was sent, what was told of it; and then judged.

run = Story()
trigger = run.alert("gk", "Triggered")
run.done(trigger)
assert run.verdict().ok
"""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from typing import Any

import orjson

from streams.sandbox.pagerduty import account as simulator
from streams.sandbox.pagerduty.clock import ManualClock
from streams.sandbox.pagerduty.control import Control
from streams.sandbox.pagerduty.destination import destination_of
from streams.sandbox.pagerduty.events_api import Endpoint, EventsApi
from streams.sandbox.pagerduty.journal import entry_json
from streams.sandbox.verify import Record, Verdict, verify

KEYS = {"payments": "payments0payments0payments000000", "search": "search00search00search0000000000"}
TOKEN = "gAAAAABnc2FtcGxlLXRva2VuLW5vdC1yZWFsLTAwMDAwMDAwMDAwMDAwMDA="
START = 1_638_403_600_000


def at(connector: str) -> str:
    """The destination of a connector."""
    return destination_of(KEYS[connector])


class Story:
    """Keeps what a run would leave in the topics and in the simulator. Lists are open to be tampered with."""

    def __init__(self, *, sources: bool = True, prefix: str = "", account: simulator.Account | None = None) -> None:
        """sources: whether triggers name their input. prefix: of topic names. account: the simulator's."""
        self.inputs: list[Record] = []
        self.deliveries: list[dict[str, Any]] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.account = account or simulator.Account(limit=None, clock=ManualClock(), rng=random.Random(1))
        self._api = EventsApi(self.account)
        self._sources = sources
        self._prefix = prefix
        self.journal: list[dict[str, Any]] = []
        self.incidents: list[dict[str, Any]] = []

    # -- inputs -------------------------------------------------------------------------------------------------

    def alert(self, key: str, status: str, **more: Any) -> Record:
        return self.put("alerts", {"alert": {"groupingKey": key, "status": status}}, **more)

    def case(self, key: str, status: str, **more: Any) -> Record:
        return self.put("cases", {"case": {"id": key, "status": status}}, **more)

    def put(
        self,
        topic: str,
        value: Mapping[str, Any] | bytes | None,
        *,
        partition: int = 0,
        ms: int | None = None,
        to: tuple[str, ...] = (),
    ) -> Record:
        """One more record of an input topic; `ms` after the start, by default one later than the one before."""
        if isinstance(value, Mapping):
            named = {"destinations": [{"connectorId": name} for name in to]} if to else {}
            value = orjson.dumps({**value, **named})
        topic = self._prefix + topic
        offset = sum(one.topic == topic and one.partition == partition for one in self.inputs)
        timestamp = START + (len(self.inputs) if ms is None else ms)
        record = Record(topic, partition, offset, timestamp, b"k", value)
        self.inputs.append(record)
        return record

    # -- what the product does ----------------------------------------------------------------------------------

    def send(self, one: Record, to: str = "payments", *, action: str | None = None) -> None:
        """A request to PagerDuty for an input."""
        incident, dedup_key, meant = meaning(one)
        event: dict[str, Any] = {
            "routing_key": KEYS[to],
            "dedup_key": dedup_key,
            "event_action": action or meant,
        }
        if event["event_action"] == "trigger":
            details = {"pagerline": {"source": one.id}} if self._sources else {"note": incident}
            event["payload"] = {"summary": "s", "source": "s", "severity": "critical", "custom_details": details}
        self._api.handle(Endpoint.ALERT, orjson.dumps(event))

    def tell(
        self, one: Record, status: str, to: str | None = "payments", *, by: Record | None = None, reason: str = "r"
    ) -> None:
        """A record of deliveries."""
        incident, dedup_key, action = meaning(one)
        self.deliveries.append(
            {
                "v": 1,
                "id": f"{one.id}@{at(to) if to else '-'}",
                "incident": incident,
                "dedup_key": dedup_key,
                "action": action,
                "source": source(one),
                "destination": {"type": "PAGERDUTY", "id": at(to), "connector": to} if to else None,
                "why": None,
                "render_errors": {},
                "outcome": {
                    "status": status,
                    "reason": reason,
                    "message": "m",
                    "http_status": None,
                    "by": by.id if by else None,
                    "at": START,
                    "latency_ms": 0,
                    "attempts": [],
                    "attempts_total": 0,
                },
            }
        )

    def done(self, one: Record, to: str = "payments") -> None:
        """Sent, accepted and told."""
        self.send(one, to)
        self.tell(one, "delivered", to)

    def superseded(self, one: Record, by: Record, to: str = "payments") -> None:
        self.tell(one, "superseded", to, by=by)

    def dead(self, one: Record, reason: str, to: str | None = None) -> None:
        """A record of dead-letters: of an input without a destination, or of an outbox record."""
        try:
            event = orjson.loads(one.value or b"")
        except orjson.JSONDecodeError:
            event = None
        known = meaning(one) if to else (None, None, None)
        self.dead_letters.append(
            {
                "v": 1,
                "id": f"{one.id}@{at(to) if to else '-'}",
                "stage": "dispatch" if to else "route",
                "reason": {"type": reason, "message": "m", "path": ""},
                "source": {**source(one), "key": "k"},
                "incident": known[0],
                "destination": at(to) if to else None,
                "action": known[2],
                "http_status": 400 if to else None,
                "event": None if to else event,
                "outbox": {"routing_key": TOKEN, "dedup_key": known[1], "connector": to} if to else None,
                "raw": base64.b64encode(one.value).decode() if one.value is not None and event is None else None,
                "truncated": False,
                "at": START,
            }
        )

    # -- the judgement ------------------------------------------------------------------------------------------

    def rest(self) -> Story:
        """Copy the simulator's account into the lists `journal` and `incidents`, to be tampered with."""
        self.journal = orjson.loads(orjson.dumps([entry_json(entry) for entry in self.account.journal]))
        control = Control(self.account)
        self.incidents = [control._incident(incident) for incident in self.account.incidents()]
        return self

    def verdict(self, **options: Any) -> Verdict:
        if not self.journal:
            self.rest()
        return verify(
            self.inputs,
            [orjson.dumps(record) for record in self.deliveries],
            [orjson.dumps(record) for record in self.dead_letters],
            self.journal,
            self.incidents,
            **options,
        )

    def kinds(self, **options: Any) -> set[str]:
        """The kinds of violation found."""
        return {str(kind) for kind in self.verdict(**options).by_kind}


def source(one: Record) -> dict[str, Any]:
    return {"topic": one.topic, "partition": one.partition, "offset": one.offset, "timestamp": one.timestamp}


def meaning(one: Record) -> tuple[str, str, str | None]:
    """Incident, dedup key and action of a sound input."""
    document = orjson.loads(one.value or b"")
    if "alert" in document:
        alert = document["alert"]
        return (
            f"alert:{alert['groupingKey']}",
            alert["groupingKey"],
            {"Triggered": "trigger"}.get(alert["status"], "resolve"),
        )
    case = document["case"]
    actions = {"OPEN": "trigger", "ACTIVE": "trigger", "ACKNOWLEDGED": "acknowledge", "PENDING_ACTIVATION": None}
    return f"case:{case['id']}", case["id"], actions.get(case["status"], "resolve")
