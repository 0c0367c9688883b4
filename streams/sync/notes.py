"""Notes: how a Case's comment looks at PagerDuty, and how it is known again.

>>> print(written("Looking at it", author="Ada", case="CASE-1", comment="c-17"))
Looking at it
[Ada via Pagerline, case CASE-1, c-17]

The last line is the marker. By it an echo is recognised, and after a crash whether a note has been posted already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

NOTE_BYTES: Final = 65_535
"""PagerDuty REST API v2, create a note: the largest one."""

AUTHOR_CHARACTERS: Final = 100
RESOLUTION: Final = "Resolution Note: "
"""How PagerDuty begins the note that a person leaves when resolving (seen in webhooks; not documented)."""

_MARKER: Final = re.compile(r"\[[^\[\]\n]* via Pagerline, case (?P<case>[^\s\[\],]+), (?P<comment>[^\s\[\],]+)\]\s*\Z")
_SAFE: Final = "/:@+=.~-_#"


@dataclass(frozen=True, slots=True)
class Marker:
    """Whose comment a note is."""

    case: str
    comment: str


def written(text: str, *, author: str | None, case: str, comment: str, resolution: bool = False) -> str:
    """The note's content, never larger than PagerDuty takes; what is cut is marked so."""
    name = re.sub(r"[\[\]\s]+", " ", author or "Case").strip()[:AUTHOR_CHARACTERS] or "Case"
    end = f"\n[{name} via Pagerline, case {quote(case, safe=_SAFE)}, {quote(comment, safe=_SAFE)}]"
    body = (RESOLUTION if resolution else "") + text.strip()
    room = NOTE_BYTES - len(end.encode())
    encoded = body.encode()
    if len(encoded) > room:
        body = encoded[: room - 3].decode(errors="ignore") + "…"
    return body + end


def marker(content: str) -> Marker | None:
    """The marker of a note that Pagerline wrote; None for all others."""
    found = _MARKER.search(content)
    return Marker(unquote(found["case"]), unquote(found["comment"])) if found else None


def resolution(content: str) -> str | None:
    """The text of a resolution note; None when it is an ordinary one."""
    return content[len(RESOLUTION) :].strip() if content.startswith(RESOLUTION) else None


def resolution_id(text: str) -> str:
    """The comment id of a Case's resolution note, which has none of its own: the same for the same text."""
    return f"resolution-{sha256(text.strip().encode()).hexdigest()[:12]}"
