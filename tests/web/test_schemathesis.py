"""The API against its own OpenAPI document: whatever is sent, nothing ends in a 5xx, no answer breaks its schema, none
holds a secret, and none comes without the token."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from streams.documents.changes import plan_changes
from streams.documents.log import DocumentLog
from streams.documents.parse import load_documents
from streams.documents.secrets import new_key
from streams.kafka.topics import ensure_topics
from streams.sandbox.kafka import Kafka
from streams.settings import Settings, kafka_options
from streams.topology import Topology
from streams.web.api import OPERATIONS
from streams.web.app import runner_of, web_app
from streams.web.backend import Backend
from streams.web.openapi import document
from tests.web.offices import TOKEN, bearer
from tests.web.test_resources import DOCUMENTS, KEY, TOKEN_OF_THE_ACCOUNT

EXAMPLES = 100 if os.environ.get("FULL_BARS", "") not in ("", "0") else 5
"""Random requests for each operation, beside those that cover each parameter's bounds."""

NEED_WORKERS_OR_EVENTS = {
    "send",
    "testConnector",
    "testConnectorConfig",
    "testPresetConfig",
    "testPreset",
    "testDestination",
    "explain",
    "showDeadLetter",
    "showCase",
}
"""Operations with nothing to answer here but problems; `tests/acceptance/test_web.py` and `test_resources.py` have the
rest of them."""

schema = schemathesis.openapi.from_dict(document(OPERATIONS))


class Running:
    """The app in a thread and loop of its own, on a real socket."""

    def __init__(self, made: Settings) -> None:
        self._made = made
        self._started, self._end = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web")

    def __enter__(self) -> str:
        self._thread.start()
        self._started.wait()
        if self._failed is not None:
            raise self._failed
        return self.url

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failed = error
            self._started.set()
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await ensure_topics(Topology.of(self._made).specs(), replication=1, options=kafka_options(self._made))
        async with DocumentLog(self._made) as log:
            wanted = load_documents(["-"], lambda: DOCUMENTS)
            await log.write(plan_changes(await log.read(), wanted), by="test")
        backend = replace(Backend.of(self._made), longest_wait=0.1)  # no event ever comes here, and no outcome
        runner = runner_of(web_app(self._made, backend), shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._started.set()
            await self._end.wait()
        finally:
            await runner.cleanup()


@pytest.fixture(scope="module")
def url(pagerline_kafka: Kafka) -> Iterator[str]:
    made: Any = {
        "_env_file": None,
        "brokers": (pagerline_kafka.bootstrap,),
        "prefix": "schemathesis-",
        "partitions": 2,
        "secret_keys": (SecretStr(new_key()),),
        "web_token": SecretStr(TOKEN),
        "events_url": "http://127.0.0.1:1",  # where nobody listens: what is tried out goes nowhere
    }
    with Running(Settings(**made)) as url:
        yield url


@schema.parametrize()
# The app shares the process, and its clients use `random` while a request is made up: that is what is warned about.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_the_api_keeps_its_word(case: schemathesis.Case, url: str) -> None:
    answer = case.call(base_url=url, headers=bearer(), timeout=60)
    said = answer.text + repr(dict(answer.headers))
    for secret in (KEY, TOKEN_OF_THE_ACCOUNT, TOKEN):
        assert secret not in said
    case.validate_response(
        answer,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
            negative_data_rejection,
        ],
    )
    refused = case.call(base_url=url, headers=bearer("wrong"), timeout=60)
    assert refused.status_code == 401, refused.text


def test_what_was_sent_got_as_far_as_the_operations(url: str) -> None:
    """Of the requests above some were right: without that, all of them could have been turned away at the door."""
    metrics = requests.get(f"{url}/metrics", headers=bearer(), timeout=60).text
    done = set(re.findall(r'requests_total\{method="(\w+)",resource="([^"]+)",status="200"\}', metrics))
    missing = {one.id for one in OPERATIONS if (one.method, one.path) not in done}
    assert missing <= NEED_WORKERS_OR_EVENTS
