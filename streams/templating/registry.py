"""The table of filters, tests and functions, and how a use of one is bound to its place in a template.

Filters, tests and functions register themselves with the decorators here. The table is also what `docs/templates.md`
is generated from, so each entry carries a sentence and an example that the tests run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from streams.errors import DataMissing, RenderFailed, TemplateWrong
from streams.templating.explain import nearest
from streams.templating.run import Evaluate, Run
from streams.templating.values import MISSING, size_of

Arguments = dict[str, Any]
# Steps that a filter or a function takes whatever it works on.
_EACH: Final = 4
FilterFunction = Callable[[Any, Arguments, Run], Any]
FunctionFunction = Callable[[Arguments, Run], Any]
TestFunction = Callable[[Any, list[Any], Run], bool]
_Filter = TypeVar("_Filter", bound=FilterFunction)
_Function = TypeVar("_Function", bound=FunctionFunction)
_Test = TypeVar("_Test", bound=TestFunction)


@dataclass(frozen=True)
class Entry:
    """One row of the reference: what it does, its arguments, and an example with the text it gives."""

    name: str
    says: str
    arguments: str
    example: str
    gives: str
    ours: bool = False  # not in Tera


@dataclass(frozen=True)
class Filter(Entry):
    function: FilterFunction = lambda value, arguments, run: value


@dataclass(frozen=True)
class Function(Entry):
    function: FunctionFunction = lambda arguments, run: None


@dataclass(frozen=True)
class Tester(Entry):
    function: TestFunction = lambda value, arguments, run: False


FILTERS: Final[dict[str, Filter]] = {}
FUNCTIONS: Final[dict[str, Function]] = {}
TESTS: Final[dict[str, Tester]] = {}

# Names of Jinja2's and what to write for them.
_JINJA_FILTERS: Final = {
    "tojson": "write `json_encode`",
    "e": "write `escape`",
    "d": "write `default(value=…)`",
    "count": "write `length`",
    "list": "there is no such thing: arrays are arrays already",
    "string": "write `as_str`",
    "strftime": "write `date(format=…)`",
    "selectattr": "write `filter(attribute=…, value=…)`",
    "groupby": "write `group_by(attribute=…)`",
    "filesizeformat": "",
    "format": "join values with `~`",
    "items": "write `{% for key, value in object %}`",
    "dictsort": "objects are in the order of their keys already",
    "strip": "write `trim`",
}
_JINJA_TESTS: Final = {
    "none": "print it with `default(value=…)`, which takes the place of null too",
    "mapping": "write `object`",
    "sequence": "write `iterable`",
    "startswith": "write `starting_with`",
    "in": "write `value in container`",
    "match": "write `matching`",
    "contains": "write `containing`",
    "true": "write the variable alone",
    "equalto": "write `==`",
}


def filter_(
    name: str, says: str, arguments: str, example: str, gives: str, *, ours: bool = False
) -> Callable[[_Filter], _Filter]:
    """Register the decorated function as a filter: it takes the value, the arguments and the rendering."""

    def register(function: _Filter) -> _Filter:
        FILTERS[name] = Filter(name, says, arguments, example, gives, ours, function)
        return function

    return register


def function(
    name: str, says: str, arguments: str, example: str, gives: str, *, ours: bool = False
) -> Callable[[_Function], _Function]:
    """Register the decorated function as a function of the language."""

    def register(of: _Function) -> _Function:
        FUNCTIONS[name] = Function(name, says, arguments, example, gives, ours, of)
        return of

    return register


def test(name: str, says: str, arguments: str, example: str, gives: str) -> Callable[[_Test], _Test]:
    """Register the decorated function as a test: it takes the value or MISSING, the arguments and the rendering."""

    def register(of: _Test) -> _Test:
        TESTS[name] = Tester(name, says, arguments, example, gives, False, of)
        return of

    return register


def bind_filter(name: str, arguments: dict[str, Evaluate], place: tuple[int, int]) -> Callable[[Run, Any], Any]:
    """A use of the filter ``name``. Raises TemplateWrong when there is none."""
    entry = FILTERS.get(name)
    if entry is None:
        hint = _JINJA_FILTERS.get(name) or nearest(name, [*FILTERS, "default", "safe"])
        if name == "default":
            hint = "in a filter section there is no variable that could be missing"
        raise TemplateWrong(f"there is no filter `{name}`", *place, hint)
    function = entry.function
    pairs = tuple(arguments.items())

    def apply(run: Run, value: Any) -> Any:
        given = {argument: of(run) for argument, of in pairs}
        run.meter.work(_EACH + ((len(value) >> 5) if type(value) is str else size_of(value)))
        try:
            result = function(value, given, run)
        except RenderFailed as error:
            if not error.line:
                error.line, error.column = place
                error.message = f"the filter `{name}`: {error.message}"
            raise
        if type(result) is str:
            run.meter.text(len(result))
        return result

    return apply


def bind_function(name: str, arguments: dict[str, Evaluate], place: tuple[int, int]) -> Evaluate:
    """A use of the function ``name``. Raises TemplateWrong when there is none."""
    entry = FUNCTIONS.get(name)
    if name == "get_env":
        raise TemplateWrong("`get_env` is refused", *place, "templates do not see the machine they run on")
    if entry is None:
        hint = f"`{name}` is a filter: write `value | {name}`" if name in FILTERS else nearest(name, FUNCTIONS)
        raise TemplateWrong(f"there is no function `{name}`", *place, hint)
    function = entry.function
    pairs = tuple(arguments.items())

    def call(run: Run) -> Any:
        run.meter.work(_EACH)
        given = {argument: of(run) for argument, of in pairs}
        try:
            return function(given, run)
        except RenderFailed as error:
            if not error.line:
                error.line, error.column = place
                error.message = f"the function `{name}`: {error.message}"
            raise

    return call


def bind_test(name: str, subject: str, place: tuple[int, int]) -> Callable[[Run, Any, list[Any]], bool]:
    """A use of the test ``name`` on ``subject``. Raises TemplateWrong when there is none."""
    entry = TESTS.get(name)
    if entry is None:
        raise TemplateWrong(f"there is no test `{name}`", *place, _JINJA_TESTS.get(name) or nearest(name, TESTS))
    function = entry.function

    def check(run: Run, value: Any, given: list[Any]) -> bool:
        if value is MISSING:
            if name not in ("defined", "undefined"):
                raise DataMissing(f"`{subject}` is not there to be tested", subject, (), *place)
        else:
            run.meter.work(size_of(value))
        try:
            return function(value, given, run)
        except RenderFailed as error:
            if not error.line:
                error.line, error.column = place
                error.message = f"the test `{name}` of `{subject}`: {error.message}"
            raise

    return check
