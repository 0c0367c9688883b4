"""A story on one screen. Pure: lines of styled pieces, which the command line colours or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Final, Literal, NamedTuple

from streams.explain.story import Attempt, Choice, Ending, Input, Known, Story, Update
from streams.explain.words import printable
from streams.moments import moment_of

FIRST: Final = 5
LAST: Final = 15
"""Inputs shown of an incident that has very many: how it began and how it stands; `-o json` has all."""

UPDATES: Final = 20
"""Changes at PagerDuty shown of a Case that has very many: the newest."""

ATTEMPTS: Final = 6
"""Attempts shown of an input that took very many: the newest say what is wrong."""

WIDTH: Final = 110
"""Characters of a template's line."""

Style = Literal["plain", "title", "good", "bad", "wait", "dim"]

STYLES: Final[dict[str, Style]] = {
    "delivered": "good",
    "superseded": "dim",
    "skipped": "dim",
    "dead": "bad",
    "waiting": "wait",
    "triggered": "bad",
    "acknowledged": "wait",
    "resolved": "good",
}


class Line(NamedTuple):
    """A line and how it is to look."""

    text: str
    style: Style = "plain"


def screen(story: Story) -> Iterator[Line]:
    """The lines of a story."""
    yield Line(printable(story.incident or "an input that names no incident"), "title")
    if story.dedup_key is not None:
        yield _head("dedup key", printable(story.dedup_key))
    yield Line(f"{'now':<12}{story.now.message}", STYLES.get(story.now.state, "plain"))
    for pin in story.pins:
        yield _head("pin", f"{pin.connector} → {pin.destination}, {'open' if pin.open else 'closed by its resolve'}")
    for known in story.destinations:
        closed = f" since {moment(known.closed_at)}" if known.closed_at else ""
        state = "nothing accepted yet" if known.state == "none" else known.state
        yield _head("PagerDuty", f"{known.destination}: {state}{closed}{_incident(known)}")
        for name, trouble in (("error", known.error), ("conflict", known.conflict)):
            if trouble is not None:
                yield Line(f"{name:<12}{trouble}", "bad")
    if not story.complete:
        yield Line("It began before what was looked at: --since 7d, or --all, looks further back.", "dim")
    yield from _in_time(story)


class _Block(NamedTuple):
    """Lines that stand together, and what time they are of."""

    at: int
    input: bool
    lines: Iterable[Line]


def _in_time(story: Story) -> Iterator[Line]:
    """Inputs, and what people did at PagerDuty, in the order of time."""
    below = False
    for block in merge(_inputs(story.inputs), _updates(story.updates), key=lambda one: one.at):
        if below and not block.input:
            yield Line("")
        below = block.input
        yield from block.lines


def _inputs(inputs: Sequence[Input]) -> list[_Block]:
    blocks = [_Block(one.written_at or 0, True, _input(one)) for one in inputs]
    if (between := len(inputs) - FIRST - LAST) > 1:
        words = Line(f"… {between:,} inputs between (-o json has all)", "dim")
        blocks[FIRST:-LAST] = [_Block(blocks[FIRST].at, True, (Line(""), words))]
    return blocks


def _updates(updates: Sequence[Update]) -> list[_Block]:
    # Some of PagerDuty's times are whole seconds: what was asked for within one comes before what was done in it.
    blocks = [_Block(one.at if one.at % 1_000 else one.at + 999, False, (_update(one),)) for one in updates]
    blocks.sort(key=lambda one: one.at)
    if (earlier := len(blocks) - UPDATES) > 0:
        words = Line(f"… {earlier:,} earlier changes at PagerDuty (-o json has all)", "dim")
        blocks[:earlier] = [_Block(blocks[earlier].at, False, (words,))]
    return blocks


def _incident(known: Known) -> str:
    """Which incident it is, and where, of a Case at an account."""
    if known.incident is None:
        return ""
    name = f"incident {known.number}" if known.number is not None else f"incident {known.incident}"
    at = f" at service {known.service}" if known.service else ""
    return f"; {name}{at}" + (f", {known.url}" if known.url else "")


def _update(one: Update) -> Line:
    by = f" by {one.by}" if one.by else ""
    words = f": {_cut(_one_line(one.message))}" if one.message else ""
    followed = "" if one.apply else ", nothing for the Case to do"
    return Line(f"{moment(one.at)}  PagerDuty: {one.change}{by}{words} ({one.found_by}{followed})")


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def moment(ms: int) -> str:
    """A time as people read it: UTC, to the millisecond."""
    at = moment_of(ms).isoformat(sep=" ", timespec="milliseconds")
    return at.removesuffix("+00:00") + "Z"


