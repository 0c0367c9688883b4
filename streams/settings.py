"""The settings: environment variables PAGERLINE_*, or the same names in `.env`.

    settings = load()
    AIOKafkaProducer(**kafka_options(settings))

A wrong setting is refused at start with its name, its value unless it is a secret, and what would be right. A name
that starts with PAGERLINE_ and is not a setting is refused too: a setting that is misspelt would silently do nothing.
An empty value counts as not set.
"""

from __future__ import annotations

import difflib
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.errors import SettingsError
from streams.records import VALUE_BYTES

PREFIX: Final = "PAGERLINE_"
FOREIGN: Final = "PAGERLINE_SANDBOX_"
"""The sandbox reads names of its own; they are not checked here."""

_KAFKA_NAME = re.compile(r"[A-Za-z0-9._-]*")
_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,3})?) ?(?P<unit>[smhd]?)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MOST_AGE: Final = 31_536_000
"""Seconds of a year: what is meant to be older is meant to be of any age."""

_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/,@\[\]]+):(?P<port>[0-9]{1,5})")


class Bind(NamedTuple):
    """Where to listen. Port 0: any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _host_port(text: str) -> Bind:
    found = _HOST_PORT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text.strip()!r} is not host:port")
    port = int(found["port"])
    if port > 65535:
        raise ValueError(f"port {port} is above 65535")
    return Bind(found["host"].strip("[]"), port)


def _bind(value: object) -> object:
    return _host_port(value) if isinstance(value, str) else value


def _brokers(value: object) -> object:
    if not isinstance(value, str):
        return value
    brokers = [_host_port(part) for part in value.split(",")]
    if any(broker.port == 0 for broker in brokers):
        raise ValueError("port 0 cannot be connected to")
    return tuple(str(broker) for broker in brokers)


def _kafka_name(value: str) -> str:
    if not _KAFKA_NAME.fullmatch(value):
        raise ValueError("holds a character that Kafka does not allow in a name")
    return value


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.port is None or parts.port > 0
        (parts.hostname or "").encode("idna")  # `events..pagerduty.com` is no name
    except ValueError:
        raise ValueError("cannot be read as a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not known:
        raise ValueError("is not an http or https URL with a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("has a user, query or fragment, which has no use here")
    if parts.path.rstrip("/"):
        raise ValueError(f"has the path {parts.path!r}; the paths are added by Pagerline")
    return value.rstrip("/")


def _fernet_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = [part.strip() for part in value.split(",")]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:  # binascii.Error is one
            raise ValueError(f"key {number} of {len(keys)} is not a Fernet key") from None
    return tuple(SecretStr(key) for key in keys)


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError("is no number of seconds, and no number with s, m, h or d behind it")
    seconds = float(found["number"]) * _UNITS[found["unit"] or "s"]
    if seconds > MOST_AGE:  # here, where it is still as it was written
        raise ValueError("is too long")
    return seconds


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


BindText = Annotated[Bind, NoDecode, BeforeValidator(_bind)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
KafkaName = Annotated[str, AfterValidator(_kafka_name)]

# The description of a field is what the refusal says would be right.


class Settings(BaseSettings):
    """All settings; the environment name is PAGERLINE_ and the field's name in capitals. Made by `load()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    brokers: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_brokers)] = Field(
        default=("127.0.0.1:9092",), description="host:port of one or more Kafka brokers, separated by commas"
    )
    prefix: KafkaName = Field(
        default="", max_length=100, description="at most 100 letters, digits, '.', '_' or '-', before each topic's name"
    )
    app_id: KafkaName = Field(
        default="pagerline", min_length=1, max_length=100, description="1 to 100 letters, digits, '.', '_' or '-'"
    )
    # 8: eight workers at most share a stage, and a single one still has few enough partitions to recover in seconds.
    partitions: int = Field(default=8, ge=1, le=1000, description="a whole number from 1 to 1000")
    # 1 and not 3: the default broker is a single one on this machine, and it would refuse topics with 3 copies.
    # A cluster wants 3, set explicitly.
    replication: int = Field(
        default=1, ge=1, le=9, description="a whole number from 1 to 9, at most the brokers there are"
    )

    events_url: BaseUrl = Field(
        default="https://events.pagerduty.com",
        description="the host alone, like https://events.pagerduty.com or https://events.eu.pagerduty.com",
    )
    api_url: BaseUrl = Field(
        default="https://api.pagerduty.com",
        description="the host alone, like https://api.pagerduty.com or https://api.eu.pagerduty.com",
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_fernet_keys)] = Field(
        default=(),
        description="Fernet keys separated by commas, the newest first; `pagerline secrets new-key` makes one",
    )

    web_bind: BindText = Field(
        default=Bind("127.0.0.1", 8080), description="host:port to listen on, port 0 for any free one"
    )
    web_token: SecretStr | None = Field(default=None, description="the bearer token of the API")
    health_bind: BindText = Field(
        default=Bind("127.0.0.1", 9464), description="host:port to listen on, port 0 for any free one"
    )

    # What another host must know of this one; only the deployment can.
    advertised_url: BaseUrl | None = Field(
        default=None,
        description="an http or https URL under which other workers reach PAGERLINE_HEALTH_BIND, without a path",
    )

    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
    ] = Field(default="PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, BeforeValidator(_upper)
    ] = Field(default=None, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    kafka_username: str | None = Field(default=None, description="the SASL user")
    kafka_password: SecretStr | None = Field(default=None, description="the SASL password")
    kafka_ca_file: Annotated[Path, AfterValidator(_readable)] | None = Field(
        default=None, description="a file with the CA certificates of the brokers, in PEM"
    )

    # PagerDuty answers within a second; ten says that something is wrong without giving up on a slow proxy.
    http_timeout: float = Field(default=10, gt=0, le=300, description="seconds, above 0 and at most 300")
    # 200 requests of 0.2 s are 1,000 a second: 500 destinations at their limit of 2 a second.
    max_in_flight: int = Field(default=200, ge=1, le=10_000, description="a whole number of requests from 1 to 10000")
    # 5,000 events of 2 kB are 10 MB a partition, the memory that an outage of PagerDuty may cost.
    max_withheld: int = Field(
        default=5_000, ge=1, le=1_000_000, description="a whole number of events from 1 to 1000000"
    )
    # Container runtimes kill after 10 s; two are left to leave the consumer group.
    shutdown_seconds: float = Field(default=8, gt=0, le=600, description="seconds, above 0 and at most 600")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    # A killed worker's incidents move to another one within the session time-out. Brokers allow no less than 6 s.
    session_timeout: float = Field(default=10, ge=6, le=300, description="seconds, from 6 to 300")
    heartbeat: float = Field(
        default=3, gt=0, le=100, description="seconds, at most a third of PAGERLINE_SESSION_TIMEOUT"
    )
    closed_retention_hours: float = Field(
        default=24, gt=0, le=8760, description="hours, above 0 and at most 8760 (a year)"
    )
    # Just below Kafka's default for a whole record batch (1,048,588), so that key and headers fit too.
    # At most what our own topics take: an input that came under another key is written again, to `rekeyed`.
    max_event_bytes: int = Field(
        default=1_000_000, ge=1_000, le=VALUE_BYTES, description=f"a whole number of bytes from 1000 to {VALUE_BYTES}"
    )

    # A day: longer than any outage of workers that nobody notices, shorter than what a topic keeps as a rule (a week).
    max_event_age: Annotated[float, BeforeValidator(_duration)] = Field(
        default=86_400.0,
        ge=0,
        description="a time like 90s, 30m, 24h or 7d, at most 365d, or 0 for any age",
    )
    # `newest`: a clock that is wrong, or a document with a wrong time, must not silence a page.
    event_time: Annotated[Literal["newest", "document"], BeforeValidator(_lower)] = Field(
        default="newest", description="newest or document"
    )

    # Static membership: a worker that is restarted under the same id has its partitions back at once, without waiting
    # for the session time-out of the one before. For platforms that never run two under one id (a StatefulSet's pods).
    instance_id: KafkaName | None = Field(
        default=None, min_length=1, max_length=100, description="1 to 100 letters, digits, '.', '_' or '-'"
    )
    # Copies of the tables live here while a worker runs; nothing is lost with them, the topics hold it all.
    state_dir: Path | None = Field(default=None, description="a folder that can be written to")
    # A bad hour of a large account, some thousand refused alerts, passes at once. A topic of millions does not.
    dead_letter_burst: int = Field(
        default=10_000, ge=1, le=100_000_000, description="a whole number of dead letters from 1 to 100000000"
    )
    # 10 a second: what is refused stays visible as it happens, and a day of it is under a million.
    dead_letters_per_minute: int = Field(
        default=600, ge=1, le=100_000_000, description="a whole number of dead letters from 1 to 100000000"
    )

    def topic(self, name: str) -> str:
        """The name of a topic with the prefix."""
        return self.prefix + name

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if lines := list(_contradictions(self)):
            raise SettingsError(lines)
        return self


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.heartbeat * 3 > settings.session_timeout:  # Kafka's own advice for heartbeat.interval.ms
        yield (
            f"{PREFIX}HEARTBEAT={settings.heartbeat:g}: must be at most a third of "
            f"{PREFIX}SESSION_TIMEOUT ({settings.session_timeout:g})"
        )
    protocol = settings.kafka_security_protocol
    sasl = {
        "KAFKA_SASL_MECHANISM": settings.kafka_sasl_mechanism,
        "KAFKA_USERNAME": settings.kafka_username,
        "KAFKA_PASSWORD": settings.kafka_password,
    }
    for name, value in sasl.items():
        if protocol.startswith("SASL") and value is None:
            yield f"{PREFIX}{name}: must be set, because {PREFIX}KAFKA_SECURITY_PROTOCOL is {protocol}"
        if not protocol.startswith("SASL") and value is not None:
            yield (
                f"{PREFIX}{name}: has no effect while {PREFIX}KAFKA_SECURITY_PROTOCOL is {protocol}; "
                "must be unset, or the protocol SASL_SSL or SASL_PLAINTEXT"
            )
    if settings.kafka_ca_file and not protocol.endswith("SSL"):
        yield (
            f"{PREFIX}KAFKA_CA_FILE: has no effect while {PREFIX}KAFKA_SECURITY_PROTOCOL is {protocol}; "
            "must be unset, or the protocol SSL or SASL_SSL"
        )


def load(env_file: Path | None = Path(".env")) -> Settings:
    """The settings of the environment, then of `env_file` (which need not exist), then the defaults.

    Raises SettingsError with one line per wrong setting.
    """
    lines = list(_unknown(env_file))
    try:
        settings = Settings(_env_file=env_file)  # type: ignore[call-arg]  # an argument of BaseSettings, not a field
    except ValidationError as error:
        lines += [_refusal(fault["loc"], fault["input"], fault.get("ctx", {})) for fault in error.errors()]
    except SettingsError as error:
        lines += error.lines
    else:
        if not lines:
            return settings
    raise SettingsError(lines)  # outside the handlers: a chained ValidationError would show the values


def environment_names() -> tuple[str, ...]:
    """Every environment name that is a setting."""
    return tuple(PREFIX + name.upper() for name in Settings.model_fields)


def _unknown(env_file: Path | None) -> Iterator[str]:
    known = environment_names()
    present = {**(dotenv_values(env_file) if env_file else {}), **os.environ}
    for name in sorted({name.upper() for name in present}):
        if name.startswith(PREFIX) and not name.startswith(FOREIGN) and name not in known:
            # Compared without the prefix, which would make every name look alike.
            near = difflib.get_close_matches(name[len(PREFIX) :], [one[len(PREFIX) :] for one in known], n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else "see the list of settings in the README"
            yield f"{name}: there is no such setting; {hint}"


def _refusal(loc: tuple[int | str, ...], value: object, context: dict[str, Any]) -> str:
    name = str(loc[0]).lower()
    field = Settings.model_fields[name]
    secret = "SecretStr" in str(field.annotation)
    shown = " (secret, not shown)" if secret else f"={_without_user(str(value))}"
    reason = context.get("error")
    because = f" {_without_user(str(reason))};" if isinstance(reason, ValueError) else ""
    return f"{PREFIX}{name.upper()}{shown}:{because} must be {field.description}"


def _without_user(text: str) -> str:
    """A URL may carry a user and a password where none belong."""
    return re.sub(r"//[^/]*@", "//…@", text)


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client. Raises SettingsError when the CA file cannot be read."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.brokers),
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        assert settings.kafka_password is not None  # _contradictions saw to it
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_security_protocol.endswith("SSL"):
        try:
            options["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
        except (ssl.SSLError, OSError) as error:
            line = (
                f"{PREFIX}KAFKA_CA_FILE={settings.kafka_ca_file}: cannot be read ({error}); must be certificates in PEM"
            )
            raise SettingsError([line]) from None
    return options
