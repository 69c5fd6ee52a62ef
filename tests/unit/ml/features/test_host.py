from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.core.layout import PACKET, SESSION
from plugin.ml import devices
from plugin.ml.features import device_rows, device_view, host
from plugin.ml.schema import SCHEMAS
from plugin.offline.read import read_capture
from tests.build import capture_of
from tests.unit.ml.features.of_packets import ME, THERE, out

CAPTURES = Path(__file__).parents[3] / "data" / "captures"
ARP: dict[str, Any] = {"proto": 0, "ip_version": 0, "ethertype": 0x0806, "ip_len": 0}
BRIDGE = list(bytes.fromhex("0017882476ff"))
HUE = CAPTURES / "HueBridge_Setup-C-12-STA.pcap"
BOTH = pytest.mark.parametrize("sent_only", [False, True])


@BOTH
def test_every_column_has_a_name_a_unit_and_a_definition(*, sent_only: bool) -> None:
    columns = host.columns(sent_only=sent_only)
    texts = host.definitions(sent_only=sent_only)
    assert len(texts) == len(columns)
    assert len(set(texts.values())) == len(columns)
    assert all(column.unit and column.definition for column in columns)
    name = host.SENT if sent_only else host.FULL
    assert SCHEMAS[name].names == tuple(texts)


@BOTH
def test_groups_part_the_columns(*, sent_only: bool) -> None:
    groups = host.groups(sent_only=sent_only)
    together = sorted(k for numbers in groups.values() for k in numbers)
    assert together == list(range(len(host.columns(sent_only=sent_only))))
    assert {"services", "sizes", "gaps", "ttl", "syn", "peers"} <= set(groups)


@BOTH
def test_each_block_computes_its_columns_between_bounds(*, sent_only: bool) -> None:
    read = read_capture(HUE, packets=True)
    found = devices.devices_of(read)
    assert read.packets is not None
    table = host.rows(
        read.packets, read.sessions, found.mac_ids, n_macs=len(read.macs), sent_only=sent_only
    ).to_dense()
    columns = host.columns(sent_only=sent_only)
    assert table.shape == (len(found), len(columns))
    assert np.isfinite(table).all()
    assert table.min() >= 0
    shares = np.array([column.unit == "share" for column in columns])
    assert table[:, shares].max() <= 1


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_whatever_stands_in_the_records_rows_are_finite(seed: int, *, sent_only: bool) -> None:
    random = np.random.default_rng(seed)
    packets = np.frombuffer(random.bytes(300 * PACKET.size), PACKET.dtype()).copy()
    packets["src_mac"], packets["dst_mac"] = random.integers(-1, 4, (2, 300))
    # Clocks run from 0 to the end of what a record can hold.
    packets["time"] &= np.iinfo(np.int64).max
    packets["ip_version"] = random.choice([0, 4, 6], 300)
    packets["proto"] = random.choice([1, 2, 6, 17, 58, 99], 300)
    sessions = np.frombuffer(random.bytes(40 * SESSION.size), SESSION.dtype()).copy()
    sessions["orig_mac"], sessions["resp_mac"] = random.integers(-1, 4, (2, 40))
    for name in ("start", "end"):
        sessions[name] &= np.iinfo(np.int64).max
    table = host.rows(packets, sessions, np.arange(4), n_macs=4, sent_only=sent_only).to_dense()
    assert np.isfinite(table).all()
    assert table.min() >= 0
    shares = np.array([c.unit == "share" for c in host.columns(sent_only=sent_only)])
    assert table[:, shares].max() <= 1
    assert table.any(axis=1).all()


def test_sent_rows_do_not_look_at_received_packets() -> None:
    read = read_capture(HUE, packets=True)
    assert read.packets is not None
    for mac_id in devices.devices_of(read).mac_ids.tolist():
        mine = read.packets[read.packets["src_mac"] == mac_id].copy()
        # Without what it received, sessions have other numbers, originators and ends.
        mine["session"], mine["direction"] = 0, 0
        alone = host.of_device(mine, read.sessions[:0], mac_id, host.SENT)
        whole = device_rows(host.SENT, read, mac_id)
        assert np.array_equal(alone.to_dense(), whole.to_dense())
        assert whole.nnz > 50


