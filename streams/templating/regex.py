"""Regular expressions for `matching`: Rust's syntax, run by RE2, so that no pattern takes more than linear time.

RE2 and Rust's engine are of one family; what differs is translated. In Rust `\\w`, `\\d`, `\\s` know all scripts, and
in RE2 only ASCII; `(?<name>…)` needs a `P`, `\\h` and the like exist in neither. `\\b` stays ASCII's, which can be
noticed only right beside a letter of another alphabet.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import re2

from streams.errors import RenderFailed
from streams.templating.limits import Meter

# RE2's bound for one compiled pattern: what it needs beyond is refused when it is compiled, within a few ms.
MEMORY: Final = 1 << 20
_LONGEST: Final = 2_000  # characters of a pattern

_WORD: Final = r"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189}"  # noqa: E501
_SPACE: Final = r"\t\n\v\f\r\x{85}\p{Z}"
_CLASSES: Final = {"w": _WORD, "d": r"\p{Nd}", "s": _SPACE}
_TOKEN: Final = re.compile(
    r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[uU]\{[^}]*\}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\.|\[:\^?\w+:\]|\[\^?\]?|\(\?<(?=[A-Za-z_])|.",
    re.DOTALL,
)


def matches(pattern: str, text: str, meter: Meter) -> bool:
    """Whether a part of ``text`` matches. Raises RenderFailed for a pattern that cannot be used."""
    meter.work(20 + len(pattern) + (len(text) >> 4))
    compiled = _compiled(pattern)
    if compiled is None:
        meter.work(4 * len(pattern))
        raise RenderFailed("not a regular expression that can be used here")
    return compiled.search(text) is not None


@lru_cache(maxsize=512)  # patterns stand in templates; a template that computes them is bounded by the meter
def _compiled(pattern: str) -> re2._Regexp | None:
    if len(pattern) > _LONGEST:
        return None
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(translated(pattern), options)
    except (re2.error, UnicodeError):
        return None


def translated(pattern: str) -> str:
    """A pattern in Rust's syntax in RE2's."""
    out, inside = list[str](), False
    for token in _TOKEN.findall(pattern):
        letter = token[1] if len(token) == 2 and token[0] == "\\" else ""
        if letter.lower() in _CLASSES and letter:
            chars = _CLASSES[letter.lower()]
            if letter.islower():
                out.append(chars if inside else f"[{chars}]")
            else:
                out.append(f"[^{chars}]" if not inside else _outside(letter))
        elif re.match(r"\\[uU]", token):
            out.append(f"\\x{{{token[2:].strip('{}')}}}")
        elif token == "(?<":
            out.append("(?P<" if not inside else token)
        else:
            if token.startswith("[") and not token.startswith("[:") and not inside:
                inside = True
            elif token == "]":
                inside = False
            out.append(token)
    return "".join(out)


def _outside(letter: str) -> str:
    """A negated class inside brackets, where it cannot be spelled out."""
    return {"D": r"\P{Nd}", "W": r"\W", "S": r"\S"}[letter]
