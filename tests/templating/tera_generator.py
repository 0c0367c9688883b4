"""Templates and events by chance, after Tera's grammar, for the comparison with Tera itself.

Most templates are well formed; some are damaged afterwards, because what one engine refuses the other must refuse.
Left out on purpose: what is not decided by template and event (`now`, `get_random`, `get_env`), and what the product
adds (`get_context`, label look-ups), which has tests of its own.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = ["", "a", "b", "abc", "A b-C", " x ", "1", "-7", "0x1F", "1.5", "été", "日本", "e\u0301a", "<b>x</b> <i>", "a,b,,c", "it's", "l1\nl2\n",  # noqa: E501
         "x\\ny", "true", "2021-12-02", "2021-12-02T00:06:40+02:00", "10%", "a/b?c=d&e", "Ünï çödé", "ß", "\t", "key", "k.v", "b.c"]  # fmt: skip  # noqa: E501
NUMBERS = [0, 1, -1, 2, 3, 7, 10, 255, 1638403600, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0.0, -0.0, 0.5, 1.0, 2.5, -2.5,  # noqa: E501
           1e16, 1e21, 1e-7, 123.456, 1.7976931348623157e308, 5e-324]  # fmt: skip
KEYS = ["a", "b", "c", "k", "key", "k.v", "x y", "0", "1", "A"]
NAMES = ["a", "b", "s", "t", "l", "o", "arr", "key", "i"] * 2 + ["n", "d", "x", "v", "u"]

scalars = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.booleans(),
    st.none(),
    st.integers(-50, 50),
    st.floats(-1e4, 1e4),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=6,
)
rows = st.lists(
    st.fixed_dictionaries({}, optional={"a": scalars, "k": st.sampled_from(["x", "y", "X", 1, 2, None]), "b": values}),
    max_size=4,
)
_usual = {
    "a": st.sampled_from(NUMBERS) | st.integers(-100, 100),
    "b": st.sampled_from(NUMBERS) | st.floats(-100, 100),
    "s": st.sampled_from(TEXTS),
    "t": st.booleans(),
    "l": st.lists(st.sampled_from(TEXTS), max_size=4)
    | st.lists(st.sampled_from(NUMBERS), max_size=4)
    | st.lists(scalars, max_size=4),
    "o": st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=6),
    "arr": rows,
    "key": st.sampled_from(KEYS),
    "i": st.integers(0, 3),
}
_sometimes = {"n": st.none() | values, "d": values}
events = st.fixed_dictionaries(_usual, optional=_sometimes) | st.fixed_dictionaries({}, optional=_usual | _sometimes)

FILTERS: dict[str, list[tuple[str, str]]] = {
    **{name: [] for name in ["upper", "lower", "capitalize", "title", "trim", "trim_start", "trim_end", "wordcount", "escape", "escape_xml", "urlencode", "urlencode_strict", "addslashes", "linebreaksbr", "striptags", "spaceless", "first", "last", "length", "reverse", "as_str", "abs", "safe"]},  # noqa: E501
    "trim_start_matches": [("pat", "pattern")],
    "trim_end_matches": [("pat", "pattern")],
    "truncate": [("length", "small"), ("end", "text")],
    "replace": [("from", "pattern"), ("to", "text")],
    "split": [("pat", "pattern")],
    "indent": [("prefix", "text"), ("first", "boolean"), ("blank", "boolean")],
    "int": [("default", "small"), ("base", "base")],
    "float": [("default", "number")],
    "nth": [("n", "small")],
    "join": [("sep", "pattern")],
    "concat": [("with", "any")],
    "slice": [("start", "number"), ("end", "number")],
    "map": [("attribute", "attribute")],
    "filter": [("attribute", "attribute"), ("value", "any")],
    "group_by": [("attribute", "attribute")],
    "sort": [("attribute", "attribute")],
    "unique": [("attribute", "attribute"), ("case_sensitive", "boolean")],
    "get": [("key", "attribute"), ("default", "any")],
    "json_encode": [("pretty", "boolean")],
    "round": [("precision", "small"), ("method", "method")],
    "pluralize": [("plural", "text"), ("singular", "text")],
    "filesizeformat": [("binary", "boolean")],
    "date": [("format", "format"), ("timezone", "zone")],
    "default": [("value", "any")],
}  # fmt: skip
TESTS = {**dict.fromkeys(["defined", "undefined", "string", "number", "odd", "even", "iterable", "object"], ""), "divisibleby": "number",  # noqa: E501
         "starting_with": "text", "ending_with": "text", "containing": "any", "matching": "regex"}  # fmt: skip
LITERALS = {
    "pattern": ["''", "'a'", "'/'", "','", "'\\n'", "' '", "'b'", "s"],
    "text": ["''", "'a'", "'…'", "\"it's\"", "'x y'", "s"],
    "small": ["0", "1", "2", "3", "-1", "5", "i", "1.0", "'1'"],
    "boolean": ["true", "false", "True", "t", "1"],
    "base": ["2", "8", "10", "16", "36"],
    "number": ["0", "1", "-1", "2", "1.5", "-0.5", "a", "b", "10"],
    "attribute": ["'a'", "'k'", "'b'", "'b.c'", "'b.a.k'", "'zz'", "''", "key", "'0'"],
    "method": ["'common'", "'ceil'", "'floor'", "'up'"],
    "format": ["'%Y-%m-%d'", "'%H:%M:%S'", "'%A %B %e %j %U %W %V %G'", "'%s %f %.3f'", "'%+'", "'%Z %z %:z'", "'%-d/%_m/%y %I%p %l%P'",  # noqa: E501
               "'%c|%D|%x|%X|%r|%v|%C|%g|%u|%w|%k'", "'%Q'", "'%'", "'%%'", "'%5'"],
    "zone": ["'Europe/Berlin'", "'America/New_York'", "'UTC'", "'Asia/Kolkata'", "'Nowhere/Land'", "'utc'"],
    "regex": ["'a'", "'^a'", "'(?i)A'", "'[0-9]+'", "'\\\\d'", "'\\w+\\s'", "'('", "'x*$'", "'^$'", "'\\bb'", "'[^a-z]'", "'é'"],  # noqa: E501
}  # fmt: skip


@st.composite
def paths(draw: Any) -> str:
    path: str = draw(st.sampled_from(NAMES))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        path += draw(
            st.sampled_from(
                [
                    ".a",
                    ".b",
                    ".k",
                    ".0",
                    ".1",
                    "[0]",
                    "[1]",
                    "['a']",
                    '["k.v"]',
                    "[`b`]",
                    "[key]",
                    "[i]",
                    "['x y']",
                    "[s]",
                    "[o.a]",
                    "[-1]",
                ]
            )
        )
    return path


@st.composite
def calls(draw: Any, depth: int, filters: bool) -> str:
    if not filters:
        name = draw(st.sampled_from(["range", "range", "throw", "get_nothing"]))
        if name == "range":
            named = [f"end={draw(st.sampled_from(['3', '0', 'i', 'a']))}"]
            named += draw(st.sampled_from([[], [], ["start=1"], ["step_by=2"], ["start=i", "step_by=1"]]))
            return f"range({', '.join(named)})"
        return "throw(message='no')" if name == "throw" else "range(start=2, end=4)"
    name = draw(st.sampled_from(sorted(FILTERS)))
    given = []
    for argument, kind in FILTERS[name]:
        if draw(st.integers(0, 9)) < 8:
            literal = (
                draw(expressions(depth - 1))
                if kind == "any" and depth > 0
                else draw(st.sampled_from(LITERALS.get(kind, ["1", "'a'", "n"])))
            )
            given.append(f"{argument}={literal}")
    if draw(st.integers(0, 19)) == 0:
        given.append("other=1")
    return f"{name}({', '.join(given)})" if given or draw(st.integers(0, 9)) == 0 else name


@st.composite
def operands(draw: Any, depth: int) -> str:
    kind = draw(
        st.sampled_from(["path"] * 5 + ["int", "float", "string", "string", "bool", "test", "call", "paren", "macro"])
    )
    if kind == "path":
        return str(draw(paths()))
    if kind == "int":
        return str(draw(st.sampled_from(["0", "1", "2", "-3", "7", "9223372036854775807", "9223372036854775808"])))
    if kind == "float":
        return str(draw(st.sampled_from(["0.0", "1.0", "2.5", "-0.5", "10.25"])))
    if kind == "string":
        return str(draw(st.sampled_from(["'a'", '"abc"', "`it's`", "''", "'1'", "'été'"])))
    if kind == "bool":
        return str(draw(st.sampled_from(["true", "false", "True", "False"])))
    if kind == "test":
        name = draw(st.sampled_from(sorted(TESTS)))
        argument = TESTS[name] and draw(st.sampled_from(LITERALS.get(TESTS[name], ["1", "'a'", "a", "s", "n"])))
        return (
            f"{draw(paths())} is {draw(st.sampled_from(['', '', 'not ']))}{name}{f'({argument})' if argument else ''}"
        )
    if kind == "call":
        return str(draw(calls(depth, False)))
    if kind == "macro":
        return str(draw(st.sampled_from(["self::m(p=1)", "self::m(p=s, q='z')", "self::m(p=a, other=u)"])))
    return f"({draw(expressions(depth - 1))})" if depth > 0 else "(1)"


FITTING = {
    "s": [
        "upper",
        "lower",
        "capitalize",
        "title",
        "trim",
        "truncate",
        "wordcount",
        "replace",
        "split",
        "indent",
        "int",
        "float",
        "length",
        "reverse",
        "escape",
        "urlencode",
        "date",
        "trim_start_matches",
        "striptags",
        "json_encode",
        "default",
    ],
    "l": ["first", "last", "nth", "join", "sort", "unique", "slice", "concat", "length", "reverse", "json_encode"],
    "arr": ["map", "filter", "group_by", "sort", "unique", "first", "last", "slice", "json_encode"],
    "a": ["abs", "round", "int", "float", "as_str", "pluralize", "filesizeformat", "date", "json_encode"],
    "b": ["abs", "round", "int", "float", "as_str", "pluralize", "json_encode"],
    "o": ["get", "length", "json_encode"],
}


@st.composite
def fitting(draw: Any, depth: int) -> str:
    name = draw(st.sampled_from(sorted(FITTING)))
    chosen = draw(st.sampled_from(FITTING[name]))
    arguments = [
        f"{argument}={draw(st.sampled_from(LITERALS.get(kind, ['1', chr(39) + 'a' + chr(39), 'b'])))}"
        for argument, kind in FILTERS.get(chosen, [])
        if draw(st.integers(0, 5))
    ]
    return f"{name} | {chosen}{'(' + ', '.join(arguments) + ')' if arguments else ''}"


@st.composite
def filtered(draw: Any, depth: int) -> str:
    if draw(st.booleans()):
        return str(draw(fitting(depth)))
    text: str = draw(operands(depth))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        text += draw(st.sampled_from([" | ", "|"])) + draw(calls(depth, True))
    return text


@st.composite
def expressions(draw: Any, depth: int = 2) -> str:
    shape = draw(
        st.sampled_from(
            ["one"] * 4 + ["math", "math", "compare", "compare", "logic", "logic", "not", "in", "concat", "array"]
        )
    )
    if shape == "array":
        return f"[{', '.join(draw(st.lists(filtered(depth - 1), max_size=3)))}]" if depth > 0 else "[1, 'a']"
    if shape == "not":
        return f"not {draw(filtered(depth))}"
    if shape == "one" or depth <= 0:
        return str(draw(filtered(depth)))
    if shape == "in":
        return f"{draw(filtered(depth - 1))} {draw(st.sampled_from(['in', 'in', 'not in']))} {draw(expressions(depth - 1))}"  # noqa: E501
    if shape == "concat":
        return " ~ ".join(draw(st.lists(operands(0), min_size=2, max_size=3))) + draw(
            st.sampled_from(["", " | upper", " | length"])
        )
    operators = {"math": "+-*/%", "compare": ["==", "!=", "<", "<=", ">", ">="], "logic": ["and", "or"]}[shape]
    side = expressions(depth - 1) if shape == "logic" else filtered(depth - 1)
    parts = [draw(side)]
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        parts += [draw(st.sampled_from(operators)), draw(side)]
    return " ".join(parts)


@st.composite
def tags(draw: Any, inside: str) -> str:
    left, right = draw(st.sampled_from(["{%", "{%", "{%-"])), draw(st.sampled_from(["%}", "%}", "-%}"]))
    return f"{left} {inside} {right}"


@st.composite
def nodes(draw: Any, depth: int, loop: bool) -> str:
    kind = draw(
        st.sampled_from(
            ["text"] * 3
            + ["print"] * 5
            + ["set", "set", "if", "for", "filter", "raw", "comment", "leave", "global", "block"]
        )
    )
    if kind == "text" or (depth <= 0 and kind in ("if", "for", "filter", "block")):
        return str(draw(st.sampled_from([" ", "\n", "x", " a\n  b ", "{", "}}", "%}", "\r\n", "é\u00a0", ""])))
    if kind == "print":
        opening, closing = draw(st.sampled_from(["{{", "{{", "{{-"])), draw(st.sampled_from(["}}", "}}", "-}}"]))
        shown = draw(
            expressions() | st.sampled_from(["loop.index", "loop.last", "loop.first", "x", "v", "k", "__tera_context"])
        )
        return f"{opening} {shown} {closing}"
    if kind in ("set", "global"):
        word = "set" if kind == "set" else "set_global"
        return str(draw(tags(f"{word} {draw(st.sampled_from(['x', 'v', 's', 'o', 'a']))} = {draw(expressions(1))}")))
    if kind == "raw":
        return f"{draw(tags('raw'))} {{{{ a }}}} {draw(tags('endraw'))}"
    if kind == "comment":
        return str(draw(st.sampled_from(["{# c #}", "{#- c -#}", "{# {{ a }} #}", "{#- x #}"])))
    if kind == "leave":
        return str(draw(tags(draw(st.sampled_from(["break", "continue"]))))) if loop else ""
    if kind == "if":
        text = draw(tags(f"if {draw(expressions())}")) + draw(bodies(depth - 1, loop))
        for _ in range(draw(st.sampled_from([0, 0, 1]))):
            text += draw(tags(f"elif {draw(expressions(1))}")) + draw(bodies(depth - 1, loop))
        if draw(st.booleans()):
            text += draw(tags("else")) + draw(bodies(depth - 1, loop))
        return str(text + draw(tags("endif")))
    if kind == "for":
        over = draw(
            st.sampled_from(
                [
                    "l",
                    "l",
                    "arr",
                    "s",
                    "range(end=3)",
                    "[1, 'a', b]",
                    "d",
                    "l | reverse",
                    "arr | sort(attribute='a')",
                    "key | split(pat='')",
                ]
            )
        )
        head = f"{draw(st.sampled_from(['x', 'v']))} in {over}"
        if draw(st.integers(0, 2)) == 0:
            head = f"k, v in {draw(st.sampled_from(['o', 'o', 'd', 'arr | group_by(attribute=`k`)', 'l']))}"
        text = draw(tags(f"for {head}")) + draw(bodies(depth - 1, True))
        if draw(st.integers(0, 3)) == 0:
            text += draw(tags("else")) + draw(bodies(depth - 1, True))
        return str(text + draw(tags("endfor")))
    if kind == "block":
        return (
            ""
            if loop
            else f"{draw(tags('block b' + str(draw(st.integers(0, 50)))))}{draw(bodies(depth - 1, False))}{draw(tags('endblock'))}"  # noqa: E501
        )
    return f"{draw(tags(f'filter {draw(calls(1, True))}'))}{draw(bodies(depth - 1, False))}{draw(tags('endfilter'))}"


@st.composite
def bodies(draw: Any, depth: int, loop: bool) -> str:
    return "".join(draw(st.lists(nodes(depth, loop), min_size=0, max_size=3)))


@st.composite
def templates(draw: Any) -> str:
    text = "".join(draw(st.lists(nodes(2, False), min_size=1, max_size=3)))
    if "self::" in text:
        macro_body = draw(
            st.sampled_from(
                ["{{ p }}", "{{ p }}{{ q }}{{ s }}", "{% if p %}{{ x }}{% endif %}", "{% set x = p %}{{ x }}", ""]
            )
        )
        text = draw(tags("macro m(p, q=2)")) + macro_body + draw(tags("endmacro")) + text
    if draw(st.integers(0, 14)) == 0 and text:
        at = draw(st.integers(0, len(text) - 1))
        text = (
            text[:at]
            + draw(st.sampled_from(["", " ", "(", ")", "'", "|", "-", "}", ".", "not ", "1", "e", "[", "="]))
            + text[at + draw(st.integers(0, 1)) :]
        )
    return str(text)
