from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from plugin.ml.devices import devices_of
from plugin.ml.features.host_owners import Owners, by_devices, by_mac, windows
from tests.build import capture_of, macs, packet

SECOND = 1_000_000_000


def test_rows_by_link_address() -> None:
    packets, sessions = capture_of(
        packet("10.0.0.1:1", "10.0.0.2:2", src_mac=3, dst_mac=-1),
        packet("10.0.0.2:2", "10.0.0.1:1", src_mac=0, dst_mac=3),
    )
    found = by_mac(packets, sessions, np.array([3, -1, 1]), 4)
    assert found.sender.tolist() == [0, -1]
    assert found.receiver.tolist() == [-1, 0]
    assert (found.orig.tolist(), found.resp.tolist()) == ([0], [-1])


def test_rows_by_ip_address_where_there_are_no_link_addresses() -> None:
    nobody = {"src_mac": -1, "dst_mac": -1}
    packets, sessions = capture_of(
        packet("10.0.0.1:1", "10.0.0.2:2", **nobody),
        packet("10.0.0.2:2", "10.0.0.1:1", direction=1, **nobody),
        packet("10.0.0.2:9", "203.0.113.7:2", **nobody),
    )
    packets["session"][2] = -1 if packets["session"][2] != 1 else 1
    sessions["orig_packets"], sessions["resp_packets"] = [1, 1], [1, 0]
    table = macs()
    devices = devices_of(SimpleNamespace(sessions=sessions, macs=table))
    assert len(devices) == 2
    found = by_devices(packets, sessions, devices, 0)
    assert found.sender.tolist() == [0, 1, 1]
    assert found.receiver.tolist() == [1, 0, -1]
    assert (found.orig.tolist(), found.resp.tolist()) == ([0, 1], [1, -1])
    packets["session"] = -1
    assert set(by_devices(packets, sessions, devices, 0).sender) == {-1}


def test_windows_cut_rows_by_time() -> None:
    owners = Owners(*(np.array(x) for x in ([0, 1, 0, -1], [1, -1, 1, 0], [0], [1])))
    times = np.array([0, 5, 11, 12]) * SECOND
    found, old, number = windows(owners, times, np.array([11 * SECOND]), 0, 10.0)
    assert old.tolist() == [0, 0, 1, 1]
    assert number.tolist() == [0, 1, 0, 1]
    assert found.sender.tolist() == [0, 2, 1, -1]
    assert found.receiver.tolist() == [2, -1, 3, 1]
    assert (found.orig.tolist(), found.resp.tolist()) == ([1], [3])


def test_windows_before_the_origin_and_without_end() -> None:
    owners = Owners(*(np.array(x, np.int64) for x in ([0, 0], [-1, -1], [], [])))
    times = np.array([-1, 1]) * SECOND
    none = np.zeros(0, np.int64)
    found, old, number = windows(owners, times, none, 0, 10.0)
    assert (found.sender.tolist(), old.tolist(), number.tolist()) == ([0, 1], [0, 0], [0, 1])
    whole, _, _ = windows(owners, times, none, -(2 * SECOND), float("inf"))
    assert whole.sender.tolist() == [0, 0]
