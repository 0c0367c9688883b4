"""Integrations. There is no documented shape of them; this is Pagerline's own.

kind: integration
id: acme
name: Acme
token: ${ENV:PAGERDUTY_TOKEN}            # or the REST API key itself, or file:/run/secrets/pagerduty
from: oncall@acme.io
region: us
webhookSecrets: [file:/run/secrets/webhook]
services: {Payments: PAYM3NT}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from streams.documents.integration import API_URLS, DEFAULT_RATE_LIMIT, Integration
from streams.documents.node import Node, choice
from streams.documents.options import MOST_RATE_LIMIT
from streams.documents.parsing.common import Reader, needed_member
from streams.documents.parsing.value import FIND_TOKEN, read_secret, read_url
from streams.documents.secrets import Secret

OWN: Final = (
    "kind", "id", "name", "token", "from", "region", "baseUrl", "webhookSecrets", "services", "rateLimit",
    "subscription", "version",
)  # fmt: skip

FIND_SECRET: Final = "copy the secret that PagerDuty showed once, when the webhook subscription was made"
MOST_SECRETS: Final = 10
"""Each webhook is tried with each of them."""
MOST_SERVICES: Final = 10_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_SERVICE_ID = re.compile(r"[A-Z0-9]{1,32}")


def read_integration(reader: Reader, node: Node, *, kind_needed: bool) -> Integration:
    """The integration; sound only when nothing has been reported. Raises DocumentError to stop reading."""
    members = node.members(OWN, reader.report)
    reader.check_kind(node, members, "integration", needed=kind_needed)
    integration_id = reader.id(node, members)
    found: dict[str, Any] = {"token": Secret(""), "from_email": "", "rate_limit": DEFAULT_RATE_LIMIT}
    with reader.noting():
        found["token"] = read_secret(needed_member(node, members, "token", FIND_TOKEN), FIND_TOKEN)
    with reader.noting():
        found["from_email"] = _email(needed_member(node, members, "from", "write the e-mail of a user of the account"))
    with reader.noting():
        found["region"] = choice(members["region"], API_URLS) if "region" in members else "us"
    with reader.noting():
        found["base_url"] = read_url(members["baseUrl"]) if "baseUrl" in members else None
    with reader.noting():
        if "rateLimit" in members:
            found["rate_limit"] = members["rateLimit"].whole_number(1, MOST_RATE_LIMIT)
    return Integration(
        id=integration_id,
        name=reader.name(members) or integration_id,
        webhook_secrets=_secrets(reader, members),
        services=_services(reader, members),
        subscription=reader.short_text(members, "subscription", 1, 128) or None,
        **found,
    )


def _email(node: Node) -> str:
    text = node.text().strip()
    if not _EMAIL.fullmatch(text) or not text.isprintable():  # it goes into a header of every write
        raise node.fault("is no e-mail address", "write the e-mail of a user of the account")
    return text


def _secrets(reader: Reader, members: Mapping[str, Node]) -> tuple[Secret, ...]:
    found: list[Secret] = []
    with reader.noting():
        if "webhookSecrets" in members and not members["webhookSecrets"].is_nothing:
            reader.each(
                members["webhookSecrets"], MOST_SECRETS, lambda _, item: found.append(read_secret(item, FIND_SECRET))
            )
    return tuple(found)


def _services(reader: Reader, members: Mapping[str, Node]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    with reader.noting():
        entries = reader.entries(members, "services")
        if len(entries) > MOST_SERVICES:
            raise members["services"].fault(
                f"has {len(entries)} entries, {MOST_SERVICES} is the limit", "take some out: others are asked for"
            )
        for name, value in entries.items():
            with reader.noting():
                service_id = value.text().strip()
                if not _SERVICE_ID.fullmatch(service_id):
                    raise value.fault(
                        "is no id of a service", "copy it from the service's address: …/service-directory/ID"
                    )
                found[name] = service_id
    return MappingProxyType(found)
