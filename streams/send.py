"""A test notification through the whole path: produced like any input, delivered by the workers, then resolved.

    sent = await send_test(Path.of(settings), connector, told=print)
    sent.ok, sent.message          # True, "success: Event processed"

What is waited for is the record in `deliveries` or `dead-letters` that names the input; so it shows all that a real
event goes through, and says what PagerDuty said.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.dispatch.outcome import SENT_PLAIN
from streams.documents.connector import Connector, Entity
from streams.errors import KafkaUnavailable, UsageError
from streams.events import TEST_IDENTITY
from streams.kafka.scan import Ends, Scanner, scanner
from streams.settings import Settings, kafka_options
from streams.topology import Topology

WAIT_SECONDS: Final = 90.0
"""For an outcome: a destination at its limit may be still for 60 s, and a worker that has just been killed for 10."""

PRIORITY: Final = "P3"
"""Of the test: high enough to page where people are paged at all, below what wakes them at night."""

Phase = Literal["trigger", "resolve"]
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Route:
    """Where inputs are written and outcomes found."""

    topology: Topology
    options: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(Topology.of(settings), kafka_options(settings))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one of the two inputs ended. `paged`: whether PagerDuty has taken something of it."""

    status: str
    reason: str
    message: str
    http_status: int | None
    destination: str | None
    latency_ms: int | None
    paged: bool

    def to_json(self) -> dict[str, Any]:
        """As the API has it."""
        return {
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "httpStatus": self.http_status,
            "destination": self.destination,
            "latencyMs": self.latency_ms,
        }

    def __str__(self) -> str:
        http = f" ({self.http_status})" if self.http_status else ""
        to = f" at {self.destination}" if self.destination else ""
        took = f" after {self.latency_ms / 1000:.1f} s" if self.latency_ms is not None else ""
        return f"{self.status}{to}{took}: {self.message}{http}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it. `resolve` is None where nothing was left open, or where its outcome did not come in time."""

    incident: str
    trigger: Outcome | None
    resolve: Outcome | None

    @property
    def ok(self) -> bool:
        """Whether the notification was delivered, and the test incident resolved again."""
        return all(one is not None and one.status == "delivered" for one in (self.trigger, self.resolve))

    @property
    def message(self) -> str:
        """In one line, PagerDuty's words where there are any."""
        if self.trigger is None:
            return NO_OUTCOME
        if self.trigger.status != "delivered":
            return f"{self.trigger.reason}: {self.trigger.message}"
        if self.resolve is None or self.resolve.status != "delivered":
            why = NO_OUTCOME if self.resolve is None else self.resolve.message
            return f"delivered, but the test incident {self.incident} was not resolved: {why}"
        return self.trigger.message

    def to_json(self) -> dict[str, Any]:
        """As the command prints it and the API answers it."""
        return {
            "ok": self.ok,
            "message": self.message,
            "incident": self.incident,
            "trigger": self.trigger.to_json() if self.trigger else None,
            "resolve": self.resolve.to_json() if self.resolve else None,
        }


NO_OUTCOME: Final = "no outcome in time: does a worker run, and what does `pagerline lag` say?"


def entity_of(connector: Connector, asked: Entity | None) -> Entity:
    """What the test is, an alert or a Case. Raises UsageError for an alert to a connector that takes Cases alone."""
    if connector.type == "PAGERDUTY_INCIDENTS":
        if asked == "alerts":
            raise UsageError(f"connector {connector.id} is of type PAGERDUTY_INCIDENTS, which takes Cases alone")
        return "cases"
    return asked or "alerts"


async def send_test(
    route: Route,
    connector: Connector,
    *,
    entity: Entity | None = None,
    preset: str | None = None,
    user: str | None = None,
    timeout: float = WAIT_SECONDS,
    told: Told = lambda _: None,
) -> Sent:
    """Trigger, wait for the outcome, resolve, wait again. `timeout` is for each of the two, in seconds.

    The resolve is written whatever has become of the trigger, also when this is cancelled: nobody is left paged by a
    test. Raises UsageError when the connector does not take this entity, KafkaUnavailable when no broker answers.
    """
    test = Trial.of(entity_of(connector, entity), connector.id, preset, user)
    async with _producing(route.options) as producer, scanner(route.options) as scan:
        place = await scan.ends([route.topology.deliveries, route.topology.dead_letters])
        source = await _produce(producer, route.topology, test, "trigger")
        told(f"{test.incident} written to {source}")
        trigger = resolve = None
        try:
            trigger = await _outcome(scan, route.topology, place, source, timeout)
            told(f"trigger {trigger or NO_OUTCOME}")
        finally:
            if trigger is None or trigger.paged:
                source = await asyncio.shield(_produce(producer, route.topology, test, "resolve"))
        if trigger is not None and trigger.paged:
            resolve = await _outcome(scan, route.topology, place, source, timeout)
            told(f"resolve {resolve or NO_OUTCOME}")
        return Sent(test.incident, trigger, resolve)


