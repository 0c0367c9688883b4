"""The cursor that both halves of the parser share: patterns, white space, and the farthest place that was reached.

The grammar is a parsing expression grammar, as Tera's is: choices are tried in order and a choice once made is kept.
The farthest place at which anything was still expected is therefore where the author's mistake is.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from streams.errors import TemplateWrong
from streams.templating.limits import LIMITS, Limits

_SPACE: Final = re.compile(r"[ \t\r\n]*")

_ENDS = frozenset({"`}}`", "`%}`", "`)`", "`]`"})
"""Of the words that a template may go on with, those that end something."""


class Scanner:
    """Reads ``text`` from ``position`` on. All methods that take something return None when it is not there."""

    def __init__(self, text: str, limits: Limits = LIMITS) -> None:
        self.text = text
        self.position = 0
        self._limits = limits
        self._steps = limits.parse_steps
        self._depth = 0
        self._farthest = 0
        self._expected: set[str] = set()

    def space(self) -> None:
        """Skip white space."""
        found = _SPACE.match(self.text, self.position)
        if found:
            self.position = found.end()

    def take(self, pattern: re.Pattern[str], expected: str) -> str | None:
        """The text that ``pattern`` matches here, now behind the cursor."""
        self._steps -= 1
        if self._steps < 0:
            self.fail("the template is too complicated", "make it shorter or split it over several fields")
        found = pattern.match(self.text, self.position)
        if found is None:
            self.missed(expected)
            return None
        self.position = found.end()
        return found.group()

    def literal(self, word: str) -> bool:
        """Whether ``word`` was here; it is then behind the cursor."""
        if self.text.startswith(word, self.position):
            self.position += len(word)
            return True
        self.missed(f"`{word}`")
        return False

    def missed(self, expected: str) -> None:
        """Note that ``expected`` would have been right at the cursor."""
        if self.position > self._farthest:
            self._farthest = self.position
            self._expected = {expected}
        elif self.position == self._farthest:
            self._expected.add(expected)

    def deeper(self) -> None:
        """Enter one level of nesting; `shallower` leaves it. A failed attempt resets the depth to what it was."""
        self._depth += 1
        if self._depth > self._limits.nesting:
            self.fail("the template is nested too deeply", f"at most {self._limits.nesting} levels fit")

    def shallower(self) -> None:
        self._depth -= 1

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = self.text.count("\n", 0, at) + 1
        return line, at - (self.text.rfind("\n", 0, at) + 1) + 1

    def fail(self, message: str, suggestion: str = "", at: int | None = None) -> NoReturn:
        """Raises TemplateWrong for the place ``at``, or the cursor's."""
        line, column = self.place(self.position if at is None else at)
        raise TemplateWrong(message, line, column, suggestion)

    @property
    def farthest(self) -> int:
        return self._farthest

    def expectation(self) -> str:
        """What would have been right at the farthest place, as a list of words."""
        words = sorted(self._expected)
        if len(words) > 8:  # nobody reads so many; what ends it is what is missing as a rule
            words = [word for word in words if word in _ENDS]
        return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else "".join(words) or "something else"
