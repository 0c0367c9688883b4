"""Every figure that a worker exports, declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.dispatch.outcome import Outcome
from streams.pagerduty.answers import Answer
from streams.pagerduty.rest_answers import RestAnswer

LATENCY_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 15, 60, 300, 1800, 7200)
"""From a healthy 10 ms to an outage of hours."""

REQUEST_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10)
"""Up to PAGERLINE_HTTP_TIMEOUT's default."""


class Metrics:
    """The worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.input_to_answer = Histogram(
            "pagerline_input_to_answer_seconds",
            "From the input record's timestamp to PagerDuty's final answer, once for each time that it is told.",
            buckets=LATENCY_SECONDS,
            registry=registry,
        )
        self.outcomes = Counter(
            "pagerline_outcomes_total",
            "Inputs whose end was told, by stage, status (delivered, superseded, skipped, dead) and reason. What an "
            "earlier worker told and had not committed is told again without a new request: more may be delivered here "
            "than requests were accepted.",
            ("stage", "status", "reason"),
            registry=registry,
        )
        self.requests = Counter(
            "pagerline_pagerduty_requests_total",
            "Requests to PagerDuty that this worker made, by what the answer meant (accepted, rate_limited, "
            "server_error, ...).",
            ("meaning",),
            registry=registry,
        )
        self.request_seconds = Histogram(
            "pagerline_pagerduty_request_seconds",
            "Time of one request to PagerDuty.",
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self.heard = Counter(
            "pagerline_pagerduty_said_total",
            "What PagerDuty said of incidents, by how it was learnt (webhook, poll) and what became of it: news, echo "
            "(known already), unknown_incident (no Case's), other_event, ping, unreadable.",
            ("found_by", "what"),
            registry=registry,
        )
        self.subscription_healthy = Gauge(
            "pagerline_webhook_subscription_healthy",
            "Whether PagerDuty sends webhooks for an account: 1 when its subscription is enabled.",
            ("destination",),
            registry=registry,
        )
        self.backlog = Gauge(
            "pagerline_backlog_incidents",
            "Incidents with something still to be sent or recorded, on this worker.",
            registry=registry,
        )
        self.refusing = Gauge(
            "pagerline_refused_destinations",
            "Destinations that PagerDuty does not know, or does not let us use: somebody must repair their key.",
            registry=registry,
        )
        self.lag = Gauge(
            "pagerline_lag_records",
            "Records of the owned partitions that are not committed yet, by stage: the undelivered work.",
            ("stage",),
            registry=registry,
        )
        self.dead_letters_waiting = Gauge(
            "pagerline_dead_letters_waiting",
            "Dead letters that the brake holds back, on this worker; their inputs are not acknowledged.",
            registry=registry,
        )

    # -- dispatch's meter ---------------------------------------------------------------------------------------

    def outcome(self, record: Mapping[str, Any], outcome: Outcome) -> None:
        """An input ended at dispatch."""
        self.outcomes.labels("dispatch", outcome.status, outcome.reason).inc()
        if outcome.status == "delivered":
            self.input_to_answer.observe(max(0, outcome.at - record["source"]["timestamp"]) / 1000)

    def attempt(self, answer: Answer | RestAnswer, meaning: str) -> None:
        """PagerDuty was asked once."""
        self.requests.labels(meaning).inc()
        self.request_seconds.observe(answer.ms / 1000)

    # -- read when scraped --------------------------------------------------------------------------------------

    def watch_dispatch(self, backlog: Callable[[], int], refusing: Callable[[], int]) -> None:
        """Take backlog and refused destinations from the stage at each scrape."""
        self.backlog.set_function(backlog)
        self.refusing.set_function(refusing)

    def watch_lag(self, stages: Sequence[str], lag: Callable[[str], int]) -> None:
        """Take the lag of these stages from the worker at each scrape."""
        for stage in stages:
            self.lag.labels(stage).set_function(partial(lag, stage))
