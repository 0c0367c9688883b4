"""`pagerline secrets rotate`: after it nothing is left that needs an older key of PAGERLINE_SECRET_KEYS.

Documents and dead letters are sealed anew by the command itself. Rows of the tables and what waits in the outbox belong
to the workers, who seal them anew while they have an older key beside the newest (`streams.app`); the command reads
their topics until nothing old is left there.

members.py tells which key workers seal with; remains.py folds records into what still needs an older key (pure);
topics.py reads them, letters.py and documents.py seal anew; rotate.py is the order of it all.
"""
