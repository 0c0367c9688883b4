"""From records to a story. Pure; records of other versions of this product are read leniently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.dispatch.incident import DIGEST_TOPIC
from streams.dispatch.outcome import source_of
from streams.events import dedup_key_of
from streams.explain.case import in_case_row, known_of, updates_of
from streams.explain.findings import Findings, Queued, Record, begun
from streams.explain.story import Attempt, Choice, Ending, Input, Pinned, Story, Tried, order_of
from streams.explain.verdict import now_of
from streams.explain.waiting import in_outbox, in_route, in_row
from streams.explain.words import safe

Identity = tuple[str, str | None, str | None]
"""What there is one ending of: input, destination, replay."""


def assemble(found: Findings) -> Story:
    """The story of what was found; of an incident whose records are all gone, an empty one."""
    book = _Book(found.asked)
    for record in found.deliveries:
        book.end(_input_of(record), _delivered(record))
    for letter in found.letters:
        book.end(_input_of(letter), _dead(letter))
    for destination, row in found.rows.items():
        for told in row.get("outcomes") or ():
            book.end((told["source"], None, None), _of_row(told, destination, row), replace=False)
        pending = row.get("pending") or ()
        for number, record in enumerate(pending):
            if record["source"]["topic"] != DIGEST_TOPIC:
                why = in_case_row(number, row) or in_row(pending, number, row)
                book.end(_input_of(record), _waits(record, why, row), replace=False)
    for queued in found.queued:
        waits = _waits(queued.outbox, in_outbox(queued)) if queued.outbox else _waits_in_route(queued)
        if queued.outbox or not book.has(queued.source, queued.replay):
            book.end((queued.source, queued.written_at, queued.action), waits, replace=False)
    inputs = book.inputs()
    pins = tuple(_pins(found.pins))
    known = tuple(known_of(destination, row) for destination, row in found.rows.items())
    incident = found.incident
    return Story(
        incident=incident,
        dedup_key=None if incident is None else dedup_key_of(incident.partition(":")[2]),
        now=now_of(inputs, pins, known, found.workers),
        pins=pins,
        destinations=known,
        inputs=inputs,
        workers=found.workers,
        complete=found.complete or begun(found),
        updates=updates_of(found.updates),
    )


class _Book:
    """Endings by input; of several that are the same (after a crash a record comes again) the newest."""

    def __init__(self, asked: str | None) -> None:
        self._asked = asked
        self._inputs: dict[str, tuple[int | None, str | None]] = {}
        self._endings: dict[Identity, Ending] = {}
        if asked is not None:
            self._inputs[asked] = (None, None)

    def end(self, of: tuple[str, int | None, str | None], ending: Ending, *, replace: bool = True) -> None:
        """Note an ending. `replace`: a newer one takes the place of an older; else only where there is none."""
        source, written_at, action = of
        known = self._inputs.get(source, (None, None))
        self._inputs[source] = (known[0] if written_at is None else written_at, known[1] or action)
        identity = (source, ending.destination, ending.replay)
        before = self._endings.get(identity)
        if before is None or (replace and (ending.at or 0) >= (before.at or 0)):
            self._endings[identity] = ending

    def has(self, source: str, replay: str | None) -> bool:
        return any((one, again) == (source, replay) for one, _, again in self._endings)

    def inputs(self) -> tuple[Input, ...]:
        """All of them, oldest first."""
        found: dict[str, list[Ending]] = {source: [] for source in self._inputs}
        for (source, _, _), ending in self._endings.items():
            found[source].append(ending)
        return tuple(
            Input(
                source,
                self._inputs[source][0],
                self._inputs[source][1],
                source == self._asked,
                tuple(sorted(endings, key=lambda one: (one.at is None, one.at or 0, one.destination or ""))),
            )
            for source, endings in sorted(found.items(), key=lambda one: order_of(one[0], self._inputs[one[0]][0]))
        )


def _delivered(record: Record) -> Ending:
    outcome, to = record["outcome"], record.get("destination") or {}
    return Ending(
        status=outcome["status"],
        reason=outcome["reason"],
        message=safe(outcome["message"]),
        stage="dispatch" if to else "route",
        at=outcome["at"],
        destination=to.get("id"),
        connector=to.get("connector"),
        rule=_rule(record),
        choice=_choice(record.get("why")),
        latency_ms=outcome.get("latency_ms"),
        http_status=outcome.get("http_status"),
        by=outcome.get("by"),
        attempts=_attempts(outcome),
        attempts_total=outcome.get("attempts_total") or 0,
        render_errors=_errors(record),
        folded=bool(outcome.get("folded")),
        replay=_replay(record),
    )


def _dead(letter: Record) -> Ending:
    outbox = letter.get("outbox") or {}
    reason = letter["reason"]
    field = f" (field {reason['path']})" if reason.get("path") else ""
    written = letter["source"].get("timestamp")
    return Ending(
        status="dead",
        reason=reason["type"],
        message=safe(reason["message"]) + field,
        stage=letter["stage"],
        at=letter["at"],
        destination=letter.get("destination"),
        connector=outbox.get("connector") or letter.get("connector"),
        rule=_rule(outbox),
        choice=_choice(outbox.get("why") or letter.get("why")),
        latency_ms=None if written is None else letter["at"] - written,
        http_status=letter.get("http_status"),
        attempts=_attempts(letter),
        attempts_total=letter.get("attempts_total") or 0,
        render_errors=_errors(outbox),
        replay=_replay(letter),
        letter=letter["id"],
    )


def _of_row(told: Mapping[str, Any], destination: str, row: Record) -> Ending:
    """An outcome that is decided and not yet known to be in `deliveries` or `dead-letters`."""
    record = (row.get("released") or {}).get(told["source"]) or {}
    return Ending(
        status=told["status"],
        reason=told["reason"],
        message=safe(told["message"]),
        stage="dispatch",
        at=told["at"],
        destination=destination,
        connector=record.get("connector"),
        rule=_rule(record),
        choice=_choice(record.get("why")),
        http_status=told.get("http_status"),
        by=told.get("by"),
        attempts=_attempts(told),
        attempts_total=told.get("attempts_total") or 0,
        render_errors=_errors(record),
        folded=bool(told.get("folded")),
        replay=told.get("replay"),
    )


def _waits(record: Record, why: tuple[str, str], row: Record | None = None) -> Ending:
    tried = ((row or {}).get("tried") or {}).get(source_of(record)) or {}
    attempts = _attempts({"attempts": tried.get("newest")})
    return Ending(
        status="waiting",
        reason=why[0],
        message=why[1],
        stage="dispatch",
        at=None,
        destination=record["destination"],
        connector=record["connector"],
        rule=_rule(record),
        choice=_choice(record.get("why")),
        http_status=attempts[-1].status if attempts else None,
        attempts=attempts,
        attempts_total=tried.get("total") or 0,
        render_errors=_errors(record),
        replay=_replay(record),
    )


def _waits_in_route(queued: Queued) -> Ending:
    reason, message = in_route(queued)
    return Ending(status="waiting", reason=reason, message=message, stage="route", at=None, replay=queued.replay)


def _input_of(record: Record) -> tuple[str, int | None, str | None]:
    source = record["source"]
    return f"{source['topic']}/{source['partition']}/{source['offset']}", source.get("timestamp"), record.get("action")


def _choice(why: Mapping[str, Any] | None) -> Choice | None:
    if not why:
        return None
    return Choice(
        chosen=why["chosen"],
        key=why.get("key"),
        template=_template(why),
        pinned=bool(why["pinned"]),
        passed_over=tuple(
            Tried(over["candidate"], safe(over["reason"]), _template(over)) for over in why.get("passed_over") or ()
        ),
        service=why.get("service"),
        revision=why.get("revision"),
        router=why.get("router"),
        preset=why.get("preset"),
        invalid=tuple(
            safe(f"router {one['router']}, rule {one['rule']}: {one['reason']}") for one in why.get("invalid") or ()
        ),
    )


def _template(of: Mapping[str, Any]) -> str | None:
    text = of.get("template")
    return None if text is None else safe(text)


def _attempts(outcome: Mapping[str, Any]) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(
            one["at"],
            one["ms"],
            one["status"],
            None if one["error"] is None else safe(one["error"]),
            one.get("call"),
        )
        for one in outcome.get("attempts") or ()
    )


def _errors(record: Record) -> dict[str, str]:
    return {name: safe(error) for name, error in (record.get("render_errors") or {}).items()}


def _rule(record: Record) -> str | None:
    """The rule of a router that was true; None for a router's fallback, and where no router was asked."""
    rule = (record.get("why") or {}).get("rule")
    return None if rule is None else str(rule)


def _replay(record: Record) -> str | None:
    """The dead letter that this repeats: an id in outcomes, an object in outbox records."""
    replay = record.get("replay")
    return replay["id"] if isinstance(replay, Mapping) else replay


def _pins(row: Record | None) -> Iterator[Pinned]:
    pins: Iterable[tuple[str, Any]] = ((row or {}).get("pins") or {}).items()
    for connector, pin in pins:
        yield Pinned(connector, pin["destination"], bool(pin["open"]))
