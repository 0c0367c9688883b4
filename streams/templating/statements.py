"""Compiles nodes: text, tags and their bodies become functions that write to the rendering's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.errors import RenderFailed, TemplateWrong
from streams.templating.compiler import ExpressionCompiler
from streams.templating.graphemes import graphemes
from streams.templating.lookup import Place
from streams.templating.macros import Compiled, MacroTable
from streams.templating.run import Perform, Run
from streams.templating.scope import Scope
from streams.templating.tree import (
    Array,
    Block,
    Branch,
    Call,
    Comment,
    FilterSection,
    For,
    If,
    Include,
    Leave,
    Macro,
    Node,
    Print,
    Raw,
    Set,
    Super,
    Text,
    Variable,
)
from streams.templating.values import MISSING, kind_of, size_of, text_of


class Compiler:
    """Compiles one template. ``locate`` turns an offset of its text into line and column."""

    def __init__(self, locate: Callable[[int], Place]) -> None:
        self._locate = locate
        self._macros = MacroTable()
        self._weight = 0

    def template(self, nodes: list[Node]) -> tuple[Perform, int]:
        """What renders the nodes, and how many slots it needs. Raises TemplateWrong for names that do not exist."""
        definitions = [node for node in nodes if isinstance(node, Macro)]
        for macro in definitions:
            if macro.name in self._macros.macros:
                raise TemplateWrong(f"the macro `{macro.name}` is defined twice", *self._locate(macro.at))
            self._macros.macros[macro.name] = Compiled(macro)
        self._refuse_repeated_blocks(nodes, set())
        for compiled in self._macros.macros.values():
            macro = compiled.macro
            scope = Scope.of_body(macro.body, macro.parameters, macro=True)
            before = self._weight
            compiled.body = self.body(macro.body, scope)
            compiled.weight = self._weight - before + 12  # entering a macro costs as much as a dozen nodes
            compiled.parameters = {name: scope.frames[0].sets[name] for name in macro.parameters}
            compiled.slots = scope.unit[0]
        scope = Scope.of_body(nodes)
        return self.body(nodes, scope), scope.unit[0]

    def _refuse_repeated_blocks(self, nodes: list[Node], names: set[str]) -> None:
        # Only blocks directly at the top or in one another: Tera looks no further.
        for node in nodes:
            if isinstance(node, Block):
                if node.name in names:
                    raise TemplateWrong(f"the block `{node.name}` is defined twice", *self._locate(node.at))
                names.add(node.name)
                self._refuse_repeated_blocks(node.body, names)

    def body(self, nodes: list[Node], scope: Scope) -> Perform:
        """One body; its answer is the word of a `break` or `continue` that ended it, or empty."""
        expressions = ExpressionCompiler(scope, self._macros, self._locate)
        steps = [step for node in nodes if (step := self._node(node, expressions)) is not None]
        self._weight += len(steps)
        if len(steps) == 1:
            return steps[0]

        def perform(run: Run) -> str:
            for step in steps:
                left = step(run)
                if left:
                    return left
            return ""

        return perform

    def _node(self, node: Node, expressions: ExpressionCompiler) -> Perform | None:
        match node:
            case Text() | Raw():
                return _write(node.text)
            case Print():
                return self._print(node, expressions)
            case Set():
                return self._set(node, expressions)
            case If():
                return self._if(node, expressions)
            case For():
                return self._for(node, expressions)
            case FilterSection():
                return self._filter(node, expressions)
            case Block():
                return self.body(node.body, expressions.scope)
            case Leave():
                return self._leave(node, expressions.scope)
            case Super():
                return _fail("`super()` has no parent to ask: a template stands alone here", self._locate(node.at))
            case Comment() | Macro() | Include():
                return None

    def _print(self, node: Print, expressions: ExpressionCompiler) -> Perform:
        value = expressions.value(node.expression)

        def perform(run: Run) -> str:
            found = value(run)
            if type(found) is not str:
                if type(found) is list:
                    run.meter.work(size_of(found))
                found = text_of(found)
            run.meter.text(len(found))
            run.out.append(found)
            return ""

        return perform

    def _set(self, node: Set, expressions: ExpressionCompiler) -> Perform:
        value = expressions.value(node.expression)
        slot = expressions.scope.slot_for_set(node.name, everywhere=node.everywhere)

        def perform(run: Run) -> str:
            run.slots[slot] = value(run)
            return ""

        return perform

    def _if(self, node: If, expressions: ExpressionCompiler) -> Perform:
        def compiled(branch: Branch) -> tuple[Any, Perform]:
            condition = None if branch.condition is None else expressions.decide(branch.condition)
            return condition, self.body(branch.body, expressions.scope)

        branches = [compiled(branch) for branch in node.branches]

        def perform(run: Run) -> str:
            for condition, body in branches:
                if condition is None or condition(run):
                    return body(run)
            return ""

        return perform

    def _for(self, node: For, expressions: ExpressionCompiler) -> Perform:
        place = self._locate(node.at)
        if not isinstance(node.container.value, Variable | Call | Array):
            return _fail("a loop goes over a variable, a function's result or an array", place)
        container = expressions.value(node.container)
        scope = expressions.scope.inside(node)
        before = self._weight
        body = self.body(node.body, scope)
        weight = self._weight - before + 1
        empty = None if node.empty is None else self.body(node.empty, expressions.scope)
        frame = scope.frames[-1]
        turn, length, key, value = (frame.first + offset for offset in range(4))
        cleared = frame.cleared
        with_key = node.key is not None

        def perform(run: Run) -> str:
            items = _items(container(run), with_key, run, place)
            if not items:
                return "" if empty is None else empty(run)
            slots = run.slots
            slots[length] = len(items)
            left = ""
            for at, item in enumerate(items):
                run.meter.work(weight)
                slots[turn] = at
                if item is MISSING:
                    raise RenderFailed("this text has characters of several parts, which Tera cannot loop over", *place)
                if with_key:
                    slots[key], slots[value] = item
                else:
                    slots[value] = item
                for slot in cleared:
                    slots[slot] = MISSING
                left = body(run)
                if left == "break":
                    break
            for slot in (value, key, *cleared):
                slots[slot] = MISSING
            return ""

        return perform

    def _filter(self, node: FilterSection, expressions: ExpressionCompiler) -> Perform:
        body = self.body(node.body, expressions.scope)
        apply = None if node.filter.name == "safe" else expressions.filter(node.filter)

        def perform(run: Run) -> str:
            outside, run.out = run.out, []
            try:
                body(run)
                text: Any = "".join(run.out)
            finally:
                run.out = outside
            text = text_of(text if apply is None else apply(run, text))
            run.meter.text(len(text))
            run.out.append(text)
            return ""

        return perform

    def _leave(self, node: Leave, scope: Scope) -> Perform:
        if not scope.in_loop:  # in the `else` of a loop that is in no other loop
            return _fail(f"`{node.word}` is in no loop here", self._locate(node.at))
        word = node.word
        return lambda run: word


def _write(text: str) -> Perform:
    length = len(text)

    def perform(run: Run) -> str:
        run.meter.text(length)
        run.out.append(text)
        return ""

    return perform


def _fail(message: str, place: Place) -> Perform:
    def perform(run: Run) -> str:
        raise RenderFailed(message, *place)

    return perform


def _items(container: Any, with_key: bool, run: Run, place: Place) -> list[Any]:
    """What a loop goes over: elements, pairs in the order of the keys, or the characters of a text."""
    if type(container) is dict:
        if not with_key:
            raise RenderFailed("a loop over an object needs two names: `for key, value in …`", *place)
        run.meter.work(len(container))
        return sorted(container.items())
    if type(container) not in (list, str):
        raise RenderFailed(f"a loop goes over an array, an object or a text, not {kind_of(container)}", *place)
    if with_key:
        raise RenderFailed(f"only a loop over an object has two names, and this is {kind_of(container)}", *place)
    if type(container) is list:
        return container
    run.meter.work(4 * len(container))
    # Tera counts code points and then asks for as many visible characters; it fails when it runs out of them.
    characters = graphemes(container)
    return [*characters, MISSING] if len(characters) < len(container) else characters
