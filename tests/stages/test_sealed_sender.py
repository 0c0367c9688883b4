"""The sender between the dispatcher and PagerDuty: what it does with keys that it cannot open."""

from __future__ import annotations

from typing import Any

from streams.documents.secrets import Cipher, new_key
from streams.pagerduty.answers import DESTINATION_REFUSED, Answer, Refused, judge
from streams.stages.dispatch import SealedSender

KEY = "930" + "a" * 26 + "0d1"


class Client:
    """An Events API that takes everything."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def enqueue(self, record: Any, routing_key: str) -> Answer:
        self.keys.append(routing_key)
        return Answer(202)


class Held:
    """A lease that is valid."""

    async def hold(self) -> None:
        return None


async def test_a_key_that_cannot_be_opened_is_a_refusal_with_its_remedy_and_stops_nothing() -> None:
    old, new = new_key(), new_key()
    lost, kept = Cipher([old]).seal(KEY), Cipher([new]).seal(KEY)
    client = Client()
    sender = SealedSender(client, Cipher([new]), Held())  # type: ignore[arg-type]

    verdict = judge(await sender.send({"routing_key": lost}))
    assert isinstance(verdict, Refused)
    assert verdict.reason == "secret_unreadable"
    assert "PAGERLINE_SECRET_KEYS" in verdict.words
    assert lost not in verdict.words
    assert verdict.reason not in DESTINATION_REFUSED, "other records of the destination may be readable"
    assert client.keys == []

    assert (await sender.send({"routing_key": kept})).status == 202
    assert client.keys == [KEY]
