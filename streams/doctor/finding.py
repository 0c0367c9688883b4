"""What a check has found, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """about: what was looked at, in a word or two. text: what was found. remedy: what to do about it.

    `ok`: as it should be. `note`: works, and somebody may want it otherwise. `wrong`: does not work. No text has a
    secret in it.
    """

    state: State
    about: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state:<5} {self.about}: {self.text}" + (f"; {self.remedy}" if self.remedy else "")

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"state": self.state, "about": self.about, "text": self.text, "remedy": self.remedy or None}


def ok(about: str, text: str) -> Finding:
    return Finding("ok", about, text)


def note(about: str, text: str, remedy: str = "") -> Finding:
    return Finding("note", about, text, remedy)


def wrong(about: str, text: str, remedy: str) -> Finding:
    return Finding("wrong", about, text, remedy)
