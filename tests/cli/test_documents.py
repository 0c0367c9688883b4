"""`pagerline apply`, `get`, `diff`, `delete`, as a user runs them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.documents.secrets import new_key

ROOT = Path(__file__).parents[2]
SAMPLES = str(ROOT / "deploy" / "samples" / "connectors.yaml")
BAD = ROOT / "tests" / "fixtures" / "documents" / "bad"
SAMPLE_KEYS = ("930ccccccccc", "931ccccccccc", "930aaaaaaaaa", "930bbbbbbbbb", "930xxxxxxxxx", "930fffffffff")

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `pagerline` with these arguments; no test may print a key."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(main, arguments, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        for key in SAMPLE_KEYS:
            assert key not in result.output
        return result

    return run


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that lead to no broker."""
    monkeypatch.setenv("PAGERLINE_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())


@pytest.fixture
def broker(settings: None, monkeypatch: pytest.MonkeyPatch, pagerline_kafka: Any, run: Run) -> None:
    """Topics of this test's own on the broker."""
    monkeypatch.setenv("PAGERLINE_BROKERS", pagerline_kafka.bootstrap)
    monkeypatch.setenv("PAGERLINE_PREFIX", f"t{uuid.uuid4().hex[:12]}.")
    monkeypatch.setenv("PAGERLINE_PARTITIONS", "1")
    assert run("topics", "apply").exit_code == 0


PAYMENTS = (
    "kind: connector\nid: payments\ntype: PAGERDUTY\nfields: {integrationKey: 93%scccccccccccccccccccccccccc0d1}\n"
)


@pytest.mark.usefixtures("broker")
class TestWithBroker:
    def test_apply_says_what_became_of_each(self, run: Run) -> None:
        assert run("apply", "-f", SAMPLES).output == "connector/payments created\nconnector/by-team created\n"
        assert run("apply", "-f", SAMPLES).output == "connector/payments unchanged\nconnector/by-team unchanged\n"
        changed = run("apply", "-f", "-", stdin=PAYMENTS % "1")
        assert (changed.exit_code, changed.output) == (0, "connector/payments changed\n")
        assert json.loads(run("get", "connector", "payments", "-o", "json").stdout)["version"] == 2

    def test_dry_run_writes_nothing(self, run: Run) -> None:
        result = run("apply", "-f", SAMPLES, "--dry-run")
        assert result.output == "connector/payments created (dry run)\nconnector/by-team created (dry run)\n"
        assert run("get", "-o", "json").output == "[]\n"

    def test_one_bad_document_and_nothing_is_written(self, run: Run) -> None:
        result = run("apply", "-f", SAMPLES, str(BAD / "no-key.yaml"))
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("pagerline: ")
        assert "no-key.yaml:1:1: holds no key" in result.stderr
        assert run("get", "-o", "json").output == "[]\n"

    def test_get_as_a_table(self, run: Run) -> None:
        run("apply", "-f", SAMPLES)
        assert [line.split() for line in run("get").output.splitlines()] == [
            ["ID", "TYPE", "NAME", "KEY", "DYNAMIC", "OVERRIDES", "LIMIT", "VERSION"],
            ["by-team", "PAGERDUTY", "By", "team", "…f01", "template", "-", "120", "1"],
            ["payments", "PAGERDUTY", "Payments", "…0d1", "-", "cases", "120", "1"],
        ]
        assert len(run("get", "connector", "payments").output.splitlines()) == 2

    def test_a_long_name_is_not_cut(self, run: Run) -> None:
        name = "n" * 200
        run("apply", "-f", "-", stdin=f"{PAYMENTS % '1'}name: {name}\n")
        assert name in run("get").output

    def test_get_as_yaml_and_json_with_keys_masked(self, run: Run) -> None:
        run("apply", "-f", SAMPLES)
        by_team, payments = yaml.safe_load_all(run("get", "connectors", "-o", "yaml").output)
        assert payments["fields"] == {"integrationKey": "…0d1"}
        assert payments["overrides"] == {"cases": {"integrationKey": "…0d1"}}
        assert by_team["fields"]["dynamicintegrationKey"].splitlines()[:2] == [
            "{% if alert.groups['team_name'] == 'alpha'%}",
            "  …0d1",
        ]
        assert json.loads(run("get", "-o", "json").output) == [by_team, payments]
        assert json.loads(run("get", "connector", "payments", "-o", "json").output) == payments

    def test_what_get_shows_cannot_be_applied(self, run: Run) -> None:
        run("apply", "-f", SAMPLES)
        result = run("apply", "-f", "-", stdin=run("get", "-o", "yaml").output)
        assert result.exit_code == 1
        assert result.stderr.count("is masked, as `pagerline get` shows it; write the key itself") == 4

    def test_diff(self, run: Run) -> None:
        run("apply", "-f", "-", stdin=PAYMENTS % "1")
        assert (run("diff", "-f", "-", stdin=PAYMENTS % "1").exit_code, run("get").exit_code) == (0, 0)
        result = run("diff", "-f", "-", stdin=PAYMENTS % "2" + "name: Payments\n")
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert lines[:2] == ["--- connector/payments", "+++ connector/payments (file)"]
        assert [line.split(" (sha256")[0] for line in lines if line[0] in "+-"][2:] == [
            "-name: payments",
            "+name: Payments",
            "-  integrationKey: …0d1",
            "+  integrationKey: …0d1",
        ]
        assert json.loads(run("get", "connector", "payments", "-o", "json").output)["name"] == "payments"

    def test_diff_of_a_new_one_is_all_of_it(self, run: Run) -> None:
        result = run("diff", "-f", "-", stdin=PAYMENTS % "1")
        assert result.exit_code == 1
        assert "+kind: connector" in result.stdout.splitlines()

    def test_delete(self, run: Run) -> None:
        run("apply", "-f", SAMPLES)
        assert run("delete", "connector", "payments").output == "connector/payments deleted\n"
        assert "payments" not in run("get").output
        again = run("delete", "connector", "payments")
        assert (again.exit_code, again.stderr) == (
            1,
            "pagerline: there is no connector/payments; `pagerline get` lists all\n",
        )

    def test_what_other_keys_sealed_is_told_and_can_be_replaced_or_deleted(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("apply", "-f", SAMPLES)
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
        seen = run("get", "-o", "json")
        assert (seen.exit_code, seen.stdout) == (0, "[]\n")
        assert seen.stderr.count("PAGERLINE_SECRET_KEYS lacks the key") == 2
        assert run("get", "connector", "payments").exit_code == 1
        assert run("apply", "-f", "-", stdin=PAYMENTS % "1").stdout == "connector/payments changed\n"
        assert run("delete", "connector", "by-team").stdout == "connector/by-team deleted\n"
        assert run("get").stderr == ""

    def test_without_the_topic(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAGERLINE_PREFIX", "nobody-made-these.")
        result = run("get")
        assert (result.exit_code, result.stderr) == (
            1,
            "pagerline: nobody-made-these.connectors: missing (pagerline topics apply creates it)\n",
        )


@pytest.mark.usefixtures("settings")
class TestWithoutBroker:
    @pytest.mark.parametrize(
        "arguments",
        [("apply", "-f", SAMPLES), ("get",), ("diff", "-f", SAMPLES), ("delete", "connector", "payments")],
        ids=lambda arguments: arguments[0],
    )
    def test_the_answer_is_no_in_one_line(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "pagerline: the topic connectors could not be read: KafkaConnectionError; "
            "see that PAGERLINE_BROKERS names a broker that runs and can be reached\n"
        )

    def test_documents_are_checked_before_a_broker_is_asked(self, run: Run) -> None:
        result = run("apply", "-f", str(BAD / "many-faults.yaml"))
        assert result.exit_code == 1
        want = (BAD / "many-faults.want").read_text().splitlines()
        assert result.stderr.splitlines() == [f"pagerline: {BAD}/{line}" for line in want]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("apply",),
            ("apply", "-f", "missing.yaml"),
            ("get", "preset"),
            ("get", "-o", "xml"),
            ("delete", "connector"),
            ("diff", SAMPLES),
        ],
        ids=" ".join,
    )
    def test_used_wrongly(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")

    def test_without_a_secret_key_it_says_how_to_make_one(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PAGERLINE_SECRET_KEYS")
        result = run("get")
        assert result.exit_code == 2
        assert result.stderr.startswith("pagerline: PAGERLINE_SECRET_KEYS: is not set")
        assert "`pagerline secrets new-key`" in result.stderr
