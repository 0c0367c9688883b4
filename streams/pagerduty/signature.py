"""Whether a webhook is PagerDuty's: its signature over the raw body, made with a secret that only it and we have."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

HEADER: Final = "X-PagerDuty-Signature"
_V1: Final = re.compile(r"v1=([0-9a-f]{64})")
MOST_SIGNATURES: Final = 20
"""In one header. PagerDuty sends one for each secret in use, two while one is changed."""


@dataclass(frozen=True, slots=True)
class Genuine:
    """One of the signatures was made with one of our secrets."""


@dataclass(frozen=True, slots=True)
class Forged:
    """No secret of ours made any of them: the body is not as PagerDuty sent it, or not PagerDuty's at all."""

    reason: Literal["unsigned", "wrong_signature"]


def signature(secret: str, body: bytes) -> str:
    """The header's value for one secret: HMAC-SHA256 of the body, the secret taken as the text it is (base64 that it
    looks like is not decoded). Source: PagerDuty webhooks v3, verifying signatures; checked against real deliveries."""
    return f"v1={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def verify(header: str | None, body: bytes, secrets: Iterable[str]) -> Genuine | Forged:
    """Check `X-PagerDuty-Signature` against every secret, in constant time each.

    The header has signatures separated by commas, of which one must fit; those of other versions than v1 are passed
    over. A header of the wrong form costs no computation.
    """
    given = [found[1] for part in (header or "").split(",") if (found := _V1.fullmatch(part.strip()))]
    if not given or len(given) > MOST_SIGNATURES:
        return Forged("unsigned")
    for secret in secrets:
        if not secret:  # anybody can sign with nothing
            continue
        expected = hmac.digest(secret.encode(), body, "sha256").hex()
        if any([hmac.compare_digest(expected, one) for one in given]):
            return Genuine()
    return Forged("wrong_signature")
