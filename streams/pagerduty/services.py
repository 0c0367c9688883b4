"""Which service of an account a text means: its id, or its name.

book = ServiceBook(clock=time.monotonic, known=integration.services)
match await resolve("Payments", book, lambda question: question.put(api)):
    case Found(service): ...                   # service.id
    case Unknown() | Ambiguous() as no: ...    # str(no) names those that may have been meant
    case TryAgain() | Refused(): ...           # PagerDuty did not say

The book is pure: it says what to ask, is told the answer, and forgets it after a while, so that a renamed service is
noticed. Whoever asks does so under the account's limit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest

FRESH_SECONDS: Final = 300.0
"""How long a name is believed: a renamed service is noticed within five minutes, at one call each five minutes."""
UNKNOWN_SECONDS: Final = 30.0
"""How long a name is believed to be nobody's: who has just made the service does not want to wait for five minutes."""
MOST_PAGES: Final = 10
"""Of a list that is read: a thousand services, to find near names among them."""
MOST_NAMES: Final = 10_000
"""Remembered for one account. Names come out of templates, so there is no other bound to how many there are."""
NEAR: Final = 5
"""Names that an operator is shown."""
PAGE: Final = 100

_ID: Final = re.compile(r"[PQ][A-Z0-9]{5,15}")
"""Ids of services are like this (7 characters, 14 for newer objects); a name in capitals may be as well."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the account."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name!r} ({self.id})"


@dataclass(frozen=True, slots=True)
class Found:
    """The service that was meant. `by`: what said so; `name_but_case` is a name that differs in case or blanks."""

    service: Service
    by: Literal["document", "id", "name", "name_but_case"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The account has no such service. `near`: those whose names are most alike, the nearest first."""

    asked: str
    near: tuple[Service, ...] = ()

    def __str__(self) -> str:
        near = f"; it has {', '.join(map(str, self.near))}" if self.near else ""
        return f"the account has no service {self.asked!r}{near}"


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several services have this name; an id would say which."""

    asked: str
    candidates: tuple[Service, ...]

    def __str__(self) -> str:
        return f"several services are called {self.asked!r}: {', '.join(map(str, self.candidates))}; use the id of one"


Resolution = Found | Unknown | Ambiguous


class Api(Protocol):
    """As much of the REST client as is needed here."""

    async def service(self, service_id: str) -> RestAnswer: ...
    async def services(self, *, query: str | None = None, offset: int = 0) -> RestAnswer: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to make: the service of an id, a page of those whose name contains the text, or a page of all."""

    kind: Literal["id", "query", "list"]
    text: str
    offset: int = 0

    def put(self, api: Api) -> Awaitable[RestAnswer]:
        """Make the call."""
        if self.kind == "id":
            return api.service(self.text)
        return api.services(query=self.text if self.kind == "query" else None, offset=self.offset)


@dataclass(slots=True)
class _Search:
    """What is known of a text while it is looked for."""

    question: Ask
    seen: dict[str, Service] = field(default_factory=dict)


