"""Compiles expressions as conditions and as numbers, the two ways that differ from plain values.

In a condition a variable that is missing or fails is false, filters of anything but a variable are not looked at, and a
function must give a boolean. As a number nothing but a number will do.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.errors import RenderFailed, TemplateTooCostly
from streams.templating.lookup import Place, finder
from streams.templating.numbers import OPERATIONS
from streams.templating.run import Count, Decide, Evaluate, Run
from streams.templating.scope import Scope
from streams.templating.tree import Array, Calculation, Call, Concatenation, Expression, Literal, Logic, Value, Variable
from streams.templating.values import MISSING, equal, is_number, kind_of, size_of


class ConditionCompiler:
    """The two ways over a third, `value`, that the subclass gives. ``locate`` turns an offset into line and column."""

    def __init__(self, scope: Scope, locate: Callable[[int], Place]) -> None:
        self.scope = scope
        self._locate = locate

    def value(self, expression: Expression) -> Evaluate:
        """The expression as a value."""
        raise NotImplementedError

    def _base(self, expression: Expression) -> Evaluate:
        """The same without its filters and its `not`."""
        raise NotImplementedError

    def decide(self, expression: Expression) -> Decide:
        """How Tera evaluates a condition, and the sides of `and` and `or`. Filters count only on a variable."""
        value, negated = expression.value, expression.negated
        match value:
            case Variable():
                return self._variable_truth(expression, value)
            case Logic():
                truth = self._logic(value, negated)
                return truth
            case Literal() if type(value.value) in (str, bool):
                constant = bool(value.value) is not negated
                return lambda run: constant
            case Literal() | Calculation():
                number = self._number(value)
                return lambda run: (number(run) not in (None, 0)) is not negated
            case Concatenation():
                whole = self.value(expression)

                def written(run: Run) -> bool:
                    text = whole(run)
                    if type(text) is not str:
                        raise RenderFailed(f"a joined text was turned into {kind_of(text)} and cannot be a condition")
                    return text != ""

                return written
            case Call():
                return self._called(value, negated)
            case Array():
                raise AssertionError("the grammar has no array as a condition")
            case _:
                other = self._base(Expression(value))
                return lambda run: bool(other(run)) is not negated

    def _variable_truth(self, expression: Expression, variable: Variable) -> Decide:
        if expression.filters:
            whole = self.value(expression)

            def filtered(run: Run) -> bool:
                try:
                    return bool(whole(run))
                except TemplateTooCostly:
                    raise
                except RenderFailed:
                    return False  # whatever goes wrong with a variable makes a condition false, with `not` or without

            return filtered
        find = finder(variable.path, self.scope)
        if expression.negated:
            return lambda run: (value := find(run)) is MISSING or not value
        return lambda run: (value := find(run)) is not MISSING and bool(value)

    def _called(self, call: Call, negated: bool) -> Decide:
        function = self._base(Expression(call))
        place = self._locate(call.at)

        def decide(run: Run) -> bool:
            result = function(run)
            if type(result) is not bool:
                raise RenderFailed(f"the function `{call.name}` as a condition gave {kind_of(result)}", *place)
            return result is not negated

        return decide

    def _logic(self, logic: Logic, negated: bool) -> Decide:
        if logic.operator in ("and", "or"):
            left, right = self.decide(logic.left), self.decide(logic.right)
            if logic.operator == "and":
                return lambda run: (left(run) and right(run)) is not negated
            return lambda run: (left(run) or right(run)) is not negated
        if logic.operator in ("==", "!="):
            return self._equality(logic, negated)
        return self._order(logic, negated)

    def _equality(self, logic: Logic, negated: bool) -> Decide:
        one, other = self.value(logic.left), self.value(logic.right)
        flip = (logic.operator == "!=") is not negated
        right = logic.right
        if isinstance(right.value, Literal) and type(right.value.value) is str and not (right.filters or right.negated):
            return _equals_text(one, right.value.value, flip)
        return self._equals(one, other, flip)

    def _equals(self, one: Evaluate, other: Evaluate, flip: bool) -> Decide:
        def decide(run: Run) -> bool:
            left, right = one(run), other(run)
            if type(left) is str and type(right) is str:
                return (left == right) is not flip
            if is_number(left) is not is_number(right):
                return False  # a number and something else: neither equal nor unequal
            if type(left) in (list, dict):
                run.meter.work(size_of(left))
            return equal(left, right) is not flip

        return decide

    def _order(self, logic: Logic, negated: bool) -> Decide:
        one, other = self.count(logic.left), self.count(logic.right)
        place, operator = self._locate(logic.at), logic.operator

        def decide(run: Run) -> bool:
            left, right = one(run), other(run)
            if left is None or right is None:
                raise RenderFailed(f"`{operator}` with something that is not a number (NaN)", *place)
            left, right = float(left), float(right)
            if operator[0] == "<":
                result = left < right if operator == "<" else left <= right
            else:
                result = left > right if operator == ">" else left >= right
            return result is not negated

        return decide

    def count(self, expression: Expression) -> Count:
        """How Tera evaluates the sides of a calculation and of `<`: numbers only."""
        if not expression.filters:
            return self._number(expression.value)
        whole = self.value(expression)

        def filtered(run: Run) -> int | float | None:
            result = whole(run)
            if not is_number(result):
                raise RenderFailed(f"a number is needed here, and the filters gave {kind_of(result)}")
            return result

        return filtered

    def _number(self, value: Value) -> Count:
        if isinstance(value, Calculation):
            operation = OPERATIONS[value.operator]
            one, other = self.count(value.left), self.count(value.right)

            def calculate(run: Run) -> int | float | None:
                left, right = one(run), other(run)
                return None if left is None or right is None else operation(left, right)

            return calculate
        at = getattr(value, "at", None)
        place = (0, 0) if at is None else self._locate(at)
        if isinstance(value, Variable | Call | Literal):
            base = self._base(Expression(value))

            def number(run: Run) -> int | float | None:
                result = base(run)
                if not is_number(result):
                    raise RenderFailed(f"a number is needed here, and this is {kind_of(result)}", *place)
                return result

            return number

        def never(run: Run) -> int | float | None:
            raise RenderFailed("a number is needed here, and this is none", *place)

        return never


def _equals_text(one: Evaluate, text: str, flip: bool) -> Decide:
    """`_equals` with a text as it stands, what nearly all routing conditions are: the fewer parts, the quicker."""

    def equal_to(run: Run) -> bool:
        left = one(run)
        return left == text if type(left) is str else _other_than_text(run, left, False)

    def unequal_to(run: Run) -> bool:
        left = one(run)
        return left != text if type(left) is str else _other_than_text(run, left, True)

    return unequal_to if flip else equal_to


def _other_than_text(run: Run, left: object, unequal: bool) -> bool:
    if is_number(left):
        return False
    if type(left) in (list, dict):
        run.meter.work(size_of(left))
    return unequal
