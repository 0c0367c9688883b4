"""Compiles expressions to Python closures.

Why closures, and not nodes for Jinja2's compiler: Tera evaluates one and the same expression differently as a value
(`{{ not a == b }}` prints `a == b`), as a condition (`{% if a | upper %}` is false when `upper` fails) and as a number
(`a < b` ignores what `a` would print), and it looks names up through frames that Jinja2's scoping cannot express
(`streams.templating.scope`). Jinja2 compiles each node in one way only, resolves each name to one place, and counts
booleans as numbers, so that every node would have to become a call of the functions below anyway, behind the
sandbox's check on each call. Closures need no generated source, no `exec` and no attribute access: there is nothing
to escape into.

Three functions for three ways to be evaluated: `value`, `decide` (truth) and `count` (number).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.errors import RenderFailed, TemplateTooCostly
from streams.templating.lookup import Place, finder, needer
from streams.templating.macros import MacroTable
from streams.templating.numbers import OPERATIONS
from streams.templating.registry import bind_filter, bind_function, bind_test
from streams.templating.run import Count, Decide, Evaluate, Run
from streams.templating.scope import Scope
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
from streams.templating.values import MISSING, equal, float_json, float_text, is_number, kind_of, same, size_of, text_of


class ExpressionCompiler:
    """Compiles the expressions of one scope. ``locate`` turns an offset into line and column."""

    def __init__(self, scope: Scope, macros: MacroTable, locate: Callable[[int], Place]) -> None:
        self.scope = scope
        self._macros = macros
        self._locate = locate

    def value(self, expression: Expression) -> Evaluate:
        """How Tera evaluates what is printed, set, compared with `==` or given as an argument."""
        if isinstance(expression.value, Variable):
            return self._variable_value(expression, expression.value)
        base = self._base(expression)
        filters = self._filters(expression)
        negated = expression.negated
        if not filters and not negated:
            return base

        def evaluate(run: Run) -> Any:
            result = base(run)
            for apply in filters:
                result = apply(run, result)
            return not result if negated else result

        return evaluate

    def _variable_value(self, expression: Expression, variable: Variable) -> Evaluate:
        filters = self._filters(expression)
        negated = expression.negated
        default = expression.default
        if default is None and not negated:
            need = needer(variable.path, self.scope, self._locate(variable.at))
            if not filters:
                return need
            if len(filters) == 1:
                only = filters[0]
                return lambda run: only(run, need(run))
        else:
            find = finder(variable.path, self.scope)
            need = find if default is None else self._with_default(find, default)

        def evaluate(run: Run) -> Any:
            result = need(run)
            if result is MISSING:  # only behind `not`: a variable that is not there is false, filters or no
                return True
            for apply in filters:
                result = apply(run, result)
            return not result if negated else result

        return evaluate

    def _with_default(self, find: Evaluate, default: Call) -> Evaluate:
        """`default` takes the place of what is missing and of null."""
        given = default.arguments.get("value")
        place = self._locate(default.at)
        otherwise = None if given is None else self.value(given)

        def evaluate(run: Run) -> Any:
            value = find(run)
            if value is not MISSING and value is not None:
                return value
            if otherwise is None:
                raise RenderFailed("the filter `default` needs an argument `value`", *place)
            return otherwise(run)

        return evaluate

    def _filters(self, expression: Expression) -> list[Callable[[Run, Any], Any]]:
        # `safe` exists in Tera to switch escaping off, and nothing is escaped here.
        return [self.filter(call) for call in expression.filters if call.name not in ("safe", "default")]

    def filter(self, call: Call) -> Callable[[Run, Any], Any]:
        """One use of a filter. Raises TemplateWrong when there is none of that name."""
        return bind_filter(call.name, self._arguments(call.arguments), self._locate(call.at))

    def _arguments(self, arguments: dict[str, Expression]) -> dict[str, Evaluate]:
        return {name: self.value(expression) for name, expression in arguments.items()}

    def _base(self, expression: Expression) -> Evaluate:
        value = expression.value
        match value:
            case Literal():
                constant = value.value
                return lambda run: constant
            case Variable():
                return needer(value.path, self.scope, self._locate(value.at))
            case Call():
                return bind_function(value.name, self._arguments(value.arguments), self._locate(value.at))
            case MacroCall():
                return self._macros.use(value, self._arguments(value.arguments), self._locate(value.at))
            case Array():
                return self._array(value)
            case Concatenation():
                return self._concatenation(value)
            case Calculation():
                number = self._number(value)

                def calculate(run: Run) -> Any:
                    result = number(run)
                    return "NaN" if result is None else result

                return calculate
            case Logic():
                return self.decide(expression)  # heeds the `not`, and `value` heeds it again, as Tera does
            case Test():
                return self._test(value)
            case Containment():
                return self._containment(value)

    def _array(self, array: Array) -> Evaluate:
        items = [self.value(item) for item in array.items]

        def build(run: Run) -> Any:
            result = [item(run) for item in items]
            run.meter.work(size_of(result))
            return result

        return build

    def _concatenation(self, value: Concatenation) -> Evaluate:
        place = self._locate(value.at)
        parts = list[Evaluate]()
        for part in value.parts:
            if isinstance(part, Literal):
                text = float_text(part.value) if type(part.value) is float else text_of(part.value)
                parts.append(lambda run, text=text: text)  # type: ignore[misc]
            else:
                parts.append(self._base(Expression(part)))

        def join(run: Run) -> Any:
            texts = list[str]()
            for part in parts:
                found = part(run)
                if type(found) is not str:
                    if not is_number(found):
                        raise RenderFailed(f"`~` joins texts and numbers, and this is {kind_of(found)}", *place)
                    found = float_json(found) if type(found) is float else text_of(found)
                run.meter.text(len(found))
                texts.append(found)
            return "".join(texts)

        return join

    def _test(self, test: Test) -> Decide:
        arguments = [self.value(argument) for argument in test.arguments]
        find = finder(test.subject.path, self.scope)
        check = bind_test(test.name, test.subject.path, self._locate(test.at))
        negated = test.negated

        def decide(run: Run) -> bool:
            given = [argument(run) for argument in arguments]
            return check(run, find(run), given) is not negated

        return decide

    def _containment(self, value: Containment) -> Decide:
        left, container, negated = self.value(value.left), self.value(value.container), value.negated
        place = self._locate(value.at)

        def decide(run: Run) -> bool:
            wanted, within = left(run), container(run)
            if type(within) is list:
                run.meter.work(size_of(within))
                return any(same(item, wanted) for item in within) is not negated
            if type(within) not in (str, dict):
                raise RenderFailed(f"`in` looks into a text, an array or an object, not {kind_of(within)}", *place)
            if type(wanted) is not str:
                raise RenderFailed(f"`in` looks for a text there, not for {kind_of(wanted)}", *place)
            return (wanted in within) is not negated

        return decide

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
