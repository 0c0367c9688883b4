"""The parser of single tags: their words, their ends, and the tags that hold no other tag."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from streams.templating.explain import about_tag, advice
from streams.templating.expressions import ExpressionParser
from streams.templating.operands import BOOLEAN, NAME, STRING
from streams.templating.tree import Comment, Expression, Include, Literal, Raw, Set, Trim

_TAG: Final = re.compile(r"\{%-?[ \t\r\n]*")
_TAG_END: Final = re.compile(r"[ \t\r\n]*-?%\}")
_SPACES: Final = re.compile(r"[ \t\r\n]+")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_END_RAW: Final = re.compile(r"\{%-?[ \t\r\n]*endraw[ \t\r\n]*-?%\}")
_IGNORE_MISSING: Final = re.compile(r"ignore[ \t\r\n]*missing")
_STRINGS: Final = re.compile(r"\[[ \t\r\n]*(?:(?:\"[^\"]*\"|'[^']*'|`[^`]*`)[ \t\r\n]*,?[ \t\r\n]*)*\]")


class TagParser(ExpressionParser):
    """The rules of single tags. What is needed and not there makes the template wrong."""

    def _word_of_tag(self) -> str:
        found = _TAG.match(self.text, self.position)
        assert found is not None
        word = _WORD.match(self.text, found.end())
        if word is None:
            return ""
        for ending in ("endblock", "endmacro"):  # Tera allows the name to follow without a space
            if word.group().startswith(ending):
                return ending
        return word.group()

    def _open(self, word: str) -> bool:
        """Go behind the word of the tag at the cursor; whether the tag begins with `-`."""
        found = _TAG.match(self.text, self.position)
        assert found is not None
        self.position = found.end() + len(word)
        return found.group().startswith("{%-")

    def _close(self) -> bool:
        """Go behind the end of a tag; whether it ends with `-`."""
        found = self.take(_TAG_END, "`%}`")
        if found is None:
            self._unexpected()
        return found.lstrip(" \t\r\n").startswith("-")

    def _plain(self, word: str) -> Trim:
        """A tag that is only its word."""
        left = self._open(word)
        if word in ("endblock", "endmacro"):
            self.space()
            self.take(NAME, "a name")
        return Trim(left, self._close())

    def _needed_spaces(self) -> None:
        if self.take(_SPACES, "a space") is None:
            self._unexpected()

    def _needed_name(self) -> str:
        name = self.take(NAME, "a name")
        if name is None:
            self._unexpected()
        return name

    def _comment(self) -> Comment:
        start = self.position
        left = self.text.startswith("{#-", start)
        inside = start + (3 if left else 2)
        end = self.text.find("#}", inside)
        right = end > inside and self.text[end - 1] == "-"
        if end - right <= inside:
            self.fail("a comment is empty or has no end", "a comment is `{# some text #}`")
        self.position = end + 2
        return Comment(Trim(left, right))

    def _set(self, word: str, start: int) -> Set:
        left = self._open(word)
        self._needed_spaces()
        name = self._needed_name()
        self.space()
        if not self.literal("="):
            self._unexpected()
        self.space()
        expression = self._needed_expression()
        return Set(name, expression, word == "set_global", Trim(left, self._close()), start)

    def _needed_expression(self) -> Expression:
        expression = self.any_expression()
        if expression is None:
            self._unexpected()
        return expression

    def _include(self) -> Include:
        start = self.position
        left = self._open("include")
        self._needed_spaces()
        if self.take(STRING, "a string") is None and self.take(_STRINGS, "an array of strings") is None:
            self._unexpected()
        self.space()
        ignored = self.take(_IGNORE_MISSING, "`ignore missing`") is not None
        right = self._close()
        if not ignored:
            self.fail("there is no other template to include", "a template stands alone here", at=start)
        return Include(Trim(left, right))

    def _raw(self) -> Raw:
        start = self.position
        trim = self._plain("raw")
        end = _END_RAW.search(self.text, self.position)
        if end is None:
            self.fail("this tag is never closed: `{% endraw %}` is missing", at=start)
        text = self.text[self.position : end.start()]
        self.position = end.end()
        return Raw(text, trim, Trim(end.group().startswith("{%-"), end.group().endswith("-%}")))

    def _default_value(self) -> Literal | None:
        """`=literal` right after an argument's name, without spaces."""
        before = self.position
        if self.literal("="):
            boolean = self.take(BOOLEAN, "a value")
            literal = Literal(boolean.lower() == "true") if boolean else self.string() or self.number()
            if literal is not None:
                return literal
        self.position = before
        return None

    def _wrong_tag(self) -> NoReturn:
        word = self._word_of_tag()
        message = f"the tag `{word}` cannot stand here" if word else "this is not a tag"
        self.fail(message, about_tag(word))

    def _unexpected(self) -> NoReturn:
        at = self.farthest
        self.fail(f"expected {self.expectation()}", advice(self.text, at), at)
