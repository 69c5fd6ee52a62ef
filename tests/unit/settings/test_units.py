from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.settings import units


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_again(number: int) -> None:
    assert units.span(units.span_text(float(number))) == number
    assert units.size(units.size_text(number)) == number
    assert units.rate(units.rate_text(number)) == number
    assert units.whole(str(number)) == number


def test_numbers_are_written_short() -> None:
    assert [units.span_text(s) for s in (0.0, 0.5, 90.0, 900.0, 3600.0, 172_800.0)] == [
        *("0", "0.5s", "90s", "15m", "1h", "2d")
    ]
    assert [units.size_text(n) for n in (0, 1000, 1024, 100 << 20)] == ["0", "1000", "1K", "100M"]
    assert units.rate_text(800_000_000) == "800M"


def test_numbers_that_are_none() -> None:
    assert [units.whole(text) for text in ("", "_", "-1", "²", "1.0")] == [None] * 5
    assert (units.whole("9" * 10_000) or 0) > units.NUMBER_MAX
    for text in ("99999999T", "1" * 19):
        with pytest.raises(ValueError, match="is too large"):
            units.size(text)


def test_a_long_text_is_quoted_in_part() -> None:
    assert len(units.quoted("x" * 1_000_000)) <= units.QUOTED_MAX + 2
