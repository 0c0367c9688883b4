"""The life of an alert: triggered, perhaps again and again, and mostly resolved.

Shapes follow the Coralogix Notification Center's documents (alert source types, schema, sample payload): times in whole
seconds, priorities bare (`P1`), `groups` a list, or in some messages an object keyed by text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from streams.sandbox.samples.record import Record, Setting, identifier

RETRIGGER_MINUTES: Final = 10
OBJECT_EVERY: Final = 4
"""One alert in so many has its groups as an object."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A sort of alert: its type and condition as messages spell them, and what people wrote about it."""

    type: str
    condition: str
    words: str
    name: str
    description: str
    keys: tuple[str, ...]
    resolves: bool = True


_KINDS: Final = (
    _Kind(
        "metricThreshold",
        "MoreThan",
        "More than threshold",
        "High error rate in {service}",
        "More than 5 % of calls fail",
        ("host",),
    ),
    _Kind(
        "metricThreshold",
        "LessThan",
        "Less than threshold",
        "Throughput of {service} has collapsed",
        "Fewer calls than at the same hour last week",
        ("region",),
    ),
    _Kind(
        "logsThreshold",
        "MoreThan",
        "More than threshold",
        "Time-outs logged by {service}",
        "Upstream time-outs pile up",
        ("host", "upstream"),
    ),
    _Kind(
        "logsImmediate",
        "",
        "",
        "Out of memory in {service}",
        "A process was killed for want of memory",
        ("pod",),
    ),
    # Coralogix has no Resolved message for this type: the incident stays open.
    _Kind(
        "tracingImmediate",
        "",
        "",
        "Failed span in {service}",
        "A span that must not fail has failed",
        ("operation",),
        resolves=False,
    ),
)
_SERVICES: Final = ("ledger", "gateway", "search", "basket", "mailer", "sessions")
_VALUES: Final = {
    "host": ("web-1", "web-2", "web-3", "db-1"),
    "region": ("eu-west-1", "eu-north-1", "us-east-2"),
    "upstream": ("bank", "tax", "geo"),
    "pod": ("ledger-7c9f", "gateway-55d8", "search-0"),
    "operation": ("POST /orders", "GET /basket", "charge"),
}
_PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
_PRIORITY_WEIGHTS: Final = (2, 3, 4, 3, 1)


def alert_life(setting: Setting, number: int, span: float) -> Iterator[Record]:
    """All messages of alert `number`, in order, within `span` seconds."""
    rng = setting.rng("alert", number)
    alert = _Alert(setting, number, rng)
    at = rng.uniform(0, span * 0.5)
    for _ in range(2 if rng.random() < 0.15 else 1):  # some come back after they were resolved
        alert.occur()
        yield alert.message(at, "Triggered")
        for _ in range(rng.choice((0, 0, 1, 2, 3))):
            at += rng.uniform(0.02, 0.06) * span
            alert.change()
            yield alert.message(at, "Triggered")
        if not alert.kind.resolves or rng.random() < 0.2:
            return
        at += rng.uniform(0.02, 0.08) * span
        yield alert.message(at, "Resolved")
        at += rng.uniform(0.01, 0.04) * span


class _Alert:
    def __init__(self, setting: Setting, number: int, rng: Random) -> None:
        self._setting = setting
        self._rng = rng
        self.kind = rng.choice(_KINDS)
        self._service = rng.choice(_SERVICES)
        self._values = {key: rng.choice(_VALUES[key]) for key in self.kind.keys}
        self._priority = rng.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0]
        self._groups_as_object = number % OBJECT_EVERY == OBJECT_EVERY - 1
        self._definition = identifier(rng)
        self._version = identifier(rng)
        self._name = self.kind.name.format(service=self._service)
        group = ",".join(f"{key}={value}" for key, value in self._values.items())
        self._grouping_key = f"{self._definition}/{group}"
        self.occur()

    def occur(self) -> None:
        """A new occurrence: a new event id, a new beginning."""
        self._id = identifier(self._rng)

    def change(self) -> None:
        """Between two messages the priority may rise by one."""
        if self._rng.random() < 0.3:
            self._priority = _PRIORITIES[max(0, _PRIORITIES.index(self._priority) - 1)]

    def message(self, at: float, status: str) -> Record:
        subtype = f"{self.kind.type}{self.kind.condition}{status}"
        labels = {
            "routing.team": self._setting.team,
            "routing.service": self._service,
            "routing.environment": "production",
        }
        group = {
            "status": status,
            "priority": self._priority,
            "keyValues": {**self._values, "team_name": self._setting.team},
            "suppressed": False,
            "details": self._details(at),
        }
        name = "/".join(self._values.values())
        document: dict[str, Any] = {
            "_context": {
                "entityType": "alerts",
                "entitySubType": subtype,
                "entityLabels": labels,
                "trigger": {"type": "automatic", "manualTrigger": None, "automaticTrigger": {}},
                "system": {"id": "17266", "name": "onlineboutique"},
            },
            "alert": {
                "id": self._id,
                "groupingKey": self._grouping_key,
                "status": status,
                "timestamp": self._setting.second(at),
                "highestPriority": self._priority,
                "alertDataUrl": f"https://boutique.example.com/#/insights?id={self._id}",
                "groups": {name: group} if self._groups_as_object else [group],
            },
            "alertDef": {
                "id": self._definition,
                "alertVersionId": self._version,
                "name": self._name,
                "description": self.kind.description,
                "type": self.kind.type,
                "priority": self._priority,
                "entityLabels": labels,
                "groupByKeys": list(self.kind.keys),
                "incidentSettings": {
                    "notifyOn": "Triggered and Resolved",
                    "retriggeringPeriod": {"minutes": RETRIGGER_MINUTES},
                },
            },
            **self._setting.destinations(),
        }
        if self.kind.type.startswith("logs"):
            document["alert"]["attachments"] = {"logExample": f"{self._service}: {self.kind.description.lower()}"}
        return Record.of(at, "alerts", self._grouping_key, document)

    def _details(self, at: float) -> dict[str, Any]:
        to = self._setting.second(at)
        common = {"fromTimestamp": to - 600, "toTimestamp": to, "conditionType": self.kind.words}
        match self.kind.type:
            case "metricThreshold":
                low, high = sorted(self._rng.randint(60, 99) for _ in range(2))
                figures: dict[str, Any] = {
                    "pctOverThreshold": self._rng.randint(50, 100),
                    "avgValueOverThreshold": (low + high) / 2,
                    "minValueOverThreshold": low,
                    "maxValueOverThreshold": high,
                    "isUndetectedValue": False,
                    **common,
                }
            case "logsThreshold":
                figures = {"countResult": self._rng.randint(100, 5_000), "isUndetectedValue": False, **common}
            case "logsImmediate":
                figures = {}
            case _:  # no details are documented for the other types
                return {}
        return {"$type": self.kind.type, self.kind.type: figures}
