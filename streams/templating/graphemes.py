"""Cuts text into what a reader takes for one character: a letter with its accents, a flag, a joined emoji.

The rules are Unicode's for extended grapheme clusters (UAX 29, GB3 to GB13), in version 10 of Unicode, which
is what Tera 1.20 has: newer marks stand alone, and only the emoji of that time join or take a skin tone.
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
_MORE_SPACING: Final = frozenset("\u0e33\u0eb3\u1cf2\u1cf3\U00011720\U00011721")
_PREPEND: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\u0d4e\U000110bd\U000111c2\U000111c3\U00011a3a\U00011a86"
    "\U00011a87\U00011a88\U00011a89\U00011d46"
)


def _ranges(text: str) -> frozenset[int]:
    """Code points from a list of hexadecimal numbers and ranges."""
    pairs = (part.partition("-")[::2] for part in text.split())
    return frozenset(code for low, high in pairs for code in range(int(low, 16), int(high or low, 16) + 1))


# Marks younger than Unicode 10.
_YOUNG: Final = _ranges(
    "7fd 898-89f 8ca-8d3 9fe b55 c04 c3c d81 eba 1715 180f 1abf-1ace 1dfa a82c a8ff 10d24-10d27 10eab-10eac "
    "10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 111c9 111ce-111cf 1133b 1145e 1182c-1183a "
    "11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11d8a-11d8e 11d90-11d91 "
    "11d93-11d97 11ef3-11ef6 16f4f 16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e130-1e136 1e2ae 1e2ec-1e2ef"
)
# Emoji that join after a ZWJ, and emoji that take a skin tone (GB10, GB11).
_GLUED: Final = _ranges(
    "2640 2642 2695-2696 2708 2764 1f308 1f33e 1f373 1f393 1f3a4 1f3a8 1f3eb 1f3ed 1f466-1f469 1f48b 1f4bb-1f4bc 1f527 "
    "1f52c 1f5e8 1f680 1f692"
)
_TONED: Final = _ranges(
    "261d 26f9 270a-270d 1f385 1f3c2-1f3c4 1f3c7 1f3ca-1f3cc 1f442-1f443 1f446-1f450 1f466-1f469 1f46e 1f470-1f478 1f47c "  # noqa: E501
    "1f481-1f483 1f485-1f487 1f4aa 1f574-1f575 1f57a 1f590 1f595-1f596 1f645-1f647 1f64b-1f64f 1f6a3 1f6b4-1f6b6 1f6c0 "
    "1f6cc 1f918-1f91c 1f91e-1f91f 1f926 1f930-1f939 1f93d-1f93e 1f9d1-1f9dd"
)
_TONES: Final = range(0x1F3FB, 0x1F400)


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
    if code in _YOUNG:
        return ""
    category = unicodedata.category(character)
    if character in _MORE_SPACING:
        return "Spacing"
    if category in ("Mn", "Me"):
        return "Extend"
    if category == "Mc" and character not in _NOT_SPACING:
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
    cuts, before, flags, toned = [0] if text else [], "", 0, False
    for at, character in enumerate(text):
        kind = _kind(character)
        emoji = (toned and ord(character) in _TONES) or (before == "ZWJ" and ord(character) in _GLUED)
        if at and not emoji and not _joined(before, kind, flags):
            cuts.append(at)
            if len(cuts) > count + 1:
                break
        flags = flags + 1 if kind == "RI" else 0
        toned = ord(character) in _TONED or (toned and kind == "Extend")
        before = kind
    return cuts
