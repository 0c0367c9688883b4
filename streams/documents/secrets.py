"""Routing keys and other secrets: sealed at rest, masked in sight, opened only to send.

cipher = cipher_of(settings)
token = cipher.seal("930a…")         # for a topic
cipher.open(token)                   # just before the request to PagerDuty
print(Secret("930a…"))               # …0d1
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from streams.errors import SecretError, SettingsError

if TYPE_CHECKING:
    from streams.settings import Settings

CACHED: Final = 4096
"""Texts that a cipher remembers: more than the keys of a large account, at most a few megabytes."""

ROUTING_KEY_LENGTH: Final = 32
_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
_MARKERS: Final = ("{{", "{%")
_SHOWN: Final = 3


Age = Literal["newest", "older", "unknown"]


class Secret:
    """A text that prints masked; `reveal()` gives it. Equal to another Secret of the same text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __str__(self) -> str:
        return mask(self._text)

    def __repr__(self) -> str:
        return f"Secret({mask(self._text)!r})"


class Cipher:
    """Seals and opens texts with Fernet keys, newest first: the first seals, any of them opens.

    Both directions remember the last texts: the same few keys go with every event, and encrypting costs 30 µs.
    So the same text mostly gives the same token; a topic shows the destination's id beside it anyway.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError when there is no key, or one is not a Fernet key."""
        fernets = [Fernet(key) for key in keys]
        fernet, newest = MultiFernet(fernets), fernets[0]
        self.rotating = len(keys) > 1
        """Whether there are keys beside the newest, so that something may be sealed with an older one."""
        self.key_id = key_id(keys[0])
        """Names the newest key."""
        self._seal = lru_cache(CACHED)(lambda text: fernet.encrypt(text.encode()).decode())
        self._open = lru_cache(CACHED)(lambda token: fernet.decrypt(token.encode()).decode())
        self._is_newest = lru_cache(CACHED)(lambda token: _opens(newest, token))

    def seal(self, text: str) -> str:
        """The token (URL-safe base64, so plain ASCII) that stands for the text."""
        return self._seal(text)

    def open(self, token: str) -> str:
        """The text of a token. Raises SecretError when none of the keys opens it."""
        try:
            return self._open(token)
        except (InvalidToken, UnicodeError):
            pass
        raise SecretError(
            "a secret cannot be decrypted: PAGERLINE_SECRET_KEYS lacks the key it was encrypted with; "
            "add that key at the end of the list"
        )

    def age(self, token: str) -> Age:
        """Which key a token is sealed with: the newest, an older one of the list, or none of the list."""
        if self._is_newest(token):
            return "newest"
        try:
            self._open(token)
        except (InvalidToken, UnicodeError):
            return "unknown"
        return "older"

    def renewed(self, token: str) -> str:
        """The token sealed with the newest key; itself when it is, or when none of the keys opens it."""
        return self.seal(self._open(token)) if self.rotating and self.age(token) == "older" else token


def _opens(fernet: Fernet, token: str) -> bool:
    try:
        fernet.decrypt(token.encode())
    except (InvalidToken, UnicodeError):
        return False
    return True


def cipher_of(settings: Settings) -> Cipher:
    """The cipher of PAGERLINE_SECRET_KEYS. Raises SettingsError, saying how to make a key, when it is not set."""
    if not settings.secret_keys:
        raise SettingsError(
            ["PAGERLINE_SECRET_KEYS: is not set, and connectors are stored encrypted; "
             "must be a key that `pagerline secrets new-key` prints, the same for every process"]
        )  # fmt: skip
    return Cipher([key.get_secret_value() for key in settings.secret_keys])


def key_id(key: str) -> str:
    """Names a key of PAGERLINE_SECRET_KEYS without telling it: 12 hexadecimal digits of a hash. A key is 256 random
    bits, so that nobody finds it by trying."""
    return fingerprint(f"pagerline secret key {key}")[:12]


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()


def is_template(text: str) -> bool:
    """Whether the text has to be rendered; otherwise it is taken as it stands."""
    return any(marker in text for marker in _MARKERS)


def is_routing_key(text: str) -> bool:
    """Whether PagerDuty could know this key: 32 letters or digits (Events API v2, `routing_key`)."""
    return _ROUTING_KEY.fullmatch(text) is not None


def mask(text: str) -> str:
    """What may be shown of a secret: its last three characters when it is at least as long as half a key."""
    shown = text.strip()
    return "…" + shown[-_SHOWN:] if len(shown) >= ROUTING_KEY_LENGTH // 2 else "…"


def fingerprint(text: str) -> str:
    """16 hexadecimal digits of the text's SHA-256: tells secrets apart without showing them."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def destination_id(routing_key: str) -> str:
    """The destination that a routing key stands for, `key:<16 hex>`; never a secret, the same in every process."""
    return f"key:{fingerprint(routing_key)}"
