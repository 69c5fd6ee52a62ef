from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import numpy as np
import pytest

from plugin.core.layout import MARK_BROADCAST, MARK_MULTICAST
from plugin.ml.features.host_peers import ICMPV6_TYPES
from tests.build import address, packet
from tests.unit.ml.features.of_packets import FAR, HERE, THERE, among, back, out, row

ARP: dict[str, Any] = {"proto": 0, "ip_version": 0, "ethertype": 0x0806, "ip_len": 0}
NOBODY = str(IPv4Address(0))
GROUP = "224.0.0.251:5353"


def logs(**counts: int) -> dict[str, float]:
    return {f"sent_{name}": round(np.log10(1 + n), 5) for name, n in counts.items()}


def test_peers_by_place() -> None:
    found = row(
        out(f"{THERE}:80", ip_len=100),
        out(f"{THERE}:53", proto=17, ip_len=100),
        out("192.168.1.9:80", ip_len=100),
        out(f"{FAR}:443", ip_len=700),
        out(GROUP, proto=17, ip_len=0, marks=MARK_MULTICAST),
        back(f"{FAR}:443", ip_len=40),
    )
    assert among(found, "sent_peer", "sent_external", "sent_grouped") == {
        **logs(peers_inside=2, peers_outside=1, peer_ports=3, peer_services=4),
        "sent_peer_busiest": 0.5,
        "sent_peer_entropy": 1.5,
        "sent_external": 0.2,
        "sent_grouped": 0.2,
        "sent_external_bytes": 0.7,
    }
    assert found["received_external"] == 1
    assert "received_peers_inside" not in found


def test_link_and_own_addresses() -> None:
    def six(own: str) -> np.ndarray:
        return packet(f"{own}:1", "2001:db8::9:2", ip_version=6, ip_len=60)

    found = row(
        out(marks=MARK_BROADCAST),
        out(GROUP, proto=17, marks=MARK_MULTICAST),
        six("fe80::1"),
        six("2001:db8::1"),
        six("2001:db8::2"),
    )
    assert among(found, "sent_own_ip", "sent_broadcast", "sent_multicast") == {
        "sent_broadcast": 0.2,
        "sent_multicast": 0.2,
        **logs(own_ipv4=1, own_ipv6=2, own_ipv6_link_local=1, multicast_groups=1),
    }


def arp(operation: int, own: str, target: str, marks: int = 0) -> np.ndarray:
    return out(**ARP, arp_op=operation, src_ip=address(own), dst_ip=address(target), marks=marks)


def test_arp() -> None:
    found = row(
        arp(1, HERE, THERE, MARK_BROADCAST),
        arp(2, HERE, THERE),
        arp(1, NOBODY, HERE, MARK_BROADCAST),
        arp(1, HERE, HERE, MARK_BROADCAST),
        out(),
    )
    assert among(found, "sent_arp_") == {
        **dict.fromkeys(
            (f"sent_arp_{k}" for k in ("requests", "replies", "probes", "announcements")), 0.25
        ),
        "sent_arp_to_all": 0.75,
        **logs(arp_targets=2),
    }


@pytest.mark.parametrize(("name", "number"), ICMPV6_TYPES.items())
def test_icmpv6(name: str, number: int) -> None:
    found = row(out("192.168.1.9:0", 0, proto=58, icmp_type=number), out(proto=6, icmp_type=number))
    assert among(found, "sent_icmpv6_") == {f"sent_icmpv6_{name}": 1}


def test_rates() -> None:
    found = row(*(out(time=t, ip_len=100) for t in (3.9, 4.0, 4.8, 12.9)), back(time=99))
    assert among(
        found, *(f"sent_{k}" for k in ("packets", "bytes", "seconds", "busy", "busiest"))
    ) == {
        **logs(packets=4, bytes=400, seconds=9, busiest_second=3),
        "sent_busy_seconds": 0.2,
    }
    assert found["sent_packet_rate"] == round(np.log10(1 + 4 / 9), 5)
    assert found["sent_byte_rate"] == round(np.log10(1 + 400 / 9), 5)
    assert found["received_packets"] == round(np.log10(2), 5)
    assert "received_seconds" not in found
