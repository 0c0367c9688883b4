"""What the verifier takes and gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

SHOWN: Final = 20
"""Violations kept in full: one fault makes many of the same kind, and the first ones tell it."""


class Record(NamedTuple):
    """One raw Kafka record. `timestamp` is in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @property
    def id(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Kind(StrEnum):
    """What can be wrong with a run."""

    NOTHING_TO_VERIFY = "nothing_to_verify"
    """There are no inputs: the check would pass whatever had happened."""
    BROKEN_RECORD = "broken_record"
    """A record of `deliveries` or `dead-letters` breaks its contract, or contradicts itself."""
    STRAY_OUTCOME = "stray_outcome"
    """An outcome for an input that does not exist."""
    MISSING_OUTCOME = "missing_outcome"
    """An input that ended in nothing, at all or for one destination."""
    CONFLICTING_OUTCOMES = "conflicting_outcomes"
    """Two different ends of one input at one destination."""
    REPLAYED_TWICE = "replayed_twice"
    """The replay of one dead letter was delivered twice to a destination, and nobody had forced it."""
    MALFORMED_PASSED = "malformed_passed"
    """A malformed input that is not (only) in the dead letters."""
    SOUND_REFUSED = "sound_refused"
    """A sound input that was dead-lettered as malformed."""
    MISREAD = "misread"
    """An outcome that names another action, incident or dedup key than its input."""
    INPUT_NOT_KEPT = "input_not_kept"
    """A dead letter from which the input cannot be had back."""
    WRONGLY_SUPERSEDED = "wrongly_superseded"
    """Superseded by something that is not a newer input of the same incident."""
    WRONGLY_SKIPPED = "wrongly_skipped"
    """Skipped, though PagerDuty had to hear of it; or not skipped, though it asks for nothing."""
    UNBACKED_DELIVERY = "unbacked_delivery"
    """Told as delivered, though PagerDuty has not accepted such a request."""
    UNREPORTED_REQUEST = "unreported_request"
    """PagerDuty accepted a request for which there is no outcome."""
    UNEXPLAINED_REQUEST = "unexplained_request"
    """PagerDuty accepted a request that no input asks for."""
    TRIGGER_AFTER_RESOLVE = "trigger_after_resolve"
    """A trigger was accepted after the resolve of a newer input."""
    OUT_OF_ORDER = "out_of_order"
    """An acknowledge or resolve acted on an incident that a newer trigger had opened."""
    WRONG_DESTINATION = "wrong_destination"
    """An acknowledge or resolve went elsewhere than its trigger, so that PagerDuty dropped it."""
    WRONG_FINAL_STATE = "wrong_final_state"
    """PagerDuty's state is not the newest input's."""
    INCIDENT_COUNT = "incident_count"
    """A Case that PagerDuty has been told of has no incident, or more than one."""
    SIDES_DIFFER = "sides_differ"
    """A Case and its incident are not in the same status."""
    COMMENT_LOST = "comment_lost"
    """A comment, note or resolution of one side that the other does not have."""
    COMMENT_DOUBLED = "comment_doubled"
    """One that the other side has more than once."""
    COMMENT_INVENTED = "comment_invented"
    """One that nobody has written on the other side."""
    NOTE_UPDATES = "note_updates"
    """A note of a person that `case-updates` does not tell exactly once."""
    ECHO = "echo"
    """Something that Pagerline did itself, and that `case-updates` tells as somebody's act."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: whose, and what to look at."""

    kind: Kind
    incident: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind:<22} {self.incident}: {self.message}"


@dataclass(slots=True)
class Counts:
    """What was there. Outcomes count once for each input and destination."""

    inputs: int = 0
    malformed: int = 0
    incidents: int = 0
    delivered: int = 0
    superseded: int = 0
    skipped: int = 0
    dead_lettered: int = 0
    replayed: int = 0
    """Replays of dead letters that were delivered."""
    repeated_records: int = 0
    """Records of `deliveries` and `dead-letters` that came again with the same id and status."""
    repeated_requests: int = 0
    """Requests that PagerDuty took in beyond one for each delivery: retries after an unseen answer, replays."""
    lost_by_pagerduty: int = 0
    """Requests answered 202 and dropped by order of a fault or a maintenance window; their incidents' final state is
    not held against the product."""
    cases: int = 0
    """Cases with an incident of their own, compared on both sides."""
    comments: int = 0
    """Notes of their incidents."""
    updates: int = 0
    """Different records of `case-updates`."""


@dataclass(slots=True)
class Verdict:
    """The judgement. `violations` are the first of each run of checks, at most 20; `by_kind` counts them all."""

    counts: Counts = field(default_factory=Counts)
    violations: list[Violation] = field(default_factory=list)
    by_kind: Counter[Kind] = field(default_factory=Counter)
    dead_letter_reasons: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not self.by_kind

    @property
    def violations_total(self) -> int:
        return self.by_kind.total()

    def add(self, violation: Violation) -> None:
        """Count a violation; keep it while there is room, and always the first of its kind."""
        if len(self.violations) < SHOWN or violation.kind not in self.by_kind:
            self.violations.append(violation)
            if len(self.violations) > SHOWN:
                self._make_room()
        self.by_kind[violation.kind] += 1

    def _make_room(self) -> None:
        """Drop the newest violation whose kind is shown twice, so that every kind has its example."""
        shown = Counter(violation.kind for violation in self.violations)
        for index in range(len(self.violations) - 1, -1, -1):
            if shown[self.violations[index].kind] > 1:
                del self.violations[index]
                return

    def text(self) -> str:
        """The verdict in plain words."""
        counts = self.counts
        lines = [
            f"inputs     {counts.inputs:,} ({counts.malformed:,} malformed) of {counts.incidents:,} incidents",
            f"outcomes   {counts.delivered:,} delivered, {counts.superseded:,} superseded, {counts.skipped:,} skipped, "
            f"{counts.dead_lettered:,} dead-lettered (one for each service that an input goes to)",
            f"repeated   {counts.repeated_records:,} records, {counts.repeated_requests:,} requests (harmless)",
        ]
        if self.dead_letter_reasons:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.dead_letter_reasons.most_common())
            lines.append(f"dead       {reasons}")
        if counts.replayed:
            lines.append(f"replayed   {counts.replayed:,} deliveries of dead letters")
        if counts.lost_by_pagerduty:
            lines.append(f"lost       {counts.lost_by_pagerduty:,} requests answered 202 and then dropped by PagerDuty")
        if counts.cases or counts.updates:
            lines.append(
                f"two-way    {counts.cases:,} Cases beside their incidents, {counts.comments:,} notes, "
                f"{counts.updates:,} updates"
            )
        if self.ok:
            lines.append("OK: every input has its outcome, and PagerDuty knows every incident's newest state.")
            if counts.cases:
                lines.append("OK: Cases and incidents say the same; every comment stands once on either side.")
            return "\n".join(lines)
        lines.append(f"NOT OK: {self.violations_total:,} violations, {len(self.violations)} shown")
        lines += [f"  {kind}: {count:,}" for kind, count in self.by_kind.most_common()]
        return "\n".join([*lines, *(f"- {violation}" for violation in self.violations)])
