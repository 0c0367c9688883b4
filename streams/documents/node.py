"""A value in a YAML or JSON text, with its place: what is wrong with it can be said with file, line and column."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

import yaml

from streams.documents.secrets import ROUTING_KEY_LENGTH
from streams.errors import DocumentError
from streams.templating.quiet import without_keys

_TAG: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = tuple(_TAG + kind for kind in ("str", "int", "float", "timestamp"))
"""Plain scalars that stand for the text they are written with: a key of digits alone needs no quotes."""

_KINDS: Final = {
    _TAG + "null": "empty",
    _TAG + "str": "text",
    _TAG + "timestamp": "a date",
    _TAG + "bool": "true or false",
    _TAG + "int": "a number",
    _TAG + "float": "a number",
}
QUOTE_TEMPLATES: Final = "a template has to stand in quotes or in a block (`|`)"
"""The remedy for what YAML makes of `{{ … }}` and `{% … %}` without quotes."""

_DECIMAL = re.compile(r"0|-?[1-9][0-9_]{0,18}")

Report = Callable[[DocumentError], None]
"""Where faults go that do not stop the reading of the rest."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place. `path` is how people write where it is: `connectorConfig.fields[0].value`."""

    file: str
    path: str
    raw: yaml.Node
    text_of_file: str

    def fault(self, message: str, remedy: str = "") -> DocumentError:
        """A fault at this value. Neither text may hold what stands there when that is a secret."""
        mark = self.raw.start_mark
        return self._fault_at(mark.line + 1, mark.column + 1, message, remedy)

    def fault_inside(self, line: int, column: int, message: str, remedy: str = "") -> DocumentError:
        """A fault inside this text, `line` and `column` counted from 1 in the text (0: not known).

        Only in a literal block (`|`) do lines of the text and of the file run in step; elsewhere it is the start.
        """
        if not line or not isinstance(self.raw, yaml.ScalarNode) or self.raw.style != "|":
            return self.fault(message, remedy)
        at = self.raw.start_mark.line + 1 + line
        content = self.text_of_file.splitlines()[self.raw.start_mark.line + 1 : at]
        indent = min((len(row) - len(row.lstrip(" ")) for row in content if row.strip()), default=0)
        return self._fault_at(at, indent + column if column else 1, message, remedy)

    def _fault_at(self, line: int, column: int, message: str, remedy: str) -> DocumentError:
        return DocumentError(message, file=self.file, line=line, column=column, path=self.path, remedy=remedy)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.raw, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.raw, yaml.SequenceNode)

    @property
    def is_nothing(self) -> bool:
        return isinstance(self.raw, yaml.ScalarNode) and self.raw.tag == _TAG + "null"

    def text(self) -> str:
        """The text, as it is written when it is a number or a date. Raises DocumentError when it is none of these."""
        if isinstance(self.raw, yaml.ScalarNode) and self.raw.tag in _TEXT_TAGS:
            return str(self.raw.value)
        if self.is_nothing:
            raise self.fault("is empty, must be text", "leave it out, or give it a value")
        remedy = QUOTE_TEMPLATES if self.is_mapping else "write it as text, in quotes"
        raise self.fault(f"is {self._kind()}, must be text", remedy)

    def whole_number(self, least: int, most: int) -> int:
        """A number from `least` to `most`. Raises DocumentError."""
        # YAML also knows octal (017), hexadecimal and sexagesimal numbers (1:30); nobody means them here.
        written = self.raw.value if self.raw.tag == _TAG + "int" else ""
        if _DECIMAL.fullmatch(written) and least <= int(written) <= most:
            return int(written)
        raise self.fault(f"must be a whole number from {least} to {most}", "write it in digits, without quotes")

    @property
    def is_truth(self) -> bool:
        """Whether it stands there as true or false, without quotes."""
        return isinstance(self.raw, yaml.ScalarNode) and self.raw.tag == _TAG + "bool"

    def truth(self) -> bool:
        """True or false. Raises DocumentError."""
        if self.is_truth and (text := str(self.raw.value).lower()) in ("true", "false"):
            return text == "true"  # YAML also knows yes, on, no and off; nobody agrees on them
        raise self.fault(f"is {self._kind()}, must be true or false", "write true or false, without quotes")

    def items(self) -> list[Node]:
        """The entries of a list. Raises DocumentError when it is not one."""
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.fault(f"is {self._kind()}, must be a list", "write its entries behind dashes, or inside [ ]")
        return [self._child(f"[{number}]", value) for number, value in enumerate(self.raw.value)]

    def members(self, known: Collection[str], report: Report) -> dict[str, Node]:
        """The members of a mapping; those with a name that is not known, or used before, are reported and left out.

        Raises DocumentError when it is not a mapping.
        """
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.fault(f"is {self._kind()}, must be a mapping", "write it as names with values, name: value")
        found: dict[str, Node] = {}
        for name_node, value in self.raw.value:
            name = str(name_node.value) if isinstance(name_node, yaml.ScalarNode) else "?"
            # A template without quotes makes a routing key the name of a member: only a likely name is shown whole.
            shown = name if name in known or nearest(name, known) else without_keys(name)
            member = self._child(f".{shown}" if self.path else shown, value)
            named = Node(self.file, member.path, name_node, self.text_of_file)
            if name not in known:
                report(named.fault("there is no such field", suggestion(name, known)))
            elif name in found:
                report(named.fault("is written twice", "keep one of them"))
            else:
                found[name] = member
        return found

    def entries(self, report: Report) -> dict[str, Node]:
        """The members of a mapping whose names are free; one that is used before is reported and left out.

        Raises DocumentError when it is not a mapping.
        """
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.fault(f"is {self._kind()}, must be a mapping", "write it as names with values, name: value")
        found: dict[str, Node] = {}
        for name_node, value in self.raw.value:
            name = Node(self.file, self.path, name_node, self.text_of_file)
            try:
                text = name.text()
            except DocumentError as fault:
                report(fault)
                continue
            if text in found:
                report(name.fault(f"{without_keys(text)} is written twice", "keep one of them"))
            else:
                # As in `members`; here nothing tells a likely name but that it is too short for a routing key.
                shown = text if len(text) < ROUTING_KEY_LENGTH else without_keys(text)
                found[text] = self._child(f".{shown}" if self.path else shown, value)
        return found

    def has(self, name: str) -> bool:
        """Whether this is a mapping with a member of this name."""
        return isinstance(self.raw, yaml.MappingNode) and any(key.value == name for key, _ in self.raw.value)

    @property
    def names(self) -> frozenset[str]:
        """The names of a mapping's members; empty for anything else."""
        if not isinstance(self.raw, yaml.MappingNode):
            return frozenset()
        return frozenset(str(key.value) for key, _ in self.raw.value if isinstance(key, yaml.ScalarNode))

    def member(self, name: str) -> Node | None:
        """The first member of this name; None where there is none, or this is no mapping."""
        if isinstance(self.raw, yaml.MappingNode):
            for key, value in self.raw.value:
                if key.value == name:
                    return self._child(f".{name}" if self.path else name, value)
        return None

    def only_member(self, name: str) -> Node | None:
        """The member of a mapping that has this one alone."""
        return self.member(name) if isinstance(self.raw, yaml.MappingNode) and len(self.raw.value) == 1 else None

    def _child(self, step: str, value: yaml.Node) -> Node:
        return Node(self.file, self.path + step, value, self.text_of_file)

    def _kind(self) -> str:
        if self.is_mapping:
            return "a mapping"
        if self.is_list:
            return "a list"
        return _KINDS.get(self.raw.tag, f"a value with the tag {self.raw.tag}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; case does not count."""
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return folded[close[0]] if close else None


def choice(node: Node, known: Collection[str]) -> str:
    """One of these words. Raises DocumentError."""
    text = node.text()
    if text in known:
        return text
    *first, last = known
    near = nearest(text, known)
    remedy = f"did you mean {near}?" if near else f"write {', '.join(first)} or {last}"
    raise node.fault(f"is none of {', '.join(known)}", remedy)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The remedy for a name that is not known."""
    near = nearest(name, known)
    return f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
