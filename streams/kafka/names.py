"""The private names of Faust and aiokafka that this package replaces or reads, checked before anything depends on them.

Those of classes when the app is made; those that only instances have, as soon as there is one.
"""

from __future__ import annotations

from importlib.metadata import version

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import MessageAccumulator
from faust.app import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from streams.errors import IncompatibleFaust

TESTED = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        App,
        (
            "_new_transport",
            "_consumer",
            "_crash",
            "on_first_start",
            "on_stop",
            "on_shutdown",
            "on_rebalance_complete",
        ),
    ),
    (Transport, ("Consumer",)),
    (
        Consumer,
        (
            "_to_message",
            "_new_offset",
            "_add_gap",
            "_commit_offsets",
            "_filter_tps_with_pending_acks",
            "_drain_messages",
            "_new_consumer_thread",
            "perform_seek",
            "on_partitions_revoked",
            "on_partitions_assigned",
            "getmany",
            "_getmany",
            "_get_active_partitions",
            "commit_and_end_transactions",
            "maybe_wait_for_commit_to_finish",
            "ack",
        ),
    ),
    (
        AIOKafkaConsumerThread,
        ("_commit", "_consumer", "_ensure_consumer", "call_thread", "on_start", "seek_to_committed"),
    ),
    (PartitionAssignor, ("on_assignment", "_compress", "_decompress", "_url")),
    (TableManager, ("recovery",)),
    (
        Recovery,
        (
            "_restart_recovery",
            "_slurp_changelogs",
            "_resume_streams",
            "_set_recovery_started",
            "_set_recovery_ended",
            "signal_recovery_start",
        ),
    ),
    (Fetcher, ("_get_actions_per_node", "_proc_fetch_request")),
    (GroupCoordinator, ("_do_heartbeat", "_do_rejoin_group", "_send_req", "reset_generation")),
)

ATTRIBUTES: dict[type, tuple[str, ...]] = {
    Consumer: (
        "_read_offset",
        "_active_partitions",
        "_buffered_partitions",
        "_committed_offset",
        "_thread",
        "can_resume_flow",
        "flow_active",
        "scheduler",
    ),
    Recovery: ("_generation_id", "active_tps"),
    AIOKafkaConsumer: ("_coordinator", "_fetcher"),
    Fetcher: ("_fetch_max_wait_ms",),
    GroupCoordinator: ("_pending_exception", "_coordination_task", "generation"),
    AIOKafkaProducer: ("client", "_message_accumulator", "_request_timeout_ms"),
    MessageAccumulator: ("_batch_ttl",),
}


def check_names() -> None:
    """Raise IncompatibleFaust when a release other than the tested one lacks a name that we rely on."""
    _refuse([f"{owner.__name__}.{name}" for owner, names in NAMES for name in names if not hasattr(owner, name)])


def check_attributes(instance: object, owner: type) -> None:
    """Raise IncompatibleFaust when an instance of `owner` lacks an attribute that we rely on."""
    _refuse([f"{owner.__name__}.{name}" for name in ATTRIBUTES[owner] if not hasattr(instance, name)])


def _refuse(missing: list[str]) -> None:
    found = {package: version(package) for package in TESTED}
    if missing or found != TESTED:
        raise IncompatibleFaust(
            "This release of Pagerline is tested with "
            + ", ".join(f"{package} {tested}" for package, tested in TESTED.items())
            + "; found "
            + ", ".join(f"{package} {installed}" for package, installed in found.items())
            + (f", without {', '.join(missing)}" if missing else "")
            + ". Install the tested versions: what they lose, and how that is kept from happening, differs by release."
        )
