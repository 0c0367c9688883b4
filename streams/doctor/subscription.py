"""The webhook subscription of an integration: how it stands, and how it is set up and put right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from streams.doctor.finding import Finding, note, ok, wrong
from streams.documents.integration import Integration
from streams.documents.secrets import Secret
from streams.pagerduty.answers import Refused, TryAgain
from streams.pagerduty.poll import is_disabled
from streams.pagerduty.rest import RestClient
from streams.pagerduty.rest_answers import Ok, RestAnswer, judge_rest
from streams.sync.said import WEBHOOKS

EVENTS: Final = tuple(WEBHOOKS)
"""What two-way sync wants to hear of (PagerDuty webhooks v3, event types)."""

PATH: Final = "/webhooks/pagerduty/"
MOST_PAGES: Final = 20
KEPT_SECRETS: Final = 3
"""Of an integration: the new one, and those before it, since PagerDuty retries what it has signed for 48 hours."""

Save = Callable[[Integration], Awaitable[None]]
"""Stores an integration's document; raises PagerlineError when it was not stored."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the subscription stands.

    found: as PagerDuty has it, None when it has none of ours. faults: what is wrong with it, that `repair` can put
    right. doubles: ids of others that send to the same place. alike: URLs of others with our path on another host,
    which may be another installation's. trouble: why nothing can be said.
    """

    found: Mapping[str, Any] | None
    faults: tuple[Finding, ...] = ()
    doubles: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    trouble: Finding | None = None


def webhook_url(given: str, integration: Integration) -> str:
    """Where PagerDuty is to send: the URL given, with our path where it has none of its own."""
    parts = urlsplit(given)
    return given if parts.path.strip("/") else given.rstrip("/") + PATH + integration.id


async def look(api: RestClient, integration: Integration, url: str | None) -> Standing:
    """How the subscription stands. url: where it should send to, when that is known."""
    listed: list[Mapping[str, Any]] = []
    for page in range(MOST_PAGES):
        answer = await api.subscriptions(offset=page * 100)
        verdict = judge_rest(answer)
        if not isinstance(verdict, Ok):
            return Standing(None, trouble=_unreadable(verdict))
        listed += answer.many("webhook_subscriptions")
        if not answer.more:
            break
    named = next((one for one in listed if one.get("id") == integration.subscription), None)
    target = url or (_address(named) if named is not None else None)
    there = [one for one in listed if _address(one) == target]
    found = named or (there[0] if there else None)
    others = [one for one in listed if found is None or one.get("id") != found.get("id")]
    return Standing(
        found,
        tuple(_faults(found, integration, url)),
        doubles=tuple(str(one.get("id")) for one in others if _address(one) == target),
        alike=tuple(
            _address(one)
            for one in others
            if _address(one) != target and urlsplit(_address(one)).path == PATH + integration.id
        ),
    )


def _faults(found: Mapping[str, Any] | None, integration: Integration, url: str | None) -> list[Finding]:
    repair = f"`pagerline doctor --integration {integration.id} --repair` puts it right"
    set_up = f"`pagerline doctor --integration {integration.id} --repair --webhook-url URL` sets one up"
    if found is None:
        gone = f"{integration.subscription} is gone" if integration.subscription else "there is none"
        return [wrong("subscription", f"{gone}: PagerDuty tells us nothing", set_up)]
    faults = []
    name, address = str(found.get("id")), _address(found)
    if not integration.webhook_secrets:
        faults.append(wrong("webhook secret", "the integration has none, and PagerDuty shows it once only", set_up))
    elif integration.subscription is None:
        faults.append(wrong("subscription", f"{name} sends here, and the document does not name it", set_up))
    if found.get("active") is False:
        faults.append(wrong("subscription", f"{name} is switched off", repair))
    if is_disabled(found):
        faults.append(wrong("subscription", f"PagerDuty has disabled {name}, because its webhooks failed", repair))
    if missing := [event for event in EVENTS if event not in (found.get("events") or ())]:
        faults.append(wrong("subscription", f"{name} does not tell of {', '.join(missing)}", repair))
    if url is not None and address != url:
        faults.append(wrong("subscription", f"{name} sends to {address}, not to {url}", set_up))
    return faults


async def check(standing: Standing) -> AsyncIterator[Finding]:
    """What was found, for people."""
    if standing.trouble is not None:
        yield standing.trouble
        return
    for fault in standing.faults:
        yield fault
    found = standing.found
    if found is not None and not standing.faults:
        scope = str((found.get("filter") or {}).get("type", "")).removesuffix("_reference")
        yield ok("subscription", f"{found.get('id')} tells {_address(found)} of the whole {scope or 'account'}")
        if scope and scope != "account":
            yield note("subscription", f"it tells of one {scope} alone", "other services' incidents are found by poll")
        if urlsplit(_address(found)).scheme != "https":
            yield note("subscription", f"{_address(found)} is not https: webhooks can be read on their way")
    if standing.doubles:
        told = f"{', '.join(standing.doubles)} sends to the same place"
        yield note("subscription", told, "delete it in PagerDuty (Webhooks)")
    for address in standing.alike:
        told = f"another one sends to {address}"
        yield note("subscription", told, "if that is this installation, give it as --webhook-url")


async def repair(
    api: RestClient, integration: Integration, standing: Standing, url: str | None, save: Save
) -> AsyncIterator[Finding]:
    """Put right what `look` has found wrong. A new subscription takes the place of one that cannot be changed: whose
    secret nobody knows any more, or that sends elsewhere; its secret is stored before the old one is deleted."""
    found = standing.found
    if standing.trouble is not None:
        return
    if _needs_new(standing, integration, url):
        target = url or (_address(found) if found is not None else None)
        if target is None:
            yield wrong("subscription", "not set up", "say where PagerDuty reaches `pagerline web`: --webhook-url URL")
            return
        async for finding in _replace(api, integration, found, target, save):
            yield finding
        return
    assert found is not None, "what is not there needs a new one"
    name = str(found["id"])
    if found.get("active") is False:
        yield _done(await api.update_subscription(name, {"active": True}), f"{name} is switched on")
    if is_disabled(found):
        yield _done(await api.enable_subscription(name), f"{name} is enabled again")
    events = list(found.get("events") or ())
    if missing := [event for event in EVENTS if event not in events]:
        done = await api.update_subscription(name, {"events": [*events, *missing]})
        yield _done(done, f"{name} tells of {', '.join(missing)} as well")


def _needs_new(standing: Standing, integration: Integration, url: str | None) -> bool:
    found = standing.found
    if found is None or not integration.webhook_secrets or found.get("id") != integration.subscription:
        return True
    return url is not None and _address(found) != url


async def _replace(
    api: RestClient, integration: Integration, old: Mapping[str, Any] | None, url: str, save: Save
) -> AsyncIterator[Finding]:
    answer = await api.create_subscription(
        url=url, events=EVENTS, description=f"Pagerline, integration {integration.id}"
    )
    match judge_rest(answer):
        case Refused(reason="limit_reached", words=words):
            yield wrong("subscription", f"PagerDuty takes no more of them: {words}", "delete one that nobody needs")
            return
        case Refused(reason, words) | TryAgain(reason, words):
            yield wrong("subscription", f"could not be made ({reason}): {words}", "see the findings about the token")
            return
    made = answer.one("webhook_subscription")
    name, secret = made.get("id"), (made.get("delivery_method") or {}).get("secret")
    if not isinstance(name, str) or not isinstance(secret, str) or not secret:
        yield wrong("subscription", "PagerDuty has made one and not told its secret", "delete it there and try again")
        return
    secrets = (Secret(secret), *integration.webhook_secrets)[:KEPT_SECRETS]
    try:
        await save(replace(integration, subscription=name, webhook_secrets=secrets))
    except BaseException:  # nobody would ever know the secret: a subscription that fails for a day, again and again
        await api.delete_subscription(name)
        raise
    yield ok("subscription", f"{name} sends to {url}; its secret is stored with the integration")
    if old is not None and old.get("id") != name:
        yield _done(await api.delete_subscription(str(old["id"])), f"{old['id']}, which it replaces, is deleted")


def _done(answer: RestAnswer, text: str) -> Finding:
    match judge_rest(answer):
        case Ok():
            return ok("subscription", text)
        case Refused(reason, words) | TryAgain(reason, words):
            return wrong("subscription", f"not done ({reason}): {words}", "see the findings about the token, try again")


def _unreadable(verdict: Refused | TryAgain) -> Finding:
    return wrong(
        "subscription",
        f"webhook subscriptions cannot be read ({verdict.reason}): {verdict.words}",
        "see the findings about the token",
    )


def _address(subscription: Mapping[str, Any]) -> str:
    method = subscription.get("delivery_method")
    return str(method.get("url", "")) if isinstance(method, dict) else ""
