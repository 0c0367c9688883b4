"""Topics that exist: what is found wrong with them, and the command that puts it right."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust_harness import Arena

from streams.errors import TopicMismatch
from streams.kafka.topics import TopicSpec, _problems, ensure_topics


class Admin:
    """A broker with one topic of these settings; None: it reports none."""

    def __init__(self, settings: dict[str, str] | None) -> None:
        self._settings = settings

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"topic": name, "partitions": [0, 1]} for name in names]

    async def describe_configs(self, resources: list[Any]) -> list[Any]:
        if self._settings is None:
            return []
        entries = [(name, value, False, False, False) for name, value in self._settings.items()]
        return [SimpleNamespace(resources=[(0, "", 2, resource.name, entries)]) for resource in resources]


async def problems(settings: dict[str, str] | None, **config: str) -> list[str]:
    spec = TopicSpec("dead-letters", 2, "delete", {name.replace("_", "."): value for name, value in config.items()})
    return await _problems(Admin(settings), [spec])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [None, {}, {"cleanup.policy": "delete", "max.message.bytes": "2097152"}, {"max.message.bytes": "10485760"}],
)
async def test_what_is_as_it_must_be_or_larger_is_taken(settings: dict[str, str] | None) -> None:
    assert await problems(settings, max_message_bytes="2097152") == []


async def test_a_topic_that_takes_too_little_is_refused_with_the_command_that_helps() -> None:
    (line,) = await problems({"cleanup.policy": "delete", "max.message.bytes": "1048588"}, max_message_bytes="2097152")
    assert line.startswith("dead-letters: max.message.bytes is 1048588, must be at least 2097152; kafka-configs.sh")
    assert line.endswith("--topic dead-letters --add-config max.message.bytes=2097152")


async def test_a_topic_without_a_bound_of_ours_may_have_any() -> None:
    assert await problems({"max.message.bytes": "1000"}) == []


async def test_another_cleanup_policy_is_refused() -> None:
    (line,) = await problems({"cleanup.policy": "compact"})
    assert "cleanup.policy is compact, must be delete" in line


@pytest.mark.kafka
async def test_kafka_itself_is_understood(arena: Arena) -> None:
    small = await arena.topic("small", 2, max_message_bytes="1000000")
    right = await arena.topic("right", 2, max_message_bytes="3000000")
    specs = [TopicSpec(name, 2, "delete", {"max.message.bytes": "2097152"}) for name in (right, small)]
    with pytest.raises(TopicMismatch) as refused:
        await ensure_topics(specs, replication=1, options={"bootstrap_servers": arena.brokers})
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{small}: max.message.bytes is 1000000, must be at least 2097152; ")
