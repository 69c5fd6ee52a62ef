"""Labels of flows: which flows they speak of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.flows.labels import (
    ABNORMAL,
    ALWAYS,
    NORMAL,
    SLACK_NS,
    UNLABELLED,
    LabelRows,
    joined,
    known,
    match,
)
from tests.label_flows import SECOND, Sent, ends, flows

A, B = "10.0.0.1:1000", "10.0.0.2:80"


def rows(*told: tuple[str, str, int, tuple[int, int]], proto: int = 6) -> LabelRows:
    table = LabelRows()
    for src, dst, value, span in told:
        table.add(ends(src, dst), proto, value, span)
    return table


def test_a_label_speaks_of_one_direction_and_one_protocol() -> None:
    labels = rows((A, B, ABNORMAL, ALWAYS)).labels()
    found = match(flows(Sent(A, B), Sent(B, A), Sent(A, B, proto=17)), labels)
    assert found.tolist() == [ABNORMAL, UNLABELLED, UNLABELLED]
    assert found.dtype == np.int8


def test_a_label_of_both_directions() -> None:
    table = LabelRows()
    table.add(ends(A, B), 6, ABNORMAL, both=True)
    assert len(table) == 2
    assert match(flows(Sent(A, B), Sent(B, A)), table.labels()).tolist() == [1, 1]


@pytest.mark.parametrize("other", ["10.0.0.1:1001", "10.0.0.3:1000", "2001:db8::1:1000"])
def test_every_part_of_the_ends_counts(other: str) -> None:
    labels = rows((A, B, NORMAL, ALWAYS)).labels()
    assert match(flows(Sent(other, B), Sent(B.replace("80", "443"), A)), labels).tolist() == [
        -1,
        -1,
    ]
    assert match(flows(Sent(A, other)), labels).tolist() == [-1]


def test_ipv6() -> None:
    labels = rows(("2001:db8::1:1000", B, NORMAL, ALWAYS)).labels()
    assert match(flows(Sent("2001:db8::1:1000", B)), labels).tolist() == [NORMAL]


def test_the_last_label_wins() -> None:
    told = [(A, B, ABNORMAL, ALWAYS), (B, A, ABNORMAL, ALWAYS), (A, B, NORMAL, ALWAYS)]
    assert match(flows(Sent(A, B), Sent(B, A)), rows(*told).labels()).tolist() == [0, 1]


def test_a_span_must_meet_the_flow() -> None:
    labels = rows((A, B, ABNORMAL, (50 * SECOND, 99 * SECOND))).labels()
    times = [(100, 101), (99, 101), (10, 49), (10, 50), (60, 70), (10, 200)]
    found = match(flows(*(Sent(A, B, seconds) for seconds in times)), labels)
    assert found.tolist() == [-1, 1, -1, 1, 1, 1]


def test_a_millisecond_is_forgiven_and_no_more() -> None:
    after = 100 * SECOND + SLACK_NS
    spans = [(after, after + SECOND), (after + 1, after + SECOND)]
    one = flows(Sent(A, B, (99, 100)))
    assert [match(one, rows((A, B, 1, span)).labels())[0] for span in spans] == [1, -1]
    before = 99 * SECOND - SLACK_NS
    spans = [(0, before), (0, before - 1)]
    assert [match(one, rows((A, B, 1, span)).labels())[0] for span in spans] == [1, -1]


def test_the_slack_is_a_millisecond() -> None:
    """Written out: the other tests take whatever it is."""
    after = 100 * SECOND + 1_000_000
    spans = [(after, after + SECOND), (after + 1, after + SECOND)]
    one = flows(Sent(A, B, (99, 100)))
    assert [match(one, rows((A, B, 1, span)).labels())[0] for span in spans] == [1, -1]


def test_a_long_span_hides_behind_later_short_ones() -> None:
    """The label that meets the flow began long before those that do not."""
    told = [(A, B, ABNORMAL, (0, 1_000 * SECOND))]
    told += [(A, B, NORMAL, (t * SECOND, (t + 1) * SECOND)) for t in range(1, 90)]
    assert match(flows(Sent(A, B)), rows(*told).labels()).tolist() == [ABNORMAL]


def test_of_spans_that_overlap_the_one_told_last_wins() -> None:
    wide, narrow = (0, 200 * SECOND), (90 * SECOND, 110 * SECOND)
    told = [(A, B, ABNORMAL, narrow), (A, B, NORMAL, wide)]
    assert match(flows(Sent(A, B)), rows(*told).labels()).tolist() == [NORMAL]
    assert match(flows(Sent(A, B)), rows(*told[::-1]).labels()).tolist() == [ABNORMAL]


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ((ALWAYS[0], 99 * SECOND), [-1]),
        ((ALWAYS[0], 100 * SECOND), [1]),
        ((102 * SECOND, ALWAYS[1]), [-1]),
        ((101 * SECOND, ALWAYS[1]), [1]),
    ],
)
def test_spans_that_are_open_at_one_end(span: tuple[int, int], found: list[int]) -> None:
    assert match(flows(Sent(A, B)), rows((A, B, ABNORMAL, span)).labels()).tolist() == found


def test_nothing_to_match() -> None:
    assert match(flows(), rows((A, B, 1, ALWAYS)).labels()).tolist() == []
    assert match(flows(), rows((A, B, 1, (0, 1))).labels()).tolist() == []
    assert match(flows(Sent(A, B)), LabelRows().labels()).tolist() == [UNLABELLED]


def test_known_at_other_times() -> None:
    labels = rows((A, B, 1, (0, 1))).labels()
    table = flows(Sent(A, B), Sent(B, A), Sent(A, B, (200, 201)))
    assert match(table, labels).tolist() == [-1, -1, -1]
    assert known(table, labels) == 2


def test_parts_keep_their_order() -> None:
    one, other = rows((A, B, 1, ALWAYS)).labels(), rows((A, B, 0, (0, 2**62))).labels()
    assert match(flows(Sent(A, B)), joined([one, other])).tolist() == [0]
    assert match(flows(Sent(A, B)), joined([other, one])).tolist() == [1]
    assert joined([]).total == 0


def test_labels_do_not_change_with_what_is_told_later() -> None:
    table = rows((A, B, 1, ALWAYS))
    labels = table.labels()
    table.add(ends(B, A), 6, 0)
    assert labels.total == 1
    assert table.labels().total == 2


NAMES = [f"10.0.0.{n}:{n}" for n in range(1, 4)]
SPANS = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(
    lambda pair: (pair[0] * SECOND, sum(pair) * SECOND)
)


@settings(max_examples=120, deadline=None)
@given(
    told=st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(NAMES),
            st.integers(0, 1),
            st.one_of(st.just(ALWAYS), SPANS),
        ),
        max_size=25,
    ),
    sent=st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(NAMES),
            st.tuples(st.integers(0, 15), st.integers(0, 3)).map(lambda p: (p[0], sum(p))),
        ),
        max_size=12,
    ),
)
def test_the_arrays_say_what_looking_one_by_one_says(
    told: list[tuple[str, str, int, tuple[int, int]]],
    sent: list[tuple[str, str, tuple[int, int]]],
) -> None:
    expected = []
    for src, dst, (first, last) in sent:
        begin, end = first * SECOND - SLACK_NS, last * SECOND + SLACK_NS
        says = [v for s, d, v, (a, z) in told if (s, d) == (src, dst) and a <= end and z >= begin]
        expected.append(says[-1] if says else UNLABELLED)
    found = match(flows(*(Sent(*one) for one in sent)), rows(*told).labels())
    assert found.tolist() == expected