@dataclass(frozen=True, slots=True)
class Trial:
    """A test notification: `document` is the input that triggers or resolves it.

    `preset` None: routing chooses. `user`: who asked for it, an e-mail.
    """

    id: str
    entity: Entity
    connector: str
    preset: str | None
    user: str | None

    @classmethod
    def of(cls, entity: Entity, connector: str, preset: str | None = None, user: str | None = None) -> Self:
        """With an id that no other has."""
        return cls(uuid.uuid4().hex[:12], entity, connector, preset, user)

    @property
    def identity(self) -> str:
        return f"{TEST_IDENTITY}{self.id}"

    @property
    def incident(self) -> str:
        return f"{'alert' if self.entity == 'alerts' else 'case'}:{self.identity}"

    def document(self, phase: Phase) -> dict[str, Any]:
        """The input."""
        destination = {"connectorId": self.connector} | ({"presetId": self.preset} if self.preset else {})
        now = time.time()
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        title = f"Test notification of Pagerline for connector {self.connector}"
        trigger = {"type": "manual", "manualTrigger": {"userEmail": self.user}} if self.user else {"type": "manual"}
        kinds = {
            "alerts": {"trigger": "metricThresholdMoreThanTriggered", "resolve": "metricThresholdMoreThanResolved"},
            "cases": {"trigger": "caseCreated", "resolve": "caseResolved"},
        }
        context = {
            "entityType": self.entity,
            "entitySubType": kinds[self.entity][phase],
            "entityLabels": {},
            "trigger": trigger,
            "system": {"id": "pagerline", "name": "Pagerline"},
        }
        if self.entity == "cases":
            case = {
                "id": self.identity,
                "title": title,
                "description": "Nothing is wrong: somebody tries the connector out. It resolves itself.",
                "status": "OPEN" if phase == "trigger" else "RESOLVED",
                "state": "ACTIVE" if phase == "trigger" else "RESOLVED",
                "casePriority": PRIORITY,
                "createdAt": at,
                "updatedAt": at,
            }
            return {"_context": context, "case": case, "destinations": [destination]}
        alert: dict[str, Any] = {
            "id": self.id,
            "groupingKey": self.identity,
            "status": "Triggered" if phase == "trigger" else "Resolved",
            "timestamp": int(now),
            "highestPriority": PRIORITY,
            "groups": [],
        }
        definition: dict[str, Any] = {
            "id": "pagerline-test",
            "name": title,
            "description": "Nothing is wrong: somebody tries the connector out. It resolves itself.",
            "type": "metricThreshold",
            "priority": PRIORITY,
            "entityLabels": {},
        }
        return {"_context": context, "alert": alert, "alertDef": definition, "destinations": [destination]}


@asynccontextmanager
async def _producing(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        yield producer
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(f"the test notification could not be written ({type(error).__name__})") from error
    finally:
        await producer.stop()


async def _produce(producer: AIOKafkaProducer, topology: Topology, test: Trial, phase: Phase) -> str:
    topic = topology.alerts if test.entity == "alerts" else topology.cases
    written = await producer.send_and_wait(topic, orjson.dumps(test.document(phase)), test.identity.encode())
    return f"{written.topic}/{written.partition}/{written.offset}"


async def _outcome(scan: Scanner, topology: Topology, place: Ends, source: str, timeout: float) -> Outcome | None:
    """The outcome of the input `source`, or None when there is none in time."""
    needle = orjson.dumps(source + "@")[1:-1]
    try:
        async with asyncio.timeout(timeout):
            async for records in scan.after(place):
                for record in records:
                    if record.value is not None and needle in record.value:
                        found = orjson.loads(record.value)
                        if found["id"].startswith(source + "@"):
                            dead = record.topic == topology.dead_letters
                            return _dead(found) if dead else _delivered(found)
    except TimeoutError:
        pass
    return None


def _delivered(record: Mapping[str, Any]) -> Outcome:
    outcome, to = record["outcome"], record.get("destination") or {}
    return Outcome(
        outcome["status"],
        outcome["reason"],
        outcome["message"],
        outcome["http_status"],
        to.get("id"),
        outcome["latency_ms"],
        paged=outcome["status"] == "delivered",
    )


def _dead(letter: Mapping[str, Any]) -> Outcome:
    reason = letter["reason"]
    written = letter["source"]["timestamp"]
    plain = reason["message"].endswith(SENT_PLAIN)
    return Outcome(
        "dead",
        reason["type"],
        reason["message"],
        letter["http_status"],
        letter["destination"],
        letter["at"] - written,
        paged=plain,
    )
