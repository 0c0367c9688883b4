"""Dead letters for the eye, secrets masked."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from streams.contracts import SECRET_FIELDS
from streams.documents.secrets import mask
from streams.moments import moment_of
from streams.replay.letters import Entry, Result

HEAD: Final = ("GIVEN UP", "ID", "STAGE", "REASON", "DESTINATION", "INCIDENT", "REPLAYED")

SHOWN: Final = 4_000
"""Characters of an input that a screen shows; `-o json` has all."""

_MAY_BE_A_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])")
"""A routing key, wherever somebody has put it. Some ids look like that too: better one of them masked too many."""


def row(entry: Entry) -> tuple[str, ...]:
    """A line of the table."""
    letter = entry.letter
    return (
        moment(letter.at),
        letter.id,
        letter.stage,
        letter.reason,
        letter.destination or "-",
        letter.incident or "-",
        str(entry.replayed) if entry.replayed else "-",
    )


def summary(entry: Entry) -> dict[str, Any]:
    """The same for machines."""
    letter = entry.letter
    return {
        "id": letter.id,
        "stage": letter.stage,
        "reason": {"type": letter.reason, "message": letter.message},
        "destination": letter.destination,
        "incident": letter.incident,
        "action": letter.action,
        "source": {
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "timestamp": letter.timestamp,
        },
        "at": letter.at,
        "replayed": _result(entry.replayed),
    }


def whole(entry: Entry) -> dict[str, Any]:
    """A dead letter with all it holds, masked. What it keeps as bytes is given as text, so that keys in it are seen."""
    record = entry.letter.record
    raw = record["raw"]
    return {
        **record,
        "event": masked(record["event"]),
        "outbox": masked(record["outbox"]),
        "raw": None if raw is None else _hidden(base64.b64decode(raw).decode(errors="replace")),
        "replayed": _result(entry.replayed),
    }


def text(entry: Entry) -> Iterator[str]:
    """The lines of `show`."""
    letter, record = entry.letter, whole(entry)
    lines: Mapping[str, object] = {
        "id": letter.id,
        "given up": f"{moment(letter.at)} by {letter.stage}",
        "reason": letter.reason,
        "message": letter.message,
        "field": record["reason"]["path"],
        "http status": record["http_status"],
        "incident": letter.incident,
        "asked for": letter.action,
        "destination": letter.destination,
        "input": f"{letter.topic}/{letter.partition}/{letter.offset} of {moment(letter.timestamp)}",
        "replayed": f"{entry.replayed} at {moment(entry.replayed.at)}" if entry.replayed else "no",
    }
    for name, value in lines.items():
        if value not in (None, ""):
            yield f"{name:<12} {value}"
    for name in ("event", "raw", "outbox"):
        if record[name] is not None:
            content = record[name] if name == "raw" else orjson.dumps(record[name], option=orjson.OPT_INDENT_2).decode()
            cut = "" if len(content) <= SHOWN else f"\n… {len(content) - SHOWN:,} more characters (-o json has all)"
            yield f"{name}:\n{content[:SHOWN]}{cut}"
    if record["truncated"]:
        yield "only the beginning of the input was kept, so it cannot be replayed"


def counts(entries: Iterable[Entry]) -> str:
    """One line that says how many there are and what is wrong."""
    found = list(entries)
    reasons = Counter(entry.letter.reason for entry in found)
    replayed = sum(entry.replayed is not None for entry in found)
    listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    return f"{len(found):,} dead letters ({listed}); {replayed:,} of them replayed" if found else "no dead letters"


def masked(value: Any) -> Any:
    """JSON without secrets: what stands in a secret field, and all that may be a routing key elsewhere."""
    if isinstance(value, dict):
        return {
            _hidden(name): "…" if name in SECRET_FIELDS and inner is not None else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return _hidden(value) if isinstance(value, str) else value


def moment(ms: int) -> str:
    """A time as people read it, UTC."""
    return moment_of(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def _hidden(value: str) -> str:
    return _MAY_BE_A_KEY.sub(lambda found: mask(found.group()), value)


def _result(result: Result | None) -> dict[str, Any] | None:
    return None if result is None else {"status": result.status, "reason": result.reason, "at": result.at}
