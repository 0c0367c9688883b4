"""Route's pure core: an event, the documents and the incident's pins in; decisions out.

    decisions = decide(event, snapshot, pins)     # one Send, Skip or Reject for each connector
    shown = preview(event, snapshot, pins)        # the same, told in full (streams.routing.preview)

Nothing here reads a clock, a topic or a socket. `decide.py` says in which order the caller must write.
"""

from streams.routing.decide import decide
from streams.routing.decision import Decision, Reject, Send, Skip, Why
from streams.routing.fit import Message, fit
from streams.routing.message import default_message
from streams.routing.outbox import outbox_record
from streams.routing.pin import Pin

__all__ = [
    "Decision",
    "Message",
    "Pin",
    "Reject",
    "Send",
    "Skip",
    "Why",
    "decide",
    "default_message",
    "fit",
    "outbox_record",
]
