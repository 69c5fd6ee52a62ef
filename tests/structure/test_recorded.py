"""The recorded run that comes with Halia is whole, small, and shows what a demo is to show."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from plugin.events import ConfigLoaded, DeviceLearned, Garbage
from plugin.faucet.event import Feed
from plugin.lab.offices import office
from plugin.lab.record import EVENTS, MIRROR, RUN
from plugin.offline.behaviours import behaviours_in, load_parameters
from plugin.offline.classify import classify

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "configs" / "recorded"
WINDOW = 30
"""Seconds of the demo's windows."""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / RUN).read_text(encoding="utf-8"))
    return found


def test_it_is_small_and_nothing_else_is_there() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sizes.keys() == {EVENTS, MIRROR, RUN}
    assert sum(sizes.values()) < 1 << 20


def test_its_network_is_the_demos(told: dict[str, Any]) -> None:
    hosts = {host.mac: (host.name, host.profile) for host in office(told["lab"]["seed"]).hosts}
    for host in told["lab"]["hosts"]:
        assert hosts[host["mac"]] == (host["host"], host["profile"])


def test_the_feed_has_no_gap_and_names_every_host(told: dict[str, Any]) -> None:
    items = Feed().receive((FOLDER / EVENTS).read_bytes())
    assert not [item for item in items if isinstance(item, Garbage)]
    learned = {item.mac for item in items if isinstance(item, DeviceLearned)}
    assert learned == {host["mac"] for host in told["lab"]["hosts"]}
    assert any(isinstance(item, ConfigLoaded) and len(item.files) > 1 for item in items)


def test_one_behaviour_is_found_that_of_the_bad_host_and_soon(told: dict[str, Any]) -> None:
    parameters = load_parameters(ROOT / "configs" / "behaviours.yaml")
    (found,) = behaviours_in(FOLDER / MIRROR, parameters)
    bad = told["bad"]
    assert (found.mac, found.finding.name) == (bad["mac"], "vertical-scan")
    assert bad["time"] < found.time / 1e9 < bad["time"] + 30


def test_its_roles_are_told_and_the_gadget_is_unknown(told: dict[str, Any], tmp_path: Path) -> None:
    content = lzma.decompress((FOLDER / MIRROR).read_bytes())
    (tmp_path / "calm.pcap").write_bytes(until(content, WINDOW * 10**9))
    found = {v.mac: v.role for v in classify(tmp_path / "calm.pcap", model="demo")}
    roles = {
        "printer": "Printer", "file server": "Distributed file share", "workstation": "Workstation"
    }  # fmt: skip
    for host in told["lab"]["hosts"]:
        role = found[host["mac"]]
        if host["profile"] in roles:
            assert (role.decision, role.labels[0]) == ("known", roles[host["profile"]])
    gadgets = [h["mac"] for h in told["lab"]["hosts"] if h["profile"] == "unknown gadget"]
    assert [found[mac].decision for mac in gadgets] == ["unknown"]


def until(content: bytes, length: int) -> bytes:
    """Cut a nanosecond pcap after so many ns."""
    first, at = 0, 24
    while at < len(content):
        seconds, part, size = (
            int.from_bytes(content[k : k + 4], "little") for k in (at, at + 4, at + 8)
        )
        first = first or seconds * 10**9 + part
        if seconds * 10**9 + part - first > length:
            break
        at += 16 + size
    return content[:at]
