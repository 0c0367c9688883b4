"""References in the place of a secret: the name of a variable or file that holds it, looked up when it is used.

references = References()
references.resolve(Secret("${ENV:PAYMENTS_KEY}"))                # the value of the variable PAYMENTS_KEY
references.resolve(Secret("{% if alert.priority == 'P1' %}${ENV:URGENT_KEY}{% else %}${ENV:PAYMENTS_KEY}{% endif %}"))
references.resolve(Secret("file:/run/secrets/payments"))         # what the file holds, without blanks around it
references.resolve(Secret("930a…"))                              # no reference: itself
references.line(integration.token)                               # for a header: refused when it has several lines

A document's text is resolved before it is rendered, never what it renders to: an event must not be able to name a
variable or a file.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from streams.documents.secrets import Secret
from streams.errors import UnresolvedReference
from streams.templating.quiet import without_keys

FILE: Final = "file:"
"""Begins a text that is a reference to a file as a whole."""

FILE_BYTES: Final = 64 * 1024
"""A key has 32 characters and a template at most 20,000; a larger file is the wrong one."""

FRESH_SECONDS: Final = 5.0
"""How long a file's content is believed: a mounted secret that changes counts soon, and no event waits for a disk."""

OURS: Final = "PAGERLINE_"
"""Begins the names of our own settings. A service's name is shown, in topics too: whoever may write documents would
read the keys that seal all others."""

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE: Final = re.compile(r"\$\{ENV:(" + _NAME + r")\}")
_ANY_VARIABLE: Final = re.compile(r"\$\{ENV:([^}]*)(\}?)")


def is_reference(text: str) -> bool:
    """Whether the text refers to a variable or file, rightly or wrongly written."""
    return text.strip().startswith(FILE) or _ANY_VARIABLE.search(text) is not None


def fault(text: str) -> str | None:
    """What is wrong with how a reference is written, in words that go behind the field's name; None: nothing.

    Whether the variable or file is there is not looked at: it has to be where workers run, not where somebody applies.
    """
    if path := _path(text):
        shown = without_keys(path)  # somebody may have put the key itself there
        return None if Path(path).is_absolute() else f"refers to the file {shown}: its path must begin with /"
    if text.strip().startswith(FILE):
        return f"has no path behind `{FILE}`; write it as `{FILE}/run/secrets/NAME`"
    for found in _ANY_VARIABLE.finditer(text):
        if not found[2] or re.fullmatch(_NAME, found[1]) is None:
            shown = _short(without_keys(found[0]))
            return f"has a reference that is not well written, `{shown}`; write it as `${{ENV:NAME}}`"
        if found[1].upper().startswith(OURS):
            return f"refers to {found[1]}, a setting of Pagerline itself; put the secret into a variable of its own"
    return None


def referred(text: str) -> tuple[str, ...]:
    """What the text refers to, for people: `variable PAYMENTS_KEY`, `file /run/secrets/payments`; each once."""
    if path := _path(text):
        return (f"file {path}",)
    return tuple(dict.fromkeys(f"variable {found[1]}" for found in _VARIABLE.finditer(text)))


class References:
    """Resolves references in this process. `environment`, `read` (a file's bytes, at most so many) and `clock`
    (monotonic seconds) are the rim: whatever calls `resolve` may be pure but for them."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        read: Callable[[str, int], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self._read = read or _read
        self._clock = clock
        self._files: dict[str, tuple[float, str]] = {}

    def resolve(self, secret: Secret) -> Secret:
        """The text with what it refers to in place of its references; the same Secret when there is none.

        Raises UnresolvedReference, which names the variable or file and never a value.
        """
        text = secret.reveal()
        if not is_reference(text):
            return secret
        if wrong := fault(text):
            raise UnresolvedReference(wrong)
        path = _path(text)
        return Secret(self._file(path) if path else _VARIABLE.sub(lambda found: self._variable(found[1]), text))

    def line(self, secret: Secret) -> Secret:
        """The same for what goes into a header of a request: one line, without the blanks around it.

        Raises UnresolvedReference as well when it is several lines, as the wrong file has, which no header can hold.
        """
        text = self.resolve(secret).reveal().strip()
        if text.isprintable():
            return Secret(text)
        what = " and ".join(referred(secret.reveal())) or "the text itself"
        raise UnresolvedReference(
            f"{what} gives more than one line, or a character that is not printed: put the token alone"
        )

    def _variable(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            state = "empty" if name in self._environment else "not set"
            raise UnresolvedReference(
                f"the variable {name} is {state} in this process's environment; set it wherever workers run, and "
                "restart them"
            )
        return value

    def _file(self, path: str) -> str:
        now = self._clock()
        known = self._files.get(path)
        if known is not None and now - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            value = self._read(path, FILE_BYTES + 1)
            text = value.decode().strip()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UnresolvedReference(f"the file {path} cannot be read: {reason}") from None
        except UnicodeDecodeError:
            raise UnresolvedReference(f"the file {path} is not text in UTF-8") from None
        if not text:
            raise UnresolvedReference(f"the file {path} is empty")
        if len(value) > FILE_BYTES:
            raise UnresolvedReference(f"the file {path} is larger than {FILE_BYTES:,} bytes: it is another file")
        self._files[path] = (now, text)
        return text


def _path(text: str) -> str:
    stripped = text.strip()
    return stripped.removeprefix(FILE).strip() if stripped.startswith(FILE) else ""


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _read(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)
