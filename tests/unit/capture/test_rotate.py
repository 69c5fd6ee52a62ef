from __future__ import annotations

import time

import pytest

from plugin.capture.names import parse_name
from plugin.capture.rotate import (
    KeptFile,
    Limits,
    OpenFile,
    Removal,
    endpoint_ident,
    ident_of,
    is_ident,
    mac_ident,
    mac_of,
    plan_idle,
    plan_name,
    plan_relief,
    plan_removal,
    plan_rotation,
    plan_writing,
)

MAC = bytes.fromhex("0e000000000a")
NONE = Limits(
    rotate_size=0, rotate_time=0, quota=0, device_quota=0, max_age=0, min_free=0, max_files=9
)
FILES = [KeptFile(f"f{i}", "ab"[i % 2], 10, 100.0 + i) for i in range(6)]


def test_poseidons_id_of_an_endpoint() -> None:
    """From Poseidon 0.18 itself."""
    expected = "d98a6aea119947b6e99ed5714c9664c9d7555893c9cb1ec72fef2e5016cccb6c"
    assert endpoint_ident(MAC, "VLAN100", "switch1") == expected
    assert is_ident(expected)


def test_an_id_of_our_own() -> None:
    assert mac_ident(MAC) == "0e000000000a"
    assert mac_of("0e000000000a") == "0e:00:00:00:00:0a"
    assert mac_of("0" * 40) is None
    assert [is_ident(x) for x in ("0" * 12, "0" * 40, "0" * 64, "0" * 41, "X" * 12, "")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_names_are_poseidons_and_free() -> None:
    first = plan_name("ab" * 20, 1_700_000_000.9, ())
    stamp = time.strftime("%Y-%m-%d_%H_%M_%S", time.localtime(1_700_000_000))
    assert first == f"trace_{'ab' * 20}_{stamp}.pcap"
    second = plan_name("ab" * 20, 1_700_000_000.9, {first})
    assert second != first
    assert ident_of(second) == "ab" * 20
    parsed = parse_name(second)
    assert parsed is not None
    assert (parsed.convention, parsed.device_id) == ("poseidon", "ab" * 20)


@pytest.mark.parametrize(
    "name", ["trace_x.pcap", "trace_0e000000000a_2026-01-01_00_00_00.pcap.part", "notes.txt"]
)
def test_foreign_names_are_not_ours(name: str) -> None:
    assert ident_of(name) is None


@pytest.mark.parametrize(
    ("age", "size", "why"),
    [
        (10, 50, ""),
        (100, 50, "time"),
        (99.9, 50, ""),
        (10, 1000, "size"),
        (0.5, 1000, ""),
        (-5, 1000, "size"),
        (-101, 5, "time"),
    ],
)
def test_when_a_file_is_finished(age: float, size: int, why: str) -> None:
    limits = NONE._replace(rotate_size=1000, rotate_time=100.0)
    file = OpenFile(MAC, "x", size, 5000.0 - age)
    assert [w for _, w in plan_rotation([file], 5000.0, limits)] == [why] * bool(why)
    assert not list(plan_rotation([file], 5000.0, NONE))


def removed(limits: Limits, *, open_bytes: int = 0, free: int = 1000) -> list[Removal]:
    return plan_removal(FILES, open_bytes, free, 110.0, limits)


def test_no_limit_removes_nothing() -> None:
    assert removed(NONE, open_bytes=10**15, free=0) == []


def test_the_oldest_go_first() -> None:
    assert removed(NONE._replace(quota=45)) == [Removal("f0", "quota"), Removal("f1", "quota")]
    assert len(removed(NONE._replace(quota=45), open_bytes=20)) == 4
    assert removed(NONE._replace(max_age=8)) == [Removal("f0", "age"), Removal("f1", "age")]
    assert removed(NONE._replace(min_free=1015)) == [
        Removal("f0", "min_free"), Removal("f1", "min_free"),
    ]  # fmt: skip
    assert removed(NONE._replace(device_quota=20)) == [
        Removal("f0", "device_quota"), Removal("f1", "device_quota"),
    ]  # fmt: skip


def test_what_one_limit_removes_counts_for_the_others() -> None:
    assert removed(NONE._replace(max_age=9, quota=50)) == [Removal("f0", "age")]


def test_open_files_beyond_the_quota_are_finished_the_largest_first() -> None:
    files = [OpenFile(MAC, str(size), size, 0.0) for size in (5, 50, 20)]
    assert plan_relief(files, NONE) == []
    assert [x.name for x in plan_relief(files, NONE._replace(quota=30))] == ["50"]
    assert [x.name for x in plan_relief(files, NONE._replace(quota=4))] == ["50", "20", "5"]


def test_writing_stops_at_the_limit_and_goes_on_at_twice_of_it() -> None:
    limits = NONE._replace(min_free=100)
    assert plan_writing(100, limits, stopped=False)
    assert not plan_writing(99, limits, stopped=False)
    assert not plan_writing(199, limits, stopped=True)
    assert plan_writing(200, limits, stopped=True)


def test_silent_devices() -> None:
    latest = {0: 10**9, 5: 90 * 10**9}
    assert plan_idle(latest, 100 * 10**9, 60) == [0]
    assert plan_idle(latest, 100 * 10**9, 0) == []
