"""A worker that writes every comment of a Case twice: so the demo's verdict on both sides can be no."""

from __future__ import annotations

from streams.cli.main import main
from streams.sync import perform
from streams.sync.perform import Api, Performed
from streams.sync.plan import AddNote

add_note = perform._add_note


async def careless(operation: AddNote, api: Api) -> Performed:
    """As the real one, and once more."""
    performed = await add_note(operation, api)
    await api.add_note(operation.incident, operation.content)
    return performed


if __name__ == "__main__":
    perform._add_note = careless
    main(["worker"], prog_name="pagerline")
