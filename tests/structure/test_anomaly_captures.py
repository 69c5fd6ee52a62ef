"""The cases of the anomaly experiments: which captures, which families, which rows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from scripts.tables.anomaly_captures import family_of, list_cases, load_table, save_table, table_of
from tests import frames as f

COLUMNS = (
    "path", "kind", "label", "type_group", "role12", "attack", "attack_type", "network",
    "source_repo",
)  # fmt: skip
WORKSTATION = "workstation (which of the NetworkML kinds is not told)"
ROWS = (
    ("devices/b.pcap", "pcap", "WeMoSwitch", "iot_plug", "unknown", "no", "", "lab", "github:a/b"),
    ("devices/w.pcap", "pcap", "windows_workstation", "", WORKSTATION, "no", "", "w", "github:a/c"),
    (
        "devices/m.pcap",
        "pcap",
        "windows_workstation",
        "",
        WORKSTATION,
        "mixed",
        "",
        "w",
        "github:a/c",
    ),
    (
        "devices/u.pcap",
        "pcap",
        "windows_workstation",
        "",
        WORKSTATION,
        "unknown",
        "",
        "w",
        "github:a/c",
    ),
    ("attacks/scan/s.pcap", "pcap", "attack", "", "", "yes", "TCP scan", "", "github:d/e"),
    (
        "netml/demo.pcap",
        "pcap",
        "windows_workstation",
        "",
        WORKSTATION,
        "mixed",
        "",
        "",
        "github:n/n",
    ),
    ("zeek/a.log", "zeek", "conn_log", "", "", "no", "", "", "github:z/z"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *ROWS])
    for path in ("devices/b.pcap", "devices/w.pcap", "attacks/scan/s.pcap"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(f.pcap(f.udp_frame(1), f.udp_frame(2)))
    return tmp_path


def test_harmless_captures_are_those_that_say_so_and_attacks_those_of_their_folder(
    data: Path,
) -> None:
    plug, workstation, scan = list_cases(data)
    assert (plug.family, plug.kind, plug.place, plug.attack) == ("iot_plug", "gadget", "lab", False)
    assert (workstation.family, workstation.kind) == ("workstation", "office")
    assert (scan.kind, scan.source, scan.attack_type) == ("scan", "d/e", "TCP scan")
    assert (scan.attack, scan.family) == (True, "")


def test_a_role_is_one_family_however_a_list_spells_it() -> None:
    assert family_of("Printer") == family_of("printer") == "printer"
    assert family_of("TP-LinkPlugHS110") == "iot_plug"
    with pytest.raises(KeyError):
        family_of("toaster")


def test_a_row_is_a_device_of_a_capture(data: Path) -> None:
    table = table_of(data, lambda _, devices: np.array(devices.packets[:, None], float))
    assert table.owner.tolist() == [0, 1, 2]
    assert table.values.tolist() == [[2.0]] * 3
    assert table.attack.tolist() == [False, False, True]
    assert all(table.device)


def test_rows_that_are_not_the_devices_are_refused(data: Path) -> None:
    with pytest.raises(ValueError, match="0 rows for 1 devices"):
        table_of(data, lambda *_: np.zeros((0, 2)))


def test_a_kept_table_is_the_same_again(data: Path, tmp_path: Path) -> None:
    table = table_of(data, lambda _, devices: np.array(devices.packets[:, None], float))
    save_table(table, tmp_path / "kept.npz")
    again = load_table(data, tmp_path / "kept.npz")
    assert (again.cases, again.device) == (table.cases, table.device)
    assert np.array_equal(again.values, table.values)
    assert np.array_equal(again.owner, table.owner)
