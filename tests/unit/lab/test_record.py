from __future__ import annotations

import lzma
import socket
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import LabError
from plugin.lab import parse_topology
from plugin.lab import record as recording
from plugin.lab.offices import office
from plugin.lab.record import COLUMNS, Wishes, label, record
from tests.labs import QUIET, wait_for

if TYPE_CHECKING:
    from pathlib import Path

# Recordings of labs that are up: tests/e2e/test_demo.py.


def test_labels_are_profiles_and_what_has_no_role_is_unknown() -> None:
    topology = office(1, strangers=1)
    assert label(topology.host("files")) == "file server"
    assert label(topology.host("gadget")) == "unknown gadget"
    assert label(topology.host("odd-1")) == "Unknown"
    assert label(topology.host("outside")) == "Unknown"


def test_nothing_is_made_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    alone = QUIET.replace("      6: {host: col, collector: true}\n", "").replace("  col:\n", "")
    with pytest.raises(LabError, match="quiet: has no collector"):
        record(parse_topology(alone), tmp_path, Wishes())
    (tmp_path / "1").mkdir()
    with pytest.raises(LabError, match="cannot be made: File exists"):
        record(office(1), tmp_path, Wishes())


def file_line(folder: Path, mac: str, name: str, seconds: float) -> dict[str, Any]:
    (folder / name).write_bytes(b"x")
    times = {"first_ns": 10**9, "last_ns": 10**9 + int(seconds * 1e9)}
    return {"kind": "file", "mac": mac, "path": str(folder / name), "packets": 7, **times}


def test_windows_get_names_and_those_too_short_or_too_many_are_left_out(tmp_path: Path) -> None:
    place = tmp_path / "1"
    place.mkdir()
    topology = office(1)
    anna, ben = topology.host("anna").mac, topology.host("ben").mac
    lines = [
        {"kind": "device", "mac": anna},
        file_line(tmp_path, anna, "a", 29.6),
        file_line(tmp_path, ben, "b", 29.0),
        file_line(tmp_path, "02:00:00:00:ff:ff", "c", 30.0),
        file_line(tmp_path, anna, "d", 30.0),
        file_line(tmp_path, ben, "e", 3.0),
        file_line(tmp_path, anna, "f", 30.0),
        {"kind": "summary"},
    ]
    rows = recording._sorted_out(lines, topology, place, Wishes(seconds=30, windows=2))
    assert [row["path"] for row in rows] == ["1/anna-1.pcap", "1/anna-2.pcap", "1/ben-1.pcap"]
    assert sorted(p.name for p in place.iterdir()) == ["anna-1.pcap", "anna-2.pcap", "ben-1.pcap"]
    assert tuple(rows[0]) == COLUMNS
    first = {"label": "workstation", "group": 1, "mac": anna, "window": 1, "seconds": 29.6}
    assert first.items() <= rows[0].items()


def test_packing_is_the_same_each_time(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"frames" * 1000)
    for name in ("b", "c"):
        recording._pack(source, tmp_path / name)
    packed = (tmp_path / "b").read_bytes()
    assert packed == (tmp_path / "c").read_bytes()
    assert lzma.decompress(packed) == source.read_bytes()


def test_events_are_written_as_they_come(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(1)
        with recording._Events(tmp_path / "s", tmp_path / "events"):
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b'{"event_id": 1}\n')
                peer.sendall(b'{"event_id": 2}\n')
        wait_for(lambda: (tmp_path / "events").stat().st_size, "events in the file")
    assert (tmp_path / "events").read_bytes() == b'{"event_id": 1}\n{"event_id": 2}\n'


def test_what_a_replay_is_told_of_the_lab() -> None:
    told = recording._told(office(1))
    assert (told["seed"], told["pace"]) == (1, office(1).pace)
    hosts = {host["host"]: host for host in told["hosts"]}
    assert "collector" not in hosts
    assert hosts["files"]["profile"] == "file server"
    assert hosts["files"]["mac"] == office(1).host("files").mac