class ServiceBook:
    """What is known of one account's services. `clock`: monotonic seconds. `known`: names with their ids, from the
    integration's document, which are believed for good."""

    def __init__(self, *, clock: Callable[[], float], known: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._known = {_plain(name): Service(service_id, name) for name, service_id in (known or {}).items()}
        self._settled: dict[str, tuple[float, Resolution]] = {}
        self._searches: dict[str, _Search] = {}
        self._all: tuple[float, tuple[Service, ...]] = (0.0, ())

    def look(self, asked: str) -> Resolution | Ask:
        """What the text means, or the call to make before anybody can say; `learn` takes its answer."""
        asked = asked.strip()
        if (service := self._known.get(_plain(asked))) is not None:
            return Found(service, "document")
        if (settled := self._settled.get(asked)) is not None:
            until, resolution = settled
            if self._clock() < until:
                return resolution
            del self._settled[asked]
        if (search := self._searches.get(asked)) is None:
            kind: Literal["id", "query"] = "id" if _ID.fullmatch(asked) else "query"
            search = self._searches[asked] = _Search(Ask(kind, asked))
            _forget_oldest(self._searches)
        return search.question

    def learn(self, asked: str, question: Ask, services: Iterable[Service], *, more: bool = False) -> None:
        """The answer to a question that `look` gave for this text: the services in it (none: there is no such id), and
        whether the list goes on. The answer to another question than the present one is passed over."""
        asked = asked.strip()
        search = self._searches.get(asked)
        if search is None or search.question != question:
            return
        found = list(services)
        search.seen.update({service.id: service for service in found})
        if question.kind == "id":
            if found:
                return self._settle(asked, Found(found[0], "id"), FRESH_SECONDS)
            search.question = Ask("query", asked)
        elif more and question.offset + PAGE < MOST_PAGES * PAGE:
            search.question = Ask(question.kind, question.text, question.offset + PAGE)
        elif (resolution := _named(asked, search.seen.values())) is not None:
            self._settle(asked, resolution, FRESH_SECONDS)
        elif question.kind == "list":
            self._all = (self._clock() + UNKNOWN_SECONDS, tuple(search.seen.values()))
            self._settle(asked, Unknown(asked, _near(asked, search.seen.values())), UNKNOWN_SECONDS)
        elif self._clock() < self._all[0]:  # another name was looked for in vain a moment ago
            self._settle(asked, Unknown(asked, _near(asked, self._all[1])), UNKNOWN_SECONDS)
        else:
            search.question = Ask("list", "")
        return None

    def forget(self, asked: str) -> None:
        """Ask again the next time: PagerDuty does not know the service (any more) that this text stood for."""
        self._settled.pop(asked.strip(), None)
        self._searches.pop(asked.strip(), None)

    def _settle(self, asked: str, resolution: Resolution, seconds: float) -> None:
        self._searches.pop(asked, None)
        self._settled[asked] = (self._clock() + seconds, resolution)
        _forget_oldest(self._settled)


async def resolve(
    asked: str, book: ServiceBook, call: Callable[[Ask], Awaitable[RestAnswer]]
) -> Resolution | TryAgain | Refused:
    """What the text means, with as many calls as that takes: none as a rule, one for a name that is right.

    Several may look for the same text at once; each answer counts once. Returns the verdict of the call that failed.
    """
    while True:
        found = book.look(asked)
        if not isinstance(found, Ask):
            return found
        answer = await call(found)
        verdict = judge_rest(answer)
        if isinstance(verdict, Ok):
            services = [answer.one("service")] if found.kind == "id" else answer.many("services")
            book.learn(asked, found, filter(None, map(_service, services)), more=answer.more)
        elif isinstance(verdict, Refused) and verdict.reason == "not_found" and found.kind == "id":
            book.learn(asked, found, [])
        else:
            return verdict


def _service(document: Mapping[str, Any]) -> Service | None:
    """A service as REST API v2 tells it; None where id or name is missing."""
    service_id, name = document.get("id"), document.get("name") or document.get("summary")
    return Service(service_id, name) if isinstance(service_id, str) and isinstance(name, str) else None


def _named(asked: str, services: Iterable[Service]) -> Found | Ambiguous | None:
    """The service of that name, to the letter before any other."""
    seen = sorted(services, key=lambda service: service.id)
    exact = [service for service in seen if service.name.strip() == asked]
    alike = exact or [service for service in seen if _plain(service.name) == _plain(asked)]
    if len(alike) > 1:
        return Ambiguous(asked, tuple(alike))
    return Found(alike[0], "name" if exact else "name_but_case") if alike else None


def _near(asked: str, services: Iterable[Service]) -> tuple[Service, ...]:
    """Those that may have been meant: spelt much like the text, or holding it, or held by it."""
    plain, by_name = _plain(asked), {_plain(service.name): service for service in services}
    close = difflib.get_close_matches(plain, by_name, n=NEAR, cutoff=0.5)
    related = [name for name in sorted(by_name) if plain and name and (plain in name or name in plain)]
    return tuple(by_name[name] for name in dict.fromkeys([*close, *related]))[:NEAR]


def _forget_oldest(entries: dict[str, Any]) -> None:
    while len(entries) > MOST_NAMES:
        del entries[next(iter(entries))]


def _plain(name: str) -> str:
    """A name without what people do not see as a difference: case and the number of blanks."""
    return " ".join(name.casefold().split())
