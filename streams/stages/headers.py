"""The headers of topic `rekeyed`: whose copy a record is, and whether it is a replay."""

from __future__ import annotations

from typing import Final

ORIGIN: Final = "pagerline-origin"
"""Of a forwarded input, and of a replay: the coordinates of the record it is a copy of."""

REPLAY: Final = "pagerline-replay"
"""Of a replayed dead letter: see `streams.routing.replay.Replay`."""
