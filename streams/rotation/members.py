"""Which key each worker seals with: it says so in its client id, which the group's coordinator shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError, for_code

from streams.documents.secrets import Cipher
from streams.errors import KafkaUnavailable

PREFIX: Final = "pagerline-"


@dataclass(frozen=True, slots=True)
class Member:
    """A worker of the group. `key_id` names the key that it seals with; None: it is of a version that does not say."""

    host: str
    key_id: str | None


def client_id(cipher: Cipher) -> str:
    """The client id of a worker with this cipher."""
    return f"{PREFIX}{cipher.key_id}"


def read_client_id(text: str) -> str | None:
    """The key that a member's client id names."""
    return text.removeprefix(PREFIX) or None if text.startswith(PREFIX) else None


async def members(admin: Any, group: str) -> list[Member]:
    """The workers of a group. Raises KafkaUnavailable when the brokers do not say."""
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        code, _name, _state, _type, _protocol, found, *_ = answer.groups[0]
    except (KafkaError, ValueError) as error:
        raise _unknown(group, type(error).__name__) from error
    if code:
        raise _unknown(group, for_code(code).__name__)
    return [Member(str(host).removeprefix("/"), read_client_id(client)) for _id, client, host, *_ in found]


def _unknown(group: str, why: str) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"the brokers do not say which workers the group {group} has ({why}); describing the group must be allowed"
    )
