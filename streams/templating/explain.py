"""What an author may have meant: hints for idioms of Jinja2 and other languages, and the nearest known name.

Hints look at the text around the place where parsing stopped but never repeat it: a template may hold routing keys.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

# (what the text before the place ends with, what the text at the place begins with, the hint)
_IDIOMS: Final[tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]] = tuple(
    (re.compile(f"(?:{before})$", re.DOTALL), re.compile(after, re.DOTALL), hint)
    for before, after, hint in (
        (r"\|\s*(?:default|d)\s*\(\s*", r"", 'filters take named arguments: `default(value="x")`'),
        (r"\|\s*replace\s*\(\s*", r"", 'filters take named arguments: `replace(from="a", to="b")`'),
        (r"\|\s*join\s*\(\s*", r"", 'filters take named arguments: `join(sep=", ")`'),
        (r"\|\s*truncate\s*\(\s*", r"", "filters take named arguments: `truncate(length=80)`"),
        (r"\|\s*(?:date|strftime)\s*\(\s*", r"", 'filters take named arguments: `date(format="%Y-%m-%d")`'),
        (r"\|\s*\w+\s*\(\s*", r"", "filters take named arguments: `name(argument=value)`"),
        (r"\w\s*\(\s*", r"", "functions take named arguments: `range(end=3)`; values have no methods"),
        (r"", r"\s*\([^)]*\)\s*(?:%}|}}|$)", "values have no methods: use a filter, `value | name`"),
        (r"", r"\s*if\b", "there is no `x if y else z`: use `{% if y %}…{% else %}…{% endif %}`"),
        (r"", r"\s*&&", "write `and`"),
        (r"", r"\s*\|\|", "write `or`"),
        (r"\|", r"\|", "write `or`"),
        (r"", r"\s*!(?!=)", "write `not`"),
        (r"", r"\s*={1}(?!=)", "compare with `==`"),
        (r"=", r"==", "compare with `==`"),
        (
            r"\bnot\s*\(.*",
            r"",
            "`not` cannot stand before a parenthesis with `and`, `or` or a comparison: negate its parts",
        ),
        (r"", r"\s*//", "there is no whole division: `a / b | int`"),
        (r"/\s*", r"/", "there is no whole division: `a / b | int`"),
        (r"\*\s*", r"\*", "there is no power operator"),
        (r"\[[^\]]*", r":", "there are no slices: `array | slice(start=1, end=3)`"),
        (r"", r"\s*{(?![{%#])", "there are no object literals"),
        (r"", r"\s*\+", "strings are joined with `~`; filters on a string come after the whole expression"),
        (
            r"",
            r"\s*~",
            "`~` joins strings, numbers, variables and function calls; put a filtered value in a variable with `set` first",  # noqa: E501
        ),
        (r"\b(?:true|false|True|False)(?:\w+\s*)?", r"", "a name cannot begin with `true` or `false`"),
        (r"[\"'`)\]]\s*", r"is\b", "only a variable can be tested: put the value in one with `set` first"),
        (r"\s(?:==|!=|<=?|>=?)\s*", r"\[", "arrays cannot be compared here: put them in variables with `set` first"),
        (r"", r"\s*(?:==|!=|<=?|>=?)", "comparisons cannot be chained: join two of them with `and`"),
        (r"set\s+\w+\s*", r"[-\s]*%}", "there is no `{% set x %}…{% endset %}`: use `{% set x = … %}`"),
        (r"set\s+\w+\s*", r",", "only one variable can be set at a time"),
    )
)

_TAGS: Final[dict[str, str]] = {
    "elseif": "write `elif`",
    "elsif": "write `elif`",
    "unless": "write `if not`",
    "with": "there is no `with`: use `set`",
    "endset": "there is no `{% set x %}…{% endset %}`: use `{% set x = … %}`",
    "call": "there is no `call`: a macro is used as `{{ self::name(argument=value) }}`",
    "import": "there is only this template: define the macro in it and use it as `self::name()`",
    "from": "there is only this template: define the macro in it and use it as `self::name()`",
    "extends": "there is only this template: it has no parent",
    "do": "there is no `do`",
    "autoescape": "nothing is escaped here unless a filter asks for it",
    "macro": "macros are defined at the top level of the template",
    "block": "a block cannot stand in a loop or a macro",
    "break": "`break` belongs in a loop, and not in a filter section",
    "continue": "`continue` belongs in a loop, and not in a filter section",
    "else": "it belongs to no `if` or `for`, or comes after another `else`",
    "elif": "it belongs to no `if`, or comes after `else`",
}

KNOWN_TAGS: Final = ("if", "elif", "else", "endif", "for", "endfor", "set", "set_global", "filter", "endfilter", "raw",
                     "endraw", "macro", "endmacro", "block", "endblock", "break", "continue", "include")  # fmt: skip


def advice(text: str, at: int) -> str:
    """A hint for the place ``at`` where parsing stopped, or nothing."""
    before, after = text[max(0, at - 200) : at], text[at : at + 200]
    for left, right, hint in _IDIOMS:
        if right.match(after) and left.search(before):
            return hint
    return ""


def about_tag(word: str) -> str:
    """A hint for a tag that is unknown or in the wrong place."""
    if word in _TAGS:
        return _TAGS[word]
    if word.startswith("end"):
        return "it closes nothing that is open here"
    return nearest(word, KNOWN_TAGS)


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean …?` for the known name closest to ``name``, or nothing when none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
