"""Lists of labels in files: read, extended, never half written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from plugin.errors import DatasetError, OutputError
from plugin.offline.labelling import List, device_in, main_device
from plugin.offline.read import read_capture
from plugin.offline.training import gather, read_listing
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.records import Capture

MAC = attacks.BAD_TEXT


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "captures" / "x.pcap"
    path.parent.mkdir()
    path.write_bytes(f.pcap(*attacks.visits()[:-1]))
    return path


def read(path: Path) -> Capture:
    return read_capture(path)


def test_a_list_can_be_trained_on(capture: Path, tmp_path: Path) -> None:
    labels = List(tmp_path / "lists.csv", "home")
    assert labels.put(capture, "Workstation", MAC).before is None
    listing = read_listing(labels.file)
    (sample,) = listing.samples
    assert (sample.path, sample.label, sample.mac) == ("captures/x.pcap", "Workstation", MAC)
    assert sample.columns["network"] == "home"
    assert len(sample.columns["sha256"]) == 64
    assert len(gather(listing, "service-ports").material) == 1


def test_a_list_is_extended(capture: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    List(file).put(capture, "Workstation", MAC)
    again = List(file)
    assert again.put(capture, "Printer", MAC).before == "Workstation"
    assert again.put(capture, "Server", f.B.hex(":")).before is None
    assert [sample.label for sample in read_listing(file).samples] == ["Printer", "Server"]


def test_captures_elsewhere_are_found_from_the_list(capture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    labels = List(folder / "list.csv")
    labels.put(capture, "Workstation", MAC)
    assert read_listing(labels.file).samples[0].path == "../../captures/x.pcap"
    assert len(gather(read_listing(labels.file), "service-ports").material) == 1


def test_the_device_is_the_one_that_training_takes(capture: Path) -> None:
    assert main_device(read(capture)) == MAC


def test_a_capture_of_nobody_has_no_device(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap())
    assert main_device(read(path)) is None


@pytest.mark.parametrize("wanted", [MAC, MAC.upper().replace(":", "-"), "10.0.0.66"])
def test_a_device_is_found_by_its_address(capture: Path, wanted: str) -> None:
    assert device_in(read(capture), wanted) == MAC
    assert device_in(read(capture), "192.0.2.1") is None


def test_what_is_no_list_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetError, match="cannot be read"):
        List(file)
    with pytest.raises(DatasetError, match="cannot be read"):
        List(tmp_path)


def test_a_full_disk_leaves_the_list_as_it_was(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = List(tmp_path / "list.csv")
    labels.put(capture, "Workstation", MAC)
    before = labels.file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        labels.put(capture, "Printer", MAC)
    assert labels.file.read_bytes() == before
    assert labels.table.rows[0]["label"] == "Workstation"
