"""A small Case system in one SQLite file: documentation that runs, for whoever connects their own.

    store.py    Cases, what people do to them, what comes from PagerDuty: each change is one transaction
    notice.py   what the system tells of a change, in the shape of topic `cases`
    link.py     both topics: updates in, each applied once; notices out, in order
    cli.py      `pagerline sandbox cases`

What makes it right is little. An update's id is written in the same transaction as what it changed, so that it is
applied once however often it comes. A notice is written in that transaction too and sent afterwards (a transactional
outbox), so that none is lost or told of what never happened. A change that came from PagerDuty names it as its actor.
"""

from streams.sandbox.case_system.link import CaseLink
from streams.sandbox.case_system.notice import Person
from streams.sandbox.case_system.store import CaseRefused, CaseStore

__all__ = ["CaseLink", "CaseRefused", "CaseStore", "Person"]
