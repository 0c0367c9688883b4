"""The command itself: its list, its exit codes, how quickly it is there."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from streams import __version__
from streams.cli import main as command
from streams.cli.lazy import Lazy, LazyGroup
from streams.errors import KafkaUnavailable, SettingsError

ABSENT = {"there": Lazy("streams.cli.secrets:secrets", "Is there."), "absent": Lazy("streams.no.such:thing", "Is not.")}


@click.group(cls=LazyGroup, lazy=ABSENT)
def group() -> None:
    """For these tests."""


@group.command()
def unavailable() -> None:
    """Ask a broker that is away."""
    raise KafkaUnavailable("nobody answers")


@group.command()
def unset() -> None:
    """Look for a setting."""
    raise SettingsError(["PAGERLINE_A: is wrong", "PAGERLINE_B: is wrong"])


def test_commands_that_are_not_there_are_not_listed_and_break_nothing() -> None:
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert "Is there." in result.output
    assert "Is not." not in result.output
    assert CliRunner().invoke(group, ["there", "new-key"]).exit_code == 0
    absent = CliRunner().invoke(group, ["absent"])
    assert (absent.exit_code, "No such command 'absent'" in absent.output) == (2, True)


def test_a_misspelt_command_is_recognised() -> None:
    for arguments, meant in ((["aply"], "apply"), (["sandbox", "produc"], "produce")):
        result = CliRunner().invoke(command.main, arguments)
        assert (result.exit_code, f"did you mean {meant}?" in result.stderr) == (2, True)


def test_our_errors_end_in_lines_and_an_exit_code() -> None:
    result = CliRunner().invoke(group, ["unavailable"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "pagerline: nobody answers\n")
    result = CliRunner().invoke(group, ["unset"])
    assert (result.exit_code, result.stderr) == (
        2,
        "pagerline: PAGERLINE_A: is wrong\npagerline: PAGERLINE_B: is wrong\n",
    )


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streams.documents.secrets", None)
    monkeypatch.delitem(sys.modules, "streams.cli.secrets", raising=False)
    result = CliRunner().invoke(group, ["there"])
    assert result.exit_code == 2
    assert "there needs the Python package streams.documents.secrets, which is not installed" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["sandbox", "--help"], ["apply", "--help"], ["secrets", "--help"]]
)
def test_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(command.main, arguments, prog_name="pagerline")
    assert (result.exit_code, result.output.partition(" [")[0]) == (
        0,
        " ".join(["Usage: pagerline", *arguments[:-1]]),
    )


@pytest.mark.parametrize("group_name", ["", "sandbox"])
def test_every_command_of_the_list_is_where_the_list_says(group_name: str) -> None:
    context = click.Context(command.main)
    listed = command.main.get_command(context, group_name) if group_name else command.main
    assert isinstance(listed, LazyGroup)
    names = listed.list_commands(context)
    assert names
    for name in names:
        found = listed.get_command(context, name)
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize("name", ["apply", "get", "diff", "delete"])
def test_every_command_of_documents_has_an_example(name: str) -> None:
    output = CliRunner().invoke(command.main, [name, "--help"]).output
    assert f"  pagerline {name} " in output.partition("Example")[2] + " "


def test_a_new_key_is_printed_alone() -> None:
    first, second = (CliRunner().invoke(command.main, ["secrets", "new-key"]) for _ in range(2))
    Fernet(first.stdout.strip())
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout != second.stdout


def test_as_a_module_with_version_and_without_waiting_for_kafka_clients() -> None:
    module = [sys.executable, "-m", "streams.cli.main"]
    version = subprocess.run([*module, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert version.stdout == f"pagerline, version {__version__}\n"
    script = (
        "import sys\nfrom streams.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'aiokafka', 'faust', 'pydantic', 'aiohttp'} & set(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["cases", "dead-letters", "sandbox", "secrets", "topics"])
def test_groups_have_examples(name: str) -> None:
    examples = CliRunner().invoke(command.main, [name, "--help"]).output.partition("Examples:\n")[2]
    assert f"pagerline {name} " in examples


def test_the_verifier_says_where_it_looks_for_kafka() -> None:
    told = CliRunner().invoke(command.main, ["sandbox", "verify", "--help"]).output
    brokers = told.partition("--brokers")[2].partition("--prefix")[0]
    assert "127.0.0.1:9092" in brokers
    assert "PAGERLINE_BROKERS" in brokers
    assert "required" not in brokers


def test_the_list_names_all_kinds_of_documents() -> None:
    told = " ".join(CliRunner().invoke(command.main, ["--help"]).output.split())
    assert "Create or change documents (connectors, routers, presets, integrations)." in told
    assert "Show documents, secrets masked." in told
