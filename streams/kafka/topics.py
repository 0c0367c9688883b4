"""Topics that exist, with the right shape, before anything reads them.

Faust ignores a topic that is missing when the worker starts, and its agent then stays silent for good; a broker that
creates topics by itself makes tables with `cleanup.policy=delete`, which eats their state. So: created and checked
here, first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code

from streams.errors import KafkaUnavailable, TopicMismatch

POLICY = "cleanup.policy"
LARGEST = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be: partitions (`exact`: an existing topic must have that many), its cleanup policy, and
    settings: used at creation, afterwards only `max.message.bytes` is looked at, which may be larger."""

    name: str
    partitions: int
    cleanup: str
    config: Mapping[str, str] = field(default_factory=dict)
    exact: bool = True


@dataclass(frozen=True, slots=True)
class TopicState:
    """What was found or done: `created` says whether this run made the topic."""

    spec: TopicSpec
    created: bool


async def ensure_topics(
    specs: Iterable[TopicSpec], *, replication: int, options: Mapping[str, Any], create: bool = True
) -> list[TopicState]:
    """Create the topics that are missing and check those that exist.

    Raises TopicMismatch with one line per topic whose partitions or cleanup policy differ, whose largest message is
    smaller than it must be, or that is missing when `create` is false. A broker that does not report a topic's settings
    (the embedded one) is taken at its word.
    """
    async with admin_client(options) as admin:
        wanted = list(specs)
        present = set(await admin.list_topics())
        missing = [spec for spec in wanted if spec.name not in present]
        if create and missing:
            await _create(admin, missing, replication)
        elif missing:
            raise TopicMismatch(
                "\n".join(f"{spec.name}: missing (pagerline topics apply creates it)" for spec in missing),
                missing=[spec.name for spec in missing],
            )
        problems = await _problems(admin, [spec for spec in wanted if spec.name in present])
        if problems:
            raise TopicMismatch("\n".join(problems))
        return [TopicState(spec, spec.name not in present) for spec in wanted]


@asynccontextmanager
async def admin_client(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client that is connected. Raises KafkaUnavailable when no broker answers."""
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
    except KafkaConnectionError as error:
        await admin.close()
        raise KafkaUnavailable(f"no broker answers; see that PAGERLINE_BROKERS names one that runs: {error}") from error
    try:
        yield admin
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, specs: list[TopicSpec], replication: int) -> None:
    topics = [
        NewTopic(
            name=spec.name,
            num_partitions=spec.partitions,
            replication_factor=replication,
            topic_configs={"cleanup.policy": spec.cleanup, **spec.config},
        )
        for spec in specs
    ]
    response = await admin.create_topics(topics)
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another worker may have been quicker
            raise TopicMismatch(f"{name}: could not be created: {rest[0] if rest and rest[0] else error.__name__}")


async def _problems(admin: AIOKafkaAdminClient, specs: list[TopicSpec]) -> list[str]:
    if not specs:
        return []
    problems = []
    counts = {
        topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics([s.name for s in specs])
    }
    settings = await _settings(admin, [spec.name for spec in specs])
    for spec in specs:
        if spec.exact and counts[spec.name] != spec.partitions:
            problems.append(
                f"{spec.name}: has {counts[spec.name]} partitions, PAGERLINE_PARTITIONS says {spec.partitions}; "
                f"these topics need the same number (set it to {counts[spec.name]}, or make the topic anew)"
            )
        policy = settings.get((spec.name, POLICY))
        if policy is not None and set(policy.split(",")) != set(spec.cleanup.split(",")):
            problems.append(
                f"{spec.name}: cleanup.policy is {policy}, must be {spec.cleanup}; "
                f"kafka-configs.sh --alter --topic {spec.name} --add-config cleanup.policy=[{spec.cleanup}]"
            )
        most, least = settings.get((spec.name, LARGEST)), spec.config.get(LARGEST)
        if most is not None and least is not None and int(most) < int(least):
            # A record that the broker refuses for its size would stop the worker, and the next one after it.
            problems.append(
                f"{spec.name}: {LARGEST} is {most}, must be at least {least}; "
                f"kafka-configs.sh --alter --topic {spec.name} --add-config {LARGEST}={least}"
            )
    return problems


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[tuple[str, str], str]:
    """What the broker says of these topics, by topic and setting."""
    wanted = {POLICY: None, LARGEST: None}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted) for name in names]
    found = {}
    for response in await admin.describe_configs(resources):
        for code, _message, _type, name, entries in response.resources:
            for entry in entries if not code else ():
                if entry[0] in wanted and entry[1]:
                    found[name, entry[0]] = entry[1]
    return found
