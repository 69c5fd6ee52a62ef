from __future__ import annotations

from pathlib import Path

import pytest

from plugin.lab import daemons

FOLDER = Path("/lab/x")


def test_all_files_of_open_vswitch_are_in_the_labs_folder() -> None:
    words = [*daemons.ovsdb_server(FOLDER).argv, *daemons.vswitchd(FOLDER, "netdev").argv]
    places = [word.partition("=")[2] or word for word in words if "/" in word]
    assert places
    assert all(str(FOLDER) in place for place in places)
    environment = daemons.ovs_environment(FOLDER)
    assert environment["OVS_RUNDIR"] == environment["OVS_DBDIR"] == "/lab/x/ovs"


def test_only_the_dummy_datapath_is_switched_on() -> None:
    assert "--enable-dummy" in daemons.vswitchd(FOLDER, "dummy").argv
    assert "--enable-dummy" not in daemons.vswitchd(FOLDER, "netdev").argv


def test_faucet_listens_on_the_loopback_only_and_finds_its_own_programs() -> None:
    daemon = daemons.faucet(FOLDER, Path("/opt/c"))
    assert daemon.argv[:2] == ["/opt/c/bin/python", "/opt/c/bin/faucet"]
    assert "--ryu-ofp-listen-host=127.0.0.1" in daemon.argv
    assert daemon.environment["PATH"].startswith("/opt/c/bin:")
    assert daemon.environment["FAUCET_PROMETHEUS_ADDR"] == "127.0.0.1"
    assert "FAUCET_CONFIG_AUTO_REVERT" not in daemon.environment
    assert "PYTHONPATH" not in daemon.environment


def test_faucet_looks_at_its_files_by_itself_only_where_it_is_told_to() -> None:
    told = [daemons.faucet(FOLDER, Path("/opt/c"), stat_reload=one) for one in (False, True)]
    assert [one.environment["FAUCET_CONFIG_STAT_RELOAD"] for one in told] == ["0", "1"]


def test_rabbitmq_scans_only_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("rabbit-3.10.8", "rabbit_common-3.10.8", "rabbitmq_management-3.10.8"):
        (home / "plugins" / name).mkdir(parents=True)
    daemons.prepare_rabbitmq(tmp_path, home)
    linked = sorted(p.name for p in (tmp_path / "mq" / "plugins").iterdir())
    assert linked == ["rabbit-3.10.8", "rabbit_common-3.10.8"]
    daemon = daemons.rabbitmq(tmp_path, home)
    assert daemon.environment["RABBITMQ_PLUGINS_DIR"] == str(tmp_path / "mq" / "plugins")
    assert "127.0.0.1" in (tmp_path / "mq" / "rabbitmq.conf").read_text(encoding="utf-8")
    assert str(daemons.AMQP_PORT) in daemons.AMQP_URL


def test_halia_in_a_lab_is_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    path = daemons.halia_environment()["PYTHONPATH"].split(":")
    assert path == [str(Path(__file__).resolve().parents[3]), "/mine"]


def test_rabbitmq_listens_where_it_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "plugins").mkdir(parents=True)
    daemons.prepare_rabbitmq(tmp_path, home, "listeners.tcp.default = 127.0.0.1:1\n")
    text = (tmp_path / "mq" / "rabbitmq.conf").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "listeners.tcp.default = 127.0.0.1:1"
    assert str(daemons.AMQP_PORT) not in text
    environment = daemons.rabbitmq(tmp_path, home, (2, 3)).environment
    assert (environment["ERL_EPMD_PORT"], environment["RABBITMQ_DIST_PORT"]) == ("2", "3")
