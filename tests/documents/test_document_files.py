"""Documents as people write them, from files: the good ones are understood, the bad ones refused in these words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streams.documents.changes import plan_changes
from streams.documents.connector import Connector, frozen_fields, frozen_overrides
from streams.documents.document import KINDS
from streams.documents.options import Options
from streams.documents.parse import load_connectors, load_documents
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING
from streams.errors import DocumentsWrong, UsageError

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "documents"
GOOD, BAD = FIXTURES / "good", FIXTURES / "bad"

ALPHA = "930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1"
BETA = "931bbbbbbbbbbbbbbbbbbbbbbbbbb0d1"

PAYMENTS = Connector(
    id="payments",
    name="Payments",
    type="PAGERDUTY",
    fields=frozen_fields(
        {"integrationKey": Secret(ALPHA), "dynamicintegrationKey": Secret("{{ alertDef.entityLabels.key }}")}
    ),
    overrides=frozen_overrides({"cases": {"integrationKey": Secret(BETA)}}),
    options=Options(rateLimit=60),
    description="Pages payments.",
)


def load(*paths: Path | str, stdin: str = "") -> list[Connector]:
    return load_connectors([str(path) for path in paths], lambda: stdin)


def faults(*paths: Path | str, stdin: str = "") -> list[str]:
    """What is said of documents that are applied where there are none yet."""
    with pytest.raises(DocumentsWrong) as refused:
        plan_changes(NOTHING, load_documents([str(path) for path in paths], lambda: stdin))
    assert all(fault.remedy for fault in refused.value.problems)
    return str(refused.value).splitlines()


@pytest.mark.parametrize("file", sorted(GOOD.glob("payments*")), ids=lambda file: file.name)
def test_every_form_says_the_same(file: Path) -> None:
    assert load(file) == [PAYMENTS]


def test_every_form_is_tried() -> None:
    assert len(list(GOOD.glob("payments*"))) == 5


def test_several_documents_a_file() -> None:
    digits, by_team = load(GOOD / "several.yaml")
    assert (digits.id, digits.name, digits.options.rateLimit) == ("digits-only", "digits-only", 120)
    assert digits.fields["integrationKey"].reveal() == "01234567890123456789012345678901"
    assert (by_team.id, by_team.name) == ("by-team", "2026")
    assert by_team.fields["dynamicintegrationKey"].reveal().startswith("{% if alert.groups['team_name'] == 'alpha'%}\n")


def test_json_says_what_json_says() -> None:
    (connector,) = load(GOOD / "override-only.json")
    assert connector.name == "Straße 🚀"
    assert list(connector.overrides) == ["alerts"]
    assert dict(connector.fields) == {}


def test_a_directory_is_read_in_the_order_of_names_and_without_other_files() -> None:
    assert [connector.id for connector in load(GOOD / "folder")] == ["first", "second", "third"]


def test_standard_input_stands_among_files() -> None:
    text = (GOOD / "payments.yaml").read_text()
    assert [one.id for one in load(GOOD / "folder", "-", stdin=text)] == ["first", "second", "third", "payments"]
    api = (GOOD / "payments-api.json").read_text()
    assert load("-", stdin=api) == [PAYMENTS]  # indented with tabs, which only JSON allows


@pytest.mark.parametrize("file", sorted(BAD.glob("*.want")), ids=lambda file: file.stem)
def test_a_bad_document_is_refused_with_place_and_remedy(file: Path) -> None:
    (document,) = (one for one in BAD.glob(f"{file.stem}.*") if one != file)
    lines = [line.removeprefix(f"{BAD}/") for line in faults(document)]
    wanted = file.read_text().splitlines()
    assert len(lines) == len(wanted)
    for line, want in zip(lines, wanted, strict=True):
        # What a template engine has to say is not ours to fix: there the words wanted end in [...].
        assert line.startswith(want.removesuffix("[...]")) if want.endswith("[...]") else line == want
    # No more of any key-like text of the document than its last three characters.
    for key in re.findall(r"(?=[A-Za-z+-]*[0-9])[A-Za-z0-9+-]{18,}", document.read_text(errors="replace")):
        assert key[:-3] not in "\n".join(lines)


def test_every_bad_document_has_its_words() -> None:
    documents = [file for file in BAD.iterdir() if file.suffix != ".want"]
    assert len(documents) == len(list(BAD.glob("*.want"))) >= 40
    for kind in (*KINDS, "routers", "presets"):
        assert sum(f"kind: {kind}" in text or f'"{kind}"' in text for text in map(read, documents)) > 0, kind


def read(file: Path) -> str:
    return file.read_text(errors="replace")


def test_all_faults_of_all_files_are_told_and_good_files_do_not_help() -> None:
    lines = faults(BAD / "no-id.yaml", GOOD / "payments.yaml", BAD / "not-yaml.yaml", BAD / "no-key.yaml")
    # Files that are no YAML at all come first: they are met while reading, the others while understanding.
    assert [Path(line.split(":")[0]).name for line in lines] == ["not-yaml.yaml", "no-id.yaml", "no-key.yaml"]


def test_the_same_id_in_two_files() -> None:
    (line,) = faults(GOOD / "payments.yaml", GOOD / "payments-api.json")
    assert line.endswith("payments-api.json:1:1: connector payments is written more than once; keep one of them")


def test_standard_input_is_named_in_faults() -> None:
    assert faults("-", stdin="kind: conector") == [
        "standard input:1:7: kind: is not a kind that this version knows; did you mean connector?"
    ]


def test_long_values_and_deep_nesting(tmp_path: Path) -> None:
    document = {
        "kind": "connector",
        "id": "a",
        "type": "PAGERDUTY",
        "fields": {"integrationKey": "{{ 1 }}" + "x" * 20_000},
    }
    file = tmp_path / "long.json"
    file.write_text(json.dumps(document))
    assert faults(file)[0].endswith("fields.integrationKey: has 20007 characters, 20000 is the limit; shorten it")
    for name in ("deep.yaml", "deep.json"):
        deep = tmp_path / name
        deep.write_text("[" * 100_000)
        assert faults(deep) == [f"{deep}: is nested too deep; 100 levels are the limit"]


def test_an_alias_of_itself_is_no_trap(tmp_path: Path) -> None:
    file = tmp_path / "loop.yaml"
    file.write_text("&a [*a]")
    assert faults(file) == [
        f"{file}:1:1: [0]: is a list, must be a mapping; write it as names with values, name: value"
    ]


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "[]"])
def test_no_document_is_a_wrong_use(tmp_path: Path, text: str) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"there is no document in .*empty\.yaml"):
        load(file)


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.yaml: cannot be read: No such file"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match=r"there is no \*\.yaml, \*\.yml, \*\.json in this directory"):
        load(tmp_path)


def test_the_samples_are_good_and_hold_the_documented_template() -> None:
    payments, by_team = load(ROOT / "deploy" / "samples" / "connectors.yaml")
    assert (payments.id, list(payments.overrides)) == ("payments", ["cases"])
    assert by_team.fields["dynamicintegrationKey"].reveal() == (
        "{% if alert.groups['team_name'] == 'alpha'%}\n"
        "  930aaaaaaaaaaaaaaaaaaaaaaaaaa0d1\n"
        "{% elif alert.groups['team_name'] == 'beta' %}\n"
        "  930bbbbbbbbbbbbbbbbbbbbbbbbbb0d1\n"
        "{% else %}\n"
        "  930xxxxxxxxxxxxxxxxxxxxxxxxxx0d1\n"
        "{% endif %}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind: router\nid: router_default\nrules: [{condition: true, targets: [KEY]}]",
        "kind: router\nid: router_default\nfallback: {alerts: {connector: KEY, preset: KEY}}",
        "kind: connector\nid: a\ntype: PAGERDUTY_INCIDENTS\nfields: {integrationId: KEY, service: KEY}",
        "kind: connector\nid: a\ntype: PAGERDUTY\nfields: {integrationKey: 'file:KEY'}",
        "kind: connector\nid: a\ntype: PAGERDUTY\nfields: {integrationKey: '${ENV:KEY}'}",
        "kind: connector\nid: a\ntype: PAGERDUTY\nfields: {KEY: integrationKey}",
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(text: str) -> None:
    said = faults("-", stdin=text.replace("KEY", ALPHA))
    assert said
    assert ALPHA not in "".join(said)
