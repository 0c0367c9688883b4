"""What the ingress of webhooks exports."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

ANSWER_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5)
"""From a broker on the same machine to the five seconds after which PagerDuty counts a delivery as failed."""


class WebhookMetrics:
    """Counts answers by outcome, and how long they took."""

    def __init__(self, registry: CollectorRegistry, outcomes: Iterable[str]) -> None:
        """`outcomes`: all there are, so that each is there as 0 from the beginning and alarms can be set on them."""
        self._answers = Counter(
            "pagerline_webhooks_total",
            "Webhook deliveries answered, by outcome: accepted, ping, replayed are genuine; wrong_secret, no_secret, "
            "unknown_integration, unconfirmed and full need somebody, and come again; others are refused.",
            ("outcome",),
            registry=registry,
        )
        self._seconds = Histogram(
            "pagerline_webhook_answer_seconds",
            "From the head of a genuine delivery to its answer. PagerDuty waits for five seconds.",
            buckets=ANSWER_SECONDS,
            registry=registry,
        )
        for outcome in outcomes:
            self._answers.labels(outcome)

    def answered(self, outcome: str, seconds: float) -> None:
        """A delivery was answered."""
        self._answers.labels(outcome).inc()
        if outcome in ("accepted", "ping", "replayed", "unconfirmed"):
            self._seconds.observe(seconds)