def test_rows_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_capture(HUE, packets=True)
    ids = devices.devices_of(read).mac_ids

    def dense() -> np.ndarray:
        assert read.packets is not None
        return host.rows(read.packets, read.sessions, ids, n_macs=len(read.macs)).to_dense()

    before = dense()
    monkeypatch.setattr(host, "_ROWS_MAX", 2)
    assert np.array_equal(dense(), before)
    assert before.any(axis=1).all()


def test_nothing_depends_on_addresses_absolute_time_or_captured_lengths() -> None:
    read = read_capture(HUE, packets=True)
    ids = devices.devices_of(read).mac_ids
    assert read.packets is not None

    def dense(packets: np.ndarray, sessions: np.ndarray) -> np.ndarray:
        return host.rows(packets, sessions, ids, n_macs=len(read.macs)).to_dense()

    packets, sessions = read.packets.copy(), read.sessions.copy()
    before = dense(packets, sessions)
    packets["header_len"] = packets["interface"] = packets["vlan"] = 1
    packets["wire_len"] += 4
    packets["time"] += 123_456_789_012_345
    sessions["start"] += 123_456_789_012_345
    sessions["end"] += 123_456_789_012_345
    for table, ends in ((packets, ("src_ip", "dst_ip")), (sessions, ("orig_ip", "resp_ip"))):
        for end in ends:
            inner = (table[end][:, 12] == 192) & (table[end][:, 13] == 168)
            table[end][inner, 14] = 77
    assert np.array_equal(dense(packets, sessions), before)


def test_no_device_and_no_packets_give_empty_rows() -> None:
    read = read_capture(HUE, packets=True)
    assert read.packets is not None
    none = host.rows(read.packets, read.sessions, np.zeros(0, np.int64), n_macs=len(read.macs))
    assert (none.n_rows, none.n_columns) == (0, len(host.columns()))
    nobody = host.rows(read.packets[:0], read.sessions[:0], np.array([0, -1]), n_macs=1)
    assert (nobody.n_rows, nobody.nnz) == (2, 0)


def test_rows_of_the_first_sessions() -> None:
    read = read_capture(HUE, packets=True)
    assert read.packets is not None
    (mac_id,) = np.flatnonzero((read.macs["mac"] == BRIDGE).all(axis=1)).tolist()
    sessions, _ = device_view(read, mac_id)
    many = len(sessions)
    found = host.first_sessions(read.packets, sessions, mac_id, (1, 5, many, many + 9)).to_dense()
    names = [column.name for column in host.columns()]
    count = 10 ** found[:, names.index("session_count")] - 1
    assert np.rint(count).tolist() == [1, 5, many, many]
    packets = 10 ** found[:, names.index("sent_packets")] - 1
    assert (np.diff(packets)[:2] > 0).all()
    # With all of them it is the row of the whole capture.
    whole = host.of_device(read.packets, read.sessions, mac_id).to_dense()[0]
    assert np.array_equal(found[2], whole)
    assert np.array_equal(found[3], whole)


def test_packets_without_a_session_belong_to_the_sessions_before_them() -> None:
    table, sessions = capture_of(
        out(time=0), out(time=1, **ARP), out(f"{THERE}:53", time=2), out(time=3, **ARP), out(time=4)
    )
    table["session"] = [0, -1, 1, -1, 0]
    found = host.first_sessions(table, sessions[[0, 2]], ME, (1, 2)).to_dense()
    names = [column.name for column in host.columns()]
    packets = np.rint(10 ** found[:, names.index("sent_packets")] - 1)
    assert packets.tolist() == [3, 5]
    assert np.allclose(found[:, names.index("sent_kind_arp")], [1 / 3, 2 / 5])
