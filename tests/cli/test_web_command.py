"""`pagerline web`, when it cannot begin."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from streams.cli.main import main
from streams.documents.secrets import new_key


def test_without_a_broker_it_ends_with_2_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERLINE_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
    monkeypatch.setenv("PAGERLINE_WEB_BIND", "127.0.0.1:0")
    ended = CliRunner().invoke(main, ["web"])
    assert (ended.exit_code, len(ended.stderr.splitlines())) == (2, 1), ended.output
    assert "no Kafka broker answers at 127.0.0.1:1" in ended.stderr
