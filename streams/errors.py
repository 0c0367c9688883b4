"""What can go wrong, one class per different reaction of the caller.

    PagerlineError                 base: has a text a person can act on; the command line prints it and exits 1
    ├── UsageError                 the command was called wrongly: say how, exit 2
    │   └── SettingsError          the environment is wrong: one line per setting, exit 2
    ├── DocumentError              one fault in one document: correct the file at this line
    ├── DocumentsWrong             all faults of a set of documents: nothing of the set is used
    ├── DocumentsChanged           somebody else changed the documents meanwhile: read them again, then decide
    ├── SecretError                a secret cannot be decrypted: correct PAGERLINE_SECRET_KEYS, exit 2
    ├── UnresolvedReference        a document names a variable or file that gives nothing here: use the next choice
    ├── KafkaUnavailable           no broker answers: wait and try again
    ├── IncompatibleFaust          Faust is not the release this was tested with: install the pinned one
    ├── TopicMismatch              a topic is missing or has the wrong shape: an operator must act
    └── TemplateError              a template gave no text: use the next choice, keep the reason
        ├── TemplateWrong          the template itself is at fault: somebody must correct it
        └── RenderFailed           the template is right, and cannot be rendered with this event
            ├── DataMissing        the event lacks what it asks for: false in a condition
            └── TemplateTooCostly  it would take too much time, memory or output

No text of these classes ever holds a routing key, a token or a password.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class PagerlineError(Exception):
    """Base of all. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class UsageError(PagerlineError):
    """Called wrongly; the same call can never succeed."""

    exit_code: ClassVar[int] = 2


class SettingsError(UsageError):
    """Wrong settings. `lines` has one line per setting: its environment name and what would be right."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


class DocumentError(PagerlineError):
    """One fault in a document.

    `file` is the name to show, `line` and `column` count from 1 (0: not known), `path` is the field
    (`overrides.cases.integrationKey`; empty: the document), `remedy` is what to do about it.
    """

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, column: int = 0, path: str = "", remedy: str = ""
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.remedy = remedy
        where = ":".join([file, *(str(number) for number in (line, column) if number)]) if file else ""
        text = ": ".join(part for part in (where, path, message) if part)
        super().__init__(f"{text}; {remedy}" if remedy else text)


class DocumentsWrong(PagerlineError):
    """Every fault found in a set of documents, in the order of the files."""

    def __init__(self, problems: Iterable[DocumentError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DocumentsChanged(PagerlineError):
    """The documents are no longer those that a change was made from; nothing of the change has taken effect.

    `base` is the revision it was made from, `revision` the present one, `by` who made that (may be empty).
    """

    def __init__(self, base: int, revision: int, by: str = "") -> None:
        self.base = base
        self.revision = revision
        self.by = by
        who = f" (by {by})" if by else ""
        super().__init__(
            f"nothing was written: the documents have changed meanwhile, from revision {base} to {revision}{who}; "
            "look at them again (pagerline diff), then apply again"
        )


class SecretError(PagerlineError):
    """Something sealed cannot be opened with the keys at hand."""

    exit_code: ClassVar[int] = 2


class UnresolvedReference(PagerlineError):
    """A secret's variable or file is not there, or gives nothing. The text names it, never a value."""


class KafkaUnavailable(PagerlineError):
    """No broker answered in time."""


class IncompatibleFaust(PagerlineError):
    """Faust or aiokafka is another release than the one whose inside we rely on."""


class TopicMismatch(PagerlineError):
    """A topic is missing, or is not what it must be: a line for each. `missing`: the names of those that are missing,
    when that is what is wrong."""

    def __init__(self, text: str, missing: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.missing = tuple(missing)


class TemplateError(PagerlineError):
    """A template gave no text. `line` and `column` count from 1 inside the template (0: not known)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        at = f"line {self.line}, column {self.column}: " if self.line and self.column else ""
        return (at or (f"line {self.line}: " if self.line else "")) + self.message

    def show(self, text: str) -> str:
        """The message, the line of `text` it is about and a caret under the place. `text` is quoted: this is for its
        author's screen, never for a log."""
        lines = text.split("\n")
        if not 0 < self.line <= len(lines):
            return str(self)
        # Long lines are cut around the place so that the caret stays on the screen.
        source, at = lines[self.line - 1].rstrip("\r"), max(self.column - 1, 0)
        start = max(0, at - 60)
        excerpt = source[start : start + 100].replace("\t", " ")
        return f"{self}\n  {excerpt}\n  {' ' * (at - start)}^"


class TemplateWrong(TemplateError):
    """The template cannot be compiled. `suggestion` says what its author may have meant, or is empty."""

    def __init__(self, message: str, line: int = 0, column: int = 0, suggestion: str = "") -> None:
        super().__init__(message, line, column)
        self.suggestion = suggestion

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said}: {self.suggestion}" if self.suggestion else said


class RenderFailed(TemplateError):
    """The template is sound, but not with this event: a text where a number is needed, `throw`, and the like."""


class DataMissing(RenderFailed):
    """The event has no value where the template needs one. `path` is the look-up as written, `present` the keys that
    were there instead at the first level that failed (at most 20, sorted)."""

    def __init__(
        self, message: str, path: str = "", present: tuple[str, ...] = (), line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message, line, column)
        self.path = path
        self.present = present


class TemplateTooCostly(RenderFailed):
    """A rendering went over one of the bounds in `streams.templating.limits`."""
