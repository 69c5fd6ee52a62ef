from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from plugin.core.layout import SESSION
from plugin.sessions import state
from plugin.sessions.state import SessionRow, community_id, conn_state, iter_rows


def packed(text: str) -> bytes:
    ip = ipaddress.ip_address(text)
    return ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed


def row(letters: str = "", **changed: object) -> SessionRow:
    blank = SessionRow._make(SESSION.struct.unpack(bytes(SESSION.size)))
    history = letters.encode()
    fields = {"history": history.ljust(16, b"\0"), "history_len": len(history), "proto": 6}
    return blank._replace(**{**fields, **changed})  # type: ignore[arg-type]  # fields by name


def test_the_row_has_the_records_fields() -> None:
    assert SessionRow._fields == SESSION.names
    (only,) = iter_rows(bytes(SESSION.size))
    assert only.id == 0


@pytest.mark.parametrize(
    ("letters", "answered", "expected"),
    [
        ("S", 0, "S0"),
        ("Sr", 1, "REJ"),
        ("SR", 0, "RSTOS0"),
        ("SF", 0, "SH"),
        ("Sa", 1, "OTH"),
        ("ShA", 1, "S1"),
        ("ShADadFf", 1, "SF"),
        ("ShADfF", 1, "SF"),
        ("ShADadFfR", 1, "SF"),
        ("ShADaF", 1, "S2"),
        ("ShADaf", 1, "S3"),
        ("ShADaR", 1, "RSTO"),
        ("ShADar", 1, "RSTR"),
        ("ShADaFr", 1, "RSTR"),
        ("^h", 1, "OTH"),
        ("^hr", 1, "RSTRH"),
        ("^hf", 1, "SHR"),
        ("ADad", 1, "OTH"),
    ],
)
def test_tcp_states_are_zeeks(letters: str, answered: int, expected: str) -> None:
    assert conn_state(row(letters, resp_packets=answered)) == expected


@pytest.mark.parametrize(
    ("proto", "orig", "resp", "expected"),
    [(17, 1, 1, "SF"), (17, 1, 0, "S0"), (17, 0, 1, "SHR"), (1, 1, 1, "OTH"), (47, 1, 0, "OTH")],
)
def test_other_states(proto: int, orig: int, resp: int, expected: str) -> None:
    assert conn_state(row(proto=proto, orig_packets=orig, resp_packets=resp)) == expected


@pytest.mark.parametrize(
    ("expected", "src", "dst", "proto", "sport", "dport"),
    [  # from the baseline of the specification's repository
        ("1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "128.232.110.120", "66.35.250.204", 6, 34855, 80),
        ("1:d/FP5EW3wiY1vCndhwleRRKHowQ=", "192.168.1.52", "8.8.8.8", 17, 54585, 53),
        ("1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", "192.168.0.89", "192.168.0.1", 1, 8, 0),
    ],
)
def test_community_ids_are_those_of_the_specification(
    expected: str, src: str, dst: str, proto: int, sport: int, dport: int
) -> None:
    ports: dict[str, Any] = (
        {"icmp_type": sport, "icmp_code": dport}
        if proto == 1
        else {"orig_port": sport, "resp_port": dport}
    )
    there = row(proto=proto, orig_ip=packed(src), resp_ip=packed(dst), **ports)
    assert community_id(there) == expected
    if proto != 1:
        back = there._replace(
            orig_ip=there.resp_ip, resp_ip=there.orig_ip, orig_port=dport, resp_port=sport
        )
        assert community_id(back) == expected


def test_one_way_icmp_keeps_its_direction() -> None:
    there = row(proto=1, orig_ip=packed("10.0.0.2"), resp_ip=packed("10.0.0.1"), icmp_type=3)
    back = there._replace(orig_ip=there.resp_ip, resp_ip=there.orig_ip)
    assert community_id(there) != community_id(back)
    echo = there._replace(icmp_type=8)
    reply = back._replace(icmp_type=0)
    assert community_id(echo) == community_id(reply)


@pytest.mark.parametrize(
    ("proto", "request_type", "reply_type"),
    [  # as the specification's own implementation pairs them
        *((1, a, b) for a, b in ((8, 0), (9, 10), (13, 14), (15, 16), (17, 18))),
        *((58, a, a + 1) for a in (128, 130, 133, 135, 139, 144)),
    ],
)
def test_both_ways_of_an_icmp_exchange_have_one_id(
    proto: int, request_type: int, reply_type: int
) -> None:
    for first, answer in ((request_type, reply_type), (reply_type, request_type)):
        there = row(
            proto=proto, orig_ip=packed("::2"), resp_ip=packed("::1"), icmp_type=first, icmp_code=7
        )
        back = there._replace(orig_ip=there.resp_ip, resp_ip=there.orig_ip, icmp_type=answer)
        assert community_id(there) == community_id(back)
        assert community_id(there) != community_id(there._replace(icmp_type=answer))


def test_protocols_have_names_or_numbers() -> None:
    assert [state.protocol_name(n) for n in (6, 17, 58, 200)] == ["tcp", "udp", "icmp6", "200"]
