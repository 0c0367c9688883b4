"""Tera 1.20 itself, in a process of its own.

Tera panics on some templates (a macro that calls itself for ever, an index beside a non-ASCII key), and its Python
binding is built so that a panic ends the process. So the engine runs in a child; a child that dies counts as
"refused", and the next question starts a new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

CHILD = Path(__file__).with_name("tera_oracle_child.py")


@dataclass(frozen=True)
class Answer:
    """What Tera made of a template: its text, or why it refused (``text`` is None then)."""

    text: str | None
    error: str = ""


class Oracle:
    """A context manager: ``with Oracle() as tera: tera.render("{{ a }}", {"a": 1})``."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            child.stdout.close()
            child.wait(timeout=10)

    def render(self, template: str, context: dict[str, object]) -> Answer:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps([template, context]).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            self.close()
            return Answer(None, "Tera crashed")
        text, error = json.loads(line)
        return Answer(text, error)
