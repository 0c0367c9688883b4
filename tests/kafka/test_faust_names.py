"""The list of private names: complete, without anything that nobody uses, and refused when one is missing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from streams import kafka
from streams.errors import IncompatibleFaust
from streams.kafka import names
from streams.kafka.names import ATTRIBUTES, NAMES, check_attributes, check_names

SOURCES = {
    path.name: ast.parse(path.read_text())
    for path in Path(kafka.__path__[0]).glob("*.py")
    if path.name not in ("__init__.py", "names.py")
}
NODES = [node for tree in SOURCES.values() for node in ast.walk(tree)]
LISTED = {name for _owner, listed in NAMES for name in listed} | {name for got in ATTRIBUTES.values() for name in got}
READ = {node.attr for node in NODES if isinstance(node, ast.Attribute)}
DEFINED = {node.name for node in NODES if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)} | {
    node.target.id for node in NODES if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}
OURS = {node.attr for node in NODES if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)} | DEFINED
BY_TEXT = {node.value for node in NODES if isinstance(node, ast.Constant) and isinstance(node.value, str)}
BY_NAME = {node.id for node in NODES if isinstance(node, ast.Name)}


def test_the_installed_releases_have_them() -> None:
    check_names()


def test_every_listed_name_is_used() -> None:
    assert set() == LISTED - READ - DEFINED - BY_TEXT - BY_NAME


def test_every_private_name_that_is_read_is_listed_or_ours() -> None:
    private = {name for name in READ if name.startswith("_") and not name.startswith("__")}
    assert private - LISTED - OURS == {"_stopped", "_exit"}, "mode's own (Service), and os._exit"


def test_a_class_without_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "NAMES", ((AIOKafkaConsumer, ("_no_such_name",)),))
    with pytest.raises(IncompatibleFaust, match=r"without AIOKafkaConsumer\._no_such_name"):
        check_names()


def test_an_instance_without_one_is_refused() -> None:
    with pytest.raises(IncompatibleFaust, match=r"without AIOKafkaConsumer\._coordinator"):
        check_attributes(object(), AIOKafkaConsumer)
