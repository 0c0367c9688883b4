"""The settings: what is taken, what is refused, and in which words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from streams.errors import SettingsError
from streams.settings import Bind, Settings, environment_names, kafka_options, load

KEY = Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine and no `.env` reaches these tests."""
    for name in [name for name in os.environ if name.upper().startswith("PAGERLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    """The lines of the refusal of these settings, named without PAGERLINE_."""
    for name, value in values.items():
        monkeypatch.setenv(f"PAGERLINE_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load()
    # A chained ValidationError would print the values in the traceback.
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    return list(refused.value.lines)


def test_defaults() -> None:
    settings = load()
    assert settings.brokers == ("127.0.0.1:9092",)
    assert (settings.prefix, settings.app_id) == ("", "pagerline")
    assert (settings.partitions, settings.replication) == (8, 1)
    assert settings.events_url == "https://events.pagerduty.com"
    assert settings.api_url == "https://api.pagerduty.com"
    assert settings.secret_keys == ()
    assert settings.web_bind == Bind("127.0.0.1", 8080)
    assert settings.health_bind == Bind("127.0.0.1", 9464)
    assert (settings.session_timeout, settings.heartbeat, settings.shutdown_seconds) == (10, 3, 8)
    assert (settings.max_in_flight, settings.max_withheld, settings.http_timeout) == (200, 5000, 10)
    assert (settings.closed_retention_hours, settings.max_event_bytes) == (24, 1_000_000)
    assert (settings.dead_letter_burst, settings.dead_letters_per_minute) == (10_000, 600)


def test_every_documented_name_is_there() -> None:
    documented = """BROKERS PREFIX APP_ID PARTITIONS REPLICATION EVENTS_URL API_URL SECRET_KEYS WEB_BIND WEB_TOKEN
        KAFKA_SECURITY_PROTOCOL KAFKA_SASL_MECHANISM KAFKA_USERNAME KAFKA_PASSWORD KAFKA_CA_FILE"""
    assert {f"PAGERLINE_{name}" for name in documented.split()} <= set(environment_names())


def test_the_readme_tells_of_every_setting() -> None:
    told = (Path(__file__).parents[1] / "README.md").read_text()
    assert [name for name in environment_names() if name not in told.replace("`…_", "`PAGERLINE_KAFKA_")] == []


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "BROKERS": "a:9092, b:9093,[::1]:9094",
        "EVENTS_URL": "https://events.eu.pagerduty.com/",
        "HEALTH_BIND": "0.0.0.0:0",
        "SECRET_KEYS": f"{KEY}, {KEY}",
        "LOG_LEVEL": "debug",
        "PREFIX": "",  # set and empty is not set
        "PARTITIONS": "",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"PAGERLINE_{name}", value)
    settings = load()
    assert settings.brokers == ("a:9092", "b:9093", "[::1]:9094")
    assert settings.events_url == "https://events.eu.pagerduty.com"
    assert settings.health_bind == ("0.0.0.0", 0)
    assert [key.get_secret_value() for key in settings.secret_keys] == [KEY, KEY]
    assert settings.log_level == "DEBUG"
    assert settings.partitions == 8


def test_an_event_may_be_as_large_as_our_own_topics_take_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = refusal(monkeypatch, MAX_EVENT_BYTES="2000001")
    assert line == "PAGERLINE_MAX_EVENT_BYTES=2000001: must be a whole number of bytes from 1000 to 2000000"
    monkeypatch.setenv("PAGERLINE_MAX_EVENT_BYTES", "2000000")
    assert load().max_event_bytes == 2_000_000


def test_an_age_is_a_number_of_seconds_or_of_what_stands_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, seconds in (("90", 90), ("1.5h", 5_400), ("7d", 604_800), ("30 M", 1_800), ("0", 0)):
        monkeypatch.setenv("PAGERLINE_MAX_EVENT_AGE", given)
        assert load().max_event_age == seconds
    for given in ("a day", "-1", "24h30m", "400d", "1w"):
        (line,) = refusal(monkeypatch, MAX_EVENT_AGE=given)
        assert line.startswith(f"PAGERLINE_MAX_EVENT_AGE={given}:")
        assert line.endswith(" must be a time like 90s, 30m, 24h or 7d, at most 365d, or 0 for any age")
    monkeypatch.delenv("PAGERLINE_MAX_EVENT_AGE")
    (line,) = refusal(monkeypatch, EVENT_TIME="oldest")
    assert line == "PAGERLINE_EVENT_TIME=oldest: must be newest or document"


def test_env_file_stands_behind_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGERLINE_PREFIX=file.\nPAGERLINE_APP_ID=file\nOTHER=x\n")
    monkeypatch.setenv("PAGERLINE_APP_ID", "environment")
    settings = load()
    assert (settings.prefix, settings.app_id) == ("file.", "environment")
    assert settings.topic("alerts") == "file.alerts"
    assert load(env_file=None).prefix == ""


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PARTITIONS", "many", "PAGERLINE_PARTITIONS=many: must be a whole number from 1 to 1000"),
        ("PARTITIONS", "0", "PAGERLINE_PARTITIONS=0: must be a whole number from 1 to 1000"),
        (
            "REPLICATION",
            "10",
            "PAGERLINE_REPLICATION=10: must be a whole number from 1 to 9, at most the brokers there are",
        ),
        (
            "BROKERS",
            "kafka-1:9092,kafka-2",
            "PAGERLINE_BROKERS=kafka-1:9092,kafka-2: 'kafka-2' is not host:port; "
            "must be host:port of one or more Kafka brokers, separated by commas",
        ),
        (
            "BROKERS",
            "kafka://user:hush@kafka:9092",
            "PAGERLINE_BROKERS=kafka://…@kafka:9092: 'kafka://…@kafka:9092' is not host:port; "
            "must be host:port of one or more Kafka brokers, separated by commas",
        ),
        (
            "BROKERS",
            "kafka:0",
            "PAGERLINE_BROKERS=kafka:0: port 0 cannot be connected to; "
            "must be host:port of one or more Kafka brokers, separated by commas",
        ),
        (
            "WEB_BIND",
            "localhost:70000",
            "PAGERLINE_WEB_BIND=localhost:70000: port 70000 is above 65535; "
            "must be host:port to listen on, port 0 for any free one",
        ),
        (
            "PREFIX",
            "a b",
            "PAGERLINE_PREFIX=a b: holds a character that Kafka does not allow in a name; "
            "must be at most 100 letters, digits, '.', '_' or '-', before each topic's name",
        ),
        (
            "EVENTS_URL",
            "https://events.pagerduty.com/v2/enqueue",
            "PAGERLINE_EVENTS_URL=https://events.pagerduty.com/v2/enqueue: has the path '/v2/enqueue'; the paths are "
            "added by Pagerline; must be the host alone, like https://events.pagerduty.com or "
            "https://events.eu.pagerduty.com",
        ),
        (
            "EVENTS_URL",
            "https://events..pagerduty.com",
            "PAGERLINE_EVENTS_URL=https://events..pagerduty.com: cannot be read as a URL; must be the host alone, like "
            "https://events.pagerduty.com or https://events.eu.pagerduty.com",
        ),
        (
            "API_URL",
            "https://user:hush@api.pagerduty.com",
            "PAGERLINE_API_URL=https://…@api.pagerduty.com: has a user, query or fragment, which has no use here; "
            "must be the host alone, like https://api.pagerduty.com or https://api.eu.pagerduty.com",
        ),
        (
            "API_URL",
            "api.pagerduty.com",
            "PAGERLINE_API_URL=api.pagerduty.com: is not an http or https URL with a host; "
            "must be the host alone, like https://api.pagerduty.com or https://api.eu.pagerduty.com",
        ),
        (
            "API_URL",
            "https://api.pagerduty.com:port",
            "PAGERLINE_API_URL=https://api.pagerduty.com:port: cannot be read as a URL; "
            "must be the host alone, like https://api.pagerduty.com or https://api.eu.pagerduty.com",
        ),
        ("LOG_LEVEL", "loud", "PAGERLINE_LOG_LEVEL=LOUD: must be DEBUG, INFO, WARNING or ERROR"),
        (
            "HTTP_TIMEOUT",
            "nan",
            "PAGERLINE_HTTP_TIMEOUT=nan: must be seconds, above 0 and at most 300",
        ),
        ("SESSION_TIMEOUT", "5", "PAGERLINE_SESSION_TIMEOUT=5: must be seconds, from 6 to 300"),
        (
            "HEARTBEAT",
            "4",
            "PAGERLINE_HEARTBEAT=4: must be at most a third of PAGERLINE_SESSION_TIMEOUT (10)",
        ),
        (
            "KAFKA_CA_FILE",
            "/nowhere/ca.pem",
            "PAGERLINE_KAFKA_CA_FILE=/nowhere/ca.pem: there is no such file; "
            "must be a file with the CA certificates of the brokers, in PEM",
        ),
        ("BROKER", "a:1", "PAGERLINE_BROKER: there is no such setting; did you mean PAGERLINE_BROKERS?"),
        ("ZZZ", "a:1", "PAGERLINE_ZZZ: there is no such setting; see the list of settings in the README"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    assert refusal(monkeypatch, **{name: value}) == [line]


def test_a_wrong_key_is_named_by_its_place_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, SECRET_KEYS=f"{KEY},hush-hush")
    assert lines == [
        "PAGERLINE_SECRET_KEYS (secret, not shown): key 2 of 2 is not a Fernet key; must be Fernet keys separated by "
        "commas, the newest first; `pagerline secrets new-key` makes one"
    ]


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, PARTITIONS="x", APP_ID="a/b", APPID="a")
    assert [line.partition(":")[0] for line in lines] == [
        "PAGERLINE_APPID",
        "PAGERLINE_APP_ID=a/b",
        "PAGERLINE_PARTITIONS=x",
    ]


def test_a_misspelt_name_in_the_env_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGERLINE_EVENT_URL=https://example.org\n")
    assert refusal(monkeypatch) == ["PAGERLINE_EVENT_URL: there is no such setting; did you mean PAGERLINE_EVENTS_URL?"]


def test_names_of_the_sandbox_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_SANDBOX_KAFKA", "apache")
    assert load() == Settings()


def test_secrets_are_masked_in_every_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", KEY)
    monkeypatch.setenv("PAGERLINE_WEB_TOKEN", "hush-token")
    settings = load()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in text
        assert "hush-token" not in text


class TestKafkaOptions:
    """What aiokafka's clients are given."""

    def test_plain(self) -> None:
        assert kafka_options(Settings(brokers=("a:1", "b:2"))) == {
            "bootstrap_servers": ["a:1", "b:2"],
            "security_protocol": "PLAINTEXT",
        }

    def test_sasl_over_tls(self) -> None:
        settings = Settings(
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_mechanism="SCRAM-SHA-512",
            kafka_username="pagerline",
            kafka_password="hush",
        )
        options = kafka_options(settings)
        assert options.pop("ssl_context").verify_mode.name == "CERT_REQUIRED"
        assert options == {
            "bootstrap_servers": ["127.0.0.1:9092"],
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "pagerline",
            "sasl_plain_password": "hush",
        }

    def test_a_ca_file_that_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / "ca.pem"
        file.write_text("not a certificate")
        with pytest.raises(SettingsError, match=r"^PAGERLINE_KAFKA_CA_FILE=.*must be certificates in PEM$"):
            kafka_options(Settings(kafka_security_protocol="SSL", kafka_ca_file=file))

    def test_sasl_needs_all_three(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refusal(monkeypatch, KAFKA_SECURITY_PROTOCOL="sasl_plaintext", KAFKA_USERNAME="me") == [
            "PAGERLINE_KAFKA_SASL_MECHANISM: must be set, because PAGERLINE_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT",
            "PAGERLINE_KAFKA_PASSWORD: must be set, because PAGERLINE_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT",
        ]

    def test_what_would_have_no_effect_is_refused(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("")
        lines = refusal(monkeypatch, KAFKA_PASSWORD="hush", KAFKA_CA_FILE="ca.pem")
        assert [line.partition(";")[0] for line in lines] == [
            "PAGERLINE_KAFKA_PASSWORD: has no effect while PAGERLINE_KAFKA_SECURITY_PROTOCOL is PLAINTEXT",
            "PAGERLINE_KAFKA_CA_FILE: has no effect while PAGERLINE_KAFKA_SECURITY_PROTOCOL is PLAINTEXT",
        ]
