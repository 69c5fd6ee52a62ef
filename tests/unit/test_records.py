from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from plugin.records import Problem, iso_second, iso_time, mac_text

LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


@given(st.integers(-62_135_596_800, LAST_SECOND))
def test_times_are_those_of_datetime(seconds: int) -> None:
    told = iso_time(seconds * 1_000_000_000)
    assert told is not None
    assert datetime.fromisoformat(told) == datetime.fromtimestamp(seconds, UTC)


def test_decimals_are_those_that_are_needed() -> None:
    assert iso_time(1_471_392_234_308_851_000) == "2016-08-17T00:03:54.308851Z"
    assert iso_time(1) == "1970-01-01T00:00:00.000000001Z"
    assert iso_time(0) == "1970-01-01T00:00:00Z"
    assert (iso_second(0.4), iso_second(59.6)) == ("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z")
    assert iso_time(-1) == "1969-12-31T23:59:59.999999999Z"
    assert iso_time(None) is None


def test_a_time_beyond_the_calendar_is_told_in_seconds() -> None:
    assert iso_time((LAST_SECOND + 1) * 1_000_000_000) == f"@{LAST_SECOND + 1}"


def test_a_problem_is_one_line() -> None:
    problem = Problem(source="x.pcap", offset=24, reason="cut short", cut_short=True)
    assert str(problem) == "x.pcap: byte 24: cut short"


def test_link_addresses_are_lower_case_with_colons() -> None:
    assert mac_text(bytes.fromhex("0E00AABBCCDD")) == "0e:00:aa:bb:cc:dd"
