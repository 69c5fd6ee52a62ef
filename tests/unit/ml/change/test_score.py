"""What a finding about a change says."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.change.distance import layout
from plugin.ml.change.profile import Parameters, Profile, Seen, fresh, update
from plugin.ml.change.score import NAME, score

HOW = layout("s", ("web", "mail", "peers"), {"services": [0, 1], "peers": [2]})
QUICK = Parameters(windows=3, span=0.0, margin=2.0, floor=0.5)


def profile() -> Profile:
    found = fresh(HOW)
    for time, peers in enumerate((3.0, 3.2, 3.6)):
        row = np.array([1.0, 0.0, peers], np.float32)
        found = update(found, Seen(row, time), HOW, QUICK)
    return found


def test_nothing_is_said_while_it_only_learns() -> None:
    assert score(fresh(HOW), np.zeros(3), HOW, QUICK) is None


def test_nothing_is_said_of_rows_of_another_set() -> None:
    assert score(profile(), np.zeros(3), HOW._replace(schema="other"), QUICK) is None


def test_a_window_like_an_earlier_one_scores_below_the_threshold() -> None:
    found = score(profile(), np.array([1.0, 0.0, 3.9]), HOW, QUICK)
    assert found is not None
    assert found.name == NAME
    assert found.score == pytest.approx(0.3, abs=0.001)  # 0.3 away, the limit is 2 x 0.5
    assert found.threshold == 1.0
    assert found.reasons == ("as in one of 3 kept of 3 earlier windows of its own",)
    assert found.evidence == ()
    nearly = score(profile(), np.array([1.0, 0.0, 3.6 + 0.9997]), HOW, QUICK)
    assert nearly is not None
    assert nearly.reasons == found.reasons
    assert nearly.score < nearly.threshold


def test_a_changed_window_names_groups_and_columns_the_worst_first() -> None:
    found = score(profile(), np.array([0.0, 1.0, 8.0]), HOW, QUICK)
    assert found is not None
    assert found.score == pytest.approx(4.4, abs=0.001)
    assert found.reasons == (
        "peers: 8.8 times as unlike itself as it ever was",
        "services: 4.0 times as unlike itself as it ever was",
        "compared with 3 kept of 3 earlier windows of its own",
    )
    assert found.evidence == (
        "peers is 8, was 3 to 3.6",
        "web is 0, was 1",
        "mail is 1, was 0",
    )


def test_a_group_as_before_is_not_named() -> None:
    found = score(profile(), np.array([1.0, 0.0, 80.0]), HOW, QUICK)
    assert found is not None
    assert [one.split(":")[0] for one in found.reasons[:-1]] == ["peers"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_whatever_a_row_holds_a_score_is_a_number(value: float) -> None:
    found = score(profile(), np.array([1.0, 0.0, value]), HOW, QUICK)
    assert found is not None
    assert 0 <= found.score <= 1e6
