"""Which features of a device are unlike what is usual."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.novelty.explain import (
    Feature,
    explain,
    number,
    outside,
    percentiles,
    readable,
    values,
    words,
)

NAMES = ("uses_tcp_445", "ttl", "share_silent")
KNOWN = np.stack([np.linspace(0, 1, 101), np.full(101, 64.0), np.linspace(0, 0.1, 101)], axis=1)
UNIT = np.array([0.5, 1.0, 0.05])


def test_the_farthest_outside_comes_first_then_the_farthest_from_the_middle() -> None:
    told = explain("Printer", NAMES, np.array([0.9, 60.0, 0.3]), KNOWN, UNIT)
    assert (told.role, told.references) == ("Printer", 101)
    assert [one.name for one in told.features] == ["share_silent", "ttl", "uses_tcp_445"]
    silent, ttl, smb = told.features
    assert (silent.low, silent.middle, silent.high) == pytest.approx((0.005, 0.05, 0.095))
    assert silent.beyond == pytest.approx((0.3 - 0.095) / 0.05)
    assert ttl.beyond == -4
    assert smb.beyond == 0
    assert outside(told, 5) == (silent, ttl)
    assert outside(told, 1) == (silent,)


def test_features_are_told_in_words() -> None:
    assert words(Feature("uses_tcp_445", 0.9231, 0, 0.01, 0.1, 1)) == (
        "uses tcp 445 0.923, usual 0 to 0.1"
    )
    assert words(Feature("ttl", 60, 64, 64, 64, -4)) == "ttl 60, usual 64"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.12345, "0.123"), (1e-9, "0.000"), (999.4, "999"), (123_456.7, "123,457")],
)
def test_numbers_are_short_and_without_exponent(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_percentiles_are_those_of_numpy(n: int) -> None:
    rows = np.random.default_rng(n).normal(0, 1, (n, 5)).astype(np.float32)
    wanted = (0, 5, 50, 95, 100)
    assert np.allclose(percentiles(rows, wanted), np.percentile(rows, wanted, axis=0))


@pytest.mark.parametrize("n", [1, 4, 21, 100])
def test_some_features_are_enough_to_find_all_unusual_ones(n: int) -> None:
    random = np.random.default_rng(n)
    known = random.integers(0, 4, (n, 60)).astype(np.float32)
    names, unit = [str(k) for k in range(60)], np.full(60, 0.5)
    for _ in range(20):
        row = random.integers(-1, 6, 60).astype(np.float32)
        every = explain("x", names, row, known, unit)
        some = explain("x", names, row, known, unit, all_features=False)
        assert outside(some, 60) == outside(every, 60)


@pytest.mark.parametrize(
    ("meaning", "words", "said"),
    [
        ("share of pings [share]", "share of pings", "1 [share], usual 0 to 3"),
        ("sessions [log10(1 + n)]", "sessions", "9, usual 0 to 999"),
        ("a gap [3 + log10(0.001 s + seconds)]", "a gap", "0.009 [s], usual 0 to 0.999"),
        ("it is ARP [0 or 1]", "it is ARP", "1, usual 0 to 3"),
        ("", "", "1, usual 0 to 3"),
    ],
)
def test_a_feature_is_read_in_its_unit_and_no_logarithm(
    meaning: str, words: str, said: str
) -> None:
    feature = Feature("x", 1.0, 0.0, 1.0, 3.0, 0.5)
    plain, told, unit = readable(feature, meaning)
    assert (told, values(plain, unit)) == (words, said)
    assert plain.beyond == 0.5
