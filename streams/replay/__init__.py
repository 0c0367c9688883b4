"""Dead letters as people work with them: found, shown, and sent again.

`letters` reads and folds them (pure), `plan` says what is sent again (pure), `topics` reads and writes Kafka,
`waiting` follows the outcomes.
"""
