"""Where a variable's value can come from, decided when the template is compiled.

Tera keeps a stack: the template (or the macro), and one frame for each loop around the place. `set` writes to the
innermost frame, `set_global` to the outermost of the template or macro, a loop's frame forgets what was set when its
next turn begins. Looking up `a.b` asks the frames from the inside out and then the event, and a frame whose `a` has no
`b` does not end the search. All frames are known from the text, so every variable gets a numbered slot and a look-up
becomes a short list of slots to try, for most paths an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from streams.templating.tree import Block, FilterSection, For, If, Node, Set

Kind = Literal["set", "key", "loop", "value"]
LOOP_WORDS: Final = ("index", "index0", "first", "last")


@dataclass
class Frame:
    """One level of the stack. ``sets`` maps each name that `set` may give a value here to its slot."""

    sets: dict[str, int]
    loop: For | None = None
    first: int = 0  # the loop's slots: its turn (from 0), its length, its key, its value

    @property
    def cleared(self) -> tuple[int, ...]:
        return tuple(self.sets.values())


@dataclass
class Scope:
    """The frames around one place of the template, outermost first. Shared counters live in ``unit``."""

    frames: list[Frame] = field(default_factory=list)
    macro: bool = False
    unit: list[int] = field(default_factory=lambda: [0])  # how many slots this template or macro needs so far

    @classmethod
    def of_body(cls, body: list[Node], parameters: Iterable[str] = (), *, macro: bool = False) -> Scope:
        scope = cls(macro=macro)
        names = dict.fromkeys([*parameters, *_set_in(body, everywhere=False), *_set_in(body, everywhere=True)])
        scope.frames.append(Frame({name: scope._slot() for name in names}))
        return scope

    def inside(self, loop: For) -> Scope:
        """The scope of a loop's body."""
        first = self.unit[0]
        self.unit[0] += 4
        sets = {name: self._slot() for name in dict.fromkeys(_set_in(loop.body, everywhere=False))}
        return Scope([*self.frames, Frame(sets, loop, first)], self.macro, self.unit)

    def _slot(self) -> int:
        self.unit[0] += 1
        return self.unit[0] - 1

    @property
    def in_loop(self) -> bool:
        return self.frames[-1].loop is not None

    def slot_for_set(self, name: str, *, everywhere: bool) -> int:
        return (self.frames[0] if everywhere else self.frames[-1]).sets[name]

    def candidates(self, root: str) -> list[tuple[Kind, int]]:
        """The slots a look-up of ``root`` tries, in order; the event comes after them."""
        found = list[tuple[Kind, int]]()
        for frame in reversed(self.frames):
            if root in frame.sets:
                found.append(("set", frame.sets[root]))
            if frame.loop is not None:
                if root == frame.loop.key:
                    found.append(("key", frame.first + 2))
                if root == "loop":
                    found.append(("loop", frame.first))
                elif root == frame.loop.name:
                    found.append(("value", frame.first + 3))
        return found


def _set_in(nodes: list[Node], *, everywhere: bool) -> list[str]:
    """The names that `set` (or, everywhere, `set_global`) gives values to in this frame. A loop's body is a frame of
    its own, which only `set_global` leaves; its `else` part is not."""
    names = list[str]()
    for node in nodes:
        if isinstance(node, Set):
            if node.everywhere == everywhere:
                names.append(node.name)
        elif isinstance(node, If):
            for branch in node.branches:
                names += _set_in(branch.body, everywhere=everywhere)
        elif isinstance(node, For):
            names += _set_in(node.body, everywhere=True) if everywhere else []
            names += _set_in(node.empty or [], everywhere=everywhere)
        elif isinstance(node, FilterSection | Block):
            names += _set_in(node.body, everywhere=everywhere)
    return names
