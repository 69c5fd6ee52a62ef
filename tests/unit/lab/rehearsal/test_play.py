from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from plugin.errors import LabError
from plugin.lab.offices import office
from plugin.lab.rehearsal import rehearse
from plugin.lab.schema import parse_topology
from plugin.offline.behaviours import behaviours_in, load_parameters
from plugin.offline.read import read_capture

ROOT = Path(__file__).resolve().parents[4]
RECORDED = ROOT / "configs" / "recorded"
SECONDS = 30.0
FEW = 8
"""Sessions of a service below which chance decides how many there are."""


TWO = """
vlans: {office: {vid: 100}}
switches:
  sw1: {ports: {1: {host: h1, vlan: office}, 2: {link: sw2/1, tagged: [office]}}}
  sw2: {ports: {1: {link: sw1/2, tagged: [office]}, 2: {host: h2, vlan: office}}}
hosts: {h1: {address: 10.0.0.1/24}, h2: {address: 10.0.0.2/24}}
"""


def services_in(path: Path, ports: set[tuple[int, int]]) -> Counter[tuple[int, int]]:
    """Sessions of a capture's first seconds, by protocol and port."""
    capture = read_capture(path)
    first = capture.totals.first_ns or 0
    rows = capture.sessions[capture.sessions["start"] - first < SECONDS * 1e9]
    found = Counter(
        (int(proto), int(port))
        for proto, port in zip(rows["proto"], rows["resp_port"], strict=True)
    )
    return Counter({key: count for key, count in found.items() if key in ports})


def test_the_same_seed_gives_the_same_file_and_another_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert rehearse(office(seed), 10.0, tmp_path / name) > 100
    contents = [(tmp_path / name).read_bytes() for name in "abc"]
    assert contents[0] == contents[1] != contents[2]


def test_hosts_do_what_they_did_in_the_lab_that_was_recorded(tmp_path: Path) -> None:
    told = json.loads((RECORDED / "run.json").read_text(encoding="utf-8"))
    rehearse(office(told["lab"]["seed"]), SECONDS, tmp_path / "a.pcap")
    served = {(6, port) for port in (22, 25, 80, 143, 445, 631, 9100)}
    served |= {(17, port) for port in (53, 123, 514, 34_569)}
    there = services_in(RECORDED / "mirror.pcap.xz", served)
    here = services_in(tmp_path / "a.pcap", served)
    assert here.keys() == there.keys() == served
    for service, count in there.items():
        assert abs(here[service] - count) <= max(FEW, 0.2 * count), service
    assert abs(here.total() - there.total()) < 0.1 * there.total()


def test_ten_minutes_of_normal_work_are_called_nothing(tmp_path: Path) -> None:
    rehearse(office(3), 600.0, tmp_path / "a.pcap")
    parameters = load_parameters(ROOT / "configs" / "behaviours.yaml")
    assert behaviours_in(tmp_path / "a.pcap", parameters) == []


def test_a_lab_of_two_switches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="one switch"):
        rehearse(parse_topology(TWO), 1.0, tmp_path / "a")
    assert not list(tmp_path.iterdir())
