from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.errors import LabError
from plugin.lab import needs


def environment(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "faucet"):
        (folder / "bin" / name).write_text("", encoding="utf-8")
    return folder


def test_a_controller_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    made = environment(tmp_path / "faucet")
    assert needs.find_controller("faucet", tmp_path) == made
    assert needs.find_controller(str(made)) == made


def test_the_users_cache_is_a_place_for_controllers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert needs._controller_folders()[-1] == tmp_path / "halia"


def test_a_missing_controller_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"no controller is installed.*scripts/faucet.sh c65faucet"):
        needs.find_controller("c65faucet", tmp_path)
    with pytest.raises(LabError, match="no such controller; known: c65faucet, faucet"):
        needs.find_controller("ryu", tmp_path)


def test_missing_packages_are_named_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(needs, "SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr(needs, "RABBITMQ", tmp_path)
    with pytest.raises(LabError) as caught:
        needs.check_programs(rabbit=True)
    assert caught.value.exit_code == 3
    for package in ("ethtool", "iproute2", "openvswitch-switch", "rabbitmq-server", "util-linux"):
        assert package in str(caught.value)
    assert "apt-get install" in str(caught.value)
    with pytest.raises(LabError) as caught:
        needs.check_programs(rabbit=False)
    assert "rabbitmq" not in str(caught.value)


def test_namespaces_of_an_ordinary_user_need_a_user_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--user" not in needs.unshare_command() + needs.enter_command(1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--map-root-user" in needs.unshare_command()
    assert "--preserve-credentials" in needs.enter_command(1)


def test_the_newest_rabbitmq_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "RABBITMQ", tmp_path)
    assert needs.rabbitmq_home() is None
    for version in ("3.10.8", "3.12.1"):
        script = tmp_path / f"rabbitmq_server-{version}" / "sbin" / "rabbitmq-server"
        script.parent.mkdir(parents=True)
        script.touch()
    assert needs.rabbitmq_home() == tmp_path / "rabbitmq_server-3.12.1"
