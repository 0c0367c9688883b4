"""How much one template may cost, and the meter that counts it while it renders.

The meter counts work instead of watching a clock: the same template with the same data ends the same way on a slow
machine as on a fast one, and the package stays free of time. A step is about a quarter of a microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import TemplateTooCostly


@dataclass(frozen=True)
class Limits:
    """The bounds. Each keeps a hostile template under 100 ms; all are far above what a message needs."""

    template_length: int = 20_000  # characters; the documented length of a template field (Coralogix API, `template`)
    parse_steps: int = 24_000  # attempts of the parser, about 50 ms; a service key template needs 300
    nesting: int = 24  # expressions or blocks inside one another; each level costs up to 15 Python frames of 1,000
    steps: int = 150_000  # evaluations and elements looked at, about 40 ms
    characters: int = (
        2_000_000  # of all text made on the way, the output among it: four times PagerDuty's 512,000 bytes
    )
    macro_depth: int = 24  # macros calling macros


LIMITS = Limits()


class Meter:
    """What is left of the bounds during one rendering."""

    __slots__ = ("_characters", "_patterns", "_steps")

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._steps = limits.steps
        self._characters = limits.characters
        self._patterns: set[str] = set()

    def work(self, steps: int) -> None:
        """Count ``steps`` units of work. Raises TemplateTooCostly when there are none left."""
        self._steps -= steps
        if self._steps < 0:
            raise TemplateTooCostly(f"the template does too much work (more than {LIMITS.steps:,} steps)")

    def pattern(self, pattern: str) -> None:
        """Count the compiling of a regular expression, once for each that this rendering uses."""
        if pattern not in self._patterns:
            self._patterns.add(pattern)
            self.work(500 + 4 * len(pattern))

    def text(self, length: int) -> None:
        """Count ``length`` characters that are about to be made. Raises TemplateTooCostly."""
        self._characters -= length
        self._steps -= length >> 6  # making text takes time too: 64 characters cost about what a step does
        if self._characters < 0 or self._steps < 0:
            raise TemplateTooCostly(f"the template makes too much text (more than {LIMITS.characters:,} characters)")
