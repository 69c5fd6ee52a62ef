from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.core.layout import MAC, SESSION
from plugin.errors import DatasetError
from plugin.ml import dataset
from tests import labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = [
    {
        "path": "a.pcap",
        "kind": "pcap",
        "label": "Printer",
        "network": "n1",
        "mac": "AA:BB:00:00:00:01",
    },
    {"path": "b.pcap", "kind": "pcap", "label": "Workstation", "network": "", "mac": ""},
    {"path": "c.csv", "kind": "csv", "label": "rows", "network": "n1", "mac": ""},
    {"path": "d.pcap", "kind": "pcap", "label": "", "network": "n1", "mac": ""},
]


def test_rows_of_a_list() -> None:
    first, second = dataset.samples_from_rows(ROWS, group_column="network")
    assert (first.path, first.label, first.group, first.mac) == (
        "a.pcap", "Printer", "n1", "aa:bb:00:00:00:01",
    )  # fmt: skip
    # An empty group is a group of its own, not one with all others that are empty.
    assert second.group == "b.pcap"


def test_without_a_group_column_each_file_stands_alone() -> None:
    assert [s.group for s in dataset.samples_from_rows(ROWS)] == ["a.pcap", "b.pcap"]
    grouped = [{**row, "device": "x"} for row in ROWS]
    assert [s.group for s in dataset.samples_from_rows(grouped)] == ["x", "x"]


def test_where_takes_only_what_fits() -> None:
    found = dataset.samples_from_rows(ROWS, where=[("path", "b*"), ("kind", "pcap")])
    assert [s.path for s in found] == ["b.pcap"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label_column": "role"}, "no column 'role'"),
        ({"group_column": "site"}, "no column 'site'"),
        ({"where": [("x", "y")]}, "no column 'x'"),
        ({"where": [("path", "z*")]}, "no labelled capture"),
    ],
)
def test_a_wrong_list_is_told(options: dict[str, object], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        dataset.samples_from_rows(ROWS, **options)  # type: ignore[arg-type]  # a table of cases


def test_roles_in_names() -> None:
    found = dataset.samples_from_names(
        ["ActiveDirectoryController-labs-Fri0036-n00.pcap", "Printer/x.pcap"]
    )
    assert [(s.label, s.group) for s in found] == [
        ("ActiveDirectoryController", "ActiveDirectoryController-labs"),
        ("Printer", "Printer/x.pcap"),
    ]
    assert [s.columns.get("device") for s in found] == ["ActiveDirectoryController-labs", ""]
    deep = dataset.samples_from_names(["Printer/hall/1.pcap", "Printer/hall/x/2.pcap"])
    assert {(s.label, s.group, s.columns["device"]) for s in deep} == {
        ("Printer", "Printer-hall", "Printer-hall")
    }
    flat = dataset.samples_from_names(["Printer/1.pcap"])
    assert flat[0].columns == {"path": "Printer/1.pcap", "label": "Printer", "group": flat[0].path}
    with pytest.raises(DatasetError, match="carries no role"):
        dataset.samples_from_names(["capture.pcap"])
    with pytest.raises(DatasetError, match="no capture"):
        dataset.samples_from_names([])


def _macs(*addresses: str, frames: tuple[int, ...] = ()) -> NDArray[np.void]:
    macs = np.zeros(len(addresses), MAC.dtype())
    for i, address in enumerate(addresses):
        macs["mac"][i] = np.frombuffer(bytes.fromhex(address), np.uint8)
        macs["tx_packets"][i] = frames[i] if frames else 1
    return macs


def _sessions(*ends: tuple[int, int, int, int]) -> NDArray[np.void]:
    """Each (originator's MAC, last byte of its IP, responder's MAC, last byte of its IP)."""
    sessions = np.zeros(len(ends), SESSION.dtype())
    for i, (orig, orig_ip, resp, resp_ip) in enumerate(ends):
        sessions["orig_mac"][i], sessions["resp_mac"][i] = orig, resp
        sessions["orig_ip"][i, 15], sessions["resp_ip"][i, 15] = orig_ip, resp_ip
    return sessions


def test_the_labelled_device_is_taken() -> None:
    macs = _macs("020000000001", "020000000002")
    sessions = _sessions((0, 1, 1, 2), (0, 1, 1, 3), (1, 4, 0, 1))
    assert dataset.choose_device(macs, sessions, mac="02:00:00:00:00:02") == 1
    assert dataset.choose_device(macs, sessions, mac="02:00:00:00:00:09") == -1
    assert dataset.choose_device(macs, sessions, ip=bytes(15) + b"\x01") == 0
    assert dataset.choose_device(macs, sessions, ip=bytes(15) + b"\x03") == 1
    assert dataset.choose_device(macs, sessions, ip=bytes(15) + b"\x09") == -1


def test_the_main_device_is_in_most_sessions_and_no_gateway() -> None:
    # 0 is the gateway: in all sessions like the device, but it stands for many addresses,
    # and it has more frames. ff:ff is no device though it is in all sessions of a third.
    macs = _macs("020000000001", "020000000002", "ffffffffffff", frames=(90, 50, 99))
    sessions = _sessions((1, 7, 0, 10), (1, 7, 0, 11), (0, 12, 1, 7))
    assert dataset.choose_device(macs, sessions) == 1
    assert dataset.choose_device(macs, _sessions((1, 7, 2, 255), (1, 7, 2, 255))) == 1
    # With equal addresses the one with more frames.
    assert dataset.choose_device(macs, _sessions((0, 1, 1, 2))) == 0
    assert dataset.choose_device(macs, _sessions()) == -1


def test_small_classes_are_left_for_the_open_set() -> None:
    large, small = dataset.split_open(["a"] * 3 + ["b"] * 2)
    assert large.tolist() == [0, 1, 2]
    assert small.tolist() == [3, 4]


def test_taking_samples_takes_their_rows() -> None:
    whole = labelled.material(["a", "b", "c"], features="networkml-4104", rows_each=3)
    part = whole.take(np.array([2, 0]))
    assert part.labels == ("c", "a")
    assert part.owner.tolist() == [0, 0, 0, 1, 1, 1]
    expected = whole.rows.to_dense()[[6, 7, 8, 0, 1, 2]]
    assert np.array_equal(part.rows.to_dense(), expected)
    assert part.digests == (whole.digests[2], whole.digests[0])


def test_first_sessions() -> None:
    whole = labelled.material(["a", "b"], features="networkml-4104", rows_each=3)
    rows, owner = whole.first_sessions(2)
    assert owner.tolist() == [0, 0, 1, 1]
    assert np.array_equal(rows.to_dense(), whole.rows.to_dense()[[0, 1, 3, 4]])
    device = labelled.material(["a", "b"])
    assert device.first_sessions(1)[0].n_rows == 2
    assert device.take(np.array([1])).first_sessions(1)[0].n_rows == 1


def test_training_digest_does_not_depend_on_order() -> None:
    digest = dataset.training_digest(["b" * 64, "a" * 64])
    assert digest == dataset.training_digest(["a" * 64, "b" * 64])
    assert digest == hashlib.sha256(f"{'a' * 64}\n{'b' * 64}".encode()).hexdigest()


def test_background_is_outside_the_classes() -> None:
    found = labelled.material(["a", "b", "x"])
    some = dataset.Cases(found, np.array([0, 1, 2]), 2)
    assert some.inside.tolist() == [True, True, False]
    assert some.take(np.array([2])).inside.tolist() == [False]
