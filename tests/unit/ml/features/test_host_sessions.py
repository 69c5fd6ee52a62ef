from __future__ import annotations

from typing import Any

import numpy as np

from plugin.ml import services
from plugin.ml.features import host, service_ports
from plugin.ml.features.host_owners import Owners
from plugin.ml.features.host_sessions import UNSEEN
from tests.build import ACK, RST, SYN, session, sessions
from tests.unit.ml.features.of_packets import FAR, THERE, among, back, out, row


def of_sessions(*records: np.ndarray) -> dict[str, float]:
    table = sessions(*records)
    none = np.zeros(0, np.int64)
    both = [np.where(table[f"{end}_mac"] == 0, 0, -1) for end in ("orig", "resp")]
    owners = Owners(none, none, *both)
    found = host.of_owners(out()[:0], table, owners, 1).to_dense()[0]
    names = [column.name for column in host.columns()]
    return {names[k]: round(float(found[k]), 5) for k in np.flatnonzero(found)}


def test_services_are_those_of_service_ports() -> None:
    web, ssh = session(), session("192.168.1.9:50000", "192.168.1.2:22", orig_mac=1, resp_mac=0)
    found = of_sessions(web, ssh)
    assert {k: v for k, v in found.items() if not k.startswith("session_")} == {
        "uses_tcp_80": 1,
        "serves_tcp_22": 1,
        "share_serves": 0.5,
        "share_uses": 0.5,
    }


def test_what_a_session_is_like() -> None:
    up: dict[str, Any] = {"orig_payload_bytes": 300, "resp_payload_bytes": 100, "resp_packets": 1}
    found = of_sessions(
        session(start=0, end=2 * 10**9, **up),
        session("192.168.1.9:1", "192.168.1.2:2", orig_mac=1, resp_mac=0, resp_packets=0),
    )
    assert among(found, "session_seconds") == {
        "session_seconds_from_1": 0.5,
        "session_seconds_below_0.001": 0.5,
        "session_seconds_mean": round(np.log10(2), 5),
    }
    assert among(found, "session_packets_sent") == {
        "session_packets_sent_from_3": 0.5,
        "session_packets_sent_below_1": 0.5,
        "session_packets_sent_mean": round(np.log10(2.5), 5),
    }
    assert among(found, "session_payload_bytes_received_from") == {
        "session_payload_bytes_received_from_100": 0.5
    }
    assert found["session_payload_bytes_sent_from_300"] == 0.5
    assert (found["session_originated"], found["session_two_way"]) == (0.5, 0.5)
    assert (found["session_upload"], found["session_count"]) == (0.75, round(np.log10(3), 5))


def test_turns_are_sent_packets_that_follow_received_ones() -> None:
    found = row(out(time=0), back(time=1), back(time=2), out(time=2.02), out(time=3), back(time=9))
    assert among(found, "turn") == {
        "turn_from_0.01": 1,
        "turns_of_sent": round(1 / 3, 5),
        "turns_of_received": round(1 / 3, 5),
    }


def test_balance() -> None:
    found = row(out(ip_len=90, payload_len=50), back(ip_len=10), back(ip_len=200, payload_len=50))
    assert among(found, "sent_share_of") == {
        "sent_share_of_packets": round(1 / 3, 5),
        "sent_share_of_bytes": 0.3,
        "sent_share_of_payload": 0.5,
    }


def by_flows(*packets: np.ndarray) -> dict[str, float]:
    return among(
        row(*packets, sent_only=True),
        "sent_uses_",
        "sent_serves_",
        *(f"sent_share_{s}" for s in services.SHARES),
    )


def test_flows_tell_services_without_what_came_back() -> None:
    assert by_flows(out(f"{FAR}:443", tcp_flags=SYN), out(f"{FAR}:443", tcp_flags=ACK)) == {
        "sent_uses_tcp_443": 1,
        "sent_share_uses": 1,
        "sent_share_uses_external": 1,
    }
    serves = {"sent_serves_tcp_8080": 1, "sent_share_serves": 1}
    answer = out(f"{THERE}:80", 8080, tcp_flags=SYN | ACK)
    assert by_flows(answer, out(f"{THERE}:80", 8080, tcp_flags=ACK)) == serves
    # Without a SYN it is told by the ports, as in service-ports.
    assert by_flows(out(f"{THERE}:60000", 8080, tcp_flags=ACK)) == serves
    assert by_flows(out(f"{THERE}:60000", 22, tcp_flags=RST | ACK)) == {
        "sent_share_called_refused": 1
    }
    assert by_flows(out(f"{THERE}:53", proto=17), out("224.0.0.251:5353", 5353, proto=17)) == {
        "sent_uses_udp_53": 0.5,
        "sent_uses_udp_5353": 0.5,
        "sent_share_uses": 1,
        "sent_share_uses_multicast": 0.5,
    }


def test_shares_that_sent_packets_cannot_tell_have_no_column() -> None:
    names = {column.name for column in host.columns(sent_only=True)}
    assert not {f"sent_share_{name}" for name in UNSEEN} & names
    services_there = [n for n in names if n.startswith(("sent_uses_", "sent_serves_"))]
    assert len(services_there) == 2 * service_ports.N_TOKENS
