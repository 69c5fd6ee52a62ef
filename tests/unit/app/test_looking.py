"""Faucet's files, read again only when something has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from plugin.app import looking as module
from plugin.app.looking import Looking, installation
from plugin.errors import FaucetFileError
from plugin.faucet.hook import INCLUDE
from plugin.offline.faucet import read_place
from tests.unit.app.test_hooking import PLAIN, config, installed

__all__ = ["config"]


@pytest.fixture
def read(config: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    installed(config)
    found: list[Path] = []

    def counted(path: Path) -> Any:
        found.append(path)
        return read_place(path)

    monkeypatch.setattr(module, "read_place", counted)
    return found


def test_whether_a_way_back_can_be_kept(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(config)
    assert Looking(config).look().recorded
    monkeypatch.setattr(os, "access", lambda path, _: path != config.parent)
    assert not Looking(config).look().recorded


def test_what_did_not_change_is_not_read_again(config: Path, read: list[Path]) -> None:
    looking = Looking(config)
    first = looking.look()
    assert looking.look() is first
    assert len(read) == 1
    os.utime(config, (1, 1))
    assert looking.changed()
    assert looking.look() is not first
    assert len(read) == 2


@pytest.mark.parametrize("name", [INCLUDE, "halia_install.json", "faucet.yaml"])
def test_every_file_counts(config: Path, name: str) -> None:
    installed(config)
    looking = Looking(config)
    looking.look()
    (config.parent / name).write_text((config.parent / name).read_text() + "\n")
    assert looking.changed()
    looking.look()
    assert not looking.changed()


def test_our_own_write_costs_no_reading(config: Path, read: list[Path]) -> None:
    looking = Looking(config)
    first = looking.look()
    (config.parent / INCLUDE).write_text("# something else\nacls: {}\n")
    looking.wrote()
    second = looking.look()
    assert len(read) == 1
    assert second.ours == "# something else\nacls: {}\n"
    assert second.found is first.found


def test_when_something_was_wrong_all_is_read_again(config: Path) -> None:
    installed(config)
    include = config.parent / INCLUDE
    text = include.read_text()
    include.unlink()
    looking = Looking(config)
    assert looking.look().ours is None
    assert looking.look().found.problems
    include.write_text(text)
    looking.wrote()
    assert looking.look().found.problems == ()


def test_what_cannot_be_read_is_told_until_it_can(config: Path) -> None:
    installed(config)
    looking = Looking(config)
    looking.look()
    text = config.read_text()
    for wrong in ("dps: {", "[]"):
        config.write_text(wrong)
        with pytest.raises(FaucetFileError):
            looking.look()
    config.write_text(text)
    assert looking.look().found.installed
    (config.parent / "halia_install.json").write_text("{}")
    with pytest.raises(FaucetFileError, match="no journal"):
        looking.look()


def test_nothing_is_installed(tmp_path: Path) -> None:
    (tmp_path / "faucet.yaml").write_text(PLAIN)
    looked = Looking(tmp_path / "faucet.yaml").look()
    assert looked.layout is None
    assert not looked.remediation
    assert looked.ours is None
    texts = looked.texts("a", "b")
    assert texts == {looked.place.root: "b", looked.place.include: "a"}


def test_a_moved_port_is_no_other_installation(config: Path) -> None:
    assert installation(Looking(config).look().place) is None
    installed(config)
    place = Looking(config).look().place
    assert place.journal is not None
    moved = place._replace(journal=place.journal._replace(revlans=object()))  # type: ignore[arg-type] # whatever it is
    assert installation(moved) == installation(place) is not None
