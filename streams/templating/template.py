"""A compiled template and a compiled condition, and the caches that compile each text once."""

from __future__ import annotations

import bisect
import random
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from streams.errors import DataMissing, RenderFailed, TemplateError, TemplateTooCostly, TemplateWrong
from streams.templating.compiler import ExpressionCompiler
from streams.templating.lookup import Place
from streams.templating.macros import MacroTable
from streams.templating.parser import parse, parse_condition
from streams.templating.quiet import without_keys
from streams.templating.run import Clock, Dice, Perform, Run
from streams.templating.scope import Scope
from streams.templating.statements import Compiler
from streams.templating.values import text_of

# 800 connectors (the most that Coralogix's API lists) with a template for each of two entity types, and room beside.
CACHED: Final = 2_048

_T = TypeVar("_T")
_E = TypeVar("_E", bound=TemplateError)


class Template:
    """One compiled template. Immutable; safe to share between tasks and threads."""

    __slots__ = ("_perform", "_slots")

    def __init__(self, perform: Perform, slots: int) -> None:
        self._perform = perform
        self._slots = slots

    def render(self, context: Mapping[str, Any], *, now: Clock | None = None, dice: Dice = random.randrange) -> str:
        """The text for one event, untrimmed.

        ``context`` is the event as JSON gives it: objects (dict), arrays (list), text, numbers, booleans and null.
        ``now`` gives the moment for `now()`, with a time zone; a template that asks without it fails. ``dice`` gives
        the number for `get_random`.

        Raises DataMissing when the event lacks a value that is used without `default` or `is defined`,
        TemplateTooCostly at a bound of `streams.templating.limits`, and RenderFailed for everything else that cannot
        be done with these values. All three are TemplateError.
        """
        run = Run(context, self._slots, now, dice)
        try:
            self._perform(run)
        except TemplateError as error:
            raise _without_keys(error) from None
        except RecursionError:
            raise TemplateTooCostly("the values are nested too deeply") from None
        return "".join(run.out)


class Condition:
    """One compiled routing condition."""

    __slots__ = ("_evaluate",)

    def __init__(self, evaluate: Callable[[Run], Any]) -> None:
        self._evaluate = evaluate

    def evaluate(self, context: Mapping[str, Any], *, now: Clock | None = None, dice: Dice = random.randrange) -> bool:
        """Whether the condition holds for this event. A value that is missing makes it false (Coralogix, condition
        templating). Raises RenderFailed when it gives anything but a boolean, and as `Template.render` does."""
        try:
            return self.demand(context, now=now, dice=dice)
        except DataMissing:
            return False

    def demand(self, context: Mapping[str, Any], *, now: Clock | None = None, dice: Dice = random.randrange) -> bool:
        """The same for those who want to know what is missing: raises DataMissing as well."""
        run = Run(context, 0, now, dice)
        try:
            result = text_of(self._evaluate(run))
        except TemplateError as error:
            raise _without_keys(error) from None
        except RecursionError:
            raise TemplateTooCostly("the values are nested too deeply") from None
        if result.strip() not in ("true", "false"):
            raise RenderFailed("a condition must be true or false")
        return result.strip() == "true"


def compile_template(text: str) -> Template:
    """The compiled form of ``text``, from a cache of bounded size. Raises TemplateWrong."""
    return _or_raise(_template(text))


def compile_condition(text: str) -> Condition:
    """The compiled form of a condition, from a cache of bounded size. Raises TemplateWrong.

    A condition is an expression without `{{ }}`; a whole template that prints `true` or `false` is taken too.
    """
    return _or_raise(_condition(text))


# A failure is remembered as a value: a wrong template in a busy connector must not be parsed for every event.
@lru_cache(maxsize=CACHED)
def _template(text: str) -> Template | TemplateWrong:
    try:
        return Template(*Compiler(_locator(text)).template(parse(text)))
    except TemplateWrong as error:
        return _without_keys(error)
    except RecursionError:
        return TemplateWrong("the template is nested too deeply")


@lru_cache(maxsize=CACHED)
def _condition(text: str) -> Condition | TemplateWrong:
    if re.search(r"\{[{%]", text):
        template = _template(text)
        if isinstance(template, TemplateWrong):
            return template
        return Condition(lambda run: template.render(run.context, now=run.now, dice=run.dice))
    try:
        expressions = ExpressionCompiler(Scope.of_body([]), MacroTable(), _locator(text))
        return Condition(expressions.value(parse_condition(text)))
    except TemplateWrong as error:
        return _without_keys(error)


def _or_raise(outcome: _T | TemplateWrong) -> _T:
    if isinstance(outcome, TemplateWrong):
        # A fresh one: a raised exception keeps its traceback, and this one is kept in the cache.
        raise TemplateWrong(outcome.message, outcome.line, outcome.column, outcome.suggestion)
    return outcome


def _without_keys(error: _E) -> _E:
    """The same error with everything masked that might be a routing key: names are quoted, and a key that stands where
    a name belongs is one."""
    error.message = without_keys(error.message)
    error.args = (error.message,)
    if isinstance(error, DataMissing):
        error.path, error.present = without_keys(error.path), tuple(map(without_keys, error.present))
    error.__traceback__ = None
    return error


def _locator(text: str) -> Callable[[int], Place]:
    """Line and column of an offset, both from 1; the ends of lines are found once."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def locate(at: int) -> Place:
        line = bisect.bisect_right(starts, at)
        return line, at - starts[line - 1] + 1

    return locate
