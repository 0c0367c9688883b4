"""Service names and ids, over an account whose services come, go and are renamed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest_answers import RestAnswer
from streams.pagerduty.services import (
    FRESH_SECONDS,
    MOST_NAMES,
    UNKNOWN_SECONDS,
    Ambiguous,
    Ask,
    Found,
    Resolution,
    Service,
    ServiceBook,
    Unknown,
    resolve,
)

PAYMENTS, CHECKOUT = Service("PPAY001", "Payments"), Service("PCHK001", "Checkout EU")


@dataclass
class Account:
    """Services by id, read as PagerDuty would: a page has 100, `query` is contained whatever the case."""

    services: dict[str, str]
    calls: list[Ask] = field(default_factory=list)
    failing: RestAnswer | None = None
    now: float = 1000.0

    async def service(self, service_id: str) -> RestAnswer:
        if (name := self.services.get(service_id)) is None:
            return RestAnswer(404, {"error": {"message": "Not Found", "code": 2100}})
        return RestAnswer(200, {"service": {"id": service_id, "name": name}})

    async def services_page(self, query: str | None, offset: int) -> RestAnswer:
        found = [
            {"id": one, "name": name}
            for one, name in self.services.items()
            if query is None or query.casefold() in name.casefold()
        ]
        return RestAnswer(200, {"services": found[offset : offset + 100], "more": len(found) > offset + 100})

    async def call(self, question: Ask) -> RestAnswer:
        self.calls.append(question)
        return self.failing or await question.put(View(self))

    def book(self, known: Mapping[str, str] | None = None) -> ServiceBook:
        return ServiceBook(clock=lambda: self.now, known=known)

    def ask(self, asked: str, book: ServiceBook) -> Awaitable[Resolution | TryAgain | Refused]:
        return resolve(asked, book, self.call)


class View:
    """The account by the names of the REST client."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def service(self, service_id: str) -> RestAnswer:
        return await self._account.service(service_id)

    async def services(self, *, query: str | None = None, offset: int = 0) -> RestAnswer:
        return await self._account.services_page(query, offset)


@pytest.fixture
def account() -> Account:
    return Account({one.id: one.name for one in (PAYMENTS, CHECKOUT, Service("PPAY002", "Payments batch"))})


@pytest.mark.parametrize(
    ("asked", "found", "calls"),
    [
        ("Payments", Found(PAYMENTS, "name"), 1),
        ("  Payments\n", Found(PAYMENTS, "name"), 1),
        ("payments", Found(PAYMENTS, "name_but_case"), 1),
        ("CHECKOUT EU", Found(CHECKOUT, "name_but_case"), 1),
        ("PPAY001", Found(PAYMENTS, "id"), 1),
        ("Paymentz", Unknown("Paymentz", (PAYMENTS, Service("PPAY002", "Payments batch"))), 2),
        ("PNOBODY", Unknown("PNOBODY"), 3),
        ("Checkout", Unknown("Checkout", (CHECKOUT,)), 2),
    ],
)
async def test_what_a_text_means_and_at_how_many_calls(
    account: Account, asked: str, found: Resolution, calls: int
) -> None:
    book = account.book()
    assert await account.ask(asked, book) == found
    assert len(account.calls) == calls
    assert await account.ask(asked, book) == found  # from memory
    assert len(account.calls) == calls


async def test_a_name_that_looks_like_an_id(account: Account) -> None:
    account.services["PXYZ123"] = "PAYROLL"
    assert await account.ask("PAYROLL", account.book()) == Found(Service("PXYZ123", "PAYROLL"), "name")


async def test_a_name_that_the_document_gives_is_not_asked_for(account: Account) -> None:
    book = account.book({"Front Door": "PDOOR01"})
    assert await account.ask("front door", book) == Found(Service("PDOOR01", "Front Door"), "document")
    assert account.calls == []


async def test_two_services_of_one_name_are_listed(account: Account) -> None:
    account.services["PPAY003"] = "Payments"
    found = await account.ask("Payments", account.book())
    assert found == Ambiguous("Payments", (PAYMENTS, Service("PPAY003", "Payments")))
    assert str(found) == (
        "several services are called 'Payments': 'Payments' (PPAY001), 'Payments' (PPAY003); use the id of one"
    )


