"""What the doctor says of the documents that are stored."""

from __future__ import annotations

from streams.doctor.installation import documents
from streams.documents.document import Document
from streams.documents.snapshot import Snapshot
from tests.documents.documents_story import Topic, connector, router


def stored(*documents: Document) -> Snapshot:
    topic = Topic()
    topic.apply(1, *documents)
    return topic.snapshot()


def test_sound_documents_are_counted() -> None:
    assert [str(one) for one in documents(stored(connector(), router()))] == ["ok    documents: 1 connector, 1 router"]


def test_a_router_that_leads_to_a_deleted_connector_is_wrong() -> None:
    (finding,) = documents(stored(connector("other"), router()))
    assert (finding.state, finding.about) == ("wrong", "documents")
    assert finding.text == "router/team: rules[0].targets[0].connector: there is no connector/payments"
    assert finding.remedy
