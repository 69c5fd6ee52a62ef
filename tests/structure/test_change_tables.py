"""The tables of change: windows of long captures, and attacks put among a device's traffic."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import pytest

from plugin.ml.dataset import choose_device
from plugin.ml.features import host
from plugin.offline.read import read_capture
from scripts.tables import change
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.records import Capture

NAMES = [column.name for column in host.columns()]


def usual(windows: int) -> list[f.Frame]:
    """A device that asks one server every half minute."""
    frames = []
    for k in range(30 * windows):
        frames.append(attacks.asked(30 * k, f.IP_B, 40_000 + k, 443))
        frames.append(attacks.told(30 * k + 0.1, f.IP_B, 40_000 + k, 443, f.SYN | f.ACK))
    return frames


def read(path: Path, frames: list[f.Frame]) -> tuple[Capture, int]:
    path.write_bytes(f.pcap(*frames))
    capture = read_capture(path, packets=True)
    return capture, choose_device(capture.macs, capture.sessions, mac=attacks.BAD_TEXT)


def test_a_device_is_cut_into_windows(tmp_path: Path) -> None:
    device = change.device_of("x", *read(tmp_path / "x.pcap", usual(3)))
    assert device.times.tolist() == [900.0, 1800.0, 2700.0]
    assert device.rows.shape == (3, len(NAMES))
    assert len(device.last.packets) == 60
    assert len(device.last.sessions) == 30
    assert set(device.last.owners.sender.tolist()) == {0, -1}


def test_what_two_devices_did_is_put_together(tmp_path: Path) -> None:
    one = change.device_of("x", *read(tmp_path / "x.pcap", usual(3)))
    capture, _ = read(tmp_path / "y.pcap", attacks.horizontal()[:-1])
    scan = change.main_traffic(capture)
    assert scan is not None
    row = dict(zip(NAMES, change.together(one.last, scan).tolist(), strict=True))
    alone = dict(zip(NAMES, one.rows[-1].tolist(), strict=True))
    assert 10 ** row["sent_packets"] - 1 == pytest.approx(30 + 40, abs=0.01)
    assert 10 ** alone["sent_packets"] - 1 == pytest.approx(30, abs=0.01)
    assert row["sent_peers_inside"] > alone["sent_peers_inside"]
    assert row["sent_seconds"] == pytest.approx(alone["sent_seconds"], abs=0.01)


def test_the_tables_are_written_into_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    rows = []
    for path, frames in (
        ("devices/iot-longrun/long.pcap", usual(20)),
        ("attacks/scan/one.pcap", attacks.horizontal()[:-1]),
        ("devices/other/x.pcap", usual(1)),
        ("devices/enterprise/same.pcap", usual(1)),
    ):
        file = data / path
        file.parent.mkdir(parents=True)
        file.write_bytes(f.pcap(*frames))
        rows.append({"path": path, "kind": "pcap", "mac": ""})
    with (data / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["path", "kind", "mac"])
        writer.writeheader()
        writer.writerows(rows)
    document = tmp_path / "change.md"
    document.write_text(f"before\n{change.BEGIN}\nold\n{change.END}\nafter\n")
    monkeypatch.setattr(sys, "argv", ["change", str(data), "--write", str(document)])
    change.main()
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| 12 windows | 0 of 8 | 0 of 8 (0.0%) |" in text
    assert "| 12 windows and a day | - | 0 of 0 (0.0%) |" in text
    assert "| scan | 1 | 1 | 1 (100%) |" in text
    assert "| all attacks | 1 | 1 | 1 (100%) |" in text
    assert "| long | 1 | 1 (100%) | 40 | - |" in text
    assert f"| {change.HARMLESS} | 1 | 1 |" in text
