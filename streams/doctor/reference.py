"""What the documents refer to in an account: services and priorities."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

from streams.doctor.finding import Finding, note, ok, wrong
from streams.documents.connector import Connector
from streams.documents.integration import Integration
from streams.documents.secrets import is_template
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, judge_rest
from streams.pagerduty.services import Ambiguous, Api, Found, ServiceBook, Unknown, resolve

MOST_SERVICES: Final = 100
"""Looked at for one integration; more would take up much of the account's limit."""

CASE_PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
"""Names that Cases have for their priorities."""


def services_named(integration: Integration, connectors: Iterable[Connector]) -> dict[str, list[str]]:
    """Services that documents name for good (not by a template), each with where it stands."""
    named: dict[str, list[str]] = {}
    for name, service_id in integration.services.items():
        named.setdefault(service_id, []).append(f"integration {integration.id}, services.{name}")
    for connector in connectors:
        if not _is_of(connector, integration):
            continue
        for where, fields in [
            ("fields", connector.fields),
            *((f"overrides.{e}", f) for e, f in connector.overrides.items()),
        ]:
            service = fields.get("service")
            if service is not None and service.reveal().strip() and not is_template(service.reveal()):
                named.setdefault(service.reveal().strip(), []).append(f"connector {connector.id}, {where}.service")
    return named


async def services(api: Api, integration: Integration, connectors: Iterable[Connector]) -> AsyncIterator[Finding]:
    """Whether each service that is named is there, is one, and takes incidents."""
    connectors = list(connectors)
    if not any(_is_of(connector, integration) for connector in connectors):
        yield note(
            "connectors",
            f"none is of type PAGERDUTY_INCIDENTS with integrationId {integration.id}",
            "apply one, so that Cases have a way to this account",
        )
    named = services_named(integration, connectors)
    book = ServiceBook(clock=time.monotonic, known=integration.services)
    for asked, places in list(named.items())[:MOST_SERVICES]:
        where = " and ".join(places)
        match await resolve(asked, book, lambda question: question.put(api)):
            case Found(service, by):
                yield await _usable(api, service.id, asked, where, by)
            case Unknown() | Ambiguous() as no:
                yield wrong("service", f"{no} ({where})", "correct the name, or use the service's id")
            case TryAgain(reason, words) | Refused(reason, words):
                yield note("service", f"{asked!r} could not be looked up ({reason}): {words}", "try again")
    if len(named) > MOST_SERVICES:
        yield note("service", f"{len(named) - MOST_SERVICES} more were not looked at")


async def _usable(api: Api, service_id: str, asked: str, where: str, by: str) -> Finding:
    answer = await api.service(service_id)
    service = answer.one("service")
    match judge_rest(answer):
        case Refused(reason="not_found"):
            return wrong("service", f"{asked!r} is {service_id}, which is gone ({where})", "correct the document")
        case Refused(reason, words) | TryAgain(reason, words):
            return note("service", f"{asked!r} could not be looked at ({reason}): {words}", "try again")
        case Ok() if service.get("status") == "disabled":
            return wrong("service", f"{asked!r} ({service_id}) is disabled: it takes no incidents", "enable it")
        case Ok() if service.get("status") == "maintenance":
            return note("service", f"{asked!r} ({service_id}) is in maintenance: incidents page nobody")
        case _:
            name = service.get("name") or service.get("summary")
            if by == "name_but_case":
                return note("service", f"{asked!r} is written {name!r} in PagerDuty ({where})", "write it so as well")
            return ok("service", f"{asked!r} is {name!r} ({service_id})")


async def priorities(api: RestClient) -> Finding:
    """Whether the account has priorities, and those that Cases have."""
    answer = await api.priorities()
    match judge_rest(answer):
        case Refused(reason="ability_missing"):
            return note("priorities", "the account has none, so that a Case's priority is not told to PagerDuty")
        case Refused(reason, words) | TryAgain(reason, words):
            return note("priorities", f"could not be read ({reason}): {words}", "try again")
        case Ok():
            names = [str(one.get("name") or one.get("summary")) for one in answer.many("priorities")]
            if missing := [name for name in CASE_PRIORITIES if name not in names]:
                return note(
                    "priorities",
                    f"there is no {', '.join(missing)}; there are {', '.join(names) or 'none'}",
                    "a Case's priority is told to PagerDuty where one of the same name is there",
                )
            return ok("priorities", ", ".join(names))


def _is_of(connector: Connector, integration: Integration) -> bool:
    named = connector.fields.get("integrationId")
    return named is not None and named.reveal().strip() == integration.id
