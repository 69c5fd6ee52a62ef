from __future__ import annotations

import numpy as np

from tests.unit.ml.features.of_packets import THERE, among, back, out, row


def test_sizes_are_shares_of_ip_packets_by_direction() -> None:
    arp = out(proto=0, ip_version=0, ethertype=0x0806, ip_len=0)
    found = row(arp, out(ip_len=40), out(ip_len=47), out(ip_len=1500), back(ip_len=1400))
    assert among(found, "sent_size_from", "sent_size_below") == {
        "sent_size_from_40": round(2 / 3, 5),
        "sent_size_from_1500": round(1 / 3, 5),
    }
    assert among(found, "received_size_from") == {"received_size_from_1344": 1}
    assert found["sent_size_different"] == round(np.log10(4), 5)
    assert found["sent_size_least"] == round(np.log10(41), 5)
    assert found["sent_size_most"] == round(np.log10(1501), 5)
    assert found["sent_size_mean"] == round(np.log10(1 + 1587 / 3), 5)
    assert "received_size_spread" not in found


def test_gaps_do_not_run_from_direction_to_direction() -> None:
    found = row(out(time=0), back(time=1), out(time=2), out(time=2.5))
    assert among(found, "sent_gap_from") == {"sent_gap_from_1": 0.5, "sent_gap_from_0.3": 0.5}
    assert found["sent_gap_most"] == round(np.log10(2.0001) + 4, 5)
    assert not among(found, "received_gap")


def test_a_clock_that_steps_back_gives_no_gap() -> None:
    found = row(out(time=5), out(time=2))
    assert among(found, "sent_gap_below", "sent_gap_from") == {"sent_gap_below_0.0001": 1}
    assert "sent_gap_mean" not in found


def test_openings_are_the_first_payloads_of_flows() -> None:
    found = row(
        out(payload_len=0),
        out(payload_len=20),
        out(payload_len=900),
        out(port=50_001, payload_len=100),
        out(f"{THERE}:53", proto=17, payload_len=30),
    )
    assert among(found, "sent_tcp_opening_from", "sent_tcp_opening_below") == {
        "sent_tcp_opening_from_16": 0.5,
        "sent_tcp_opening_from_96": 0.5,
    }
    assert found["sent_tcp_opening_mean"] == round(np.log10(61), 5)
    assert found["sent_tcp_opening_most"] == round(np.log10(101), 5)
    assert found["sent_tcp_openings"] == round(np.log10(3), 5)
    assert among(found, "sent_tcp_flow_packets") == {
        "sent_tcp_flow_packets_below_2": 0.5,
        "sent_tcp_flow_packets_from_3": 0.5,
    }
    assert found["sent_udp_opening_from_16"] == 1
