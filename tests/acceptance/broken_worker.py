"""A worker that loses one event and says nothing: for the test that the demo's verdict can be no."""

from __future__ import annotations

from typing import Any

from streams.cli.main import main
from streams.stages.route import RouteStage

route = RouteStage._route
lost: list[str] = []


async def careless(self: RouteStage, event: Any, partition: int, value: bytes, asked: Any, ack: Any) -> None:
    """As the real one, but for the first event of each process, which is acknowledged and forgotten."""
    if not lost:
        lost.append(event.incident)
        ack()
        return
    await route(self, event, partition, value, asked, ack)


if __name__ == "__main__":
    RouteStage._route = careless  # type: ignore[method-assign]
    main(["worker"], prog_name="pagerline")
