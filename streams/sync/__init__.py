"""A Case and its incident are one thing: what either side says, and what the other is to be told. Pure.

row = heard(row, record, now_ms)      # what the Case said: an outbox record
row = told(row, said, now_ms)         # what PagerDuty said: a webhook, a log entry, an incident that was read
operation = plan(row)                 # what PagerDuty is to be asked next, or None
row = done(begin(row, operation), operation, result, now_ms)

Updates for the Case gather in `row.updates`, ends of inputs in `row.outcomes`; whoever holds the row publishes them
once it is stored. The rules are a table in docs/two-way.md, which a test reads.
"""
