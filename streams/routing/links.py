"""Web addresses: only what a browser opens may become a link on an incident."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

URL_LIMIT: Final = 2_048
"""Characters; what common browsers and proxies carry."""

CACHED: Final = 256
"""The same address is asked about several times for one event, and events of one alert share it."""

_SHAPE = re.compile(r"https?://[^\s\x00-\x20\x7f-\x9f\ud800-\udfff<>\"\\^`{|}]+", re.IGNORECASE)


def http_url(value: object) -> str | None:
    """`value` when it is an http or https address with a host, else None."""
    if not isinstance(value, str) or len(value) > URL_LIMIT:
        return None
    return _checked(value.strip())


@lru_cache(CACHED)
def _checked(text: str) -> str | None:
    if not _SHAPE.fullmatch(text):
        return None
    try:
        host = urlsplit(text).hostname
    except ValueError:  # an unbalanced bracket of an IPv6 address
        return None
    return text if host else None
