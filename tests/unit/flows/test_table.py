from __future__ import annotations

import numpy as np
import pytest

from plugin.core.layout import MARK_LATER_FRAGMENT, MARK_TRUNCATED, PACKET
from plugin.errors import OptionError
from plugin.flows.table import FlowTable
from tests.flowing import SECOND, START, records, same, seconds

pytestmark = pytest.mark.usefixtures("core")


def packets(*times: float, **columns: object) -> np.ndarray:
    """TCP packets of one flow at these seconds; ``columns`` change them all."""
    rows = np.zeros(len(times), PACKET.dtype())
    rows["time"] = [START + round(t * SECOND) for t in times]
    rows["proto"], rows["src_port"], rows["dst_port"] = 6, 40_000, 80
    rows["wire_len"], rows["ttl"], rows["tcp_flags"] = 100, 64, 24
    rows["src_mac"], rows["dst_mac"] = 3, 5
    for name, value in columns.items():
        rows[name] = value
    return rows


def test_each_direction_is_a_flow_in_order_of_first_sight() -> None:
    there, back = packets(0, 2), packets(1, 3, src_port=80, dst_port=40_000, tcp_flags=2)
    table = FlowTable()
    table.feed(np.concatenate([there[:1], back[:1], there[1:]]).tobytes())
    table.feed(memoryview(back[1:].tobytes()))
    found = table.flows()
    assert seconds(found) == [[0, 2], [1, 3]]
    assert found.keys["src_port"].tolist() == [40_000, 80]
    assert found.keys["src_mac"].tolist() == [3, 3]
    assert found.flags.tolist() == [24, 24, 2, 2]
    assert found.size.tolist() == [100] * 4
    assert found.ttl.tolist() == [64] * 4


def test_packets_are_put_in_order_of_time_and_stay_in_that_of_arrival() -> None:
    rows = packets(5, 3, 3, 4, 1)
    rows["wire_len"] = [1, 2, 3, 4, 5]
    table = FlowTable()
    table.feed(rows.tobytes())
    assert table.flows().size.tolist() == [5, 2, 3, 4, 1]
    table.feed(packets(0).tobytes())  # a table goes on after it was asked
    assert seconds(table.flows()) == [[0, 1, 3, 3, 4, 5]]


@pytest.mark.parametrize(
    ("columns", "counted"),
    [
        ({}, True),
        ({"proto": 17}, True),
        ({"proto": 1}, False),
        ({"marks": MARK_LATER_FRAGMENT}, False),
        ({"marks": MARK_TRUNCATED}, True),
        ({"marks": MARK_TRUNCATED, "src_port": 0}, True),
        ({"marks": MARK_TRUNCATED, "src_port": 0, "dst_port": 0}, False),
        ({"src_port": 0, "dst_port": 0}, True),
    ],
)
def test_what_has_no_ports_has_no_flow(columns: dict[str, int], counted: bool) -> None:
    table = FlowTable()
    table.feed(packets(0, 1, **columns).tobytes())
    assert len(table.flows()) == int(counted)


def test_flags_of_udp_are_none_and_addresses_are_whole() -> None:
    rows = packets(0, 1, proto=17)
    rows["src_ip"][:, 0], rows["dst_ip"][:, 15] = 0xFD, 7
    table = FlowTable()
    table.feed(rows.tobytes())
    found = table.flows()
    assert not found.flags.any()
    assert found.keys["src_ip"][0].tolist() == [0xFD] + [0] * 15
    assert found.keys["dst_ip"][0].tolist() == [0] * 15 + [7]


def test_time_outs_end_flows() -> None:
    table = FlowTable(tcp_timeout=2.0)
    table.feed(packets(0, 1, 4, 5, 6).tobytes())
    assert seconds(table.flows()) == [[0, 1], [4, 5, 6]]
    assert seconds(table.flows(last="drop")) == [[0, 1]]
    assert seconds(table.flows(3)) == [[4, 5, 6]]
    with pytest.raises(OptionError, match="is no idle time-out"):
        FlowTable(udp_timeout=0)


def test_records_that_are_not_whole_are_refused() -> None:
    table = FlowTable()
    with pytest.raises(ValueError):  # noqa: PT011 - numpy and the compiled core say it differently
        table.feed(bytes(127))
    assert len(table.flows()) == 0


def test_many_flows_outgrow_the_first_table() -> None:
    rows = packets(*range(3000))
    rows["src_port"] = np.arange(3000) % 1500 + 1
    whole, torn = FlowTable(), FlowTable()
    whole.feed(rows.tobytes())
    for at in range(0, 3000, 77):
        torn.feed(rows[at : at + 77].tobytes())
    assert len(whole.flows(last="keep", min_packets=2)) == 0  # the pauses are of 1,500 s
    rows["time"] = START + np.arange(3000)
    whole.feed(rows.tobytes())
    torn.feed(rows.tobytes())
    assert len(whole.flows()) == 1500
    assert same(whole.flows(), torn.flows())


def test_no_record_is_kept_by_reference() -> None:
    rows = bytearray(records(3, 50).tobytes())
    table = FlowTable()
    table.feed(rows)
    before = table.flows()
    rows[:] = bytes(len(rows))
    assert same(before, table.flows())
