"""The judgement: raw records and the simulator's journal in, a verdict out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from streams.sandbox.verify.checks import check, wrong_destinations
from streams.sandbox.verify.history import History, histories
from streams.sandbox.verify.journal import Pair, Request, requests_of, states_of
from streams.sandbox.verify.model import Kind, Record, Verdict, Violation
from streams.sandbox.verify.outcomes import Told, check_outcomes, read_outcomes, reasons
from streams.sandbox.verify.reading import Input, orders, read_input
from streams.sandbox.verify.replays import check_replays, replayed_order, with_replays
from streams.sandbox.verify.sides import Sides
from streams.sandbox.verify.two_way import ACCOUNT, check_two_way

MAX_BYTES: Final = 1_000_000
"""The product's own default bound on an input."""


def verify(
    inputs: Iterable[Record],
    deliveries: Iterable[bytes | None],
    dead_letters: Iterable[bytes | None],
    journal: Iterable[Mapping[str, Any]],
    incidents: Iterable[Mapping[str, Any]],
    *,
    max_bytes: int = MAX_BYTES,
    allow_skips: Collection[str] = (),
    forced: Collection[str] = (),
    sides: Sides | None = None,
) -> Verdict:
    """Whether every input ended in exactly one outcome for each destination, and PagerDuty in the right state.

    inputs: all records of the topics `…alerts` and `…cases`. deliveries, dead_letters: the values of those topics.
    journal, incidents: the entries of the simulator's `/sim/journal` and `/sim/incidents`, as JSON, oldest first.
    allow_skips: reasons for which a trigger may be skipped before it has a destination.
    forced: ids of dead letters whose replay was forced; it may be repeated, and may go against newer inputs.
    sides: Cases and their incidents, to be compared as well; None: they are not.
    Raises ValueError when a record is of another topic.
    """
    verdict = Verdict()
    read = {one.id: one for one in (read_input(record, max_bytes) for record in inputs)}
    groups: dict[str, list[Input]] = {}
    for one in read.values():
        if not one.malformed and one.action is not None:
            groups.setdefault(one.dedup_key, []).append(one)
    told, replays, broken = read_outcomes(deliveries, dead_letters, verdict.counts)
    requests = requests_of(journal)
    found = histories(groups, _to_keys(with_replays(told, replays)), requests, states_of(incidents))
    verdict.counts.replayed = sum(one.status == "delivered" for one in replays)
    _count(verdict, read, groups, told, requests)
    if not read:
        verdict.add(Violation(Kind.NOTHING_TO_VERIFY, "-", "there are no inputs: look at the brokers and the prefix"))
    for violation in (
        *broken,
        *check_outcomes(read, told, allow_skips),
        *check_replays(told, replays, forced),
        *_sent_elsewhere(requests, found, groups),
        *(wrong for history in found.values() for wrong in _best(history, forced)),
        *(() if sides is None else check_two_way(sides, told, verdict.counts)),
    ):
        verdict.add(violation)
    return verdict


def _to_keys(told: Told) -> Told:
    """Without the outcomes at accounts: what comes of those is no event, and compared on both sides instead."""
    return {
        source: {place: one for place, one in at.items() if not place.startswith(ACCOUNT)}
        for source, at in told.items()
    }


def _best(history: History, forced: Collection[str]) -> Sequence[Violation]:
    """What is wrong with a history in the order of its inputs that speaks most for it."""
    variants = orders(history.inputs) or [[]]
    if forced:
        variants = [replayed_order(order, history.outcomes_here, forced) for order in variants]
    return min((check(history, order) for order in variants), key=len)


def _sent_elsewhere(
    requests: Sequence[Request], found: Mapping[Pair, History], groups: Mapping[str, Sequence[Input]]
) -> Iterator[Violation]:
    targets = {
        pair
        for pair, history in found.items()
        if any(one.action == "trigger" and history.here(one) for one in history.inputs)
    }
    for request, home in wrong_destinations(requests, targets):
        inputs = groups.get(request.dedup_key)
        yield Violation(
            Kind.WRONG_DESTINATION,
            inputs[0].incident if inputs else f"dedup key {request.dedup_key}",
            f"journal {request.order}: {request.action} went to {request.destination} and was dropped there; "
            f"the incident was open at {home}",
        )


def _count(
    verdict: Verdict,
    read: Mapping[str, Input],
    groups: Mapping[str, Sequence[Input]],
    told: Told,
    requests: Sequence[Request],
) -> None:
    counts = verdict.counts
    counts.inputs = len(read)
    counts.malformed = sum(one.malformed for one in read.values())
    counts.incidents = len(groups)
    statuses = [outcome.status for at in told.values() for outcome in at.values()]
    counts.delivered = statuses.count("delivered")
    counts.superseded = statuses.count("superseded")
    counts.skipped = statuses.count("skipped")
    verdict.dead_letter_reasons.update(reasons(told))
    counts.dead_lettered = verdict.dead_letter_reasons.total()
    events = sum(one.status == "delivered" for at in _to_keys(told).values() for one in at.values())
    counts.repeated_requests = max(0, len(requests) - events - counts.replayed)
    counts.lost_by_pagerduty = sum(request.lost for request in requests)
