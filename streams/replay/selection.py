"""Which dead letters are meant, and what becomes of each: for the command and for the web API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.documents.connector import Connector
from streams.documents.references import References
from streams.errors import DocumentError
from streams.replay.letters import Entry, Letter, Wanted, settled
from streams.replay.plan import Again, NotPossible, again
from streams.replay.topics import Topics
from streams.routing.readdress import Refused, static_key
from streams.routing.routers import ENTITY_TYPES


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters by id or by what they are. No ids: all that the filter has."""

    wanted: Wanted
    ids: tuple[str, ...] = ()

    async def entries(self, topics: Topics, *, whole: bool) -> list[Entry]:
        """The selected letters with their results; `whole`: with all they hold.

        Raises DocumentError when there is no letter of an id.
        """
        folder = await topics.letters(lambda letter: whole and (bool(self.ids) or self.wanted.has(letter)))
        letters = folder.letters()
        if self.ids:
            found = {one: folder.resolve(one) for one in self.ids}
            if missing := [one for one, ids in found.items() if not ids]:
                raise DocumentError(
                    f"there is no dead letter {', '.join(missing)}", remedy="`pagerline dead-letters list` lists all"
                )
            named = set().union(*found.values())
            letters = [letter for letter in letters if letter.id in named]
        letters = [letter for letter in letters if self.wanted.has(letter)]
        return settled(letters, await topics.results(letters))


@dataclass(frozen=True, slots=True)
class Unfit:
    """The connector that was asked for has no key for a letter."""

    letter: Letter
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent again, what cannot be, and what is left out: replayed before, or a test notification."""

    go: tuple[Again, ...]
    cannot: tuple[NotPossible | Unfit, ...]
    before: tuple[Entry, ...]
    tests: tuple[Letter, ...]


def plan_replay(entries: Iterable[Entry], *, prefix: str, force: bool, to: Connector | None) -> Plan:
    """Pure. `to`: through this connector, whatever they name; `force`: also what was replayed before, and tests."""
    go: list[Again] = []
    cannot: list[NotPossible | Unfit] = []
    before: list[Entry] = []
    tests: list[Letter] = []
    for entry in entries:
        if entry.replayed and not force:
            before.append(entry)
            continue
        if entry.letter.test and not force:
            tests.append(entry.letter)
            continue
        planned = _plan(entry.letter, prefix, force, to)
        if isinstance(planned, Again):
            go.append(planned)
        else:
            cannot.append(planned)
    return Plan(tuple(go), tuple(cannot), tuple(before), tuple(tests))


def _plan(letter: Letter, prefix: str, force: bool, to: Connector | None) -> Again | NotPossible | Unfit:
    if to is not None and letter.stage == "dispatch" and letter.incident is not None:
        key = static_key(to.id, to, ENTITY_TYPES[letter.incident.partition(":")[0]], References().resolve)
        # What a document refers to is where workers run, and need not be here.
        if isinstance(key, Refused) and key.reason != "unresolved_reference":
            return Unfit(letter, key.reason, key.message)
    return again(letter, prefix=prefix, force=force, to=None if to is None else to.id)
