"""What has happened on the account: the log that REST shows, and the listeners that webhooks hang on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Final

from streams.sandbox.pagerduty.card import Happening, LogEntry, Note, StatusUpdate, card_of
from streams.sandbox.pagerduty.directory import Agent, Priority, TechnicalService
from streams.sandbox.pagerduty.ids import base36
from streams.sandbox.pagerduty.incidents import Incident

Channel = dict[str, Any]
API: Final[Channel] = {"type": "api"}
WEBSITE: Final[Channel] = {"type": "website"}
TIMEOUT: Final[Channel] = {"type": "timeout"}


class History:
    """`log` is the account's, oldest first; an incident's card has its own part of it."""

    def __init__(self) -> None:
        self._ids = count(1)
        self.log: list[LogEntry] = []
        self.listeners: list[Callable[[Happening], None]] = []
        """Called with each happening, at once and in order."""

    def new_id(self, kind: str) -> str:
        """A fresh id of 7 characters that begins with P and one letter for the kind."""
        return f"P{kind}{base36(next(self._ids), 5)}"

    def clear(self) -> None:
        """Forget the log; ids go on."""
        self.log.clear()

    def forget(self, incident: Incident) -> None:
        """Forget what is about one incident."""
        self.log = [entry for entry in self.log if entry.incident is not incident]

    def write(
        self,
        incident: Incident,
        kind: str,
        agent: Agent,
        at: int,
        summary: str,
        channel: Channel = API,
        **details: Any,
    ) -> None:
        """Add a line to the log. kind: its type, without the ending `_log_entry`."""
        entry_id = f"R{base36(next(self._ids), 13)}"
        entry = LogEntry(entry_id, kind, at, agent, incident, summary, channel, details)
        card_of(incident).log.append(entry)
        self.log.append(entry)

    def tell(
        self,
        event_type: str,
        at: int,
        agent: Agent,
        incident: Incident | None,
        data: Note | StatusUpdate | TechnicalService | dict[str, Any] | None = None,
    ) -> None:
        """Tell the listeners. `client` of the trigger comes with the trigger only; more is not confirmed."""
        if not self.listeners:
            return
        client = card_of(incident).client if incident is not None and event_type == "incident.triggered" else None
        happening = Happening(event_type, at, agent, incident, data, client)
        for listener in tuple(self.listeners):
            listener(happening)

    def status(self, incident: Incident, agent: Agent, at: int) -> None:
        """Note who changed the status last."""
        card = card_of(incident)
        card.changed_at, card.changed_by = at, agent


def name_of(one: Agent | Priority) -> str:
    """How a summary names somebody or something."""
    return "none" if one is None else one.name
