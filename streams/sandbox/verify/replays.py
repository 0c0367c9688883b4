"""Outcomes of replayed dead letters: no second outcome of their inputs, but what PagerDuty knows in the end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from streams.sandbox.verify.model import Kind, Violation
from streams.sandbox.verify.outcomes import DEAD, Outcome, Told
from streams.sandbox.verify.reading import Input


def check_replays(told: Told, replays: Sequence[Outcome], forced: Collection[str]) -> Iterator[Violation]:
    """Whether each replay is one of a dead letter, and delivered at most once to a destination unless it was forced."""
    letters = {f"{source}@{place}" for source, at in told.items() for place, one in at.items() if one.status == DEAD}
    letters |= {f"{one.source}@{one.destination}" for one in replays if one.status == DEAD}
    delivered: dict[tuple[str, str], set[int]] = {}
    for one in replays:
        letter = one.replay or ""
        if letter not in letters or letter.rpartition("@")[0] != one.source:
            yield Violation(
                Kind.STRAY_OUTCOME,
                one.incident or "?",
                f"{one.source}@{one.destination} is told as the replay of {letter}, and there is no such dead letter",
            )
        # Told again after a crash, an outcome has the time that it had before.
        times = delivered.setdefault((letter, one.destination), set())
        if one.status == "delivered" and one.at not in times:
            times.add(one.at)
            if len(times) == 2 and letter not in forced:
                yield Violation(
                    Kind.REPLAYED_TWICE,
                    one.incident or "?",
                    f"the replay of {letter} was delivered twice at {one.destination}",
                )


def with_replays(told: Told, replays: Iterable[Outcome]) -> Told:
    """What became of each input in the end: a replay takes the place of the dead letter, or adds a destination."""
    after = {source: dict(at) for source, at in told.items()}
    for one in sorted(replays, key=lambda outcome: outcome.at):
        at = after.setdefault(one.source, {})
        before = at.get(one.destination)
        if one.status != "skipped" and (before is None or before.status == DEAD or one.status == "delivered"):
            at[one.destination] = one
    return after


def replayed_order(order: Sequence[Input], here: Mapping[str, Outcome], forced: Collection[str]) -> list[Input]:
    """The order with forced replays where they took effect: behind all inputs that were written before their outcome.

    here: the outcomes at one destination, by input.
    """

    def place(pair: tuple[int, Input]) -> tuple[int, int]:
        number, one = pair
        outcome = here.get(one.id)
        if outcome is None or outcome.replay not in forced or outcome.status != "delivered":
            return number, -1
        before = [other for other, input_ in enumerate(order) if input_.record.timestamp <= outcome.at]
        return max(number, *before, number), outcome.at

    return [one for _, one in sorted(enumerate(order), key=place)]
