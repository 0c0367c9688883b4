"""`pagerline apply`, `get`, `diff`, `delete`, as a user runs them."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from streams.cli import documents
from streams.cli.main import main
from streams.documents.secrets import new_key
from streams.documents.snapshot import Snapshot, Unreadable
from tests.routing.routing_story import connector

ROOT = Path(__file__).parents[2]
SAMPLES = str(ROOT / "deploy" / "samples" / "connectors.yaml")
BAD = ROOT / "tests" / "fixtures" / "documents" / "bad"
GOOD = BAD.parent / "good"
SAMPLE_KEYS = ("930ccccccccc", "931ccccccccc", "930aaaaaaaaa", "930bbbbbbbbb", "930xxxxxxxxx", "930fffffffff")

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `pagerline` with these arguments; no test may print a key."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(main, arguments, input=stdin, prog_name="pagerline")
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


ABSENT = (
    "pagerline: no Kafka broker answers at 127.0.0.1:1; "
    "PAGERLINE_BROKERS must name one that runs and can be reached from here\n"
)
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
            "pagerline: there is no connector/payments; `pagerline get connectors` lists all\n",
        )

    def test_nothing_of_a_batch_with_a_bad_document_takes_effect(self, run: Run) -> None:
        documents = [file for file in sorted(BAD.iterdir()) if file.suffix != ".want"]
        for file in documents:
            result = run("apply", "-f", str(GOOD / "folder"), str(file))
            assert (result.exit_code, result.stdout) == (1, ""), file.name
            assert all(f"{file}:" in line for line in result.stderr.splitlines())
        for kind in ("connectors", "integrations", "routers"):
            assert run("get", kind, "-o", "json").output == "[]\n"
        assert len(documents) >= 40

    def test_all_kinds_are_applied_shown_and_applied_again(self, run: Run) -> None:
        file = str(GOOD / "all-kinds.yaml")
        names = ["integration/acme", "connector/payments", "connector/cases", "preset/short", "router/payments"]
        assert run("apply", "-f", file).stdout.splitlines() == [f"{name} created" for name in names]
        assert run("apply", "-f", str(GOOD / "all-kinds-api.json")).stdout.splitlines() == [
            f"{name} unchanged" for name in names
        ]
        for kind in ("preset", "router"):  # nothing secret in them: what is shown can be applied
            for form in ("yaml", "json", "api"):
                shown = run("get", kind, names[-1].split("/")[1] if kind == "router" else "short", "-o", form).stdout
                if form == "api":
                    shown = json.dumps({kind: json.loads(shown)})
                assert run("apply", "-f", "-", stdin=shown).stdout.endswith("unchanged\n")
        assert run("get", "integrations").output.splitlines()[1].split() == [
            "acme", "Acme", "…YEu", "oncall@acme.io", "eu", "1", "1", "1",
        ]  # fmt: skip
        assert "preset_system_pagerduty_cases_basic" in run("get", "presets").output
        assert run("get", "routers").output.splitlines()[1].split() == [
            "payments", "Payments", "team=payments", "2", "payments,cases", "alerts:payments", "1",
        ]  # fmt: skip

    def test_delete_is_refused_with_what_refers_to_it(self, run: Run) -> None:
        run("apply", "-f", str(GOOD / "all-kinds.yaml"))
        result = run("delete", "connector", "payments")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("pagerline: connector/payments is not deleted: router/payments refers to it; ")
        assert run("delete", "preset", "short", "--force").stdout == "preset/short deleted\n"
        assert run("delete", "router", "payments").exit_code == 0
        assert run("delete", "connector", "payments").output == "connector/payments deleted\n"

    def test_prune_asks_first(self, run: Run) -> None:
        run("apply", "-f", str(GOOD / "all-kinds.yaml"))
        arguments = ("apply", "-f", SAMPLES, "--prune")
        diff = run("diff", "-f", SAMPLES, "--prune")
        assert diff.exit_code == 1
        assert "-kind: router" in diff.stdout
        assert "router/payments deleted (dry run)" in run(*arguments, "--dry-run").stdout
        refused = run(*arguments, stdin="n\n")
        assert refused.exit_code == 1
        assert "deleted" not in refused.stdout
        assert "  router/payments\n" in refused.stderr
        assert "nothing was written" in refused.stderr
        done = run(*arguments, "--yes")
        assert done.stdout.splitlines() == [
            "connector/payments changed",
            "connector/by-team created",
            "router/payments deleted",
            "preset/short deleted",
            "connector/cases deleted",
            "integration/acme deleted",
        ]

    def test_a_revision_that_has_passed_is_told(self, run: Run) -> None:
        assert run("diff", "-f", SAMPLES).stderr == "pagerline: compared with revision 0\n"
        assert run("apply", "-f", SAMPLES, "--if-revision", "0").exit_code == 0
        result = run("apply", "-f", "-", "--if-revision", "0", stdin=PAYMENTS % "1")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "the documents have changed meanwhile, from revision 0 to 1" in result.stderr
        assert run("delete", "connector", "by-team", "--if-revision", "0").exit_code == 1
        assert run("delete", "connector", "by-team", "--if-revision", "1").exit_code == 0

    def test_warnings_stop_nothing(self, run: Run) -> None:
        lonely = PAYMENTS.replace("id: payments", "id: lonely") % "1"
        result = run("apply", "-f", str(GOOD / "all-kinds.yaml"), "-", stdin=lonely)
        assert result.exit_code == 0
        assert "connector/lonely created" in result.stdout
        assert result.stderr == (
            "pagerline: warning: connector/lonely: no router leads to it; only events that name it reach it\n"
        )

    def test_a_diff_has_colours_where_they_can_be_seen(self, run: Run) -> None:
        plain = run("diff", "-f", SAMPLES).stdout
        coloured = CliRunner().invoke(main, ("diff", "-f", SAMPLES), prog_name="pagerline", color=True).stdout
        assert "\x1b[" not in plain
        assert "\x1b[32m+kind: connector" in coloured
        assert click.unstyle(coloured) == plain

    def test_what_other_keys_sealed_is_told_and_can_be_replaced_or_deleted(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("apply", "-f", SAMPLES)
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
        seen = run("get", "-o", "json")
        assert (seen.exit_code, seen.stdout) == (1, "[]\n")
        assert seen.stderr.count("PAGERLINE_SECRET_KEYS lacks the key") == 2
        assert seen.stderr.endswith("pagerline: 2 of 2 connectors cannot be read\n")
        assert (run("get").exit_code, run("get").stdout) == (1, "")
        assert run("get", "connector", "payments").exit_code == 1
        forced = run("apply", "--force", "-f", "-", stdin=PAYMENTS % "1")
        assert (forced.exit_code, forced.stdout) == (0, "connector/payments changed\n")
        assert run("delete", "connector", "by-team").stdout == "connector/by-team deleted\n"
        assert run("get").stderr == ""

    def test_a_wrong_key_overwrites_nothing(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        run("apply", "-f", SAMPLES)
        before = run("get", "-o", "json").stdout
        right = os.environ["PAGERLINE_SECRET_KEYS"]
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new_key())
        for document in (PAYMENTS % "1", (PAYMENTS % "1").replace("id: payments", "id: a-new-one")):
            refused = run("apply", "-f", "-", stdin=document)
            assert (refused.exit_code, refused.stdout) == (2, "")
            assert "nothing was written" in refused.stderr
            assert "apply the connector again" not in refused.stderr
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", right)
        assert run("get", "-o", "json").stdout == before

    def test_keys_are_rotated(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        run("apply", "-f", SAMPLES)
        old, new = os.environ["PAGERLINE_SECRET_KEYS"], new_key()
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", f"{new},{old}")
        assert run("apply", "-f", SAMPLES).stdout.count("unchanged") == 2
        monkeypatch.setenv("PAGERLINE_SECRET_KEYS", new)
        assert run("apply", "--force", "-f", SAMPLES).stdout.count("changed") == 2
        assert run("get").exit_code == 0

    def test_without_the_topic(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAGERLINE_PREFIX", "nobody-made-these.")
        result = run("get")
        assert (result.exit_code, result.stderr) == (
            1,
            "pagerline: nobody-made-these.connectors: missing (pagerline topics apply creates it)\n",
        )

    def test_tls_against_a_plaintext_listener(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAGERLINE_KAFKA_SECURITY_PROTOCOL", "SSL")
        result = run("get")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "TLS failed" in result.stderr
        assert "is this a PLAINTEXT listener?" in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_lag_under_a_wrong_name_is_not_zero(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        assert run("lag", "--max", "0").exit_code == 0
        monkeypatch.setenv("PAGERLINE_APP_ID", "another")
        other_group = run("lag", "--max", "0")
        assert (other_group.exit_code, other_group.stdout) == (2, "")
        assert other_group.stderr.count("another-") == other_group.stderr.count("there is no such topic") == 3
        monkeypatch.setenv("PAGERLINE_PREFIX", "nobody-made-these.")
        other_prefix = run("lag")
        assert (other_prefix.exit_code, other_prefix.stdout) == (2, "")
        assert "pagerline: nobody-made-these.alerts: there is no such topic\n" in other_prefix.stderr
        assert "PAGERLINE_PREFIX" in other_prefix.stderr

    def test_produce_from_a_file(self, run: Run, tmp_path: Path) -> None:
        one = {"alert": {"groupingKey": "disk/web-1", "status": "Triggered"}}
        other = {"case": {"id": "C-1", "title": "Disk", "status": "OPEN"}}
        (tmp_path / "own.json").write_text(json.dumps(one, indent=2))
        sent = run("sandbox", "produce", "--file", "own.json")
        assert (sent.exit_code, sent.stdout.endswith(".alerts 1\n")) == (0, True)
        lines = f"{json.dumps(one)}\n{json.dumps(other)}\n"
        shown = run("sandbox", "produce", "--file", "-", "--dry-run", stdin=lines)
        assert [
            (record["topic"], record["key"], record["value"]) for record in map(json.loads, shown.output.splitlines())
        ] == [
            ("alerts", "disk/web-1", one),
            ("cases", "C-1", other),
        ]
        assert run("lag").stdout.splitlines()[0] == "route\t1"


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
        assert result.stderr == ABSENT

    @pytest.mark.parametrize("arguments", [("lag",), ("topics", "apply"), ("sandbox", "produce")], ids=" ".join)
    def test_so_do_all_other_commands(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", ABSENT)

    def test_an_id_without_its_kind(self, run: Run) -> None:
        result = run("get", "payments")
        assert result.exit_code == 2
        assert "'payments' is no kind of document; did you mean `pagerline get connector payments`?" in " ".join(
            result.stderr.split()
        )

    def test_documents_are_checked_before_a_broker_is_asked(self, run: Run) -> None:
        result = run("apply", "-f", str(BAD / "many-faults.yaml"))
        assert result.exit_code == 1
        want = (BAD / "many-faults.want").read_text().splitlines()
        assert result.stderr.splitlines() == [f"pagerline: {BAD}/{line}" for line in want]

    @pytest.mark.parametrize("text", ["{", "{}", "[]", '{"alert": {}}', '{"case": {"id": 7}}', '{"alert": {}}\n{'])
    def test_a_file_that_cannot_be_produced(self, run: Run, text: str) -> None:
        result = run("sandbox", "produce", "--file", "-", stdin=text)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "seed" not in result.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ("apply",),
            ("apply", "-f", "missing.yaml"),
            ("get", "payments"),
            ("get", "-o", "xml"),
            ("delete", "connector"),
            ("diff", SAMPLES),
        ],
        ids=" ".join,
    )
    def test_used_wrongly(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")

    def test_what_is_shown_although_it_is_stale_says_so(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        there = {one: connector(one) for one in ("payments", "search")}
        locked = Unreadable("PAGERLINE_SECRET_KEYS lacks the key", "connectors/0/3", locked=True)
        monkeypatch.setattr(documents, "_read", lambda: Snapshot(there, {"connector/payments": locked}))
        seen = run("get")
        assert seen.exit_code == 1
        assert [line.split()[0] for line in seen.stdout.splitlines() if line.rstrip().endswith("(stale)")] == [
            "payments"
        ]
        assert seen.stderr == "pagerline: 1 of 2 connectors cannot be read; 1 shown as last read, which is stale\n"

    @pytest.mark.parametrize("command", ["apply", "diff"])
    def test_files_stand_behind_f(self, run: Run, command: str) -> None:
        result = run(command, "a.yaml", "b.yaml")
        assert f"Usage: pagerline {command} [OPTIONS] -f PATH [PATH]..." in result.stderr
        assert f"name the files behind -f: `pagerline {command} -f a.yaml b.yaml`" in result.stderr

    def test_without_a_secret_key_it_says_how_to_make_one(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PAGERLINE_SECRET_KEYS")
        result = run("get")
        assert result.exit_code == 2
        assert result.stderr.startswith("pagerline: PAGERLINE_SECRET_KEYS: is not set")
        assert "`pagerline secrets new-key`" in result.stderr
