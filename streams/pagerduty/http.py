"""What the clients of PagerDuty's two APIs share: how a request leaves, and how its failure is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import aiohttp

from streams import __version__

USER_AGENT = f"pagerline/{__version__}"
KEEP_ALIVE_SECONDS = 30.0
"""Below the minute after which load balancers close an idle connection, often without a word."""


class StaleWorker(Exception):
    """The worker's lease ran out between the decision to send and the sending."""


class CheckedConnector(aiohttp.TCPConnector):
    """Asks once more, when a connection is at hand and the request is about to be written."""

    def __init__(self, may_send: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._may_send = may_send

    async def connect(self, *args: Any, **options: Any) -> Any:
        """A connection for one request. Raises StaleWorker when nothing may be sent any more."""
        connection = await super().connect(*args, **options)
        if not self._may_send():
            connection.release()
            raise StaleWorker
        return connection


FAILURES: Final = (aiohttp.ClientError, UnicodeError)
"""What a request ends with that got no answer; UnicodeError where the host can be no name (`events..pagerduty.com`)."""


def told(failure: Exception) -> str:
    """What went wrong. An answer that is an error (a proxy's, as a rule) is told by status and reason alone: its text
    also has the address that was asked, and with it whatever stands in there."""
    if isinstance(failure, aiohttp.ClientResponseError):
        return f"{type(failure).__name__}: {failure.status} {failure.message}"
    if isinstance(failure, UnicodeError):
        return f"the host is no name that DNS could know: {failure}"
    return f"{type(failure).__name__}: {failure}"


def seconds(header: str | None) -> float | None:
    """`Retry-After` or `ratelimit-reset` in seconds; a date or nonsense counts as not given."""
    try:
        found = float(header) if header else None
    except ValueError:
        return None
    return max(0.0, found) if found is not None and found < float("inf") else None
