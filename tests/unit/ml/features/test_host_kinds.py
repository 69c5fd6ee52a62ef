from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.core.layout import MARK_BROADCAST
from plugin.ml.features.host_kinds import PORT_KINDS, meaning
from tests.unit.ml.features.of_packets import FAR, THERE, among, back, out, row

ARP: dict[str, Any] = {"proto": 0, "ip_version": 0, "ethertype": 0x0806, "ip_len": 0}


def kinds(found: dict[str, float], side: str = "sent") -> dict[str, float]:
    begin = f"{side}_kind_"
    return {name.removeprefix(begin): value for name, value in among(found, begin).items()}


def test_every_packet_is_of_one_kind() -> None:
    packets = [
        out(**ARP),
        out(proto=0, ip_version=0, ethertype=0x888E, ip_len=0),
        out(proto=0, ip_version=0, ethertype=0x88CC, ip_len=0),
        *(out(f"{THERE}:0", 0, proto=number) for number in (1, 58, 2, 47)),
        out(f"{THERE}:443"),
        out(f"{THERE}:443", proto=17),
        out(f"{THERE}:6666"),
        out(f"{THERE}:6666", proto=17),
    ]
    found = kinds(row(*packets))
    share = round(1 / 11, 5)
    both = {"other": round(2 / 11, 5)}
    assert found == both | dict.fromkeys(
        ("arp", "eapol", "icmp", "icmpv6", "igmp", "tls", "quic", "tcp", "udp"), share
    )


@pytest.mark.parametrize(("kind", "tcp", "udp"), [(k, *ports) for k, ports in PORT_KINDS.items()])
def test_ports_make_kinds_at_either_end(
    kind: str, tcp: tuple[int, ...], udp: tuple[int, ...]
) -> None:
    for proto, ports in ((6, tcp), (17, udp)):
        for port in ports:
            assert kinds(row(out(f"{THERE}:{port}", proto=proto))) == {kind: 1}
            assert kinds(row(back(f"{THERE}:{port}", proto=proto)), "received") == {kind: 1}
            assert kinds(row(out(f"{THERE}:50001", port, proto=proto))) == {kind: 1}
    assert meaning(kind).startswith(("TCP port", "UDP port"))


def test_the_far_ends_port_goes_first() -> None:
    assert kinds(row(out(f"{THERE}:53", 123, proto=17))) == {"dns": 1}


def test_sizes_of_a_kind_are_ip_lengths() -> None:
    found = row(*(out(f"{THERE}:53", proto=17, ip_len=n, wire_len=n + 14) for n in (99, 99, 9)))
    assert among(found, "sent_mean_size_") == {"sent_mean_size_dns": round(np.log10(70), 5)}
    assert among(found, "sent_least_size_") == {"sent_least_size_dns": 1}
    assert among(found, "sent_most_size_") == {"sent_most_size_dns": 2}
    assert among(found, "sent_sizes_") == {"sent_sizes_dns": round(np.log10(3), 5)}


def test_gaps_are_between_packets_of_a_kind() -> None:
    ntp, dns = f"{THERE}:123", f"{THERE}:53"
    found = row(
        out(ntp, proto=17, time=0), out(dns, proto=17, time=1), out(ntp, proto=17, time=99.999)
    )
    assert among(found, "sent_gap_ntp", "sent_gap_dns") == {"sent_gap_ntp": 5}


def test_order_is_that_of_first_packets_of_kinds() -> None:
    ntp, dns = f"{THERE}:123", f"{THERE}:53"
    found = row(out(dns, proto=17), out(dns, proto=17), out(ntp, proto=17), out(**ARP))
    assert among(found, "sent_order_") == {
        "sent_order_dns": 1,
        "sent_order_ntp": 0.5,
        "sent_order_arp": round(1 / 3, 5),
    }


def test_first_packets_of_the_row() -> None:
    found = row(
        out(marks=MARK_BROADCAST, **ARP),
        back(),
        out(f"{FAR}:53", proto=17, ip_len=75),
        *(out(ip_len=9000) for _ in range(20)),
    )
    assert among(found, "sent_packet_1_", "sent_packet_2_", "sent_packet_3_") == {
        "sent_packet_1_arp": 1,
        "sent_packet_1_to_many": 1,
        "sent_packet_2_size": 0.05,
        "sent_packet_2_udp": 1,
        "sent_packet_2_names": 1,
        "sent_packet_2_external": 1,
        "sent_packet_3_size": 1,
        "sent_packet_3_tcp": 1,
    }
    assert "sent_packet_12_tcp" in found
    assert "sent_packet_13_tcp" not in found
