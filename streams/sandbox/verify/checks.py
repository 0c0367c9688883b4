"""What must hold for one incident at one destination: checks of an order of its inputs that give what is wrong."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from streams.sandbox.verify.history import NONE, OPEN, History, steps
from streams.sandbox.verify.journal import Request
from streams.sandbox.verify.model import Kind, Violation
from streams.sandbox.verify.reading import Input


def check(history: History, order: Sequence[Input]) -> list[Violation]:
    """Everything that is wrong with a history if its inputs were meant in this order."""
    return [
        *told_rightly(history, order),
        *backed(history, order),
        *in_order(history, order),
        *final_state(history, order),
    ]


def told_rightly(history: History, order: Sequence[Input]) -> Iterator[Violation]:
    """Every input that PagerDuty had to hear of has an outcome here, and one that its place in the order allows."""
    rank = {one.id: number for number, one in enumerate(order)}
    lanes = {one.lane for one in order}
    for step in list(steps(history, order, dead=True))[:-1]:
        one = step.one
        outcome = history.outcome(one)
        if outcome is None:
            if step.before in OPEN:
                yield _violation(history, Kind.MISSING_OUTCOME, f"{one.id} ({one.action}) has no outcome here")
        elif outcome.status == "superseded":
            by = rank.get(outcome.by or "", -1)
            if by <= rank[one.id]:
                yield _violation(
                    history,
                    Kind.WRONGLY_SUPERSEDED,
                    f"{one.id} ({one.action}) is told as superseded by {outcome.by}, which is no newer input of it",
                )
        elif outcome.status == "skipped" and history.here(one):
            if one.action == "trigger":
                stale = len(lanes) > 1 and any(other.lane != one.lane for other in order[rank[one.id] + 1 :])
                wrongly = not stale
            elif one.action == "acknowledge":
                wrongly = step.before == "triggered" and not step.acknowledged and step.delivered
            else:
                wrongly = step.before in OPEN and step.delivered
            if wrongly:
                yield _violation(
                    history,
                    Kind.WRONGLY_SKIPPED,
                    f"{one.id} ({one.action}) was skipped as {outcome.reason} while the incident was {step.before}",
                )


def backed(history: History, order: Sequence[Input]) -> Iterator[Violation]:
    """Every delivery stands for a request that PagerDuty accepted, and every such request has an outcome."""
    outcomes = [(one, outcome) for one in order if history.here(one) and (outcome := history.outcome(one))]
    if history.requests and not outcomes:
        first = history.requests[0]
        why = "no outcome names it here" if order else "no input has this dedup key"
        yield _violation(
            history,
            Kind.UNREPORTED_REQUEST,
            f"PagerDuty took in {len(history.requests)} requests (journal {first.order}: {first.action}), and {why}",
        )
    answered = [request for request in history.requests if request.answered]
    for action in ("trigger", "acknowledge", "resolve"):
        delivered = [one for one, outcome in outcomes if outcome.status == "delivered" and one.action == action]
        accepted = [request for request in answered if request.action == action]
        sources = {request.source for request in accepted}
        # Without a source in each of them, triggers can only be counted, as acknowledges and resolves are.
        named = [one for one in delivered if one.id not in sources]
        unbacked = delivered[len(accepted) :] if None in sources else named
        if unbacked:
            yield _violation(
                history,
                Kind.UNBACKED_DELIVERY,
                f"{len(unbacked)} of {len(delivered)} {action}s are told as delivered without an accepted request: "
                f"{', '.join(one.id for one in unbacked[:3])}",
            )


def in_order(history: History, order: Sequence[Input]) -> Iterator[Violation]:
    """The requests that PagerDuty took in can be explained in the order of the inputs.

    Repeats are allowed as long as nothing newer and contrary has been taken in. A resolve or acknowledge does not say
    which input it stands for: it is taken for the oldest that it can be, so nothing is called wrong that may be right.
    """
    if not order:
        return  # `backed` tells of requests that nobody asked for
    rank = {one.id: number for number, one in enumerate(order)}
    asked = {
        action: [rank[one.id] for one in order if one.action == action and (action != "trigger" or history.here(one))]
        for action in ("trigger", "acknowledge", "resolve")
    }
    triggered = resolved = -1  # ranks of the newest trigger and of the newest resolve known to be taken in
    for request in history.requests:
        if not asked[request.action]:
            yield _violation(history, Kind.UNEXPLAINED_REQUEST, f"{_shown(request)}: no input asks for that here")
            continue
        if request.action == "trigger":
            taken_for = _trigger(request, rank, asked["trigger"], resolved)
            if taken_for is None:
                yield _violation(
                    history, Kind.UNEXPLAINED_REQUEST, f"{_shown(request)}: that is no input of this incident"
                )
            elif taken_for <= resolved:
                by = order[resolved].id if resolved >= 0 else "?"
                yield _violation(
                    history,
                    Kind.TRIGGER_AFTER_RESOLVE,
                    f"{_shown(request)} came after the resolve of a newer input ({by}) had been taken in",
                )
            else:
                triggered = max(triggered, taken_for)
            continue
        floor = triggered if request.action == "resolve" else resolved
        newer = asked[request.action][bisect_right(asked[request.action], floor) :][:1]
        if not newer:
            if request.effect in ("acknowledged", "resolved"):
                since = order[floor].id if floor >= 0 else "?"
                yield _violation(
                    history,
                    Kind.OUT_OF_ORDER,
                    f"{_shown(request)} acted, and no {request.action} is newer than {since}, already taken in",
                )
        elif request.action == "resolve":
            resolved = max(resolved, newer[0])


def wrong_destinations(requests: Sequence[Request], targets: set[tuple[str, str]]) -> Iterator[tuple[Request, str]]:
    """Acknowledges and resolves that PagerDuty dropped while another destination had the incident open.

    `targets` are the pairs for which a trigger has an outcome: there, one may be dropped because its trigger was
    superseded or refused. Gives the request and a destination that had the incident.
    """
    open_at: dict[str, set[str]] = {}
    for request in requests:
        places = open_at.setdefault(request.dedup_key, set())
        if request.effect == "opened":
            places.add(request.destination)
        elif request.effect == "resolved":
            places.discard(request.destination)
        elif request.effect == "dropped" and request.action != "trigger" and not request.lost:
            elsewhere = places and request.destination not in places
            if elsewhere and request.pair not in targets:
                yield request, min(places)


def final_state(history: History, order: Sequence[Input]) -> Iterator[Violation]:
    """PagerDuty's state is the newest input's, unless PagerDuty itself has dropped something."""
    if any(request.lost for request in history.requests):
        return
    wanted = {state for dead in (False, True) for state in _wanted(history, order, dead=dead)}
    if history.final in wanted:
        return
    concerned = [one for one in order if one.action is not None and history.concerns(one)]
    newest = f"the newest input, {concerned[-1].id}, asks for {concerned[-1].action}" if concerned else "no input asks"
    yield _violation(
        history,
        Kind.WRONG_FINAL_STATE,
        f"PagerDuty says {history.final}, it should be {' or '.join(sorted(wanted))}; {newest}",
    )


def _wanted(history: History, order: Sequence[Input], *, dead: bool) -> set[str]:
    """The states that are right in the end, with or without the inputs that were dead-lettered here.

    Both are right: after a 400 the event may have been sent once more in its plainest form, and dead-lettered as well.
    """
    followed = list(steps(history, order, dead=dead))
    if not followed:
        return {NONE}
    last = followed[-1]
    if last.before == "triggered" and last.acknowledged:
        return {"triggered", "acknowledged"}  # a trigger does not undo an acknowledge at PagerDuty
    if last.before == "resolved":
        return {"resolved", NONE} if not any(_told_delivered(history, one) for one in order) else {"resolved"}
    return {last.before}


def _told_delivered(history: History, one: Input) -> bool:
    outcome = history.outcome(one)
    return one.action == "trigger" and outcome is not None and outcome.status == "delivered"


def _trigger(request: Request, rank: dict[str, int], asked: Sequence[int], resolved: int) -> int | None:
    """The rank of the input that an accepted trigger stands for; None when it names none of this incident."""
    if request.source is not None:
        return rank.get(request.source)
    newer = bisect_right(asked, resolved)
    return asked[newer] if newer < len(asked) else asked[-1]


def _shown(request: Request) -> str:
    source = f" of {request.source}" if request.source else ""
    return f"journal {request.order}: {request.action}{source} ({request.effect})"


def _violation(history: History, kind: Kind, message: str) -> Violation:
    return Violation(kind, history.incident, f"{message}, {history.place}")
