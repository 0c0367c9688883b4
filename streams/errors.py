"""The exceptions of templating, one class for each different reaction of the caller.

    PagerlineError
    └── TemplateError            anything about one template: fall back to the next candidate
        ├── TemplateWrong        the text cannot be a template: refuse it at `apply`, its author must mend it
        └── RenderFailed         the template is well formed, this rendering of it is not possible
            ├── DataMissing      the event lacks what the template needs: false in a condition
            └── TemplateTooCostly  a bound on time, memory, output or recursion was reached

No message, argument or repr holds text of the template's source or values of the event: both may hold routing keys.
`TemplateWrong.show` prints the place with a caret, for a person who already has the text.
"""

from __future__ import annotations


class PagerlineError(Exception):
    """The root of every exception that Pagerline raises on purpose."""


class TemplateError(PagerlineError):
    """Something is the matter with one template or one rendering of it.

    ``line`` and ``column`` count from 1 and say where in the template; 0 means "not at one place".
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.message} (line {self.line}, column {self.column})" if self.line else self.message

    def show(self, text: str) -> str:
        """The message with the line of ``text`` it is about and a caret under the place. ``text`` is quoted: it
        belongs on its author's screen, never in a log."""
        lines = text.split("\n")
        if not 0 < self.line <= len(lines):
            return str(self)
        # Long lines are cut around the place so that the caret stays on the screen.
        source, at = lines[self.line - 1].rstrip("\r"), max(self.column - 1, 0)
        start = max(0, at - 60)
        excerpt = source[start : start + 100].replace("\t", " ")
        return f"{self}\n  {excerpt}\n  {' ' * (at - start)}^"


class TemplateWrong(TemplateError):
    """The text is not a template. ``suggestion`` says what its author may have meant, or is empty."""

    def __init__(self, message: str, line: int = 0, column: int = 0, suggestion: str = "") -> None:
        super().__init__(message, line, column)
        self.suggestion = suggestion

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said}: {self.suggestion}" if self.suggestion else said


class RenderFailed(TemplateError):
    """The template is sound, but not with this data: a text where a number is needed, `throw`, and the like."""


class DataMissing(RenderFailed):
    """The event has no such value. ``path`` is the look-up as written, ``present`` the keys that were there instead
    at the first level that failed (at most 20, sorted)."""

    def __init__(
        self, message: str, path: str = "", present: tuple[str, ...] = (), line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message, line, column)
        self.path = path
        self.present = present


class TemplateTooCostly(RenderFailed):
    """A rendering went over one of the bounds in `streams.templating.limits`."""
