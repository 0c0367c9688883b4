"""The topics: their names, shapes and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from streams.kafka.topics import TopicSpec


class Naming(Protocol):
    """What names and shapes depend on (see `streams.settings`)."""

    @property
    def prefix(self) -> str: ...
    @property
    def app_id(self) -> str: ...
    @property
    def partitions(self) -> int: ...


STAGES: Final = ("route", "dispatch", "project")
"""What a worker can run, in the order in which an event passes them."""

OUTBOX_BYTES = "2097152"
"""An event of PagerDuty's 512,000 bytes beside what explains it; Kafka's default of 1 MiB would do for most."""

WEBHOOK_BYTES = OUTBOX_BYTES
"""A body of 300 KB (PagerDuty drops those above 256) as text inside JSON, where a character may take six bytes."""

DOCUMENTS_BYTES = "8388608"
"""An apply is one batch: some ten thousand connectors."""

COMPACTION_LAG_MS = "3600000"
"""An apply that came too late is overwritten by its writer within moments (`streams.documents.revision`). Should the
writer die in these moments, whoever writes next has an hour for it before compaction could take what still holds."""

TABLE_BYTES = "4194304"
"""A row holds up to three waiting events."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Full topic names. `rekeyed` holds inputs that arrived on another partition than their incident's home,
    `input_index` the names that inputs are known by (see `streams.input_index`)."""

    alerts: str
    cases: str
    rekeyed: str
    input_index: str
    connectors: str
    outbox: str
    webhooks: str
    deliveries: str
    case_updates: str
    dead_letters: str
    pins_changelog: str
    incidents_changelog: str
    cases_changelog: str
    partitions: int

    @classmethod
    def of(cls, naming: Naming) -> Topology:
        """The names under the configured prefix; changelogs carry the consumer group's name as Faust wants it."""

        def name(topic: str) -> str:
            return f"{naming.prefix}{topic}"

        return cls(
            alerts=name("alerts"),
            cases=name("cases"),
            rekeyed=name("rekeyed"),
            input_index=name("input-index"),
            connectors=name("connectors"),
            outbox=name("pagerduty-outbox"),
            webhooks=name("pagerduty-webhooks"),
            deliveries=name("deliveries"),
            case_updates=name("case-updates"),
            dead_letters=name("dead-letters"),
            pins_changelog=f"{group_id(naming)}-pins-changelog",
            incidents_changelog=f"{group_id(naming)}-incidents-changelog",
            cases_changelog=f"{group_id(naming)}-cases-changelog",
            partitions=naming.partitions,
        )

    def specs(self) -> list[TopicSpec]:
        """All topics as they must be. Those that one worker must own together have the same number of partitions."""
        same = self.partitions
        return [
            TopicSpec(self.alerts, same, "delete"),
            TopicSpec(self.cases, same, "delete"),
            TopicSpec(self.rekeyed, same, "delete", {"max.message.bytes": OUTBOX_BYTES}),
            TopicSpec(self.outbox, same, "delete", {"max.message.bytes": OUTBOX_BYTES}),
            TopicSpec(self.webhooks, same, "delete", {"max.message.bytes": WEBHOOK_BYTES}),
            TopicSpec(self.pins_changelog, same, "compact"),
            TopicSpec(self.incidents_changelog, same, "compact", {"max.message.bytes": TABLE_BYTES}),
            TopicSpec(self.input_index, same, "delete", {"max.message.bytes": OUTBOX_BYTES}, exact=False),
            TopicSpec(self.case_updates, same, "delete"),
            TopicSpec(self.cases_changelog, same, "compact"),
            TopicSpec(
                self.connectors,
                1,
                "compact",
                {"max.message.bytes": DOCUMENTS_BYTES, "min.compaction.lag.ms": COMPACTION_LAG_MS},
                exact=False,
            ),
            TopicSpec(self.deliveries, same, "delete", exact=False),
            TopicSpec(self.dead_letters, same, "delete", {"max.message.bytes": OUTBOX_BYTES}, exact=False),
        ]

    def stages(self) -> dict[str, tuple[str, ...]]:
        """The topics that each stage reads: their lag is the stage's undelivered work."""
        return {
            "route": (self.alerts, self.cases, self.rekeyed),
            "dispatch": (self.outbox, self.webhooks),
            "project": (self.case_updates,),
        }

    def changelogs(self) -> tuple[str, ...]:
        """The topics of the tables."""
        return (self.pins_changelog, self.incidents_changelog, self.cases_changelog)


def group_id(naming: Naming) -> str:
    """The consumer group: the app id under the prefix, so that two installations on one cluster stay apart."""
    return f"{naming.prefix}{naming.app_id}"
