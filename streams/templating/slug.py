"""Text as part of a URL: small ASCII letters and digits with single hyphens between them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# How letters are written that do not come apart into a plain letter and marks. `'` becomes a hyphen.
_WRITTEN: Final = (
    "ß=ss æ=ae ø=o œ=oe đ=d ł=l ŀ=l ð=d þ=th ħ=h ı=i ŋ=ng ŧ=t ĸ=k ©=(c) ®=(r) §=ss °=deg µ=u ¶=p ×=x ¢=c' £=ps ¥=y' \xad= "  # noqa: E501
    # Greek
    "α=a β=b γ=g δ=d ε=e ζ=z η=e θ=th ι=i κ=k λ=l μ=m ν=n ξ=x Ξ=ks ο=o π=p ρ=r σ=s ς=s τ=t υ=u φ=ph χ=kh ψ=ps ω=o "
    # Cyrillic
    "а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh щ=shch ъ=' "  # noqa: E501
    "ы=y ь=' э=e ю=iu я=ia ѐ=ie ё=io ђ=dj ѓ=gj є=ie Є=e ѕ=dz і=i ї=yi ј=j љ=lj њ=nj ћ=tsh ќ=kj џ=dzh ґ=g"
)
_PAIRS: Final = dict(pair.split("=") for pair in _WRITTEN.split(" "))
_LETTERS: Final = str.maketrans({letter.upper(): text for letter, text in _PAIRS.items() if len(letter.upper()) == 1} | _PAIRS | {"ẞ": "ss"})  # fmt: skip  # noqa: E501


def slug(text: str) -> str:
    """`Größe: 5 GB!` becomes `grosse-5-gb`."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).translate(_LETTERS)
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip("-")
