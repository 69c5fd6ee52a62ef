from __future__ import annotations

import numpy as np

from plugin.core.layout import MARK_FRAGMENT, MARK_MULTICAST
from tests.build import ACK, PSH, SYN
from tests.unit.ml.features.of_packets import THERE, among, back, out, row


def test_ttls_of_packets_to_one_and_to_many() -> None:
    many = out("224.0.0.251:5353", proto=17, ttl=255, marks=MARK_MULTICAST)
    found = row(out(ttl=64), out(ttl=63), out(ttl=128), many, back(ttl=200))
    assert among(found, "sent_ttl_from", "sent_ttl_below", "sent_many", "received_ttl_from") == {
        "sent_ttl_from_33": round(2 / 3, 5),
        "sent_ttl_from_65": round(1 / 3, 5),
        "sent_many_ttl_from_255": 1,
        "received_ttl_from_129": 1,
    }
    assert found["sent_ttl_different"] == round(np.log10(4), 5)


def test_ip_headers() -> None:
    found = row(
        out(ip_id=65_535, frag=0x4000, tos=0xB9),
        out(ip_id=0),
        out(ip_id=0, marks=MARK_FRAGMENT),
        out(f"{THERE}:1", ip_version=6, ip_id=1),
    )
    assert among(found, "sent_ip", "sent_no_", "sent_ecn", "sent_frag", "sent_dscp") == {
        "sent_ipv6": 0.25,
        "sent_fragments": 0.25,
        "sent_ecn": 0.25,
        "sent_no_fragmenting": round(1 / 3, 5),
        "sent_ip_id_zero": round(2 / 3, 5),
        "sent_ip_id_steps": 0.5,
        "sent_ip_id_same": 0.5,
        "sent_dscp_below_1": 0.75,
        "sent_dscp_from_46": 0.25,
    }


def test_tcp_headers() -> None:
    found = row(
        out(tcp_flags=SYN, tcp_window=5840),
        out(tcp_flags=ACK, tcp_window=127),
        out(tcp_flags=ACK | PSH, tcp_window=127, payload_len=5),
        back(tcp_flags=SYN | ACK, tcp_window=0),
        out(f"{THERE}:53", proto=17, tcp_flags=0),
    )
    assert among(found, "sent_tcp_syn", "sent_tcp_ack", "sent_tcp_psh", "sent_tcp_p") == {
        "sent_tcp_syn": round(1 / 3, 5),
        "sent_tcp_ack": round(2 / 3, 5),
        "sent_tcp_psh": round(1 / 3, 5),
        "sent_tcp_syn_alone": round(1 / 3, 5),
        "sent_tcp_pure_ack": round(1 / 3, 5),
        "sent_tcp_payload": round(1 / 3, 5),
    }
    assert among(found, "sent_tcp_window_from", "sent_tcp_window_below") == {
        "sent_tcp_window_from_1": round(2 / 3, 5),
        "sent_tcp_window_from_4096": round(1 / 3, 5),
    }
    assert found["sent_tcp_windows"] == round(np.log10(3), 5)
    assert found["received_tcp_window_below_1"] == 1
    assert "received_tcp_syn_alone" not in found


def test_syn_packets() -> None:
    found = row(
        out(
            tcp_flags=SYN,
            tcp_window=29_200,
            tcp_options=1 | 2,
            tcp_mss=1460,
            tcp_wscale=7,
            l4_header_len=40,
        ),
        out(tcp_flags=SYN | ACK, tcp_window=65_535, tcp_wscale=255, l4_header_len=20),
        out(tcp_flags=ACK, tcp_window=1, tcp_options=4, l4_header_len=60, tcp_wscale=1),
    )
    assert among(found, "sent_syn_") == {
        "sent_syn_mss": 0.5,
        "sent_syn_window_scale": 0.5,
        "sent_syn_header_from_40": 0.5,
        "sent_syn_header_below_24": 0.5,
        "sent_syn_window_from_29200": 0.5,
        "sent_syn_window_from_65535": 0.5,
        "sent_syn_window_mean": round(np.log10(1 + (29_200 + 65_535) / 2), 5),
        "sent_syn_windows": round(np.log10(3), 5),
        "sent_syn_mss_below_1": 0.5,
        "sent_syn_mss_from_1460": 0.5,
        "sent_syn_scale_from_7": 1,
    }


def test_own_ports_of_flows() -> None:
    flows = ((1, 40_000), (1, 40_000), (2, 40_000), (3, 40_016), (3, 1023))
    found = row(*(out(f"{THERE}:{to}", port) for to, port in flows))
    assert among(found, "sent_own_port") == {
        "sent_own_port_from_32768": 0.75,
        "sent_own_port_from_1": 0.25,
        "sent_own_port_same": round(1 / 3, 5),
        "sent_own_port_steps": round(1 / 3, 5),
    }
