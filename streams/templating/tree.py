"""What the parser makes of a template: expressions and nodes, all immutable, each with its place in the text.

The tree keeps Tera's own division: an `Expression` is a value with filters after it and perhaps a `not` before it.
The division matters, because Tera evaluates the same value differently when it is printed, tested or calculated with.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a string or a boolean, as written."""

    value: int | float | str | bool


@dataclass(frozen=True, slots=True)
class Variable:
    """A look-up, as written: `alert.groups[0]["team name"]`."""

    path: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a filter, with its named arguments."""

    name: str
    arguments: dict[str, Expression]
    at: int


@dataclass(frozen=True, slots=True)
class MacroCall:
    """`self::name(argument=…)`."""

    namespace: str
    name: str
    arguments: dict[str, Expression]
    at: int


@dataclass(frozen=True, slots=True)
class Test:
    """`path is [not] name(arguments)`."""

    subject: Variable
    negated: bool
    name: str
    arguments: list[Expression]
    at: int


@dataclass(frozen=True, slots=True)
class Calculation:
    operator: str  # + - * / %
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    operator: str  # and or == != < <= > >=
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Containment:
    """`left [not] in container`."""

    left: Expression
    container: Expression
    negated: bool
    at: int


@dataclass(frozen=True, slots=True)
class Array:
    items: list[Expression]


@dataclass(frozen=True, slots=True)
class Concatenation:
    """`a ~ b ~ c`."""

    parts: list[Literal | Variable | Call]
    at: int


Value = Literal | Variable | Call | MacroCall | Test | Calculation | Logic | Containment | Array | Concatenation


@dataclass(frozen=True, slots=True)
class Expression:
    value: Value
    filters: tuple[Call, ...] = ()
    negated: bool = False

    @property
    def default(self) -> Call | None:
        """The `default` filter when it comes first, the only place where Tera heeds it."""
        return self.filters[0] if self.filters and self.filters[0].name == "default" else None


@dataclass(frozen=True, slots=True)
class Trim:
    """The `-` of a tag: remove white space before it, after it."""

    left: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Raw:
    text: str
    start: Trim
    end: Trim


@dataclass(frozen=True, slots=True)
class Comment:
    trim: Trim


@dataclass(frozen=True, slots=True)
class Print:
    expression: Expression
    trim: Trim
    at: int


@dataclass(frozen=True, slots=True)
class Super:
    """`{{ super() }}` in a block: there is no parent, so this can only fail."""

    at: int


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    expression: Expression
    everywhere: bool  # set_global
    trim: Trim
    at: int


@dataclass(frozen=True, slots=True)
class Include:
    """`{% include … ignore missing %}`: the only form that can render, since there is only the one template."""

    trim: Trim


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue`."""

    word: str
    trim: Trim
    at: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One `if` or `elif` with its body; `condition` is None for `else`."""

    condition: Expression | None
    body: list[Node]
    trim: Trim


@dataclass(frozen=True, slots=True)
class If:
    branches: list[Branch]
    end: Trim
    at: int


@dataclass(frozen=True, slots=True)
class For:
    key: str | None
    name: str
    container: Expression
    body: list[Node]
    empty: list[Node] | None  # after `else`
    start: Trim
    end: Trim
    at: int


@dataclass(frozen=True, slots=True)
class FilterSection:
    filter: Call
    body: list[Node]
    start: Trim
    end: Trim
    at: int


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    body: list[Node]
    start: Trim
    end: Trim
    at: int


@dataclass(frozen=True, slots=True)
class Macro:
    name: str
    parameters: dict[str, Literal | None]  # the value is the default, None for "must be given"
    body: list[Node]
    start: Trim
    end: Trim
    at: int


Node = Text | Raw | Comment | Print | Super | Set | Include | Leave | If | For | FilterSection | Block | Macro
