"""Pagerline: Kafka to PagerDuty and back."""

__version__ = "0.1.0"
