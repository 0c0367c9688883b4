"""Who may ask: the bearer token, and where there is none what keeps other sites' pages out.

Without a token the process listens on loopback alone. A page of some site in a browser on the same machine can still
send requests there; so then the `Host` must be a loopback one (a name of the attacker's that points to 127.0.0.1 is
not), and an `Origin` must be our own.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import SecretStr

from streams.errors import SettingsError
from streams.settings import Settings
from streams.web.problem import ApiError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN: Final = frozenset({"/", "/livez", "/readyz", "/console.js", "/console.css"})
"""Resources without the token: the probes, and the console's own files, which hold no data."""

WEBHOOKS: Final = "/webhooks/"
"""PagerDuty signs its webhooks, and knows no token of ours."""

_LOOPBACK_NAME: Final = "localhost"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost may mean anything."""
    if host.lower() == _LOOPBACK_NAME:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_bind(settings: Settings) -> None:
    """Raises SettingsError where anybody could reach the API without a token."""
    if settings.web_token is None and not is_loopback(settings.web_bind.host):
        raise SettingsError(
            [
                f"PAGERLINE_WEB_BIND={settings.web_bind}: can be reached from other machines, and PAGERLINE_WEB_TOKEN "
                "is not set; set a long random token, or bind to 127.0.0.1"
            ]
        )


class Guard:
    """Decides on a request's headers, before anything else looks at it."""

    def __init__(self, token: SecretStr | None) -> None:
        self._digest = None if token is None else _digest(token.get_secret_value().encode())

    def check(self, request: web.Request) -> None:
        """Raises ApiError when the request is not to be served."""
        # What it was resolved to and not what its path looks like: of a path nobody serves, not even that is told.
        resource = request.match_info.route.resource
        served = "" if resource is None else resource.canonical
        if served in OPEN or served.startswith(WEBHOOKS):
            return
        if self._digest is not None:
            if not self._knows(request.headers.get("Authorization", "")):
                raise ApiError(
                    "unauthorized",
                    "send the header `Authorization: Bearer` with the value of PAGERLINE_WEB_TOKEN",
                    headers={"WWW-Authenticate": 'Bearer realm="pagerline"'},
                )
            return
        host = request.headers.get("Host", "")
        if not is_loopback(_hostname(f"//{host}")):
            raise ApiError("forbidden", "without PAGERLINE_WEB_TOKEN only 127.0.0.1 and localhost are served")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("//")[2] != host:
            raise ApiError("forbidden", "without PAGERLINE_WEB_TOKEN no page of another origin is served")

    def _knows(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        # aiohttp reads header bytes beyond ASCII as surrogates; the token may be any UTF-8 text.
        digest = _digest(given.strip().encode("utf-8", "surrogateescape"))
        assert self._digest is not None
        # Digests, and not the tokens: they are all of one length, so that not even a token's length can be measured.
        return hmac.compare_digest(digest, self._digest) and scheme.lower() == "bearer"


def guarding(guard: Guard) -> Middleware:
    """The middleware of a guard."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        guard.check(request)
        return await handler(request)

    return middleware


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
