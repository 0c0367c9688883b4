"""Text as part of a URL: small ASCII letters and digits with single hyphens between them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Letters that do not come apart into a plain letter and marks, and what they are written as.
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o", "œ": "oe", "Œ": "oe", "đ": "d", "Đ": "d", "ł": "l", "Ł": "l",
     "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ħ": "h", "Ħ": "h", "ı": "i", "ŋ": "ng", "Ŋ": "ng"}  # fmt: skip
)


def slug(text: str) -> str:
    """`Größe: 5 GB!` becomes `grosse-5-gb`."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip("-")
