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

from streams.errors import RenderFailed
from streams.templating.conditions import ConditionCompiler
from streams.templating.lookup import Place, finder, needer
from streams.templating.macros import MacroTable
from streams.templating.registry import bind_filter, bind_function, bind_test
from streams.templating.run import Decide, Evaluate, Run
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
    Variable,
)
from streams.templating.values import MISSING, float_json, float_text, is_number, kind_of, same, size_of, text_of


class ExpressionCompiler(ConditionCompiler):
    """Compiles the expressions of one scope. ``locate`` turns an offset into line and column."""

    def __init__(self, scope: Scope, macros: MacroTable, locate: Callable[[int], Place]) -> None:
        super().__init__(scope, locate)
        self._macros = macros

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
