"""The schemas are found in both places where they can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import contracts


def test_a_checkout_has_them_next_to_the_package() -> None:
    assert contracts.folder().joinpath("alerts.json").is_file()


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "streams" / "schemas"
    inside.mkdir(parents=True)
    monkeypatch.setattr(contracts, "files", lambda package: tmp_path / package)
    assert contracts.folder() == inside


def test_a_package_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "files", lambda package: tmp_path / package)
    monkeypatch.setattr(contracts, "__file__", str(tmp_path / "streams" / "contracts.py"))
    with pytest.raises(FileNotFoundError, match="install pagerline again"):
        contracts.folder()
