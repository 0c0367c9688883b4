"""Sample alerts and Cases: made from a seed, sent to Kafka, and what must come of them.

records = stories(seed=1, alerts=100, cases=20)
await produce("127.0.0.1:9092", records, rate=50)
assert shown_by_pagerduty == final_states(records)
"""

from streams.sandbox.samples.expect import State, final_states
from streams.sandbox.samples.produce import Produced, produce
from streams.sandbox.samples.record import START, TEAMS, Record
from streams.sandbox.samples.stories import stories

__all__ = ["START", "TEAMS", "Produced", "Record", "State", "final_states", "produce", "stories"]
