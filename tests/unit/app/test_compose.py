"""From what the operator wrote to the parts of a run."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NoReturn

import pika
import pytest

from plugin.app import compose
from plugin.capture.packet_socket import Opening
from plugin.errors import PolicyError, SettingsError
from plugin.faucet.confrpc import ConfRpc
from plugin.policy.rules import EMPTY
from plugin.registry import Device, Location
from tests.apps import settings
from tests.confrpc import pairs

ROOT = Path(__file__).resolve().parents[3]

ROOT = Path(__file__).resolve().parents[3]
MAC = bytes.fromhex("0e000000000a")
DEVICE = Device(
    mac="0e:00:00:00:00:0a", location=Location("switch1", 1, 100), first_seen=0, last_seen=0
)
FIRST_PACKET = (b"x" * 40, 1, 1, 1)
"""A record, and how many, and when."""


def test_files_are_in_the_state_folder_unless_said_otherwise(tmp_path: Path) -> None:
    found = compose.places(settings(tmp_path))
    assert (found.journal, found.spool) == (tmp_path / "journal", tmp_path / "spool")
    assert (found.captures, found.store) == (tmp_path / "captures", tmp_path / "state.sqlite")
    text = f"capture: {{folder: {tmp_path}/big}}\nstore: {{url: 'postgresql://h/halia'}}\n"
    other = compose.places(settings(tmp_path, text))
    assert (other.captures, str(other.store)) == (tmp_path / "big", "postgresql://h/halia")


def test_without_a_policy_s_file_there_is_no_rule(tmp_path: Path) -> None:
    assert compose.policy(settings(tmp_path)) == EMPTY


def test_the_policy_is_read_and_a_wrong_one_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("halia-policy: 1\ncaps: {devices: 3}\n", encoding="utf-8")
    found = compose.policy(settings(tmp_path, policy__file=file))
    assert (found.caps.devices, found.source) == (3, str(file))
    file.write_text("halia-policy: 1\nrulez: []\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"policy\.yaml:2:1: .*rulez"):
        compose.policy(settings(tmp_path, policy__file=file))
    file.unlink()
    with pytest.raises(PolicyError, match=r"policy\.yaml"):
        compose.policy(settings(tmp_path, policy__file=file))


def test_the_way_to_faucet_is_the_operators_choice(tmp_path: Path) -> None:
    text = f"faucet: {{config: {tmp_path}/faucet.yaml, probe: '127.0.0.1:6654'}}\n"
    found = compose.ways(settings(tmp_path, text))
    assert (found.adapter.name, found.adapter.writes) == ("sighup", True)
    assert (found.config, found.probe) == (tmp_path / "faucet.yaml", "127.0.0.1:6654")
    dry = compose.ways(settings(tmp_path, isolation__adapter="dry-run"))
    assert not dry.adapter.writes


def test_faucetconfrpc_is_found_by_its_settings(tmp_path: Path) -> None:
    pytest.importorskip("grpc", reason="grpcio (extra confrpc) is not installed")
    known = pairs(tmp_path / "certificates")
    files = {"ca": known.ca.cert, "cert": known.client.cert, "key": known.client.key}
    given: dict[str, Any] = {f"isolation__confrpc_{name}": file for name, file in files.items()}
    given |= {"isolation__adapter": "confrpc", "isolation__confrpc_address": "faucet:59999"}
    adapter = compose.ways(settings(tmp_path, **given)).adapter
    assert isinstance(adapter, ConfRpc)
    assert (adapter.name, adapter.writes, adapter.comments) == ("confrpc", True, False)
    assert adapter._remote.address == "faucet:59999"
    assert adapter.kept == settings(tmp_path).run.state / "kept"
    given["isolation__confrpc_key"] = tmp_path / "none"
    with pytest.raises(SettingsError, match=r"isolation.confrpc_key: .*none: cannot be read"):
        compose.ways(settings(tmp_path, **given))


def test_the_engine_is_told_what_the_operator_decided(tmp_path: Path) -> None:
    text = """\
