"""The state of one rendering, and the shape of everything that compiling produces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from streams.errors import TemplateTooCostly
from streams.templating.limits import LIMITS, Meter
from streams.templating.values import MISSING

Clock = Callable[[], datetime]
#: A whole number from the first argument up to, not including, the second.
Dice = Callable[[int, int], int]


class Run:
    """One rendering. ``slots`` holds the template's own variables (each has a fixed place, found at compile time),
    ``out`` collects text, ``meter`` counts the cost."""

    __slots__ = ("context", "depth", "dice", "meter", "now", "out", "slots")

    def __init__(self, context: Mapping[str, Any], slots: int, now: Clock | None, dice: Dice) -> None:
        self.context = context
        self.slots: list[Any] = [MISSING] * slots
        self.out: list[str] = []
        self.meter = Meter()
        self.now = now
        self.dice = dice
        self.depth = 0

    def enter(self) -> None:
        """One macro deeper. Raises TemplateTooCostly."""
        self.depth += 1
        if self.depth > LIMITS.macro_depth:
            raise TemplateTooCostly(f"macros call one another more than {LIMITS.macro_depth} deep")


# What an expression compiles to: its value, its truth, its number (None is "not a number").
Evaluate = Callable[[Run], Any]
Decide = Callable[[Run], bool]
Count = Callable[[Run], "int | float | None"]
# What a node compiles to. The answer is empty, or the word of the `break` or `continue` that was met.
Perform = Callable[[Run], str]
