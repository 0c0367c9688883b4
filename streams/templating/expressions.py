"""The parser of Tera's expressions.

Why not Jinja2's parser: in Tera a filter binds to the whole sum before it (`1 + a | round` rounds the sum), strings
and sums cannot be mixed, `~` binds tighter than comparison and takes no filters inside, arguments have names only,
words need no space around them (`1 in[1]`), `not` stands before a comparison but not before a parenthesis, and
`true` begins every word that begins with it. A template that Tera refuses must be refused here, so the grammar's
choices are made in Tera's order. Each method below is one rule and returns None, cursor unmoved, where it does not
apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar, cast

from streams.templating.scanner import Scanner
from streams.templating.tree import (
    Array,
    Calculation,
    Call,
    Concatenation,
    Containment,
    Expression,
    Literal,
    Logic,
    MacroCall,
    Test,
    Value,
    Variable,
)
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
_NOT: Final = re.compile(r"not[ \t\r\n]")
_AND_OR: Final = re.compile(r"(?:or|and)[ \t\r\n]")
_COMPARISON: Final = re.compile(r"<=|>=|>|<|==|!=")
_ARITHMETIC: Final = re.compile(r"[-+*/%]")

_T = TypeVar("_T")


class ExpressionParser(Scanner):
    """The expression rules over a cursor."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._remembered: dict[tuple[str, int], tuple[object, int]] = {}

    # Results by rule and place: a rule that two choices begin with is parsed once, which keeps parsing linear.
    def _once(self, rule: Callable[[], _T]) -> _T:
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
        """What may stand in `{{ }}`, after `set x =` and in arguments: logic, or an array."""
        return self.logic() or self.array_with_filters()

    def logic(self) -> Expression | None:
        """`a and b or c`; `and` binds tighter."""
        return self._once(self._logic)

    def _logic(self) -> Expression | None:
        first = self._logic_value()
        if first is None:
            return None
        operands, operators = [first], list[tuple[str, int]]()
        while True:
            start = self.position
            self.space()
            at = self.position
            word = self.take(_AND_OR, "`and` or `or`")
            self.space()
            operand = self._logic_value() if word else None
            if word is None or operand is None:
                self.position = start
                break
            operators.append((word[:-1], at))
            operands.append(operand)
        return _by_precedence(operands, operators, ({"or"}, {"and"}), Logic)

    def _logic_value(self) -> Expression | None:
        start = self.position
        negated = self.take(_NOT, "`not`") is not None
        self.space()
        found = self._comparison_or_containment()
        if found is not None:
            return Expression(found.value, found.filters, negated)
        self.position = start
        if not self.literal("("):
            return None
        self.space()
        self.deeper()
        inside = self.logic()
        self.shallower()
        self.space()
        if inside is None or not self.literal(")"):
            self.position = start
            return None
        # Tera forgets a `not` that begins what the parentheses hold: `(not a)` means `a`.
        return Expression(inside.value, inside.filters, False)

    def _comparison_or_containment(self) -> Expression | None:
        start = self.position
        text = self._string_with_filters()
        first = text or self._once(self._sum_with_filters)
        if first is None:
            return None
        after = self.position
        contained = self._containment(first, start)
        if contained is not None:
            return contained
        self.position = after
        left = first if text else self._calculation(first)
        after = self.position
        self.space()
        at = self.position
        operator = self.take(_COMPARISON, "a comparison")
        self.space()
        right = self._comparison_side() if operator else None
        if operator is None or right is None:
            self.position = after
            return left
        return Expression(Logic(operator, left, right, at))

    def _comparison_side(self) -> Expression | None:
        text = self._string_with_filters()
        if text is not None:
            return text
        first = self._once(self._sum_with_filters)
        return None if first is None else self._calculation(first)

    def _calculation(self, first: Expression) -> Expression:
        """`a | f + b | g`: sums of operands that carry filters of their own."""
        operands, operators = [first], list[tuple[str, int]]()
        while True:
            after = self.position
            self.space()
            at = self.position
            operator = self.take(_ARITHMETIC, "a calculation")
            self.space()
            operand = self._once(self._sum_with_filters) if operator else None
            if operator is None or operand is None:
                self.position = after
                break
            operators.append((operator, at))
            operands.append(operand)
        return _by_precedence(operands, operators, ({"+", "-"}, {"*", "/", "%"}), Calculation)

    def _containment(self, left: Expression, at: int) -> Expression | None:
        self.space()
        negated = self.take(_NOT, "`not`") is not None
        self.space()
        if not self.literal("in"):
            return None
        self.space()
        container: Expression | None = self._string_with_filters() or self.array_with_filters()
        if container is None:
            variable = self._variable()
            container = None if variable is None else Expression(variable)
        return None if container is None else Expression(Containment(left, container, negated, at))

    def array_with_filters(self) -> Expression | None:
        return self._once(self._array_with_filters)

    def _array_with_filters(self) -> Expression | None:
        if not self.literal("["):
            return None
        items = list[Expression]()
        self.deeper()
        while True:
            self.space()
            item = self._logic_value()
            if item is None:
                break
            items.append(item)
            self.space()
            if not self.literal(","):
                break
        self.shallower()
        self.space()
        return Expression(Array(items), self._filters()) if self.literal("]") else None

    def _string_with_filters(self) -> Expression | None:
        return self._once(self._string_expression)

    def _string_expression(self) -> Expression | None:
        start = self.position
        parts = list[Literal | Variable | Call]()
        while True:
            before = self.position
            self.space()
            part: Literal | Variable | Call | None = None
            if not parts or self.literal("~"):
                self.space()
                part = self._function_call() or self._number() or self._string() or self._variable()
            if part is None:
                self.position = before
                break
            parts.append(part)
        if len(parts) > 1:
            return Expression(Concatenation(parts, start), self._filters())
        if parts and isinstance(parts[0], Literal) and type(parts[0].value) is str:
            return Expression(parts[0], self._filters())
        return None

    def _sum_with_filters(self) -> Expression | None:
        value = self._sum()
        return None if value is None else Expression(value, self._filters())

    def _sum(self) -> Value | None:
        operands, operators = list[Expression](), list[tuple[str, int]]()
        while True:
            before = self.position
            self.space()
            at = self.position
            operator = self.take(_ARITHMETIC, "a calculation") if operands else ""
            self.space()
            operand = self._operand() if operator is not None else None
            if operator is None or operand is None:
                self.position = before
                break
            if operands:
                operators.append((operator, at))
            operands.append(Expression(operand))
        if not operands:
            return None
        return _by_precedence(operands, operators, ({"+", "-"}, {"*", "/", "%"}), Calculation).value

    def _operand(self) -> Value | None:
        start = self.position
        if self.literal("("):
            self.space()
            self.deeper()
            inside = self._once(self._sum)
            self.shallower()
            self.space()
            if inside is not None and self.literal(")"):
                return inside
            self.position = start
            return None
        boolean = self.take(BOOLEAN, "a value")
        if boolean is not None:
            return Literal(boolean.lower() == "true")
        return self._test() or self._macro_call() or self._function_call() or self._variable() or self._number()

    def _number(self) -> Literal | None:
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

    def _string(self) -> Literal | None:
        string = self.take(STRING, "a string")
        return None if string is None else Literal(string[1:-1])

    def _variable(self) -> Variable | None:
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
            inside = self.take(INTEGER, "an index") or self.take(STRING, "a key in quotes") or self._variable()
            self.shallower()
            if inside is not None and self.literal("]"):
                return True
        self.position = start
        return False

    def _test(self) -> Test | None:
        start = self.position
        subject = self._variable()
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

    def _function_call(self) -> Call | None:
        kind = _IS_CALL.match(self.text, self.position)
        return self.call() if kind is not None and kind.group(1) == "(" else None

    def call(self) -> Call | None:
        """`name(argument=…)`."""
        return self._once(self._call)

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

    def _filters(self) -> tuple[Call, ...]:
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
        found = self._function_call()
        if found is not None:
            return found
        name = self.take(NAME, "the name of a filter")
        return None if name is None else Call(name, {}, at)


def _by_precedence(
    operands: list[Expression],
    operators: list[tuple[str, int]],
    levels: tuple[set[str], ...],
    build: Callable[[str, Expression, Expression, int], Logic | Calculation],
) -> Expression:
    """Operands joined by operators, from the left, the later levels binding tighter."""
    loose, *tighter = levels
    groups: list[tuple[list[Expression], list[tuple[str, int]]]] = [([operands[0]], [])]
    splits = list[tuple[str, int]]()
    for operator, operand in zip(operators, operands[1:], strict=True):
        if operator[0] in loose:
            splits.append(operator)
            groups.append(([operand], []))
        else:
            groups[-1][0].append(operand)
            groups[-1][1].append(operator)
    joined = [_by_precedence(of, by, tuple(tighter), build) if tighter and by else of[0] for of, by in groups]
    result = joined[0]
    for (operator_word, at), right in zip(splits, joined[1:], strict=True):
        result = Expression(build(operator_word, result, right, at))
    return result