mirror: {ignore_vlans: [7, 8], ignore_ports: ['sw1:3', 'sw:2:4']}
devices: {gone_after: 2h, most: 5}
faucet: {events: none}
"""
    found = compose.engine_options(settings(tmp_path, text))
    assert found.ignore_vlans == {7, 8}
    assert found.ignore_ports == {("sw1", 3), ("sw:2", 4)}
    assert (found.limits.gone_after, found.limits.devices) == (7200, 5)
    assert not found.page
    assert compose.engine_options(settings(tmp_path)).page


def test_the_capture_is_told_what_the_operator_decided(tmp_path: Path) -> None:
    text = "capture: {names: true, max_devices: 9, drop_repeats: 2, ring: 8M, iface: eth7}\n"
    order = compose.capture_order(settings(tmp_path, text))
    usual = Opening("eth7")
    assert (order.opening.iface, order.opening.names) == ("eth7", compose.NAMES_BYTES)
    assert order.opening.blocks * usual.block_size == 8 << 20
    assert (order.names, order.max_devices, order.repeat_ns) == (True, 9, 2_000_000)
    assert order.stream
    plain = compose.capture_order(settings(tmp_path))
    assert (plain.opening.iface, plain.opening.names, plain.names) == ("lo", 0, False)


def test_without_an_interface_nothing_is_captured(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"capture\.iface.*--iface"):
        compose.capture_order(settings(tmp_path, capture__iface=None, text="model: demo\n"))


def names(folder: Path, ident: str, device: Device | None) -> list[str]:
    """The ids in the names of the files of one device."""
    files = compose.trace_files(
        settings(folder, capture__ident=ident, capture__min_free=0), lambda _: device
    )
    files.start(1e9)
    files.write(MAC, FIRST_PACKET, 1e9)
    return [one.ident for one in files.close(1e9 + 1)]


def test_files_have_the_ids_that_poseidon_gives_its_endpoints(tmp_path: Path) -> None:
    assert names(tmp_path, "mac", DEVICE) == ["0e000000000a"]
    assert names(tmp_path, "poseidon-0.18", DEVICE) == [
        "d98a6aea119947b6e99ed5714c9664c9d7555893c9cb1ec72fef2e5016cccb6c"
    ]
    assert names(tmp_path, "poseidon-0.18", None) == ["0e000000000a"]


def test_poseidon_0_17_takes_another_digest_which_not_every_machine_has(tmp_path: Path) -> None:
    try:
        hashlib.new("ripemd160")
    except ValueError:
        with pytest.raises(SettingsError, match="ripemd160"):
            names(tmp_path, "poseidon-0.17", DEVICE)
    else:
        assert names(tmp_path, "poseidon-0.17", DEVICE) == [
            "5e1338ece07e2d5fce6774cd53bed5618c5c924b"
        ]


def test_an_openssl_without_that_digest_is_told_before_anything_is_captured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *_: Any, **__: Any) -> NoReturn:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", refuse)
    with pytest.raises(SettingsError, match=r"capture\.ident: poseidon-0\.17 needs .*ripemd160"):
        compose.trace_files(settings(tmp_path, capture__ident="poseidon-0.17"), lambda _: None)
    assert not (tmp_path / "captures").exists()


def test_files_are_as_large_and_old_as_the_operator_decided(tmp_path: Path) -> None:
    text = """\
capture: {rotate_size: 2M, rotate_time: 1m, quota: 1G, device_quota: 3M, max_age: 1d, min_free: 0}
"""
    files = compose.trace_files(settings(tmp_path, text), lambda _: None)
    files.start(1e9)
    found = files._limits
    assert (found.rotate_size, found.rotate_time, found.quota) == (2 << 20, 60, 1 << 30)
    assert (found.device_quota, found.max_age, found.min_free) == (3 << 20, 86_400, 0)
    files.close(1e9)


def test_the_broker_is_where_its_url_says(tmp_path: Path) -> None:
    assert compose.broker_parameters(settings(tmp_path)) is None
    (tmp_path / "secret").write_text("tops3cret\n")
    (tmp_path / "secret").chmod(0o600)
    text = f"broker: {{url: 'amqp://mq:5673/v', user: halia, password_file: {tmp_path}/secret}}\n"
    found = compose.broker_parameters(settings(tmp_path, text))
    assert found is not None
    assert (found.host, found.port, found.virtual_host) == ("mq", 5673, "v")
    assert isinstance(found.credentials, pika.PlainCredentials)
    assert (found.credentials.username, found.credentials.password) == ("halia", "tops3cret")


def test_what_needs_a_new_start_is_named(tmp_path: Path) -> None:
    before = settings(tmp_path)
    assert compose.needs_restart(before, settings(tmp_path)) == set()
    text = """\
capture: {rotate_time: 1m}
mirror: {ignore_vlans: [7], window: 5m}
devices: {most: 7}
model: device
train: {seed: 9}
detect: {flows: ["*=office"]}
policy: {file: /etc/halia/policy.yaml}
broker: {url: 'amqp://mq/v'}
"""
    assert compose.needs_restart(before, settings(tmp_path, text)) == {
        "capture.rotate_time", "broker.url"
    }  # fmt: skip


LATE = """
    import sys
    from pathlib import Path
    from plugin.app import compose, run
    from plugin.errors import PeerError
    from plugin.faucet.transport import read_page
    from plugin.store.state import Store
    from tests.apps import settings

    class Late:
        def find_spec(self, name, path=None, target=None):
            print(name)

    place = Path(sys.argv[1])
    compose.import_early(settings(place))
    sys.meta_path.insert(0, Late())
    Store(place / "state.sqlite").close()
    try:
        read_page("http://localhost:1")
    except PeerError:
        print("asked")
"""


def test_nothing_is_imported_once_privileges_are_dropped(tmp_path: Path) -> None:
    program = [sys.executable, "-c", textwrap.dedent(LATE), str(tmp_path)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("asked\n", "")
