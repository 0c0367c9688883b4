"""An independent judge of a run: by the raw topics and the simulator's journal alone, were the promises kept?

verdict = verify(inputs, deliveries, dead_letters, journal, incidents)
assert verdict.ok, verdict.text()

It shares no code with the product but the contracts: it reads the inputs anew and works out by itself what must have
happened. `python -m streams.sandbox.verify` does the same against a live broker and simulator.
"""

from streams.sandbox.verify.collect import Collected, collect
from streams.sandbox.verify.judge import verify
from streams.sandbox.verify.model import Kind, Record, Verdict, Violation
from streams.sandbox.verify.secrets import Found, secrets_found

__all__ = ["Collected", "Found", "Kind", "Record", "Verdict", "Violation", "collect", "secrets_found", "verify"]
