from __future__ import annotations

import numpy as np

from plugin.ml.features import service_ports
from plugin.ml.schema import SCHEMAS
from tests.build import ACK, PSH, RST, SYN, session, sessions

NAMES = SCHEMAS["service-ports"].names
CLIENT, SERVER = True, False


def of(*views: tuple[bool, np.ndarray]) -> dict[str, float]:
    found = service_ports.rows(
        sessions(*(record for _, record in views)), np.array([side for side, _ in views], np.bool_)
    )
    row = found.to_dense()[0]
    return {NAMES[k]: round(float(row[k]), 6) for k in np.flatnonzero(row)}


def test_width_is_the_schemas() -> None:
    assert len(NAMES) == service_ports.N_COLUMNS


def test_shares_by_direction() -> None:
    dns = session("10.0.0.5:40000", "10.0.0.1:53", proto=17)
    web = session("10.0.0.5:40001", "1.2.3.4:443")
    ssh = session("10.0.0.9:40002", "10.0.0.5:22")
    assert of((CLIENT, dns), (CLIENT, dns), (CLIENT, web), (SERVER, ssh)) == {
        "uses_udp_53": 0.666667,
        "uses_tcp_443": 0.333333,
        "serves_tcp_22": 1,
        "share_uses": 0.75,
        "share_uses_external": 0.25,
        "share_serves": 0.25,
    }


def test_other_ports_fall_into_their_range() -> None:
    ports = (0, 1, 1023, 1024, 49151, 49152, 65535)
    found = of(*((CLIENT, session("10.0.0.5:60000", f"10.0.0.1:{port}")) for port in ports))
    assert found["uses_tcp_none"] == round(1 / 7, 6)
    assert found["uses_tcp_system"] == round(2 / 7, 6)
    assert found["uses_tcp_registered"] == round(2 / 7, 6)
    assert found["uses_tcp_dynamic"] == round(2 / 7, 6)


def test_protocols_without_ports() -> None:
    kinds = {1: "icmp", 58: "icmpv6", 132: "other", 47: "other"}
    for proto, name in kinds.items():
        record = session("10.0.0.5:0", "10.0.0.1:0", proto=proto)
        assert of((CLIENT, record)) == {f"uses_{name}": 1, "share_uses": 1}


def test_the_originator_with_a_syn_is_the_client_whatever_the_ports() -> None:
    found = of((CLIENT, session("10.0.0.5:80", "10.0.0.1:50000")))
    assert found == {"uses_tcp_dynamic": 1, "share_uses": 1}


def test_a_session_that_began_before_the_capture_is_turned_round() -> None:
    middle = {"orig_tcp_flags": ACK | PSH, "resp_tcp_flags": ACK}
    found = of((CLIENT, session("10.0.0.5:80", "10.0.0.1:50000", **middle)))
    assert found == {"serves_tcp_80": 1, "share_serves": 1}
    # And stays as it is when the responder's port is the better known.
    found = of((CLIENT, session("10.0.0.5:50000", "10.0.0.1:80", **middle)))
    assert found == {"uses_tcp_80": 1, "share_uses": 1}
    # Two ports of which neither is known stay as well.
    found = of((CLIENT, session("10.0.0.5:33000", "10.0.0.1:50000", **middle)))
    assert found == {"uses_tcp_dynamic": 1, "share_uses": 1}


def test_an_answer_without_its_question_is_turned_round() -> None:
    answer = session("10.0.0.5:1900", "10.0.0.1:50000", proto=17, resp_packets=0)
    assert of((CLIENT, answer)) == {"serves_udp_1900": 1, "share_serves": 1}
    assert of((SERVER, answer)) == {"uses_udp_1900": 1, "share_uses": 1}


def test_equal_ports_leave_the_originator_the_client() -> None:
    ntp = session("10.0.0.5:123", "10.0.0.1:123", proto=17)
    assert of((CLIENT, ntp)) == {"uses_udp_123": 1, "share_uses": 1}


def test_refused_is_a_use_but_no_service() -> None:
    refused = session("10.0.0.5:50000", "10.0.0.1:23", resp_tcp_flags=RST | ACK)
    assert of((CLIENT, refused)) == {"uses_tcp_23": 1, "share_uses": 1, "share_refused": 1}
    assert of((SERVER, refused)) == {"share_called_refused": 1}


def test_a_reset_after_an_answer_is_no_refusal() -> None:
    for fields in ({"resp_tcp_flags": SYN | RST}, {"resp_tcp_flags": RST, "resp_payload_bytes": 5}):
        record = session("10.0.0.5:50000", "10.0.0.1:23", **fields)
        assert "share_refused" not in of((CLIENT, record))
        assert of((SERVER, record)) == {"serves_tcp_23": 1, "share_serves": 1}


def test_silence_is_a_use_but_no_service() -> None:
    silent = session("10.0.0.5:50000", "10.0.0.1:23", resp_packets=0, resp_tcp_flags=0)
    assert of((CLIENT, silent)) == {"uses_tcp_23": 1, "share_uses": 1, "share_silent": 1}
    assert of((SERVER, silent)) == {"share_called_silent": 1}


def test_multicast_is_not_silence() -> None:
    mdns = session("10.0.0.5:5353", "224.0.0.251:5353", proto=17, resp_packets=0)
    assert of((CLIENT, mdns)) == {"uses_udp_5353": 1, "share_uses": 1, "share_uses_multicast": 1}


def test_devices_are_told_apart() -> None:
    records = sessions(
        session("10.0.0.5:40000", "10.0.0.1:53", proto=17),
        session("10.0.0.5:40001", "10.0.0.1:443"),
        session("10.0.0.6:40001", "10.0.0.1:443"),
    )
    sides = np.array([True, False, True])
    together = service_ports.rows(records, sides, np.array([0, 2, 2]), 4)
    assert together.n_rows == 4
    alone = [
        service_ports.rows(records[:1], sides[:1]),
        service_ports.rows(records[:0], sides[:0]),
        service_ports.rows(records[1:], sides[1:]),
    ]
    for number, expected in enumerate(alone):
        found = together.rows(np.array([number]))
        assert np.array_equal(found.to_dense(), expected.to_dense())
    assert not together.rows(np.array([3])).nnz
