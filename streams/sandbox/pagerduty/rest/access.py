"""Who may call: tokens, what they allow, and the `From` header that names who acts.

Sources: PagerDuty developer docs "REST API, Authentication" and "OAuth", OpenAPI (parameter `From`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.sandbox.pagerduty.directory import Directory, User
from streams.sandbox.pagerduty.rest.answers import MALFORMED_FROM, NO_FROM, NO_REQUESTER, UNAUTHORISED, Refused

_AUTHORISATION: Final = re.compile(r"(?:Token token=|Bearer )(\S+)")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Access:
    """What a token allows.

    user: the email address of its user; None: a token of the account. read_only: writes are answered 403. scopes: of an
    OAuth token, `incidents.write` for one; None: all.
    """

    user: str | None = None
    read_only: bool = False
    scopes: frozenset[str] | None = None

    def allows(self, scope: str) -> bool:
        """scope: `<resource>.read` or `<resource>.write`; writing includes reading."""
        if self.read_only and scope.endswith(".write"):
            return False
        return self.scopes is None or scope in self.scopes or scope.replace(".read", ".write") in self.scopes


class Caller:
    """Whose request it is: a name for the token that is no secret, and its access."""

    def __init__(self, name: str, access: Access) -> None:
        self.name = name
        self.access = access


def name_of(token: str) -> str:
    """`token:` and the first 16 hex digits of its SHA-256: tokens are secrets."""
    return "token:" + hashlib.sha256(token.encode()).hexdigest()[:16]


class Tokens:
    """The tokens that exist. With None every token does, as one of the account with full access."""

    def __init__(self, tokens: Mapping[str, Access] | Iterable[str] | None) -> None:
        self._known: dict[str, Access] | None = None
        if isinstance(tokens, Mapping):
            self._known = {name_of(token): access for token, access in tokens.items()}
        elif tokens is not None:
            self._known = {name_of(token): Access() for token in tokens}

    def add(self, token: str, access: Access | None = None) -> None:
        """Let a token exist; from then on only those that were added do."""
        self._known = {**(self._known or {}), name_of(token): access or Access()}

    def revoke(self, token: str) -> None:
        """Let a token be unknown from now on."""
        if self._known is None:
            raise ValueError("every token is known; name those that exist first")
        self._known.pop(name_of(token), None)

    def caller(self, authorisation: str | None) -> Caller:
        """Whose an `Authorization` header is. Raises Refused (401) for another form or an unknown token."""
        match = _AUTHORISATION.fullmatch(authorisation or "")
        if match is None:
            raise Refused(UNAUTHORISED)
        name = name_of(match[1])
        access = Access() if self._known is None else self._known.get(name)
        if access is None:
            raise Refused(UNAUTHORISED)
        return Caller(name, access)


def requester(address: str | None, access: Access, directory: Directory, *, needed: bool) -> User | None:
    """Who acts: the user of the `From` header, else the token's. Raises Refused (400) as PagerDuty does.

    needed: the operation wants to know.
    """
    if address is not None:
        address = address.strip()
        if not _ADDRESS.fullmatch(address):
            raise Refused(MALFORMED_FROM)
        user = directory.with_email(address)
        if user is None:
            raise Refused(NO_REQUESTER)
        return user
    if access.user is not None:
        return directory.with_email(access.user)
    if needed:
        raise Refused(NO_FROM)
    return None
