"""Looking for secrets where none may be: in raw topics, in logs, in anything."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

SHORTEST: Final = 8
"""Characters of a secret; a shorter one would be found everywhere by chance."""

CHUNK: Final = 16 * 1024 * 1024


class Found(NamedTuple):
    """A secret that was found: where, how it was written, and the number of the secret (from 1), never the secret."""

    where: str
    form: str
    secret: int

    def __str__(self) -> str:
        return f"secret {self.secret} stands in {self.where} ({self.form})"


def secrets_found(
    where: bytes | Path | Iterable[bytes | Path | tuple[str, bytes]], secrets: Sequence[str]
) -> list[Found]:
    """Every place that holds a secret: in clear, or as base64 (at any offset, both alphabets), hexadecimal or URL text.

    where: bytes, a file, a folder (with all below it), or several of these; a pair gives bytes a name to be told by.
    Each place tells each secret once. Raises ValueError for a secret too short to be looked for, OSError for a file
    that cannot be read.
    """
    for number, secret in enumerate(secrets, 1):
        if len(secret) < SHORTEST:
            raise ValueError(f"secret {number} has {len(secret)} characters: it needs {SHORTEST} to be looked for")
    forms = [(number, form, text) for number, secret in enumerate(secrets, 1) for form, text in _forms(secret)]
    several = [where] if isinstance(where, (bytes, Path)) else where
    found = (one for place in several for name, data in _pieces(place) for one in _in(name, data, forms))
    return list(dict.fromkeys(found))


def _in(name: str, data: bytes, forms: Sequence[tuple[int, str, bytes]]) -> Iterator[Found]:
    seen: set[int] = set()
    for number, form, text in forms:
        if number not in seen and text in data:
            seen.add(number)
            yield Found(name, form, number)


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """The bytes to look for. Each base64 text is what every base64 of something with the secret inside must hold."""
    clear = secret.encode()
    yield "in clear", clear
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = alphabet(b"\0" * before + clear)
            # Characters that also depend on the neighbours are left out, at both ends.
            yield "base64", text[(before * 8 + 5) // 6 : (before + len(clear)) * 8 // 6]
    yield "hexadecimal", clear.hex().encode()
    yield "hexadecimal", clear.hex().upper().encode()
    yield "URL text", quote(secret, safe="").encode()


def _pieces(place: bytes | Path | tuple[str, bytes]) -> Iterator[tuple[str, bytes]]:
    match place:
        case bytes():
            yield f"{len(place):,} bytes", place
        case Path() if place.is_dir():
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    yield from _pieces(path)
        case Path():
            with place.open("rb") as file:
                before = b""
                while data := file.read(CHUNK):
                    yield str(place), before + data
                    before = (before + data)[-4096:]  # a secret may lie across two chunks
        case (name, data):
            yield name, data
