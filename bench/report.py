"""bench/results.md: one section a kind of run, one line a run."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")


def when_and_where() -> str:
    """The first two cells of a line."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC | {machine}"


def save(head: str, line: str) -> None:
    """Add a line below those of the section that begins with `head`, which is made when it is not there yet.

    head: heading, text and the table's two first lines. No line of a section but those of its table begins with `|`.
    """
    sections = RESULTS.read_text().split("\n# ") if RESULTS.exists() else []
    sections = [section if number == 0 else f"# {section}" for number, section in enumerate(sections)]
    title = head.splitlines()[0]
    for number, section in enumerate(sections):
        if section.splitlines()[0] == title:
            sections[number] = f"{section.rstrip()}\n{line}\n"
            break
    else:
        sections.append(head.rstrip() + f"\n{line}\n")
    RESULTS.write_text("\n".join(section.rstrip() + "\n" for section in sections))
