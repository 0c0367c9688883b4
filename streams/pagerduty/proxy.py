"""The HTTP proxy between us and PagerDuty, its password kept apart from its address."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from streams.errors import SettingsError

SCHEMES: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class Proxy:
    """`url` has no user info: aiohttp repeats it in the text of its errors. `headers` identify us to the proxy."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tunnels: bool = True

    def options(self) -> dict[str, Any]:
        """Keyword arguments for an aiohttp request.

        Through a tunnel (https) the headers are the proxy's alone; a plain request carries them itself, for the proxy
        to take out. aiohttp 3.14 has deprecated `proxy_auth`, which did both.
        """
        return {"proxy": self.url, "proxy_headers" if self.tunnels else "headers": self.headers}


def proxy_of(url: str) -> Proxy | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for a URL.

    Looked up once: aiohttp's `trust_env` does it for every request, in a thread, at a quarter of the request's cost.
    Raises SettingsError, which shows neither user nor password, when it cannot be used.
    """
    parts = urlsplit(url)
    given = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if given is None:
        return None
    refusal = SettingsError([f"{parts.scheme.upper()}_PROXY={_without_user(given)}: must be http://host:port"])
    try:
        proxy = urlsplit(given)
        port = f":{proxy.port}" if proxy.port is not None else ""
    except ValueError:
        raise refusal from None
    if proxy.scheme not in SCHEMES or not proxy.hostname or proxy.port == 0:
        raise refusal
    host = f"[{proxy.hostname}]" if ":" in proxy.hostname else proxy.hostname
    headers = {}
    if proxy.username is not None:
        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    return Proxy(f"{proxy.scheme}://{host}{port}", headers, tunnels=parts.scheme == "https")


def _without_user(given: str) -> str:
    """All that stands before the last @ may be a password, however the rest is written."""
    return "…@" + given.rpartition("@")[2] if "@" in given else given
