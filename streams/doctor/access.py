"""What an integration's token and its `From` user may do, tried with calls that change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from streams.doctor.finding import Finding, note, ok, wrong
from streams.documents.integration import Integration
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest

NOBODY: Final = "QPAGERLINE0000"
"""An id that no object has: a write to it says whether one would be allowed, and changes nothing."""

READ_ONLY_ROLES: Final = frozenset({"read_only_user", "read_only_limited_user"})
"""Stakeholders: they can see an incident and not act on it (PagerDuty, user roles)."""


async def reachable(api: RestClient, url: str) -> Finding:
    """Whether PagerDuty knows the token; nothing else is worth a look while it does not."""
    answer = await api.abilities()
    match judge_rest(answer):
        case Ok():
            left = f", {answer.remaining} calls left this minute" if answer.remaining is not None else ""
            return ok("token", f"PagerDuty knows it{left}")
        case TryAgain(reason="rate_limited"):
            return note("token", "its limit is used up at the moment", "see who else calls with it, and come back")
        case TryAgain(reason, words):
            return wrong(
                "PagerDuty",
                f"{url} does not answer as it should ({reason}): {words}",
                "see `region` and `baseUrl` of the integration, HTTPS_PROXY, and status.pagerduty.com",
            )
        case Refused(reason="unauthorized"):
            return wrong(
                "token",
                "PagerDuty does not know it",
                "make a REST API key (Integrations, API Access Keys), of the account in this region, and apply it",
            )
        case Refused(reason, words):
            return wrong("token", f"refused ({reason}): {words}", "see the account and the key in PagerDuty")


async def permissions(api: RestClient) -> AsyncIterator[Finding]:
    """Whether the token may write what two-way sync writes."""
    tried = {
        "incidents": await api.update_incident(NOBODY),
        "webhook subscriptions": await api.ping_subscription(NOBODY),
    }
    for what, answer in tried.items():
        match judge_rest(answer):
            case Refused(reason="forbidden" | "ability_missing" | "unauthorized", words=words):
                yield wrong(
                    "token",
                    f"may not write {what}: {words}",
                    "give the integration a key that is not read-only, or the scope that is missing",
                )
            case Refused(reason="requester_unknown" | "from_unusable"):
                pass  # told by `sender`
            case Refused() | Ok():
                yield ok("token", f"may write {what}")
            case TryAgain(reason):
                yield note("token", f"whether it may write {what} could not be seen ({reason})", "try again")


async def sender(api: RestClient, integration: Integration) -> Finding:
    """Whether `from` is a user of the account who may act."""
    email = integration.from_email
    answer = await api.users(query=email)
    match judge_rest(answer):
        case Refused(reason="requester_unknown" | "from_unusable", words=words):
            return _no_user(email, words)
        case Refused(reason="forbidden"):
            return await _sender_unseen(api, email)
        case Refused(reason, words) | TryAgain(reason, words):
            return note("from", f"users could not be read ({reason}): {words}", "try again")
        case Ok():
            return _user(email, answer)


def _user(email: str, answer: RestAnswer) -> Finding:
    found = [one for one in answer.many("users") if str(one.get("email", "")).lower() == email.lower()]
    if not found:
        return _no_user(email, "no user has this address")
    name, role = found[0].get("name") or found[0].get("summary"), found[0].get("role")
    if role in READ_ONLY_ROLES:
        return wrong("from", f"{email} ({name}) is a {role}, who cannot act on incidents", "use a responder's address")
    return ok("from", f"{email} is {name}")


async def _sender_unseen(api: RestClient, email: str) -> Finding:
    """The token may not read users; a write that names nobody's incident still says whether `From` is known."""
    match judge_rest(await api.update_incident(NOBODY)):
        case Refused(reason="requester_unknown" | "from_unusable", words=words):
            return _no_user(email, words)
        case _:
            return note("from", f"the token may not read users, so that {email} could not be looked up")


def _no_user(email: str, words: str) -> Finding:
    return wrong(
        "from", f"{email}: {words}", "set `from` to the address of a user of the account, a bot user's at best"
    )
