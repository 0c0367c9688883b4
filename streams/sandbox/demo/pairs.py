"""Cases beside their incidents, as the screen shows them: what each side has, and whether they are in step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from streams.sandbox.case_system import CaseStore
from streams.sandbox.pagerduty import Simulator
from streams.sandbox.verify.two_way import RESOLUTION, STATUS

NONE: Final = "-"

_MARKER: Final = re.compile(r"\n\[(?P<author>[^\n]*) via Pagerline, [^\n]*\]\s*\Z")


@dataclass(frozen=True, slots=True)
class Saying:
    """A comment, note or resolution. text: as its author wrote it; shown: who, and what."""

    text: str
    shown: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A Case and its incident: a headline each, and what was said on each side."""

    case: str
    incident: str
    same_status: bool
    here: tuple[Saying, ...] = ()
    there: tuple[Saying, ...] = ()

    @property
    def in_step(self) -> bool:
        """Whether both are in one status, and all that was said stands on both sides."""
        return self.same_status and Counter(one.text for one in self.here) == Counter(one.text for one in self.there)

    def lines(self) -> Iterator[tuple[str, str]]:
        """What was said, each on one line with what the other side has of it."""
        there = list(self.there)
        for one in self.here:
            match = next((other for other in there if other.text == one.text), None)
            if match is not None:
                there.remove(match)
            yield one.shown, NONE if match is None else match.shown
        yield from ((NONE, other.shown) for other in there)


def pairs_of(store: CaseStore, simulator: Simulator) -> list[Pair]:
    """All Cases of the Case system, the oldest first."""
    return [pair_of(store, simulator, case["id"]) for case in store.cases()]


def pair_of(store: CaseStore, simulator: Simulator, case_id: str) -> Pair:
    """One Case beside the newest incident with its key."""
    case = store.case(case_id)
    here = [Saying(one["text"], f"{one['text']} ({one['author']})") for one in store.comments(case_id)]
    if case["resolution"]:
        here.append(Saying(RESOLUTION + case["resolution"], f"{RESOLUTION}{case['resolution']}"))
    headline = f"{case_id} {case['status']}{_by(case['assignee'])}: {case['title']}"
    incidents = simulator.rest.incidents(incident_key=f"case/{case_id}")
    if not incidents:
        return Pair(headline, NONE, False, tuple(here))
    incident = incidents[-1]
    card = simulator.rest.card(incident.id)
    by = dict.fromkeys(one.by.name for one in card.acknowledgements if one.by is not None)
    return Pair(
        headline,
        f"#{incident.number} {incident.status}{_by(', '.join(by))} at {card.service.name}",
        incident.status == STATUS.get(case["status"]),
        tuple(here),
        tuple(_notes((note.user.name, note.content) for note in card.notes)),
    )


def _notes(notes: Iterable[tuple[str, str]]) -> Sequence[Saying]:
    said = []
    for user, content in notes:
        ours = _MARKER.search(content)
        text = _MARKER.sub("", content).strip()
        said.append(Saying(text, f"{text} ({ours['author']} via {user})" if ours else f"{text} ({user})"))
    return said


def _by(who: str | None) -> str:
    return f" ({who})" if who else ""
