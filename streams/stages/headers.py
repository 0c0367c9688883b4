"""Headers of our records: whose copy one is, and whether it is a replay."""

from __future__ import annotations

from typing import Final

ORIGIN: Final = "pagerline-origin"
"""In topic `rekeyed`, of a forwarded input and of a replay: the coordinates of the record it is a copy of."""

REPLAY: Final = "pagerline-replay"
"""Of a replayed dead letter: see `streams.routing.replay.Replay`."""

RENEWED: Final = "pagerline-renewed"
"""Of a dead letter that stands in its topic before, sealed with an older key: no news."""
