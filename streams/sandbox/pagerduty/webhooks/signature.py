"""How PagerDuty signs a webhook (developer docs "Webhooks, Verifying Signatures")."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def signature_header(secrets: Iterable[str], body: bytes) -> str:
    """`x-pagerduty-signature`: one `v1=<HMAC-SHA256 in hex>` a secret, comma separated.

    The key is the secret's characters as they are; they look like base64 and are not decoded.
    """
    return ",".join("v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
