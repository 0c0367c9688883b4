"""`pagerline import`, as a user runs it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.documents.changes import plan_changes
from streams.documents.document import name_of
from streams.documents.parse import load_documents
from streams.documents.snapshot import NOTHING

FIXTURES = Path(__file__).parents[1] / "fixtures/imports"
SOURCES = ("coralogix", "terraform/state.tfstate", "terraform/show.json", "alertmanager/usual.yml")


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["import", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_written_can_be_applied_and_says_the_same_again(source: str) -> None:
    result = run(str(FIXTURES / source))
    assert result.exit_code == 0
    documents = load_documents(["-"], lambda: result.stdout)
    assert len(documents) > 2
    assert {change.verb for change in plan_changes(NOTHING, documents)} == {"created"}


@pytest.mark.parametrize("source", SOURCES)
def test_keys_are_in_the_documents_alone(source: str) -> None:
    result = run(str(FIXTURES / source))
    assert "930" + "a" * 26 + "001" in result.stdout
    assert "930" not in result.stderr


def test_into_a_directory_readable_by_its_owner_alone(tmp_path: Path) -> None:
    to = tmp_path / "documents"
    result = run(str(FIXTURES / "coralogix"), "--to", str(to))
    assert result.exit_code == 0
    files = sorted(path.name for path in to.iterdir())
    assert files == ["connectors.yaml", "integrations.yaml", "presets.yaml", "routers.yaml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in to.iterdir()} == {0o600}
    assert result.stdout.split() == [
        str(to / name) for name in ("integrations.yaml", "connectors.yaml", "presets.yaml", "routers.yaml")
    ]
    whole = load_documents(["-"], lambda: run(str(FIXTURES / "coralogix")).stdout)
    parts = load_documents([str(to)], lambda: "")
    assert {name_of(one.document): one.document for one in parts} == {
        name_of(one.document): one.document for one in whole
    }


def test_files_that_are_there_stay_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "routers.yaml").write_text("mine")
    refused = run(str(FIXTURES / "coralogix"), "--to", str(tmp_path))
    assert refused.exit_code == 2
    assert "routers.yaml: there already; --overwrite replaces them" in refused.stderr
    assert (tmp_path / "routers.yaml").read_text() == "mine"
    assert not (tmp_path / "connectors.yaml").exists()
    assert run(str(FIXTURES / "coralogix"), "--to", str(tmp_path), "--overwrite").exit_code == 0
    assert "router_default" in (tmp_path / "routers.yaml").read_text()


def test_from_standard_input_and_several_files_of_different_kinds() -> None:
    text = (FIXTURES / "alertmanager/usual.yml").read_text()
    result = run("-", str(FIXTURES / "terraform/state.tfstate"), stdin=text)
    assert result.exit_code == 0
    names = {name_of(one.document) for one in load_documents(["-"], lambda: result.stdout)}
    assert {"connector/payments", "connector/database", "router/router_default", "router/payments"} <= names


def test_where_the_labels_are_can_be_said() -> None:
    result = run(str(FIXTURES / "alertmanager/usual.yml"), "--labels", "alert.groups[0].keyValues")
    assert "alert.groups[0].keyValues['team'] | default(value='') == 'frontend'" in result.stdout


def test_nothing_to_carry_over_is_a_no() -> None:
    result = run("-", stdin='{"connectors": [{"id": "chat", "type": "SLACK"}]}')
    assert (result.exit_code, result.stdout) == (1, "")
    assert "connector chat: not carried over: it is of type SLACK" in result.stderr


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        ("{", "standard input: is neither JSON nor YAML (line 1, column 2)"),
        (
            "just text",
            "standard input: is neither an export of the API, nor a Terraform state, nor an Alertmanager file",
        ),
        ('routing_key: "930aaaaaaaaaaaaaaaaaaaaaaaaaa001\n', "standard input: is neither JSON nor YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_without_its_content(stdin: str, says: str) -> None:
    result = run("-", stdin=stdin)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "930a" not in result.stderr


def test_a_file_that_is_not_there() -> None:
    assert "nowhere.json: cannot be read" in run("nowhere.json").stderr


@pytest.mark.parametrize("more", ["", "---\nkind: connector\nid: other\ntype: PAGERDUTY\n"])
def test_a_document_of_pagerline_is_known_as_one(tmp_path: Path, more: str) -> None:
    (tmp_path / "c.yaml").write_text(f"kind: connector\nid: payments\ntype: PAGERDUTY\n{more}")
    result = run(str(tmp_path / "c.yaml"))
    assert result.exit_code == 2
    assert "c.yaml: is a document of Pagerline already; `pagerline apply -f` takes it as it is" in result.stderr


def test_what_is_not_read_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("a: 1\n")
    result = run(str(tmp_path / "bad.yml"))
    assert result.exit_code == 1
    assert (
        f"{tmp_path / 'bad.yml'}: object (without id): not read: it is no connector, preset or router" in result.stderr
    )
