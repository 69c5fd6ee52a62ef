"""Rows of labels: addresses, ports and times of their cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.flows.label_mapping import LabelMapping
from plugin.flows.label_table import LabelTable
from plugin.flows.labels import ALWAYS
from tests.label_flows import SECOND, ends

ROW: dict[str, Any] = {
    "src_ip": "10.0.0.1",
    "dst_ip": "10.0.0.2",
    "src_port": "1000",
    "dst_port": "80",
    "proto": "6",
    "label": "BENIGN",
}


def table(**meaning: Any) -> LabelTable:
    return LabelTable(LabelMapping(normal=("benign",), **meaning))


def span(meaning: dict[str, Any], **cells: Any) -> tuple[int, int]:
    one = table(**meaning)
    one.add(ROW | cells)
    labels = one.rows.labels()
    return int(labels.since[0]), int(labels.until[0])


def test_a_row() -> None:
    one = table()
    one.add(ROW)
    one.add(ROW | {"label": "Bot"})
    labels = one.rows.labels()
    src, src_port, dst, dst_port = ends("10.0.0.1:1000", "10.0.0.2:80")
    key = labels.keys[0]
    assert (bytes(key["src_ip"]), key["src_port"]) == (src, src_port)
    assert (bytes(key["dst_ip"]), key["dst_port"], key["proto"]) == (dst, dst_port, 6)
    assert labels.values.tolist() == [0, 1]
    assert (int(labels.since[0]), int(labels.until[0])) == ALWAYS
    assert (one.normal, one.abnormal, one.ignored, one.others) == (1, 1, 0, 0)


def test_both_directions() -> None:
    one = table(both=True)
    one.add(ROW)
    assert one.rows.labels().keys["src_port"].tolist() == [1000, 80]
    assert one.normal == 1


@pytest.mark.parametrize(
    ("cell", "proto"), [("6", 6), ("TCP", 6), (17, 17), ("udp", 17), ("6.0", 6), (6.0, 6)]
)
def test_protocols(cell: object, proto: int) -> None:
    one = table()
    one.add(ROW | {"proto": cell})
    assert one.rows.labels().keys["proto"].tolist() == [proto]


@pytest.mark.parametrize("cell", ["1", "icmp", "", None, "ipv6-icmp", "1e9", True])
def test_other_protocols_are_counted(cell: object) -> None:
    one = table()
    one.add(ROW | {"proto": cell, "src_port": "-", "label": "x"})
    assert (len(one.rows), one.others) == (0, 1)


@pytest.mark.parametrize(("cell", "port"), [("0", 0), ("65535", 65535), ("80.0", 80), ("0x50", 80)])
def test_ports(cell: str, port: int) -> None:
    one = table()
    one.add(ROW | {"dst_port": cell})
    assert one.rows.labels().keys["dst_port"].tolist() == [port]


@pytest.mark.parametrize("cell", ["65536", "-1", "http", "", None, "0x", "1.5", "9" * 9_000, []])
def test_what_is_no_port(cell: object) -> None:
    with pytest.raises(ValueError, match="is no port") as caught:
        table().add(ROW | {"dst_port": cell})
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("cell", ["", "10.0.0", "10.0.0.256", None, "host", "a\0b", "é", "x" * 999])
def test_what_is_no_address(cell: object) -> None:
    with pytest.raises(ValueError, match="is no IP address") as caught:
        table().add(ROW | {"src_ip": cell})
    assert len(str(caught.value)) < 100


def test_a_row_that_says_neither() -> None:
    one = LabelTable(LabelMapping(normal=("a",), abnormal=("b",)))
    one.add(ROW)
    one.add(ROW | {"label": None})
    assert (len(one.rows), one.ignored) == (0, 2)


def test_what_the_caller_says_stands_above_the_label() -> None:
    one = table()
    one.add(ROW, 1)
    assert one.abnormal == 1


@pytest.mark.parametrize(
    ("format_", "cell", "ns"),
    [
        ("auto", "1499083691.000001", 1499083691_000001000),
        ("auto", 1499083691.25, 1499083691_250000000),
        ("auto", "2017-07-03T12:08:11Z", 1499083691_000000000),
        ("auto", "2017-07-03T12:08:11.5+0000", 1499083691_500000000),
        ("iso", "2017-07-03 12:08:11", 1499083691_000000000),
        ("ms", "1499083691001", 1499083691_001000000),
        ("us", 1499083691000001, 1499083691_000001000),
        ("ns", "1499083691000000001", 1499083691_000000001),
        ("%d/%m/%Y %H:%M:%S", "03/07/2017 12:08:11", 1499083691_000000000),
    ],
)
def test_times(format_: str, cell: object, ns: int) -> None:
    assert span({"time_format": format_}, start=cell) == (ns, ns)


def test_a_time_zone_is_for_times_that_have_none() -> None:
    meaning = {"time_format": "%d/%m/%Y %H:%M:%S", "zone_minutes": -180}
    assert span(meaning, start="03/07/2017 09:08:11")[0] == 1499083691 * SECOND
    assert span({"zone_minutes": -180}, start="2017-07-03T12:08:11+00:00")[0] == 1499083691 * SECOND


def test_spans() -> None:
    assert span({}, start="10", end="12.5") == (10 * SECOND, 12 * SECOND + SECOND // 2)
    assert span({}, start="10", duration="2") == (10 * SECOND, 12 * SECOND)
    assert span({}, start="10", duration=None, end=None) == (10 * SECOND, 10 * SECOND)
    assert span({"duration_unit": "us"}, start="10", duration="7") == (10 * SECOND, 10_000_007_000)
    # CIC's flow meter writes -1 for what it could not tell.
    assert span({}, start="10", duration="-1") == (10 * SECOND, 10 * SECOND)
    assert span({"slack": 2.0}, start="10", duration="1") == (8 * SECOND, 13 * SECOND)
    assert span({}, start=None, duration="1") == ALWAYS


@pytest.mark.parametrize(
    "cell",
    ["soon", "nan", "inf", "-inf", "1e999999999", "1e30", "", "sNaN", "2017-13-01", True, []],
)
def test_what_is_no_time(cell: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        table().add(ROW | {"start": cell})


def test_times_that_64_bits_do_not_hold() -> None:
    with pytest.raises(ValueError, match="no time between 1824 and 2116"):
        table().add(ROW | {"start": "0001-01-01T00:00:00+14:00"})
    with pytest.raises(ValueError, match="no time between 1824 and 2116"):
        table().add(ROW | {"start": "9999-12-31T23:59:59-12:00"})
    first, last = span({"slack": 1e9}, start="4611686018", duration="4611686018")
    assert last - 10**18 == 2**62
    assert first == (4_611_686_018 - 10**9) * SECOND


def test_a_span_that_ends_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        table().add(ROW | {"start": "10", "end": "9"})


def test_labels_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.flows.label_table.CACHE_MAX", 2)
    one = table()
    for n in range(6):
        one.add(ROW | {"src_ip": f"10.0.0.{n}", "label": "benign" if n % 2 else f"attack {n}"})
    labels = one.rows.labels()
    assert labels.values.tolist() == [1, 0, 1, 0, 1, 0]
    assert labels.keys["src_ip"][:, 15].tolist() == list(range(6))
    assert np.array_equal(labels.keys["src_port"], [1000] * 6)
