"""What the demo shows while it runs: one screen on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams.sandbox.demo.pairs import Pair

LINE_SECONDS = 3.0
"""Between two lines where there is no terminal to draw on."""

OVERLAP = "one event may count in both: offsets are committed once a second"
"""Of the stages' lags, which are no parts of a sum."""

EVENTS_KEPT = 12
"""Of what has happened, the newest lines; fewer where the terminal is not so high, but never less than EVENTS_LEAST."""

EVENTS_LEAST = 2

STEP = {True: Text("in step", "green"), False: Text("not yet", "yellow")}


@dataclass(slots=True)
class View:
    """What there is to see at one moment."""

    produced: int = 0
    total: int = 0
    lag: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each service: events accepted, incidents open, incidents resolved."""
    pairs: Sequence[Pair] = ()
    """Cases beside their incidents."""
    worker: str = ""

    @property
    def delivered(self) -> int:
        return sum(service[0] for service in self.services.values())

    @property
    def lag_text(self) -> str:
        """The lag of each stage."""
        return ", ".join(f"{stage} {records}" for stage, records in self.lag.items()) or "-"


class Screen:
    """Shows views as they come. `say` adds a line about something that happened."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._said: list[str] = []
        self._started = time.monotonic()
        self._line_at = 0.0
        self._view = View()

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        else:
            self._line(f'Below, "not committed" is what a stage has still to do; {OVERLAP}.')
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.update(self._draw(EVENTS_KEPT), refresh=True)
            self._live.stop()
        else:
            self._console.print(self._services())
            self._console.print(self._pairs(whole=True))

    def say(self, text: str) -> None:
        """Something happened."""
        line = f"{time.monotonic() - self._started:5.1f} s  {text}"
        self._said = [*self._said, line][-EVENTS_KEPT:]
        if self._live:
            self._live.update(self._draw(), refresh=True)
        else:
            self._line(line)

    def show(self, view: View) -> None:
        """The figures changed."""
        self._view = view
        if self._live:
            self._live.update(self._draw(), refresh=True)
        elif time.monotonic() - self._line_at >= LINE_SECONDS:
            self._line_at = time.monotonic()
            done = f"produced {view.produced}/{view.total}, at PagerDuty {view.delivered}"
            self.say(f"{done}, not committed: {view.lag_text}")

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _draw(self, events: int | None = None) -> Group:
        """The whole screen. events: how many lines of what happened, None for as many as there is room for."""
        view = self._view
        figures = Table.grid(padding=(0, 2))
        figures.add_row("produced", f"{view.produced} of {view.total}")
        figures.add_row("not committed", f"{view.lag_text} ({OVERLAP})")
        figures.add_row("worker", view.worker)
        parts = Group(figures, self._services(), self._pairs(whole=events is not None))
        if events is None:
            height = len(self._console.render_lines(parts, self._console.options.update(height=None)))
            room = max(EVENTS_LEAST, self._console.height - height - 1)
            return Group(parts, *(_one_line(line) for line in self._said[-room:]))
        return Group(parts, *(Text(line) for line in self._said[-events:]))

    def _services(self) -> Table:
        services = Table("events to", "accepted", "open", "resolved", box=None, padding=(0, 2, 0, 0))
        for name, (events, opened, resolved) in self._view.services.items():
            services.add_row(name, str(events), str(opened), str(resolved))
        return services

    def _pairs(self, *, whole: bool) -> Table:
        """Both sides beside each other, for each thing said a line, or as many as it needs."""
        sides = Table(box=None, padding=(0, 2, 0, 0), expand=True)
        for head in ("the Case system", "PagerDuty"):
            sides.add_column(head, ratio=1, no_wrap=not whole, overflow="fold" if whole else "ellipsis")
        sides.add_column("", no_wrap=True)
        for pair in self._view.pairs:
            sides.add_row(Text(pair.case, "bold"), Text(pair.incident, "bold"), STEP[pair.in_step])
            for here, there in pair.lines():
                sides.add_row(Text(f"  {here}"), Text(f"  {there}"))
        return sides


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
