"""What the demo says while it runs, where there is no terminal to draw on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from streams.sandbox.demo.screen import Screen, View


def test_lines_are_whole_and_say_that_the_stages_overlap() -> None:
    output = StringIO()
    with Screen(Console(file=output, width=40)) as screen:
        screen.show(View(produced=5, total=10, lag={"route": 3, "dispatch": 4}, services={"team alpha": (2, 1, 0)}))
    lines = output.getvalue().splitlines()
    assert "one event may count in both" in lines[0]
    assert lines[1].endswith("produced 5/10, at PagerDuty 2, not committed: route 3, dispatch 4")
