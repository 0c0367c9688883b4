"""Cuts text into what a reader takes for one character: a letter with its accents, a flag, a joined emoji.

The rules are Unicode's for extended grapheme clusters (UAX 29, GB3 to GB13), in the version of Tera 1.20's tables.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_HANGUL_FIRST: Final = 0xAC00
_ZWJ: Final = "\u200d"
# Marks that space but do not extend, and characters that extend without being marks.
_NOT_SPACING: Final = frozenset(
    "\u102b\u102c\u1038\u1062\u1063\u1064\u1067\u1068\u1069\u106a\u106b\u106c\u106d\u1083\u1087\u1088\u1089\u108a\u108b"
    "\u108c\u108f\u109a\u109b\u109c\u1a61\u1a63\u1a64\uaa7b\uaa7d\U00011720\U00011721"
)
_MORE_EXTEND: Final = frozenset(
    "\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u1b35\u200c\u302e\u302f\uff9e\uff9f"
    "\U0001133e\U00011357\U000114b0\U000114bd\U000115af\U0001d165\U0001d16e\U0001d16f\U0001d170\U0001d171\U0001d172"
)
_MORE_SPACING: Final = frozenset("\u0e33\u0eb3")
_PREPEND: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\u0d4e\U000110bd\U000111c2\U000111c3\U00011a3a\U00011a86"
    "\U00011a87\U00011a88\U00011a89\U00011d46"
)


def _kind(character: str) -> str:
    code = ord(character)
    if character in "\r\n":
        return "CR" if character == "\r" else "LF"
    if character == _ZWJ:
        return "ZWJ"
    if character in _PREPEND:
        return "Prepend"
    if character in _MORE_EXTEND or 0xE0020 <= code <= 0xE007F:
        return "Extend"
    category = unicodedata.category(character)
    if category in ("Mn", "Me"):
        return "Extend"
    if character in _MORE_SPACING or (category == "Mc" and character not in _NOT_SPACING):
        return "Spacing"
    if category in ("Cc", "Cf", "Zl", "Zp"):
        return "Control"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return "RI"
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return "T"
    if _HANGUL_FIRST <= code <= 0xD7A3:
        return "LV" if (code - _HANGUL_FIRST) % 28 == 0 else "LVT"
    return ""


def _joined(before: str, after: str, flags: int) -> bool:
    """Whether there is no cut between two kinds; ``flags`` is how many regional indicators come before."""
    if before == "CR" and after == "LF":
        return True
    if before in ("CR", "LF", "Control") or after in ("CR", "LF", "Control"):
        return False
    if after in ("Extend", "ZWJ", "Spacing") or before == "Prepend":
        return True
    if before == "L":
        return after in ("L", "V", "LV", "LVT")
    if before in ("LV", "V"):
        return after in ("V", "T")
    if before in ("LVT", "T"):
        return after == "T"
    return before == after == "RI" and flags % 2 == 1


def graphemes(text: str) -> list[str]:
    """All of them."""
    if text.isascii() and "\r\n" not in text:
        return list(text)
    cuts = _cuts(text, len(text))
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def first_graphemes(text: str, count: int) -> int:
    """How many code points the first ``count`` of them have."""
    if text.isascii() and "\r\n" not in text:
        return min(count, len(text))
    cuts = _cuts(text, count)
    return cuts[count] if count < len(cuts) else len(text)


def _cuts(text: str, count: int) -> list[int]:
    """Where each of them begins, at least for the first ``count`` and the one after."""
    cuts, before, flags = [0] if text else [], "", 0
    for at, character in enumerate(text):
        kind = _kind(character)
        if at and not _joined(before, kind, flags):
            cuts.append(at)
            if len(cuts) > count + 1:
                break
        flags = flags + 1 if kind == "RI" else 0
        before = kind
    return cuts
