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
from typing import Final

from streams.templating.operands import OperandParser
from streams.templating.tree import (
    Array,
    Calculation,
    Call,
    Concatenation,
    Containment,
    Expression,
    Literal,
    Logic,
    Value,
    Variable,
)

_NOT: Final = re.compile(r"not[ \t\r\n]")
_AND_OR: Final = re.compile(r"(?:or|and)[ \t\r\n]")
_COMPARISON: Final = re.compile(r"<=|>=|>|<|==|!=")
_ARITHMETIC: Final = re.compile(r"[-+*/%]")


class ExpressionParser(OperandParser):
    """The rules from one operand to a whole expression."""

    def any_expression(self) -> Expression | None:
        """What may stand in `{{ }}`, after `set x =` and in arguments: logic, or an array."""
        return self.logic() or self.array_with_filters()

    def logic(self) -> Expression | None:
        """`a and b or c`; `and` binds tighter."""
        return self.once(self._logic)

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
        first = text or self.once(self._sum_with_filters)
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
        first = self.once(self._sum_with_filters)
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
            operand = self.once(self._sum_with_filters) if operator else None
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
            variable = self.variable()
            container = None if variable is None else Expression(variable)
        return None if container is None else Expression(Containment(left, container, negated, at))

    def array_with_filters(self) -> Expression | None:
        return self.once(self._array_with_filters)

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
        return Expression(Array(items), self.filters()) if self.literal("]") else None

    def _string_with_filters(self) -> Expression | None:
        return self.once(self._string_expression)

    def _string_expression(self) -> Expression | None:
        start = self.position
        parts = list[Literal | Variable | Call]()
        while True:
            before = self.position
            self.space()
            part: Literal | Variable | Call | None = None
            if not parts or self.literal("~"):
                self.space()
                part = self.function_call() or self.number() or self.string() or self.variable()
            if part is None:
                self.position = before
                break
            parts.append(part)
        if len(parts) > 1:
            return Expression(Concatenation(parts, start), self.filters())
        if parts and isinstance(parts[0], Literal) and type(parts[0].value) is str:
            return Expression(parts[0], self.filters())
        return None

    def _sum_with_filters(self) -> Expression | None:
        value = self.sum()
        return None if value is None else Expression(value, self.filters())

    def sum(self) -> Value | None:
        operands, operators = list[Expression](), list[tuple[str, int]]()
        while True:
            before = self.position
            self.space()
            at = self.position
            operator = self.take(_ARITHMETIC, "a calculation") if operands else ""
            self.space()
            operand = self.operand() if operator is not None else None
            if operator is None or operand is None:
                self.position = before
                break
            if operands:
                operators.append((operator, at))
            operands.append(Expression(operand))
        if not operands:
            return None
        return _by_precedence(operands, operators, ({"+", "-"}, {"*", "/", "%"}), Calculation).value


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
