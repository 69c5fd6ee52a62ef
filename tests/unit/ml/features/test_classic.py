"""The expected vectors are worked out by hand from the description in the module's docstring."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.features import classic
from plugin.ml.schema import SCHEMAS
from tests.build import SECOND, capture_of, packet

NAMES = SCHEMAS["networkml-4104-window"].names
DEVICE, ROUTER, OTHER = 0, 1, 2


def named(row: np.ndarray) -> dict[str, float]:
    return {NAMES[k]: round(float(row[k]), 6) for k in np.flatnonzero(row)}


def golden() -> tuple[np.ndarray, np.ndarray]:
    """Two windows of one device, 192.168.1.2, behind a router."""
    me, dns, web, peer = "192.168.1.2", "192.168.1.1:53", "93.184.216.34:443", "192.168.1.9"
    return capture_of(
        # Window 1: two sessions of its own, one of a peer's, one that is not its business.
        packet(f"{me}:40000", dns, time=0, proto=17),
        packet(dns, f"{me}:40000", time=1, proto=17, src_mac=ROUTER, dst_mac=DEVICE),
        packet(f"{me}:50000", web, time=2),
        packet(web, f"{me}:50000", time=3, src_mac=ROUTER, dst_mac=DEVICE),
        packet(f"{peer}:1000", f"{me}:22", time=4, src_mac=OTHER, dst_mac=DEVICE),
        packet(f"{peer}:0", "192.168.1.1:0", time=5, proto=1, src_mac=OTHER, dst_mac=ROUTER),
        packet(web, f"{me}:50000", time=899.5, src_mac=ROUTER, dst_mac=DEVICE),
        # Window 2 begins 900 s after the first packet; the web session goes on, the server first.
        packet(web, f"{me}:50000", time=900, src_mac=ROUTER, dst_mac=DEVICE),
        packet(f"{me}:50000", web, time=901),
        packet(f"{me}:0", "192.168.1.9:0", time=902, proto=1, dst_mac=OTHER),
    )


def test_golden_vectors() -> None:
    found = classic.windows(*golden(), device=DEVICE)
    assert found.start.tolist() == [0, 900 * SECOND]
    # Window 1: nI = 2 (DNS, web), nR = 1 (SSH). Ports / 3; shares / 2 and / 1.
    assert named(found.matrix.to_dense()[0]) == {
        "initiated_destination_port_53": 0.333333,
        "initiated_destination_port_443": 0.333333,
        "answered_source_port_1000": 0.333333,
        "answered_destination_port_22": 0.333333,
        "initiated_external": 0.5,
        "initiated_tcp": 0.5,
        "initiated_udp": 0.5,
        "answered_tcp": 1,
    }
    # Window 2: nI = 1 (ICMP, port 0), nR = 1 (the server spoke first in this window).
    assert named(found.matrix.to_dense()[1]) == {
        "initiated_source_port_0": 0.5,
        "initiated_destination_port_0": 0.5,
        "answered_source_port_443": 0.5,
        "initiated_icmp": 1,
        "answered_external": 1,
        "answered_tcp": 1,
    }


def test_the_busiest_private_pair_is_the_device() -> None:
    # In window 1 (192.168.1.2, MAC 0) takes part in 3 sessions, every other pair in at most 2.
    assert classic.windows(*golden()).device == DEVICE


def test_without_private_addresses_there_is_no_device() -> None:
    found = classic.windows(*capture_of(packet("8.8.8.8:1", "9.9.9.9:2", time=0)))
    assert found.device == -1
    assert found.matrix.to_dense().any() == np.False_
    assert found.matrix.n_rows == 1


def test_the_threshold_drops_sessions_that_began_early() -> None:
    packets, sessions = golden()
    found = classic.windows(packets, sessions, device=DEVICE, threshold=3.5)
    # Left are the SSH session (4 s) and the ICMP sessions; DNS and web began before.
    first, second = found.matrix.to_dense()
    # nI = 0 counts as 1, nR = 1.
    assert named(first) == {
        "answered_source_port_1000": 0.5,
        "answered_destination_port_22": 0.5,
        "answered_tcp": 1,
    }
    assert named(second) == {
        "initiated_source_port_0": 0.5,
        "initiated_destination_port_0": 0.5,
        "initiated_icmp": 1,
    }


def test_the_threshold_must_be_exceeded() -> None:
    packets, sessions = capture_of(
        packet("10.0.0.1:1", "10.0.0.2:2", time=0), packet("10.0.0.1:3", "10.0.0.2:4", time=120)
    )
    found = classic.windows(packets, sessions, device=DEVICE, threshold=120)
    assert not found.matrix.to_dense().any()
    found = classic.windows(packets, sessions, device=DEVICE, threshold=119.9)
    assert "initiated_source_port_3" in named(found.matrix.to_dense()[0])


def test_tcp_and_udp_on_the_same_ends_are_one_session() -> None:
    packets, sessions = capture_of(
        packet("10.0.0.1:500", "10.0.0.2:53", time=0, proto=17),
        packet("10.0.0.2:53", "10.0.0.1:500", time=1, src_mac=1, dst_mac=0),
    )
    assert len(sessions) == 2
    found = classic.windows(packets, sessions, device=DEVICE)
    assert named(found.matrix.to_dense()[0]) == {
        "initiated_source_port_500": 0.5,
        "initiated_destination_port_53": 0.5,
        "initiated_udp": 1,
    }


@pytest.mark.parametrize("fields", [{"vlan": 5}, {}], ids=["tagged", "IPv6"])
def test_tagged_and_ipv6_frames_have_no_protocol(fields: dict[str, int]) -> None:
    ends = ("10.0.0.1:1", "10.0.0.2:2") if fields else ("fe80::1:1", "fe80::2:2")
    found = classic.windows(*capture_of(packet(ends[0], ends[1], time=0, **fields)), device=DEVICE)
    assert named(found.matrix.to_dense()[0]) == {
        "initiated_source_port_1": 0.5,
        "initiated_destination_port_2": 0.5,
    }


def test_port_1023_has_the_last_bin_and_1024_none() -> None:
    found = classic.windows(
        *capture_of(packet("10.0.0.1:1023", "10.0.0.2:1024", time=0)), device=DEVICE
    )
    assert named(found.matrix.to_dense()[0]) == {
        "initiated_source_port_1023": 0.5,
        "initiated_tcp": 1,
    }


def test_windows_begin_with_packets_not_on_a_grid() -> None:
    times = np.array([0, 800, 950, 1700, 1900, 9000], np.int64)
    assert classic.window_starts(times, 900).tolist() == [0, 2, 4, 5]


def test_a_packet_from_the_past_opens_no_window() -> None:
    times = np.array([0, 1000, 10, 1800, 1900], np.int64)
    assert classic.window_starts(times, 900).tolist() == [0, 1, 4]


def test_no_ip_packets_no_windows() -> None:
    packets, sessions = capture_of(packet("10.0.0.1:1", "10.0.0.2:2", time=0))
    packets["session"] = -1
    assert classic.windows(packets, sessions).matrix.n_rows == 0


def test_of_equally_busy_pairs_the_first_seen_is_the_device() -> None:
    packets, _ = capture_of(packet("10.0.0.2:1", "10.0.0.1:2", time=0, src_mac=7, dst_mac=3))
    assert classic.busiest_private(packets) == 7
