"""The records of `deliveries` and `dead-letters`, and whether each input has exactly one outcome per destination."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from streams import contracts
from streams.sandbox.verify.model import Counts, Kind, Violation
from streams.sandbox.verify.reading import Input

NOWHERE: Final = "-"
DEAD: Final = "dead-lettered"

MALFORMED: Final = frozenset(
    {"tombstone", "too_large", "not_utf8", "not_json", "not_object", "too_deep", "wrong_shape"}
)
"""Reasons of a dead letter that call the input malformed."""

RAW_AT_LEAST: Final = 190_000
"""Bytes of a long unreadable input that its dead letter must hold (256 KiB of base64 are 196,608)."""


class Outcome(NamedTuple):
    """The end of one input at one destination, as told. `destination` is `-` where it concerns none."""

    source: str
    destination: str
    status: str
    reason: str
    incident: str | None
    dedup_key: str | None
    action: str | None
    by: str | None
    connector: str | None
    at: int
    replay: str | None
    """The dead letter whose replay ended so; None for the end of an input itself."""
    document: Mapping[str, Any]


Told = dict[str, dict[str, Outcome]]
"""Outcomes by input and destination."""


def read_outcomes(
    deliveries: Iterable[bytes | None], dead_letters: Iterable[bytes | None], counts: Counts
) -> tuple[Told, list[Outcome], list[Violation]]:
    """All outcomes of inputs, the repetitions counted; those of replays; what is wrong with the records themselves."""
    told: Told = {}
    replays: list[Outcome] = []
    wrong: list[Violation] = []
    for topic, values in (("deliveries", deliveries), ("dead-letters", dead_letters)):
        for value in values:
            outcome = _read(topic, value)
            if isinstance(outcome, Violation):
                wrong.append(outcome)
                continue
            if outcome.replay is not None:
                replays.append(outcome)
                continue
            at = told.setdefault(outcome.source, {})
            first = at.setdefault(outcome.destination, outcome)
            if first is outcome:
                continue
            if first.status == outcome.status:
                counts.repeated_records += 1
            else:
                wrong.append(
                    Violation(
                        Kind.CONFLICTING_OUTCOMES,
                        outcome.incident or "?",
                        f"{outcome.source}@{outcome.destination} is told as {first.status} ({first.reason}) "
                        f"and as {outcome.status} ({outcome.reason})",
                    )
                )
    return told, replays, wrong


def check_outcomes(inputs: Mapping[str, Input], told: Told, allow_skips: Collection[str]) -> Iterator[Violation]:
    """Whether every input has its outcome, of a kind that fits what it is. What needs the incident is not looked at."""
    for source, at in told.items():
        if source not in inputs:
            outcome = next(iter(at.values()))
            yield Violation(
                Kind.STRAY_OUTCOME,
                outcome.incident or "?",
                f"there is an outcome for {source}, and no such input; is it the original record's place?",
            )
    for one in inputs.values():
        at = told.get(one.id, {})
        if not at:
            what = "malformed, it must be in dead-letters" if one.malformed else f"asks for: {one.action or 'nothing'}"
            yield Violation(Kind.MISSING_OUTCOME, one.incident or "?", f"{one.id} ended in nothing ({what})")
        for outcome in at.values():
            yield from _check_malformed(one, outcome) if one.malformed else _check_sound(one, outcome, allow_skips)
        if NOWHERE in at and at[NOWHERE].status != DEAD and len(at) > 1:
            others = ", ".join(sorted(set(at) - {NOWHERE}))
            yield Violation(
                Kind.CONFLICTING_OUTCOMES,
                one.incident,
                f"{one.id} is told as {at[NOWHERE].status} without any destination, and as sent to {others}",
            )


def _check_malformed(one: Input, outcome: Outcome) -> Iterator[Violation]:
    if outcome.status != DEAD or outcome.destination != NOWHERE:
        yield Violation(
            Kind.MALFORMED_PASSED,
            outcome.incident or "?",
            f"{one.id} is malformed and was {outcome.status} at {outcome.destination}",
        )
        return
    event, raw, cut = (outcome.document[name] for name in ("event", "raw", "truncated"))
    if not _kept(one.record.value, event, raw, cut):
        yield Violation(
            Kind.INPUT_NOT_KEPT,
            outcome.incident or "?",
            f"the dead letter of {one.id} ({outcome.reason}) does not hold what came in: see event, raw, truncated",
        )


def _check_sound(one: Input, outcome: Outcome, allow_skips: Collection[str]) -> Iterator[Violation]:
    where = f"{one.id}@{outcome.destination}"
    if outcome.status == DEAD and outcome.reason in MALFORMED:
        yield Violation(Kind.SOUND_REFUSED, one.incident, f"{where} was refused as {outcome.reason} and is sound")
    facts = (("incident", one.incident), ("dedup_key", one.dedup_key), ("action", one.action))
    for name, meant in facts:
        said = getattr(outcome, name)
        if said != meant and not (outcome.status == DEAD and said is None):
            yield Violation(Kind.MISREAD, one.incident, f"{where} is told with {name} {said!r}; it is {meant!r}")
    if one.action is None and outcome.status != "skipped":
        yield Violation(
            Kind.WRONGLY_SKIPPED, one.incident, f"{where} asks for nothing and was {outcome.status}, not skipped"
        )
    if outcome.status == DEAD and outcome.destination == NOWHERE and not _holds(outcome, one.record.value):
        yield Violation(
            Kind.INPUT_NOT_KEPT, one.incident, f"the dead letter of {one.id} does not hold what came in: see event, raw"
        )
    skipped_whole = outcome.status == "skipped" and outcome.destination == NOWHERE
    if one.action is not None and skipped_whole and outcome.reason not in allow_skips:
        yield Violation(
            Kind.WRONGLY_SKIPPED,
            one.incident,
            f"{one.id} asks for {one.action} and was skipped as {outcome.reason} without any destination",
        )


def _read(topic: str, value: bytes | None) -> Outcome | Violation:
    try:
        document = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        return Violation(Kind.BROKEN_RECORD, "?", f"a record of {topic} is not JSON: {error.msg}")
    problem = contracts.problem(topic, document)
    if problem is not None:
        name = document.get("id") if isinstance(document, dict) else "?"
        return Violation(Kind.BROKEN_RECORD, "?", f"{topic} record {str(name)[:120]!r}: {problem.message}")
    source = "{topic}/{partition}/{offset}".format_map(document["source"])
    outcome = _delivery(source, document) if topic == "deliveries" else _dead_letter(source, document)
    if document["id"] != f"{source}@{outcome.destination}":
        return Violation(
            Kind.BROKEN_RECORD,
            outcome.incident or "?",
            f"{topic} record {document['id']!r} has source {source} and destination {outcome.destination}",
        )
    return outcome


def _delivery(source: str, document: Mapping[str, Any]) -> Outcome:
    outcome, destination = document["outcome"], document["destination"]
    return Outcome(
        source=source,
        destination=NOWHERE if destination is None else destination["id"],
        status=outcome["status"],
        reason=outcome["reason"],
        incident=document["incident"],
        dedup_key=document["dedup_key"],
        action=document["action"],
        by=outcome["by"],
        connector=None if destination is None else destination["connector"],
        at=outcome["at"],
        replay=document.get("replay"),
        document=document,
    )


def _dead_letter(source: str, document: Mapping[str, Any]) -> Outcome:
    outbox = document["outbox"] or {}
    return Outcome(
        source=source,
        destination=document["destination"] or NOWHERE,
        status=DEAD,
        reason=document["reason"]["type"],
        incident=document["incident"],
        dedup_key=outbox.get("dedup_key"),
        action=document["action"],
        by=None,
        connector=outbox.get("connector"),
        at=document["at"],
        replay=document.get("replay"),
        document=document,
    )


def _holds(outcome: Outcome, value: bytes | None) -> bool:
    return _kept(value, outcome.document["event"], outcome.document["raw"], outcome.document["truncated"])


def _kept(value: bytes | None, event: object, raw: str | None, truncated: bool) -> bool:
    """Whether a dead letter gives the input back: as JSON, or as its bytes (the beginning of very many)."""
    if value is None:
        return event is None and raw is None
    if event is not None:
        try:
            return bool(orjson.loads(value) == event)
        except orjson.JSONDecodeError:
            return False
    try:
        held = base64.b64decode(raw or "", validate=True)
    except binascii.Error:
        return False
    if not truncated:
        return held == value
    return RAW_AT_LEAST <= len(held) < len(value) and value.startswith(held)


def reasons(told: Told) -> Sequence[str]:
    """The reasons of all dead letters, each input and destination once."""
    return [outcome.reason for at in told.values() for outcome in at.values() if outcome.status == DEAD]
