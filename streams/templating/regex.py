"""Regular expressions for `matching`: Rust's syntax, run by RE2, so that no pattern takes more than linear time.

RE2 and Rust's engine are of one family. What differs is translated (`\\w`, `\\d` and `\\s` know all scripts in Rust and
only ASCII in RE2, named groups), and what RE2 would take in another sense or has not is refused: classes in classes
and `&&`, `\\<`, the flags `x`, `R` and `-u`, `a++`, long names of Unicode properties, more than 1,000 repetitions. Only
`\\b` and `\\B` stay ASCII's without a word; it shows right beside a letter of another alphabet and nowhere else.
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
_NOT_WORD: Final = r"\p{Z}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}\p{C}\p{No}"
_NOT_SPACE: Final = (
    r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"
    r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"
)
_INSIDE: Final = {"w": _WORD, "d": r"\p{Nd}", "s": _SPACE, "W": _NOT_WORD, "D": r"\P{Nd}", "S": _NOT_SPACE}
_OUTSIDE: Final = {
    "w": f"[{_WORD}]",
    "d": r"\p{Nd}",
    "s": f"[{_SPACE}]",
    "W": f"[^{_WORD}]",
    "D": r"\P{Nd}",
    "S": f"[^{_SPACE}]",
}
_TOKEN: Final = re.compile(
    r"""\\[pP]\{[^}]*\} | \\x\{[^}]*\} | \\[uU]\{[^}]*\} | \\u[0-9A-Fa-f]{4} | \\U[0-9A-Fa-f]{8} | \\b\{ | \\.
    | \[:\^?\w+:\] | \[\^?\]? | \(\?<(?=[A-Za-z_]) | \(\?\# | \{[0-9]+(?:,[0-9]*)?\} | \{,[0-9]+\} | && | .""",
    re.DOTALL | re.VERBOSE,
)
# The letters that may follow a backslash in Rust.
_ESCAPED: Final = frozenset("afnrtvAzbBdDwWsSxpP")


class Unusable(ValueError):
    """Rust refuses the pattern, or it means something that RE2 cannot do."""


def matches(pattern: str, text: str, meter: Meter) -> bool:
    """Whether a part of ``text`` matches. Raises RenderFailed for a pattern that cannot be used."""
    meter.pattern(pattern)
    meter.work(8 + (len(text) >> 4))
    compiled = _compiled(pattern)
    if compiled is None:
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
    except (re2.error, Unusable, UnicodeError):
        return None


def translated(pattern: str) -> str:
    """A pattern in Rust's syntax in RE2's. Raises Unusable for what RE2 would misread."""
    out, inside = list[str](), False
    for token in _TOKEN.findall(pattern):
        if token[0] == "\\":
            out.append(_escape(token, inside))
        elif inside:
            if (token.startswith("[") and not token.startswith("[:")) or token == "&&":
                raise Unusable
            inside = token != "]"
            out.append(token)
        elif token in ("{", "(?#"):
            raise Unusable
        else:
            inside = token.startswith("[")
            out.append({"(?<": "(?P<"}.get(token, f"{{0{token[1:]}" if token.startswith("{,") else token))
    return "".join(out)


def _escape(token: str, inside: bool) -> str:
    letter = token[1:2]
    if token[1] in "uU" and len(token) > 2:
        return f"\\x{{{token[2:].strip('{}')}}}"
    if len(token) == 2 and letter in _INSIDE:
        return _INSIDE[letter] if inside else _OUTSIDE[letter]
    refused = (letter.isascii() and letter.isalnum() and letter not in _ESCAPED) or letter in "<>"
    if refused or token == "\\b{" or token.startswith(("\\p{^", "\\P{^")) or (inside and letter in "bBAz"):
        raise Unusable
    return token
