"""`pagerline dead-letters`, as a user runs it."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.cli.progress import progress
from streams.cli.when import when
from streams.documents.secrets import new_key
from streams.kafka.home import home_partition
from tests.replay.letters import TOKEN, A, letter

NOW = 1_700_000_000_000
KEY = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"

Run = Callable[..., Result]


class Topics:
    """The topics of one test on a broker, from outside."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix

    def letter(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        return letter(*arguments, topic=f"{self._prefix}alerts", **more)

    def write(self, topic: str, records: Sequence[dict[str, Any]]) -> None:
        asyncio.run(self.write_soon(topic, records))

    async def write_soon(self, topic: str, records: Sequence[dict[str, Any]]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for record in records:
                await producer.send_and_wait(self._prefix + topic, orjson.dumps(record), b"k")

    def read(self, topic: str, count: int) -> list[Any]:
        return asyncio.run(self.read_soon(topic, count))

    async def read_soon(self, topic: str, count: int) -> list[Any]:
        """The first `count` records."""
        consumer = AIOKafkaConsumer(
            self._prefix + topic, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest", group_id=None
        )
        found: list[Any] = []
        async with asyncio.timeout(30), consumer:
            while len(found) < count:
                found += [one for batch in (await consumer.getmany(timeout_ms=200)).values() for one in batch]
        return found

    @contextmanager
    def worker(self, replays: int, outcome: Callable[[str], dict[str, Any]]) -> Iterator[None]:
        """Answers the first `replays` records of `rekeyed` with what `outcome` gives for the dead letter's id."""

        async def answer() -> None:
            ids = [
                orjson.loads(dict(one.headers)["pagerline-replay"])["id"]
                for one in await self.read_soon("rekeyed", replays)
            ]
            for one in ids:
                record = outcome(one)
                await self.write_soon("dead-letters" if "stage" in record else "deliveries", [record])

        thread = threading.Thread(target=lambda: asyncio.run(answer()))
        thread.start()
        yield
        thread.join()

    def delivered(self, letter_id: str, status: str = "delivered", reason: str = "delivered") -> dict[str, Any]:
        source, _, destination = letter_id.rpartition("@")
        topic, partition, offset = source.rsplit("/", 2)
        return {
            "v": 1,
            "id": letter_id,
            "incident": "alert:gk",
            "dedup_key": "gk",
            "action": "trigger",
            "source": {"topic": topic, "partition": int(partition), "offset": int(offset), "timestamp": 1},
            "destination": {"type": "PAGERDUTY", "id": destination, "connector": "c"},
            "outcome": {"status": status, "reason": reason, "at": NOW + 60_000},
            "replay": letter_id,
        }


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `pagerline dead-letters` with these arguments; no test may print a secret."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["dead-letters", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert TOKEN not in result.output
        assert KEY not in result.output
        return result

    return run


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def topics(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Topics:
    """Topics of this test's own."""
    fixture = "pagerline_kafka" if request.param == "embedded" else "pagerline_apache_kafka"
    bootstrap = request.getfixturevalue(fixture).bootstrap
    prefix = f"t{uuid.uuid4().hex[:12]}."
    monkeypatch.setenv("PAGERLINE_BROKERS", bootstrap)
    monkeypatch.setenv("PAGERLINE_PREFIX", prefix)
    monkeypatch.setenv("PAGERLINE_PARTITIONS", "3")
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
    assert CliRunner().invoke(main, ["topics", "apply"]).exit_code == 0
    return Topics(bootstrap, prefix)


def test_nothing_there(topics: Topics, run: Run) -> None:
    listed = run("list")
    assert (listed.exit_code, listed.stdout, listed.stderr) == (0, "", "pagerline: no dead letters\n")
    assert run("list", "-o", "json").stdout == "[]\n"
    replayed = run("replay")
    assert (replayed.exit_code, replayed.stdout, replayed.stderr) == (0, "", "pagerline: nothing to replay\n")
    unknown = run("show", "alerts/0/1@-")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "there is no dead letter alerts/0/1@-; `pagerline dead-letters list` lists all" in unknown.stderr


def test_from_list_to_a_second_replay_that_does_nothing(topics: Topics, run: Run) -> None:
    first, second = topics.letter(1, to=A, at=NOW), topics.letter(2, to=A, at=NOW + 1)
    shapeless = topics.letter(3, event={"alert": {"key": KEY}}, at=NOW + 2)
    cut = topics.letter(4, raw=b"x", truncated=True, at=NOW + 3)
    topics.write("dead-letters", [second, first, shapeless, first, cut])

    listed = run("list")
    assert [line.split()[1] for line in listed.stdout.splitlines()[1:]] == [
        one["id"] for one in (first, second, shapeless, cut)
    ]
    assert "4 dead letters (" in listed.stderr
    found = json.loads(run("list", "-o", "json", "--stage", "dispatch", "--destination", A).stdout)
    assert [(one["id"], one["replayed"]) for one in found] == [(first["id"], None), (second["id"], None)]
    assert len(json.loads(run("list", "-o", "json", "--since", "2023-11-14T22:13:20.002Z").stdout)) == 2

    shown = run("show", shapeless["id"])
    assert (shown.exit_code, "…0d1" in shown.stdout) == (0, True)
    assert json.loads(run("show", first["id"], "-o", "json").stdout)[0]["outbox"]["routing_key"] == "…"

    dry = run("replay", "--dry-run")
    assert dry.exit_code == 1  # one cannot be replayed
    assert dry.stdout.count("would be sent again") == 3
    assert "3 would be sent again, 1 cannot be, 0 were before (dry run)" in dry.stderr

    with topics.worker(2, topics.delivered):
        replayed = run("replay", "--reason", "unknown_routing_key")
    assert (replayed.exit_code, replayed.stdout) == (0, "delivered\t2\n")
    assert replayed.stderr == "written: 2 of 2\nanswered: 2 of 2\n"
    records = topics.read("rekeyed", 2)
    assert [orjson.loads(one.value)["source"]["offset"] for one in records] == [1, 2]
    assert {one.partition for one in records} == {home_partition(b"gk", 3)}

    again = run("replay", "--reason", "unknown_routing_key")
    assert (again.exit_code, again.stdout, again.stderr) == (
        0,
        "replayed before\t2\n",
        "pagerline: nothing to replay\n",
    )
    assert run("list").stdout.count("  delivered") == 2
    forced = run("replay", "--force", "--no-wait", first["id"])
    assert (forced.exit_code, forced.stdout) == (0, "sent\t1\n")
    assert orjson.loads(dict(topics.read("rekeyed", 3)[2].headers)["pagerline-replay"])["force"] is True


def test_dead_again(topics: Topics, run: Run) -> None:
    one = topics.letter(1, to=A, at=NOW)
    topics.write("dead-letters", [one, topics.letter(2, raw=b"x", truncated=True, at=NOW)])
    with topics.worker(1, lambda letter_id: {**one, "at": NOW + 9, "replay": letter_id}):
        replayed = run("replay")
    assert replayed.exit_code == 1
    assert replayed.stdout == "dead (unknown_routing_key)\t1\ncannot be replayed (truncated)\t1\n"
    assert "cannot be replayed: only the beginning of its input was kept" in replayed.stderr
    assert [one["at"] for one in json.loads(run("list", "-o", "json").stdout)] == [NOW + 9, NOW]


def test_to_another_connector(topics: Topics, run: Run, tmp_path: Path) -> None:
    topics.write("dead-letters", [topics.letter(1, to=A, at=NOW), topics.letter(2, event={}, at=NOW)])
    unknown = run("replay", "--to", "backup")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "there is no connector/backup" in unknown.stderr
    for name, fields in (("backup", f"integrationKey: {KEY}"), ("teams", "dynamicintegrationKey: '{{ alert.key }}'")):
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"kind: connector\nid: {name}\ntype: PAGERDUTY\nfields: {{{fields}}}\n")
        assert CliRunner().invoke(main, ["apply", "-f", str(file)]).exit_code == 0
    by_template = run("replay", "--to", "teams", "--dry-run")
    assert by_template.exit_code == 1
    assert "chooses its key by a template" in by_template.stderr
    assert "1 would be sent again, 1 cannot be" in by_template.stderr
    assert run("replay", "--to", "backup", "--no-wait").stdout == "sent\t2\n"
    asked = [orjson.loads(dict(one.headers)["pagerline-replay"]) for one in topics.read("rekeyed", 2)]
    assert {(one["to"], one["kind"]) for one in asked} == {("backup", "outbox"), ("backup", "event")}


def test_topics_that_are_missing(topics: Topics, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_PREFIX", "elsewhere.")
    missing = run("list")
    assert (missing.exit_code, missing.stderr) == (
        1,
        "pagerline: elsewhere.dead-letters: missing (pagerline topics apply creates it)\n",
    )


def test_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_BROKERS", "127.0.0.1:1")
    away = run("list")
    assert (away.exit_code, away.stdout) == (1, "")
    assert away.stderr.startswith("pagerline: no Kafka broker answers at 127.0.0.1:1; PAGERLINE_BROKERS")


@pytest.mark.parametrize("arguments", [["list", "--since", "yesterday"], ["list", "--stage", "x"], ["show"], ["purge"]])
def test_used_wrongly(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("name", ["list", "show", "replay"])
def test_help_has_an_example(run: Run, name: str) -> None:
    assert f"  pagerline dead-letters {name} " in run(name, "--help").output.partition("Example")[2] + " "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - 7_200_000),
        ("1.5d", NOW - 129_600_000),
        ("90s", NOW - 90_000),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14 22:13:20", NOW),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert when(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "h", "2w", "soon", "-2h"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        when(text, NOW)


def test_progress_without_a_terminal_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    time = iter([0.0, 1.0, 11.0, 12.0, 13.0])
    with progress("answered", 4, lambda: next(time)) as advance:
        for _ in range(4):
            advance()
    assert capsys.readouterr().err == "answered: 2 of 4\nanswered: 4 of 4\n"
