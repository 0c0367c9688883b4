"""Processes of the sandbox: each in a group of its own, ended by its id, never left behind.

On Linux a child is killed by the kernel when this process dies, however it dies (`prctl(PR_SET_PDEATHSIG)`). The call
is made in a small Python program that then becomes the child by `exec`: `preexec_fn` is unsafe once there are threads.
The signal is tied to the *thread* that started the child, so all children are started by one thread that lasts as long
as this process. Elsewhere than on Linux a child outlives a parent that is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

from streams.errors import PagerlineError

STOP_SECONDS: Final = 30.0
"""Bound of an orderly end; a JVM on a busy machine needs some."""

TAIL_BYTES: Final = 4_000
"""Of a log, what an error message repeats: the last lines hold the reason."""

FREE_PORTS: Final = range(15_000, 32_000)
"""Below Linux's range for outgoing connections (32768 and up), so that no client takes the port of a broker that is
being restarted."""

# parent's id, program, arguments
_BECOME: Final = """\
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where this runs in the background, and that is inherited
os.execv(sys.argv[2], sys.argv[2:])
"""


class SandboxError(PagerlineError):
    """A part of the sandbox cannot run here; the text says what is missing and how to get it."""


class Child:
    """A running process. Output of both kinds goes to `log`, or to a file that vanishes with this object."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], own_group: bool) -> None:
        self._process = process
        self._log = log
        self._own_group = own_group

    @classmethod
    def start(
        cls,
        program: Sequence[str],
        *,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        own_group: bool = True,
    ) -> Child:
        """Start `program` (its first member is an absolute path); `log` is appended to, `env` replaces ours.

        own_group: whether it leads a process group; otherwise it is in ours, and ends when ours is killed.

        Raises OSError when there are no processes or files to be had.
        """
        output: IO[bytes] = log.open("ab") if log else tempfile.TemporaryFile()  # noqa: SIM115
        become = [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), *program]

        def spawn() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                become,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=own_group,
            )

        try:
            return cls(_starter().submit(spawn).result(), output, own_group)
        except BaseException:
            output.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; afterwards its exit code, or minus the signal that ended it."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens when it has ended."""
        self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL the process, with its group where it leads one, and wait for it."""
        if self._own_group:
            with suppress(ProcessLookupError):  # its children may live on after it, so even when it has ended
                os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()
        await self.wait()

    async def stop(self, timeout: float = STOP_SECONDS) -> int:
        """SIGTERM, wait at most `timeout` seconds, then `kill`. Returns the exit code."""
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            await self.wait(timeout)
        await self.kill()
        return await self.wait()

    async def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        code = self._process.poll()
        return code if code is not None else await asyncio.to_thread(self._process.wait, timeout)

    def tail(self) -> str:
        """The last lines of its output, for an error message."""
        descriptor = self._log.fileno()
        size = os.fstat(descriptor).st_size
        if self._log.readable():
            return os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES)).decode(errors="replace").strip()
        with open(self._log.name, "rb") as log:
            log.seek(max(0, size - TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

    def close(self) -> None:
        """Let go of the log; call it when the process has ended."""
        self._log.close()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, likely to stay free (see FREE_PORTS).

    Raises SandboxError when a hundred ports in turn are taken.
    """
    for port in random.SystemRandom().sample(FREE_PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise SandboxError(f"no free port on 127.0.0.1 between {FREE_PORTS.start} and {FREE_PORTS.stop - 1}")


@cache
def _starter() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="pagerline-sandbox")