async def test_the_letter_counts_before_the_case(account: Account) -> None:
    account.services["PPAY003"] = "payments"
    assert await account.ask("payments", account.book()) == Found(Service("PPAY003", "payments"), "name")
    assert isinstance(await account.ask("PAYMENTS", account.book()), Ambiguous)


async def test_near_names_are_told_to_a_person(account: Account) -> None:
    found = await account.ask("Pyments", account.book())
    assert str(found) == (
        "the account has no service 'Pyments'; it has 'Payments' (PPAY001), 'Payments batch' (PPAY002)"
    )
    assert str(Unknown("x")) == "the account has no service 'x'"


async def test_a_rename_is_noticed_when_the_name_has_aged(account: Account) -> None:
    book = account.book()
    await account.ask("Payments", book)
    account.services[PAYMENTS.id] = "Money"
    account.now += FRESH_SECONDS - 1
    assert await account.ask("Payments", book) == Found(PAYMENTS, "name")
    account.now += 1
    assert isinstance(await account.ask("Payments", book), Unknown)
    assert await account.ask("Money", book) == Found(Service(PAYMENTS.id, "Money"), "name")


async def test_a_service_that_was_made_meanwhile_is_found_soon(account: Account) -> None:
    book = account.book()
    assert isinstance(await account.ask("Search", book), Unknown)
    account.services["PSRCH01"] = "Search"
    account.now += UNKNOWN_SECONDS
    assert await account.ask("Search", book) == Found(Service("PSRCH01", "Search"), "name")


async def test_what_pagerduty_no_longer_knows_is_asked_for_at_once(account: Account) -> None:
    book = account.book()
    await account.ask("Payments", book)
    del account.services[PAYMENTS.id]
    account.services["PPAY009"] = "Payments"
    book.forget("Payments")
    assert await account.ask("Payments", book) == Found(Service("PPAY009", "Payments"), "name")


async def test_many_wrong_names_read_the_list_once(account: Account) -> None:
    book = account.book()
    for number in range(50):
        assert isinstance(await account.ask(f"nonsense {number}", book), Unknown)
    assert [call.kind for call in account.calls].count("list") == 1


async def test_a_name_on_the_third_page_and_a_list_without_end() -> None:
    account = Account({f"P{number:06}": f"team service {number}" for number in range(2_000)})
    account.services["PLAST01"] = "service"
    book = account.book()
    assert await account.ask("team service 250", book) == Found(Service("P000250", "team service 250"), "name")
    account.calls.clear()
    assert isinstance(await account.ask("service", book), Unknown)  # named like 2,000 others: beyond what is read
    assert len(account.calls) == 20


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(RestAnswer(503), TryAgain("server_error", "")), (RestAnswer(401), Refused("unauthorized", ""))],
)
async def test_a_call_that_fails_is_no_answer_about_the_name(
    account: Account, answer: RestAnswer, verdict: TryAgain | Refused
) -> None:
    book = account.book()
    account.failing = answer
    assert await account.ask("Payments", book) == verdict
    account.failing = None
    assert await account.ask("Payments", book) == Found(PAYMENTS, "name")


@pytest.mark.parametrize("body", [None, {}, {"services": [{"id": 7, "name": "Payments"}, {"id": "P1"}, 3]}, "text"])
async def test_answers_that_make_no_sense_name_nobody(account: Account, body: Any) -> None:
    account.failing = RestAnswer(200, body)
    assert await account.ask("Payments", account.book()) == Unknown("Payments")


async def test_many_that_ask_for_one_name_at_once(account: Account) -> None:
    book = account.book()
    found = await asyncio.gather(*(account.ask("Paymentz", book) for _ in range(10)))
    assert {str(one) for one in found} == {str(found[0])}
    assert isinstance(found[0], Unknown)


async def test_no_number_of_names_fills_the_memory(account: Account) -> None:
    book = account.book()
    question = book.look("first")
    for number in range(MOST_NAMES):
        book.look(f"name {number}")
    assert isinstance(question, Ask)
    book.learn("first", question, [Service("P1", "first")])  # forgotten, so that the answer comes too late
    assert isinstance(book.look("first"), Ask)