def duration(ms: float) -> str:
    """`31 ms`, `2.4 s`, `3 min`, `2.5 h`."""
    if abs(ms) < 1_000:
        return f"{ms:.0f} ms"
    seconds = ms / 1_000
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if abs(seconds) < 7_200 else f"{seconds / 3_600:.1f} h"


def _head(name: str, text: str) -> Line:
    return Line(f"{name:<12}{text}")


def _input(one: Input) -> Iterator[Line]:
    yield Line("")
    when = moment(one.written_at) if one.written_at is not None else "time not known"
    mark = "  ← asked for" if one.asked else ""
    yield Line(f"{when}  {one.action or 'input'}  {one.source}{mark}", "title")
    if not one.endings:
        yield Line("  no outcome of it was found: it is older than what was looked at, or not yet written", "dim")
    for ending in one.endings:
        yield from _ending(ending)


def _ending(ending: Ending) -> Iterator[Line]:
    if ending.replay is not None:
        yield Line(f"  replay of dead letter {ending.replay}")
    yield from _way(ending)
    for name, error in ending.render_errors.items():
        yield Line(f"  field {name} fell back to the built-in text: {error}", "wait")
    earlier = ending.attempts_total - len(ending.attempts[-ATTEMPTS:])
    if earlier > 0 and ending.attempts:
        yield Line(f"    … {earlier:,} earlier attempt{'s' if earlier > 1 else ''}", "dim")
    for attempt in ending.attempts[-ATTEMPTS:]:
        yield _attempt(attempt)
    yield Line(f"  {ending.status}{_after(ending)}: {ending.message}", STYLES[ending.status])
    if ending.by is not None:
        yield Line(f"    by {ending.by}", "dim")
    if ending.folded:
        yield Line("    a digest told of it while it waited", "dim")
    if ending.letter is not None and ending.status == "dead":
        yield Line(f"    dead letter {ending.letter} ({ending.reason})", "dim")


def _after(ending: Ending) -> str:
    if ending.at is None:
        return ""
    took = f", {duration(ending.latency_ms)} after it was written" if ending.latency_ms is not None else ""
    return f" at {moment(ending.at)}{took}"


def _way(ending: Ending) -> Iterator[Line]:
    """Connector, rule and destination, and what was tried on the way."""
    choice = ending.choice
    if ending.connector is not None:
        to = f" → {ending.destination}" if ending.destination else ", which gives no destination"
        yield Line(f"  connector {ending.connector}{_chosen_by(ending)}{to}{_by(choice)}")
    if choice is not None:
        if choice.preset is not None:
            yield Line(f"    message by preset {choice.preset}")
        for wrong in choice.invalid:
            yield Line(f"    counts as false: {wrong}", "bad")
        if choice.template is not None:
            yield from _template(choice.template)
        for over in choice.passed_over:
            yield Line(f"    passed over {over.candidate}: {over.reason}", "wait")
            if over.template is not None:
                yield from _template(over.template)


def _chosen_by(ending: Ending) -> str:
    """Who chose the connector, and by which documents."""
    choice = ending.choice
    if choice is None or choice.router is None:
        return f", rule {ending.rule}" if ending.rule else ""
    rule = f", rule {ending.rule}" if ending.rule else "'s fallback"
    return f", by router {choice.router}{rule} (revision {choice.revision})"


def _by(choice: Choice | None) -> str:
    if choice is None or choice.chosen is None:
        return ""
    if choice.pinned:
        return ", where it is pinned"
    given = f" (key {choice.key})" if choice.key else f" (service {choice.service})" if choice.service else ""
    return f", by {choice.chosen}{given}"


def _template(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        if line.strip():
            yield Line("      │ " + _cut(line.strip()), "dim")


def _attempt(attempt: Attempt) -> Line:
    answer = str(attempt.status) if attempt.status is not None else "no answer"
    words = f"  {_one_line(attempt.error)}" if attempt.error else ""
    call = f"  {attempt.call}" if attempt.call else ""
    taken = attempt.status is not None and 200 <= attempt.status < 300
    line = f"    {moment(attempt.at)}{call}  {answer}  {duration(attempt.ms)}{words}"
    return Line(line, "plain" if taken else "bad")


def _one_line(text: str) -> str:
    return " ".join(text.split())
