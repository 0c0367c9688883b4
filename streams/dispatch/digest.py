"""Storm folding: one event that tells of the many that wait behind it (architecture, section 4).

When more triggers of low severity wait for a destination than its connector wants, a digest event says how many, which
and since when. What waits is sent all the same when its turn comes, each with its own outcome; the digest is updated
as the number changes, at a decent pace, and resolved when nothing of low severity waits any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.dispatch.incident import DIGEST_TOPIC, Record, row_key
from streams.moments import moment_of
from streams.templating import TemplateError, compile_template

DEDUP_KEY = "pagerline-digest"
UPDATE_SECONDS = 60.0
"""Between two updates: PagerDuty's people read it, and every update costs a request of the same window."""

CHANGE = 0.1
"""Share by which the number must have changed to be worth an update."""

EXAMPLES = 10


@dataclass(slots=True)
class Digest:
    """One destination's digest: whether it is open at PagerDuty, what it said last and when (monotonic seconds)."""

    open: bool = False
    told: int = 0
    told_at: float = float("-inf")
    last: Record | None = field(default=None, repr=False)
    partition: int = 0

    def wants(self, waiting: int, above: int, now: float) -> Literal["trigger", "resolve"] | None:
        """What to say when `waiting` triggers of low severity wait and more than `above` (0: never) are too many."""
        if self.open and waiting == 0:
            return "resolve"
        if not above or (not self.open and waiting <= above):
            return None
        changed = abs(waiting - self.told) > CHANGE * self.told
        return "trigger" if not self.open or (changed and now - self.told_at >= UPDATE_SECONDS) else None

    def taken_over(self, last: Record, partition: int) -> None:
        """A worker before this one had it open."""
        self.open, self.last, self.partition = True, last, partition

    def say(
        self,
        action: Literal["trigger", "resolve"],
        like: Record,
        count: int,
        examples: Sequence[Record],
        now: float,
        now_ms: int,
    ) -> Record:
        """The outbox record of a trigger or resolve of the digest; `like` is any record for the same destination."""
        self.open, self.told, self.told_at = action == "trigger", count, now
        record: dict[str, Any] = {
            **{name: like[name] for name in ("v", "destination", "connector", "limit", "routing_key")},
            **{name: like[name] for name in ("reserve", "fold", "events_url") if name in like},
            "incident": f"digest:{like['destination']}",
            "dedup_key": DEDUP_KEY,
            "action": action,
            "brief": "send",
            "payload": _payload(like, count, examples, now_ms) if action == "trigger" else None,
            "source": {"topic": DIGEST_TOPIC, "partition": 0, "offset": now_ms, "timestamp": now_ms},
            "why": None,
            "render_errors": {},
        }
        self.last = record
        return record


def digest_key(destination: str) -> bytes:
    """The key of a digest's row."""
    return row_key(destination, DEDUP_KEY)


def _payload(like: Record, count: int, examples: Sequence[Record], now_ms: int) -> dict[str, Any]:
    since = min((record["source"]["timestamp"] for record in examples), default=now_ms)
    said: dict[str, Any] = {
        "count": count,
        "since": moment_of(since).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "destination": like["destination"],
        "connector": like["connector"],
        "examples": [_summary(record) for record in examples],
    }
    return {
        "summary": _text((like.get("fold") or {}).get("summary"), said)[:1024],
        "source": "pagerline",
        "severity": "warning",
        "custom_details": {"pagerline": said},
    }


def _text(template: str | None, said: Mapping[str, Any]) -> str:
    if template:
        try:
            text = compile_template(template).render(dict(said)).strip()
        except TemplateError:
            text = ""  # it compiled when it was applied; a page never waits for a template
        if text:
            return text
    return f"{said['count']} alerts of low severity wait for this service since {said['since']}"


def _summary(record: Record) -> str:
    return str((record.get("payload") or {}).get("summary"))[:200]
