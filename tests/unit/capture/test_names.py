from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.capture.names import CaptureName, parse_name


def test_the_seeds_example() -> None:
    assert parse_name("ActiveDirectoryController-labs-Fri0036-n00.pcap") == CaptureName(
        "networkml",
        device_id="labs",
        time="Fri0036",
        device_name="ActiveDirectoryController",
        flags="n00",
    )


def test_a_duration_and_a_name_with_dashes() -> None:
    found = parse_name("/some/where/D-LinkCam-lab2-Sun2359-15m-n01.pcapng.gz")
    assert found is not None
    assert (found.device_name, found.device_id, found.time) == ("D-LinkCam", "lab2", "Sun2359")
    assert (found.duration, found.flags) == ("15m", "n01")


def test_poseidons_trace() -> None:
    key = "5e1338ece07e2d5fce6774cd53bed5618c5c924b"
    found = parse_name(f"/files//trace_{key}_2026-01-01_00_00_00.pcap")
    assert found == CaptureName("poseidon", device_id=key, time="2026-01-01_00_00_00")


def test_poseidons_splitter() -> None:
    found = parse_name(
        "trace_ab12_2018-04-12_15_46_15-client-ip-10-0-0-1-10-0-0-2-frame-eth-ip-tcp-port-443.pcap"
    )
    assert found is not None
    assert (found.time, found.side) == ("2018-04-12_15_46_15", "client")
    assert found.detail == "ip-10-0-0-1-10-0-0-2-frame-eth-ip-tcp-port-443"
    found = parse_name("trace_ab12_2018-04-12_15_46_15-server-ip6.pcap")
    assert found is not None
    assert (found.side, found.detail) == ("server", "ip6")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "capture.pcap",
        "Printer-labs-Fri2436-n00.pcap",
        "Printer-labs-Fri0036.pcap",
        "Printer-labs-0036-n00.pcap",
        "Printer-labs-Fri0036-n00.txt",
        "trace_XYZ_2026-01-01_00_00_00.pcap",
        "trace_ab12.pcap",
        "trace_" + "a" * 2000 + "_2026.pcap",
    ],
)
def test_other_names_tell_nothing(name: str) -> None:
    assert parse_name(name) is None


@given(st.text())
def test_no_name_is_an_error(name: str) -> None:
    parse_name(name)
    parse_name(f"trace_{name}_2026-client-.pcap")


def test_a_long_name_takes_no_time() -> None:
    assert parse_name("a-" * 500 + ".pcap") is None
