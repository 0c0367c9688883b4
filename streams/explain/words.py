"""Free text from the topics, fit to be shown."""

from __future__ import annotations

import re
from typing import Final

from streams.documents.secrets import mask

_MAY_BE_A_KEY: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}|[A-Za-z0-9]{32})(?![A-Za-z0-9])"
)
"""A routing key has 32 letters and digits; a piece of one is hidden too. Better an id masked too many."""


def safe(text: object) -> str:
    """`text` without anything that may be a routing key, and without characters that steer a terminal."""
    shown = _MAY_BE_A_KEY.sub(lambda found: mask(found.group()), str(text))
    return printable(shown)


def printable(text: str) -> str:
    """Line breaks stay; other control characters (a producer may have put escape sequences there) do not."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)
