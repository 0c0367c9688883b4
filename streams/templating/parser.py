"""The parser of a whole template: text, tags and the blocks they open, in Tera's grammar.

Each place allows its own set of tags (a macro only at the top, `break` only in a loop, no block in a loop), and a tag
that has no right to be where it is makes the template wrong, as in Tera.
"""

from __future__ import annotations

import re
from typing import Final

from streams.errors import TemplateWrong
from streams.templating.limits import LIMITS
from streams.templating.operands import NAME
from streams.templating.tags import TagParser
from streams.templating.tree import (
    Block,
    Branch,
    Expression,
    FilterSection,
    For,
    If,
    Leave,
    Literal,
    Macro,
    Node,
    Print,
    Super,
    Text,
    Trim,
)
from streams.templating.whitespace import without_white_space

_OPENING: Final = re.compile(r"\{[{%#]")
_PRINT: Final = re.compile(r"\{\{-?")
_PRINT_END: Final = re.compile(r"-?\}\}")
_SUPER: Final = re.compile(r"super\(\)")

# Which tags a place allows besides text, comments, `{{ }}`, `set`, `include`, `if`, `for`, `filter` and `raw`.
_ALSO: Final[dict[str, frozenset[str]]] = {
    "top": frozenset({"block", "macro"}),
    "content": frozenset({"block"}),
    "block": frozenset({"block"}),
    "for": frozenset({"break", "continue"}),
    "macro": frozenset(),
    "filter": frozenset({"block"}),
}
# What the body of a tag is, given where the tag stands.
_INSIDE_IF: Final = {
    "top": "content",
    "content": "content",
    "block": "block",
    "for": "for",
    "macro": "macro",
    "filter": "filter",
}


