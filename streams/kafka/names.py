"""The private names of Faust and aiokafka that this package replaces or reads, checked before anything starts."""

from __future__ import annotations

from importlib.metadata import version

from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.app import App
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from streams.errors import IncompatibleFaust

TESTED = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (App, ("_new_transport", "on_first_start", "on_stop", "on_shutdown", "on_rebalance_complete")),
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
            "maybe_wait_for_commit_to_finish",
            "ack",
        ),
    ),
    (AIOKafkaConsumerThread, ("_commit", "_ensure_consumer", "call_thread", "on_start", "seek_to_committed")),
    (TableManager, ("recovery", "_update_channels")),
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
    (GroupCoordinator, ("_do_heartbeat", "_do_rejoin_group", "reset_generation")),
)


def check_names() -> None:
    """Raise IncompatibleFaust when a release other than the tested one lacks a name that we rely on."""
    missing = [f"{owner.__name__}.{name}" for owner, names in NAMES for name in names if not hasattr(owner, name)]
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
