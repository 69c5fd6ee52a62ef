"""Names out of captures: real devices, torn files, forged crowds."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from plugin.errors import CaptureError
from plugin.offline import names
from plugin.offline.names import names_in
from tests import frames as f
from tests.announcements import HOST, PRINTER, dhcp, mdns, record

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("Aria_Setup-A-2-STA.pcap", {"20:f8:5e:ca:91:52": "GainSpanca9152"}),
        ("HueBridge_Setup-C-12-STA.pcap", {"00:17:88:24:76:ff": "Philips-hue"}),
        ("MAXGateway_Setup-C-1-STA.pcap", {"00:1a:22:03:cb:be": "KEQ0817541"}),
        ("TP-LinkPlugHS100_Setup-A-1-STA.pcap", {"50:c7:bf:00:fc:a3": "HS100(EU)"}),
        ("airprint_printer4.pcap", {"fc:15:b4:ab:2e:fd": "HPFC15B4A188C8"}),
        ("zeek_nfs_base_server.pcap", {}),
    ],
)
def test_real_devices_tell_their_names(capture: str, expected: dict[str, str]) -> None:
    found = names_in(CAPTURES / capture)
    assert {mac: found[mac] for mac in expected} == expected
    assert bool(found) == bool(expected)


def written(path: Path, *frames: bytes) -> Path:
    path.write_bytes(f.pcap(*(f.Frame(i, data) for i, data in enumerate(frames))))
    return path


def test_the_last_name_counts_and_that_of_dhcp_more(tmp_path: Path) -> None:
    airplay = mdns(record(PRINTER, 1, f.IP_A))
    other = mdns(record(PRINTER.replace(b"Printer", b"Plotter"), 1, f.IP_A))
    me = f.A.hex(":")
    assert names_in(written(tmp_path / "1", airplay, other)) == {me: "Plotter"}
    assert names_in(written(tmp_path / "2", airplay, dhcp(HOST), other)) == {me: "Büro-PC"}
    renamed = dhcp(HOST).replace("Büro".encode(), b"Lobby")
    assert names_in(written(tmp_path / "3", dhcp(HOST), renamed)) == {me: "Lobby-PC"}


def test_of_a_torn_capture_the_readable_part_counts(tmp_path: Path) -> None:
    whole = written(tmp_path / "x.pcap", dhcp(HOST), dhcp(HOST)).read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "torn").write_bytes(whole[:size])
        assert len(names_in(tmp_path / "torn")) == (size >= 24 + 16 + len(dhcp(HOST)))
    packed = gzip.compress(whole)
    (tmp_path / "packed").write_bytes(packed[:-9])
    assert names_in(tmp_path / "packed") == {f.A.hex(":"): "Büro-PC"}
    (tmp_path / "none").write_bytes(b"no capture at all")
    assert names_in(tmp_path / "none") == {}
    with pytest.raises(CaptureError):
        names_in(tmp_path / "gone")


def test_records_across_blocks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [dhcp(HOST).replace(f.A, bytes((2, 0, 0, 0, 0, i))) for i in range(50)]
    capture = written(tmp_path / "x.pcap", *frames)
    expected = names_in(capture)
    assert len(expected) == 50
    for block in (100, 333, 1000):
        monkeypatch.setattr(names, "BLOCK", block)
        assert names_in(capture) == expected


def test_a_forged_crowd_fills_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "DEVICES_MAX", 3)
    frames = [dhcp(HOST).replace(f.A, bytes((2, 0, 0, 0, 0, i))) for i in range(9)]
    assert len(names_in(written(tmp_path / "x.pcap", *frames))) == 3
