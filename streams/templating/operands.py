"""The parser of what expressions are made of: literals, look-ups, tests, calls and filters.

Each method is one rule of Tera's grammar and returns None, cursor unmoved, where it does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar, cast

from streams.templating.scanner import Scanner
from streams.templating.tree import Call, Expression, Literal, MacroCall, Test, Value, Variable
from streams.templating.values import I64_MAX, I64_MIN

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
STRING: Final = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
BOOLEAN: Final = re.compile(r"true|false|True|False")
INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
FLOAT: Final = re.compile(r"-?(?:0\.[0-9]+|[1-9][0-9]*\.[0-9]+)")
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_MORE_DOTS: Final = re.compile(r"(?:\.[A-Za-z0-9_]+)+")
# What makes a word a function call or a macro call, so that neither is tried in vain.
_IS_CALL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[ \t\r\n]*(\(|::)")

_T = TypeVar("_T")


class OperandParser(Scanner):
    """The rules up to one operand. What stands in parentheses and arguments is given by the subclass."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._remembered: dict[tuple[str, int], tuple[object, int]] = {}

    # Results by rule and place: a rule that two choices begin with is parsed once, which keeps parsing linear.
    def once(self, rule: Callable[[], _T]) -> _T:
        key = (rule.__name__, self.position)
        if key in self._remembered:
            result, self.position = self._remembered[key]
            return cast("_T", result)  # what this rule returned the first time
        start = self.position
        found = rule()
        if found is None:
            self.position = start
        self._remembered[key] = (found, self.position)
        return found

    def any_expression(self) -> Expression | None:
        """What may stand in `{{ }}`, after `set x =` and in arguments."""
        raise NotImplementedError

    def logic(self) -> Expression | None:
        """What may stand in `if` and as the argument of a test."""
        raise NotImplementedError

    def sum(self) -> Value | None:
        """What may stand in the parentheses of a calculation."""
        raise NotImplementedError

    def operand(self) -> Value | None:
        start = self.position
        if self.literal("("):
            self.space()
            self.deeper()
            inside = self.once(self.sum)
            self.shallower()
            self.space()
            if inside is not None and self.literal(")"):
                return inside
            self.position = start
            return None
        boolean = self.take(BOOLEAN, "a value")
        if boolean is not None:
            return Literal(boolean.lower() == "true")
        return self._test() or self._macro_call() or self.function_call() or self.variable() or self.number()

    def number(self) -> Literal | None:
        start = self.position
        number = self.take(FLOAT, "a number")
        if number is not None:
            if float(number) in (float("inf"), float("-inf")):
                self.fail("a number is too large", at=start)
            return Literal(float(number))
        number = self.take(INTEGER, "a number")
        if number is None:
            return None
        if not I64_MIN <= int(number[:30]) <= I64_MAX:
            self.fail("a whole number does not fit in 64 bits", at=start)
        return Literal(int(number))

    def string(self) -> Literal | None:
        string = self.take(STRING, "a string")
        return None if string is None else Literal(string[1:-1])

    def variable(self) -> Variable | None:
        start = self.position
        if self.take(_DOTTED, "a variable") is None:
            return None
        while self.take(_MORE_DOTS, "`.`") is not None or self._brackets():
            pass
        return Variable(self.text[start : self.position], start)

    def _brackets(self) -> bool:
        start = self.position
        if self.literal("["):
            self.deeper()
            inside = self.take(INTEGER, "an index") or self.take(STRING, "a key in quotes") or self.variable()
            self.shallower()
            if inside is not None and self.literal("]"):
                return True
        self.position = start
        return False

    def _test(self) -> Test | None:
        start = self.position
        subject = self.variable()
        if subject is None:
            return None
        self.space()
        if self.literal("is"):
            self.space()
            after = self.position
            if self.literal("not"):
                self.space()
                at = self.position
                call = self._test_call()
                if call is not None:
                    return Test(subject, True, *call, at)
            self.position = after
            call = self._test_call()
            if call is not None:
                return Test(subject, False, *call, after)
        self.position = start
        return None

    def _test_call(self) -> tuple[str, list[Expression]] | None:
        name = self.take(NAME, "the name of a test")
        if name is None:
            return None
        after = self.position
        self.space()
        arguments = list[Expression]()
        if self.literal("("):
            self.deeper()
            while True:
                self.space()
                if self.text.startswith("[", self.position):
                    self.fail("a test takes no array as its argument", "put the array in a variable with `set`")
                argument = self.logic()
                if argument is None:
                    break
                arguments.append(argument)
                self.space()
                if not self.literal(","):
                    if self.literal(")"):
                        self.shallower()
                        return name, arguments
                    break
            self.shallower()
        self.position = after
        return name, []

    def _macro_call(self) -> MacroCall | None:
        start = self.position
        kind = _IS_CALL.match(self.text, start)
        if kind is None or kind.group(1) != "::":
            return None
        namespace = self.take(NAME, "a name")
        self.space()
        self.literal("::")
        self.space()
        name = self.take(NAME, "the name of a macro")
        self.space()
        arguments = self._arguments() if name is not None else None
        if namespace is None or name is None or arguments is None:
            self.position = start
            return None
        return MacroCall(namespace, name, arguments, start)

    def function_call(self) -> Call | None:
        kind = _IS_CALL.match(self.text, self.position)
        return self.call() if kind is not None and kind.group(1) == "(" else None

    def call(self) -> Call | None:
        """`name(argument=…)`."""
        return self.once(self._call)

    def _call(self) -> Call | None:
        at = self.position
        name = self.take(NAME, "a name")
        self.space()
        arguments = self._arguments() if name is not None else None
        return Call(name, arguments, at) if name is not None and arguments is not None else None

    def _arguments(self) -> dict[str, Expression] | None:
        if not self.literal("("):
            return None
        arguments: dict[str, Expression] = {}
        self.deeper()
        while True:
            self.space()
            before = self.position
            name = self.take(NAME, "an argument's name")
            self.space()
            value = None
            if name is not None and self.literal("="):
                self.space()
                value = self.any_expression()
            if name is None or value is None:
                self.position = before
                break
            arguments[name] = value
            self.space()
            if not self.literal(","):
                break
        self.shallower()
        self.space()
        return arguments if self.literal(")") else None

    def filters(self) -> tuple[Call, ...]:
        filters = list[Call]()
        while True:
            before = self.position
            self.space()
            found = None
            if self.literal("|"):
                self.space()
                found = self.filter_call()
            if found is None:
                self.position = before
                return tuple(filters)
            filters.append(found)

    def filter_call(self) -> Call | None:
        """A filter's name with or without arguments."""
        at = self.position
        found = self.function_call()
        if found is not None:
            return found
        name = self.take(NAME, "the name of a filter")
        return None if name is None else Call(name, {}, at)
