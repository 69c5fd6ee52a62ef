from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plugin.flows import features
from plugin.flows.features import matrix
from plugin.flows.records import Flows, no_flows
from plugin.flows.spec import FEATURES, STATS, Spec, plan
from tests.flowing import flows, timed

pytestmark = pytest.mark.usefixtures("core")
TWO = flows(
    [(0, 60, 64, 2), (1, 100, 63, 16), (3, 1500, 64, 24)],
    [(5, 70, 128, 2), (5.5, 50, 128, 255)],
)


def spec(feature: str, packets: int = 4, *, fft: bool = False, header: bool = False) -> Spec:
    made = plan(TWO, feature, interval=9.0, fft=fft, header=header, sampling=1.0)
    return replace(made, packets=packets)


def rows(feature: str, of: Flows = TWO, packets: int = 4) -> list[list[float]]:
    found: list[list[float]] = matrix(of, spec(feature, packets)).tolist()
    return found


def test_gaps_and_sizes_are_followed_by_zeros_or_cut() -> None:
    assert rows("IAT") == [[1, 2, 0], [0.5, 0, 0]]
    assert rows("IAT", packets=2) == [[1], [0.5]]
    assert rows("SIZE") == [[60, 100, 1500, 0], [70, 50, 0, 0]]
    assert rows("SIZE", packets=2) == [[60, 100], [70, 50]]


def test_gaps_and_sizes_take_turns_and_the_last_size_has_no_gap() -> None:
    assert rows("IAT_SIZE") == [[1, 60, 2, 100, 1500, 0, 0], [0.5, 70, 50, 0, 0, 0, 0]]
    assert rows("IAT_SIZE", packets=2) == [[1, 60, 2], [0.5, 70, 50]]


def test_statistics_are_of_times_and_sizes() -> None:
    found = dict(zip(STATS, matrix(TWO, spec("STATS")).T.tolist(), strict=True))
    assert found["duration"] == [3, 0.5]
    assert found["packets_per_s"] == [1, 4]
    assert found["bytes_per_s"] == [1660 / 3, 240]
    assert found["size_mean"] == [1660 / 3, 60]
    assert found["size_std"] == pytest.approx([np.std([60, 100, 1500]), 10], rel=1e-12)
    assert found["size_q1"] == [80, 55]
    assert found["size_median"] == [100, 60]
    assert found["size_q3"] == [800, 65]
    assert [found[n] for n in ("size_min", "size_max", "packets", "bytes")] == [
        [60, 50], [1500, 70], [3, 2], [1660, 120],
    ]  # fmt: skip


def test_a_flow_without_duration_has_no_rates() -> None:
    found = matrix(flows(timed(7, 7)), spec("STATS"))[0]
    assert found[:5].tolist() == [0, 0, 0, 100, 0]


def test_equal_sizes_have_no_deviation_however_many() -> None:
    long = flows([(n / 1000, 65_550) for n in range(30_000)])
    assert matrix(long, spec("STATS"))[0, 4] == 0
    mixed = flows([(n / 1000, 65_550 - n % 2 * 65_000) for n in range(30_000)])
    assert matrix(mixed, spec("STATS"))[0, 4] == pytest.approx(32_500, rel=1e-12)


def test_windows_count_packets_or_bytes() -> None:
    found = flows(timed(0, 0.5, 1.0, 1.2, 4.5, 4.7))
    # A packet on the edge is inside; 1.2 opens the second window, which lasts until 2.
    assert rows("SAMP_NUM", found, 7) == [[3, 1, 0, 0, 2, 0]]
    assert rows("SAMP_SIZE", found, 7) == [[300, 100, 0, 0, 200, 0]]
    assert rows("SAMP_NUM", found, 3) == [[3, 1]]


def test_after_empty_windows_the_next_packet_counts_in_the_one_that_began_last() -> None:
    # 3.0 lies on the edge of the third window and opens what began at 3.
    assert rows("SAMP_NUM", flows(timed(0, 3.0, 4.0, 4.1)), 7) == [[1, 0, 0, 2, 1, 0]]


def test_no_more_than_five_hundred_windows_are_looked_at() -> None:
    far = matrix(flows(timed(0, 0.1, 900, 900.1)), spec("SAMP_NUM", 700))[0]
    assert far[0] == 2
    assert not far[1:].any()
    each = flows(timed(*(n * 1.5 for n in range(400))))
    found = matrix(each, spec("SAMP_NUM", 700))[0]
    assert not found[501:].any()
    full = flows(timed(*range(0, 2 * 499, 2)))
    assert np.flatnonzero(matrix(full, spec("SAMP_NUM", 700))[0]).tolist() == [*range(0, 500, 2)]


def test_the_edge_of_five_hundred_windows() -> None:
    # 500 windows end one by one and the 501st is that of the last packet; one more is not seen.
    step = [n * 1.001 for n in range(502)]
    found = matrix(flows(timed(*step[:501])), spec("SAMP_NUM", 700))[0]
    assert np.flatnonzero(found).max() == 500
    found = matrix(flows(timed(*step)), spec("SAMP_NUM", 700))[0]
    assert np.flatnonzero(found).max() == 499


def test_header_fields_stand_first() -> None:
    found = matrix(TWO, spec("IAT", header=True))
    assert found.shape == (2, 14)
    assert found[0].tolist() == [0, 1, 0, 1, 2, 0, 0, 0, 64, 63, 64, 1, 2, 0]
    assert found[1].tolist() == [1, 2, 1, 1, 1, 1, 1, 1, 128, 128, 0, 0.5, 0, 0]


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("packets", [2, 3, 6, 7])
def test_transforms_are_the_real_parts(
    feature: str, packets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "CHUNK", 1)
    asked = spec(feature, packets, header=True)
    plain, found = matrix(TWO, asked), matrix(TWO, replace(asked, fft=True))
    for part in (slice(0, asked.headers), slice(asked.headers, None)):
        whole = np.fft.fft(plain[:, part], axis=1).real
        assert np.abs(found[:, part] - whole).max() <= 1e-9 * max(1, np.abs(whole).max())


@pytest.mark.parametrize("feature", FEATURES)
def test_no_flows_give_no_rows(feature: str) -> None:
    asked = spec(feature, header=True, fft=True)
    assert matrix(no_flows(), asked).shape == (0, asked.dimension)


def test_columns_of_strides_are_taken_too() -> None:
    columns: Any = [np.repeat(column, 2, axis=0)[::2] for column in TWO]
    every = Flows(*columns)
    assert np.array_equal(matrix(every, spec("STATS")), matrix(TWO, spec("STATS")))
