"""The plainest form of an event that PagerDuty refused: somebody must be paged, whatever was wrong with the rest."""

from __future__ import annotations

from streams.dispatch.incident import Record

SEVERITIES = ("critical", "error", "warning", "info")
SUMMARY_CHARACTERS = 250
"""Far below PagerDuty's 1,024, in case characters are counted otherwise than we do."""


def plain(record: Record) -> Record:
    """A trigger with nothing but summary, source and severity, in printable ASCII (Events API v2, required fields)."""
    payload = record.get("payload") or {}
    severity = payload.get("severity")
    kept = {name: record[name] for name in record if name not in ("client", "client_url", "links")}
    kept["payload"] = {
        "summary": _text(payload.get("summary")) or f"An event of {_text(record['incident'])}",
        "source": _text(payload.get("source")) or "pagerline",
        "severity": severity if severity in SEVERITIES else "critical",
    }
    return kept


def _text(value: object) -> str:
    text = str(value or "").encode("ascii", "replace").decode()
    return "".join(character if character.isprintable() else " " for character in text).strip()[:SUMMARY_CHARACTERS]
