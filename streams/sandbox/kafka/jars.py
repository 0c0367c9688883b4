"""Apache Kafka's jars, fetched once with Maven into a cache that sessions share."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from streams.sandbox.process import Child, SandboxError

VERSION: Final = "4.1.0"
JAVA_AT_LEAST: Final = 17
"""What Kafka 4's broker is compiled for."""

FETCH_SECONDS: Final = 900.0
"""43 MB in 45 files; a bound for a slow line, not for a good one (7 s)."""

LOCK_SECONDS: Final = 0.2
"""Between two looks at the lock of another session, which holds it for seconds."""

# log4j-slf4j-impl is what Kafka's own archive adds to this list; without it the broker logs nothing at all.
_POM: Final = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pagerline</groupId><artifactId>sandbox-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"""
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """PAGERLINE_SANDBOX_CACHE, or `pagerline` in the user's cache folder."""
    if chosen := environ.get("PAGERLINE_SANDBOX_CACHE"):
        return Path(chosen).expanduser()
    return Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pagerline"


def missing(environ: Mapping[str, str] = os.environ) -> str | None:
    """What this machine lacks to run Apache Kafka and how to get it; None when nothing is lacking."""
    try:
        java(environ)
        if not _folder(cache_folder(environ)).is_dir():
            _maven(environ)
    except SandboxError as error:
        return str(error)
    return None


def java(environ: Mapping[str, str] = os.environ) -> str:
    """The path of a Java that can run Kafka: JAVA_HOME's, or the one on PATH. Raises SandboxError without one."""
    program = _program("java", environ, "JAVA_HOME")
    how = f"Apache Kafka {VERSION} needs Java {JAVA_AT_LEAST} or newer: apt install openjdk-17-jre-headless"
    if program is None:
        raise SandboxError(f"no java on PATH and no JAVA_HOME; {how}")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    version = java_version(said.stderr + said.stdout)
    if version is None or version < JAVA_AT_LEAST:
        raise SandboxError(f"{program} is Java {version or 'of an unknown version'}; {how}")
    return program


def java_version(said: str) -> int | None:
    """The main version in what `java -version` says (`1.8.0_402` is 8), or None."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None


async def jars(cache: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with Kafka's jars, fetched when it is not there.

    Whole or not there: fetched into a folder beside it, then renamed; of several sessions one fetches and the others
    wait. Raises SandboxError when Maven is missing or fails.
    """
    cache = cache or cache_folder(environ)
    folder = _folder(cache)
    if folder.is_dir():
        return folder
    maven = _maven(environ)
    cache.mkdir(parents=True, exist_ok=True)
    with _lock_file(cache) as lock:
        await _locked(lock.fileno())
        if not folder.is_dir():  # another session may have been quicker
            with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as fetching:
                await _fetch(maven, Path(fetching))
                (Path(fetching) / "jars").rename(folder)
    return folder


def _lock_file(cache: Path) -> IO[str]:
    return open(cache / f"kafka-{VERSION}.lock", "w")


async def _locked(descriptor: int) -> None:
    """Take the lock, which goes with the descriptor; asked for again and again, so that waiting can be cancelled."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            await asyncio.sleep(LOCK_SECONDS)


async def _fetch(maven: str, folder: Path) -> None:
    (folder / "pom.xml").write_text(_POM)
    arguments = ["--batch-mode", "--quiet", _PLUGIN, "-DincludeScope=runtime", "-DoutputDirectory=jars"]
    child = Child.start([maven, *arguments], cwd=folder)
    try:
        code = await child.wait(FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise SandboxError(f"Maven did not fetch Apache Kafka {VERSION} within {FETCH_SECONDS:g} s") from None
    finally:
        await child.kill()
        said = child.tail()
        child.close()
    if code or not (folder / "jars").is_dir():
        raise SandboxError(f"Maven could not fetch Apache Kafka {VERSION} (exit code {code}):\n{said}")


def _folder(cache: Path) -> Path:
    return cache / f"kafka-{VERSION}"


def _maven(environ: Mapping[str, str]) -> str:
    program = _program("mvn", environ, "MAVEN_HOME")
    if program is None:
        raise SandboxError(f"no mvn on PATH; Apache Kafka {VERSION} is fetched with Maven: apt install maven")
    return program


def _program(name: str, environ: Mapping[str, str], home: str) -> str | None:
    inside = Path(environ[home]) / "bin" / name if environ.get(home) else None
    if inside is not None and os.access(inside, os.X_OK):
        return str(inside)
    return shutil.which(name, path=environ.get("PATH"))
