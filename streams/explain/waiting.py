"""What waits, and for what: a word for machines and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streams.explain.findings import Queued, Record


def in_row(pending: Sequence[Record], number: int, row: Record) -> tuple[str, str]:
    """Of a record that table `incidents` holds as not yet sent."""
    record = pending[number]
    if number > 0:
        first = pending[0]
        source = first["source"]
        return "behind", (
            f"is sent after the {first['action']} of {source['topic']}/{source['partition']}/{source['offset']}, "
            "which waits too"
        )
    if row.get("asked"):
        return "retrying", (
            "PagerDuty was asked and has not accepted it so far (an outage, a time-out or its rate limit): it is asked "
            "again for as long as it takes"
        )
    limit = record.get("limit")
    return "its_turn", (
        f"waits for its turn at {record['destination']}"
        + (f", which takes {limit:,} events a minute" if isinstance(limit, int) else "")
        + ": others are more urgent or came earlier, or PagerDuty is not answering"
    )


def in_outbox(queued: Queued) -> tuple[str, str]:
    """Of a record in the outbox that no row knows of yet."""
    if queued.before:
        return "in_outbox", f"is in the outbox; up to {_records(queued.before)} of {queued.partition} come before it"
    return "in_outbox", f"is in the outbox, first of {queued.partition}: it is being sent, or waits for its turn"


def in_route(queued: Queued) -> tuple[str, str]:
    """Of an input that route has not finished."""
    before = f"; up to {_records(queued.before)} of {queued.partition} come before it" if queued.before else ""
    return "not_routed", f"has not been routed yet{before}"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
