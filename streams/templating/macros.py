"""The macros of a template: defined at its top level, used as `self::name(argument=…)`.

A macro sees its arguments, what it sets itself, and the event; nothing of the place it is used from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.errors import TemplateWrong
from streams.templating.explain import nearest
from streams.templating.lookup import Place
from streams.templating.run import Evaluate, Perform, Run
from streams.templating.tree import Macro, MacroCall
from streams.templating.values import MISSING


@dataclass
class Compiled:
    """A macro's body; filled in after every macro is known, so that macros can use one another."""

    macro: Macro
    parameters: dict[str, int] = field(default_factory=dict)  # name to slot
    slots: int = 0
    weight: int = 1
    body: Perform = lambda run: ""


@dataclass
class MacroTable:
    """All macros of one template by name."""

    macros: dict[str, Compiled] = field(default_factory=dict)

    def use(self, call: MacroCall, arguments: dict[str, Evaluate], place: Place) -> Evaluate:
        """One use of a macro: a function that gives its text. Raises TemplateWrong."""
        if call.namespace != "self":
            raise TemplateWrong(
                f"there is no macro file `{call.namespace}`",
                *place,
                "macros of this template are used as `self::name()`",
            )
        compiled = self.macros.get(call.name)
        if compiled is None:
            raise TemplateWrong(f"there is no macro `{call.name}`", *place, nearest(call.name, self.macros))
        given = dict[str, Evaluate]()
        for name, default in compiled.macro.parameters.items():
            if name in arguments:
                given[name] = arguments[name]
            elif default is None:
                raise TemplateWrong(f"the macro `{call.name}` needs the argument `{name}`", *place)
            else:
                given[name] = lambda run, value=default.value: value  # type: ignore[misc]

        def expand(run: Run) -> Any:
            values = {name: of(run) for name, of in given.items()}
            run.enter()
            run.meter.work(compiled.weight)
            outside, out = run.slots, run.out
            run.slots, run.out = [MISSING] * compiled.slots, []
            for name, value in values.items():
                run.slots[compiled.parameters[name]] = value
            try:
                compiled.body(run)
                return "".join(run.out)
            finally:
                run.slots, run.out = outside, out
                run.depth -= 1

        return expand