class Parser(TagParser):
    """Parses one template; use `parse`."""

    def template(self) -> list[Node]:
        while self.text.startswith("{#", self.position):
            self._comment()  # comments before anything else are dropped, and do not trim what follows
        nodes = self._body("top", ())
        if self.position < len(self.text):
            self._wrong_tag()
        return nodes

    def condition(self) -> Expression:
        """A whole text that is one expression."""
        self.space()
        expression = self.any_expression()
        self.space()
        if expression is None or self.position < len(self.text):
            self.missed("the end of the condition")
            self._unexpected()
        return expression

    def _body(self, place: str, ends: tuple[str, ...]) -> list[Node]:
        """Nodes up to a tag whose word is in ``ends`` (the cursor stays before it) or the end of the text."""
        nodes = list[Node]()
        self.deeper()
        while self.position < len(self.text):
            found = _OPENING.search(self.text, self.position)
            start = found.start() if found else len(self.text)
            if start > self.position:
                nodes.append(Text(self.text[self.position : start]))
                self.position = start
                continue
            opening = self.text[start : start + 2]
            if opening == "{#":
                nodes.append(self._comment())
            elif opening == "{{":
                nodes.append(self._print(place))
            else:
                word = self._word_of_tag()
                if word in ends:
                    break
                nodes.append(self._tag(word, place))
        self.shallower()
        return nodes

    def _print(self, place: str) -> Node:
        start = self.position
        opening = self.take(_PRINT, "`{{`")
        assert opening is not None
        self.space()
        at = self.position
        if place == "block":
            word = self.take(_SUPER, "`super()`")
            self.space()
            if word is not None and self.take(_PRINT_END, "`}}`") is not None:
                return Super(start)
            self.position = at
        expression = self.any_expression()
        self.space()
        closing = self.take(_PRINT_END, "`}}`") if expression is not None else None
        if expression is None or closing is None:
            self._unexpected()
        return Print(expression, Trim(opening.endswith("-"), closing.startswith("-")), at)

    def _tag(self, word: str, place: str) -> Node:
        start = self.position
        if word in ("set", "set_global"):
            return self._set(word, start)
        if word == "include":
            return self._include()
        if word == "if":
            return self._if(_INSIDE_IF[place], start)
        if word == "for":
            return self._for(start)
        if word == "filter":
            return self._filter(start)
        if word == "raw":
            return self._raw()
        if word in _ALSO[place]:
            if word in ("break", "continue"):
                return Leave(word, self._plain(word), start)
            return self._block(start) if word == "block" else self._macro(start)
        self._wrong_tag()

    def _if(self, inside: str, start: int) -> If:
        branches = list[Branch]()
        ends: tuple[str, ...] = ("elif", "else", "endif")
        word = "if"
        while word != "endif":
            left = self._open(word)
            condition = None
            if word == "else":
                ends = ("endif",)
            else:
                self._needed_spaces()
                condition = self.logic()
                if condition is None:
                    self._unexpected()
            right = self._close()
            branches.append(Branch(condition, self._body(inside, ends), Trim(left, right)))
            word = self._next_word("endif", start, ends)
        return If(branches, self._plain("endif"), start)

    def _next_word(self, ending: str, start: int, ends: tuple[str, ...]) -> str:
        """The word of the tag at the cursor, one of ``ends``; wrong at ``start`` when the text is over."""
        if self.position >= len(self.text):
            self.fail(f"this tag is never closed: `{{% {ending} %}}` is missing", at=start)
        word = self._word_of_tag()
        if word not in ends:
            self._wrong_tag()
        return word

    def _for(self, start: int) -> For:
        left = self._open("for")
        self._needed_spaces()
        names = [self._needed_name()]
        if self.literal(","):
            self.space()
            names.append(self._needed_name())
        self._needed_spaces()
        if not self.literal("in"):
            self._unexpected()
        self._needed_spaces()
        container = self.once(self._sum_with_filters) or self.array_with_filters()
        if container is None:
            self._unexpected()
        trim = Trim(left, self._close())
        body = self._body("for", ("else", "endfor"))
        empty: list[Node] | None = None
        while self._next_word("endfor", start, ("else", "endfor")) == "else":
            self._plain("else")
            empty = self._body("for", ("else", "endfor"))  # a second `else` replaces the first
        key = names[0] if len(names) == 2 else None
        return For(key, names[-1], container, body, empty, trim, self._plain("endfor"), start)

    def _filter(self, start: int) -> FilterSection:
        left = self._open("filter")
        self._needed_spaces()
        used = self.filter_call()
        if used is None:
            self._unexpected()
        trim = Trim(left, self._close())
        body = self._body("filter", ("endfilter",))
        self._next_word("endfilter", start, ("endfilter",))
        return FilterSection(used, body, trim, self._plain("endfilter"), start)

    def _block(self, start: int) -> Block:
        left = self._open("block")
        self._needed_spaces()
        name = self._needed_name()
        trim = Trim(left, self._close())
        body = self._body("block", ("endblock",))
        self._next_word("endblock", start, ("endblock",))
        return Block(name, body, trim, self._plain("endblock"), start)

    def _macro(self, start: int) -> Macro:
        left = self._open("macro")
        self._needed_spaces()
        name = self._needed_name()
        self.space()
        if not self.literal("("):
            self._unexpected()
        parameters: dict[str, Literal | None] = {}
        self.space()
        while (parameter := self.take(NAME, "the name of an argument")) is not None:
            parameters[parameter] = self._default_value()
            self.space()
            comma = self.position
            if not self.literal(","):
                break
            self.space()
            if NAME.match(self.text, self.position) is None:  # no comma after the last
                self.position = comma
                break
        self.space()
        if not self.literal(")"):
            self._unexpected()
        trim = Trim(left, self._close())
        body = self._body("macro", ("endmacro",))
        self._next_word("endmacro", start, ("endmacro",))
        return Macro(name, parameters, body, trim, self._plain("endmacro"), start)


def parse(text: str) -> list[Node]:
    """The nodes of a template, white space already removed where its tags ask for it. Raises TemplateWrong."""
    if len(text) > LIMITS.template_length:
        raise TemplateWrong(f"the template is longer than {LIMITS.template_length:,} characters")
    try:
        return without_white_space(Parser(text).template())
    except RecursionError:
        raise TemplateWrong("the template is nested too deeply") from None


def parse_condition(text: str) -> Expression:
    """The expression of a routing condition, which is written without `{{ }}`. Raises TemplateWrong."""
    if len(text) > LIMITS.template_length:
        raise TemplateWrong(f"the condition is longer than {LIMITS.template_length:,} characters")
    try:
        return Parser(text).condition()
    except RecursionError:
        raise TemplateWrong("the condition is nested too deeply") from None
