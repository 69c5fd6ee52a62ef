from __future__ import annotations

import pytest

from plugin.core.layout import MAC
from plugin.sessions import rows
from plugin.sessions.rows import MacNames, seconds, session_fields, zeek_row
from tests.unit.sessions.test_state import packed, row

ROW = row(
    "ShA",
    id=7,
    start=1_500_000_000_123_456_789,
    end=1_500_000_001_623_456_789,
    orig_ip=packed("10.0.0.1"),
    resp_ip=packed("8.8.8.8"),
    orig_port=40000,
    resp_port=443,
    orig_mac=1,
    resp_mac=-1,
    vlan=100,
    inner_vlan=-1,
    orig_packets=3,
    resp_packets=2,
    orig_payload_bytes=10,
    resp_ip_bytes=99,
)


def names() -> MacNames:
    macs = MacNames()
    first = MAC.struct.pack(bytes(6), 0, 0, 0, 0, 0, 0, 0)
    second = MAC.struct.pack(bytes.fromhex("0e0000000001"), 0, 0, 0, 0, 0, 0, 0)
    macs.update(first)
    macs.update(second)
    return macs


def test_fields_are_named_and_absent_is_none() -> None:
    fields = session_fields(ROW, names())
    assert tuple(fields) == rows.FIELDS
    assert fields["start"] == "2017-07-14T02:40:00.123456789Z"
    assert fields["duration"] == 1.5
    assert (fields["orig_mac"], fields["resp_mac"]) == ("0e:00:00:00:00:01", None)
    assert (fields["vlan"], fields["inner_vlan"], fields["icmp_type"]) == (100, None, None)
    assert fields["conn_state"] == "S1"


def test_a_zeek_line_has_a_value_for_each_column() -> None:
    line = zeek_row(ROW, names())
    values = dict(
        zip((c.name for c in rows.ZEEK_COLUMNS), line.rstrip("\n").split("\t"), strict=True)
    )
    assert values["ts"] == "1500000000.123456"
    assert values["duration"] == "1.500000"
    assert (values["local_orig"], values["local_resp"]) == ("T", "F")
    assert (values["vlan"], values["inner_vlan"], values["service"]) == ("100", "-", "-")
    assert (values["orig_pkts"], values["resp_ip_bytes"]) == ("3", "99")
    assert values["uid"].startswith("C")
    assert len(values["uid"]) == 18


def test_zeek_takes_icmp_type_and_code_as_ports() -> None:
    icmp = row(proto=1, icmp_type=8, icmp_code=0, orig_mac=-1, resp_mac=-1, vlan=-1, inner_vlan=-1)
    values = zeek_row(icmp, MacNames()).split("\t")
    assert (values[3], values[5], values[6], values[15]) == ("8", "0", "icmp", "-")


def test_the_header_names_and_types_each_column() -> None:
    lines = rows.zeek_header().splitlines()
    fields = next(line for line in lines if line.startswith("#fields")).split("\t")
    types = next(line for line in lines if line.startswith("#types")).split("\t")
    assert len(fields) == len(types) == len(rows.ZEEK_COLUMNS) + 1


def test_the_same_session_has_the_same_uid_and_another_has_another() -> None:
    assert rows.uid(ROW) == rows.uid(ROW)
    assert rows.uid(ROW) != rows.uid(ROW._replace(start=ROW.start + 1))


@pytest.mark.parametrize(("ns", "text"), [(-1, "-0.000000001"), (1_500_000_000, "1.500000000")])
def test_seconds_are_exact(ns: int, text: str) -> None:
    assert seconds(ns) == text
