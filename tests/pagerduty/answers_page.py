"""The tables of docs/answers.md."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
EVENTS = "What becomes of an event"
REST = "What becomes of a REST call"


def table(section: str) -> dict[str, tuple[str, str]]:
    """Reason and reaction by the first column of the table in this section."""
    [text] = [part for part in PAGE.read_text().split("# ") if part.startswith(section)]
    rows = [line.strip("| \n").split("|") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip().replace("`", "") for cell in row] for row in rows]
    found = {row[0]: (row[1], row[2]) for row in cells if row[0] != "answer"}
    assert len(found) == len(cells) - 1, "an answer stands twice in the table"
    return found


def is_statuses(answer: str) -> bool:
    """Whether a row is about statuses alone: `408, 500-599`."""
    return all(part.replace("-", "").isdigit() for part in answer.split(", "))


def by_status(section: str) -> dict[int, tuple[str, str]]:
    """The table's rows of statuses, ranges written out."""
    expanded: dict[int, tuple[str, str]] = {}
    for answer, meaning in table(section).items():
        if not is_statuses(answer):
            continue
        for part in answer.split(", "):
            first, _, last = part.partition("-")
            for status in range(int(first), int(last or first) + 1):
                assert status not in expanded, f"{status} stands twice in the table"
                expanded[status] = meaning
    return expanded
