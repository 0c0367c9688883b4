"""pytest fixtures: Kafka, a PagerDuty simulator and workers, for the tests of whoever installs Pagerline.

`pip install '.[sandbox]'` in Pagerline's sources brings them; they cost nothing until a test asks for one.

async def test_pages(pagerline_kafka, pagerline_prefix, pagerline_simulator, pagerline_worker): ...

Nothing is imported here but pytest and the standard library: this module is loaded in every run of pytest.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from streams.sandbox.kafka import Kafka
    from streams.sandbox.pagerduty import Simulator
    from streams.sandbox.worker import WorkerProcess

T = TypeVar("T")

ENGINES: Final = ("embedded", "apache")
_SKIPPED: Final = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--pagerline-kafka` and the ini setting `pagerline_kafka`."""
    group = parser.getgroup("pagerline")
    text = "the broker behind the fixture pagerline_kafka: embedded (in memory) or apache (needs Java 17 and Maven)"
    group.addoption("--pagerline-kafka", choices=ENGINES, default=None, help=text)
    parser.addini("pagerline_kafka", text, default="embedded")


def pytest_configure(config: pytest.Config) -> None:
    """A place for what the summary must say."""
    config.stash[_SKIPPED] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says loudly when nothing was tried against a real Kafka, and how to get one."""
    reasons = config.stash[_SKIPPED]
    for reason in dict.fromkeys(reasons):
        terminalreporter.section("tests against Apache Kafka were SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.line(reason)


@pytest.fixture(scope="session")
def pagerline_kafka(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """A running Kafka for the whole session; give topics the prefix of `pagerline_prefix` to keep tests apart."""
    engine = request.config.getoption("--pagerline-kafka") or request.config.getini("pagerline_kafka")
    if engine not in ENGINES:
        raise pytest.UsageError(f"pagerline_kafka = {engine}: must be embedded or apache")
    if engine == "apache":
        yield request.getfixturevalue("pagerline_apache_kafka")
        return
    from streams.sandbox.kafka import EmbeddedKafka

    yield from _running(EmbeddedKafka())


@pytest.fixture(scope="session")
def pagerline_apache_kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A running Apache Kafka for the whole session.

    Without Java or Maven the tests that want it are skipped, with a notice at the end of the run; where CI is set in
    the environment they fail.
    """
    from streams.sandbox.kafka import ApacheKafka
    from streams.sandbox.kafka.jars import missing

    if (reason := missing()) is not None:
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(f"these tests need Apache Kafka, and CI must not pass without them: {reason}", pytrace=False)
        request.config.stash[_SKIPPED].append(reason)
        pytest.skip(reason)
    yield from _running(ApacheKafka(data=tmp_path_factory.mktemp("apache-kafka")))


@pytest.fixture
def pagerline_prefix() -> str:
    """A prefix of topic names (PAGERLINE_PREFIX) that no other test has; it serves as PAGERLINE_APP_ID too."""
    return f"t{uuid.uuid4().hex[:10]}-"


class StartWorker(Protocol):
    """What `pagerline_worker` gives."""

    def __call__(self, *, ready: bool = True, stages: str = "", **settings: str) -> Awaitable[WorkerProcess]:
        """Start a worker with these settings (PAGERLINE_*); with `ready`, wait until it is. `stages`: of `--stages`."""


@pytest.fixture
def pagerline_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartWorker]:
    """Starts workers; those that still run at the end of the test are killed.

    worker = await pagerline_worker(PAGERLINE_BROKERS=..., PAGERLINE_SECRET_KEYS=...)
    await worker.kill()
    """
    from streams.sandbox.worker import WORKER, WorkerProcess

    workers: list[WorkerProcess] = []
    folder = tmp_path_factory.mktemp("workers")

    async def start(*, ready: bool = True, stages: str = "", **settings: str) -> WorkerProcess:
        program = (*WORKER, "--stages", stages) if stages else WORKER
        log = folder / f"worker-{len(workers) + 1}.log"
        worker = WorkerProcess(settings, folder=folder, log=log, program=program)
        workers.append(worker)
        await (worker.start() if ready else worker.launch())
        return worker

    yield start
    for worker in workers:
        _await(worker.close())


def _simulator(fixture: Callable[..., Callable[[Callable[[], AsyncIterator[Any]]], Any]]) -> Any:
    @fixture(loop_scope="function")
    async def pagerline_simulator() -> AsyncIterator[Simulator]:
        """A PagerDuty simulator without rate limits, in the event loop of the test.

        `events_url` and `api_url` to point at; `rest` for services, users and what was called, `people` who act on
        incidents, `webhooks` for subscriptions and trouble on their way.
        """
        from streams.sandbox.pagerduty import Simulator

        async with Simulator(limit=None, rest_limit=None) as simulator:
            yield simulator

    return pagerline_simulator


if find_spec("pytest_asyncio") is not None:
    import pytest_asyncio

    pagerline_simulator = _simulator(pytest_asyncio.fixture)
else:

    @pytest.fixture
    def pagerline_simulator() -> None:
        """The simulator shares the event loop of the test, which pytest-asyncio has to provide."""
        pytest.fail("the fixture pagerline_simulator needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)


def _running(kafka: Kafka) -> Iterator[Kafka]:
    _await(kafka.start())
    try:
        yield kafka
    finally:
        _await(kafka.stop())


def _await(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a loop and thread of its own: the test's loop, if there is one, is left alone."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
