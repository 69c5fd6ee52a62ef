"""The tables beside netml's: differences are paired, and only what is the same is compared."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from plugin.flows.records import KEY, Flows
from plugin.ml.holdout import split
from scripts.tables import netml_pairs, netml_run, netml_words
from scripts.tables.netml_paired import Paired, Score, Trial, of_trial, paired

ROOT = Path(__file__).resolve().parents[2]


def trial(ours: list[float | None], theirs: list[float | None], algorithm: str = "PCA") -> Trial:
    made = [
        tuple(None if value is None else Score(value, value / 2) for value in side)
        for side in (theirs, ours)
    ]
    return Trial("IAT", fft=True, header=False, columns=7, algorithm=algorithm, theirs=made[0],
                 ours=made[1], their_errors=("ValueError: a | b",))  # fmt: skip


def test_the_interval_is_wider_than_that_of_independent_splits() -> None:
    random = np.random.default_rng(1)
    theirs, ours = random.normal(0.6, 0.1, 20), random.normal(0.65, 0.1, 20)
    found = paired(theirs.tolist(), ours.tolist(), 30, 60)
    away = ours - theirs
    plain = stats.t.interval(0.95, 19, away.mean(), away.std(ddof=1) / np.sqrt(20))
    assert found.difference == pytest.approx(away.mean())
    # sqrt(1/20 + 30/60) against sqrt(1/20).
    assert found.high - found.low == pytest.approx((plain[1] - plain[0]) * np.sqrt(11))
    assert found.splits == 20


def test_a_difference_is_ours_less_theirs_of_splits_that_both_ran() -> None:
    found = of_trial(trial([0.7, 0.9, None, 0.5], [0.5, 0.7, 0.1, None]), "auc", 30, 60)
    assert found is not None
    assert found.splits == 2
    assert found.difference == pytest.approx(0.2)
    assert found.word == "above"
    half = of_trial(trial([0.7, 0.9], [0.5, 0.7]), "precision", 30, 60)
    assert half is not None
    assert half.difference == pytest.approx(0.1)
    assert of_trial(trial([0.7, None], [0.5, 0.7]), "auc", 30, 60) is None


def test_equal_splits_are_called_equal_and_signs_are_written() -> None:
    same = paired([0.5, 0.6], [0.5, 0.6], 30, 60)
    assert (str(same), same.word) == ("0", "equal")
    assert str(Paired(0.5, 0.6, 0.1, -0.05, 0.25, 20)) == "+.100 [-.050, +.250]"
    assert Paired(0.5, 0.6, 0.1, -0.05, 0.25, 20).word == "around"
    assert Paired(0.5, 0.4, -0.1, -0.2, -0.05, 20).word == "below"


def test_the_page_has_each_pair_and_lists_what_netml_does_not_run() -> None:
    trials = [
        trial([0.75, 0.75], [0.5, 0.5]),
        trial([0.75, 0.75], [0.25, 0.25], "IF"),
        trial([0.5, 0.625], [None, None], "AE"),
    ]
    again = [trial([0.5, 0.5], [0.5, 0.5])]
    text = netml_words.page(trials, again, {"netml": "0.7.1"}, (30, 58), (88, 15))
    assert "| `IAT` fft | 7 | PCA | .500 | .750 | +.250 [+.250, +.250] | .250 | .375 |" in text
    assert "| PCA | 1 | 0 | 1 | 0 | 0 | +.250 |" in text
    assert "| `IAT` fft | .250 | .750 | .750 |" in text
    assert "- **a** ValueError: a | b\n" in text
    assert "| `IAT` fft | AE | 0 of 2 | a | .562 | .281 |" in text
    assert "| `IAT` fft | PCA | +.250 [+.250, +.250] | 0 |" in text
    assert "88 flows\n(15 abnormal)" in text
    failed = trials[2]._replace(ours=(None, None), our_errors=("x", "y"))
    text = netml_words.page([trials[0], failed], again, {}, (30, 58), (88, 15))
    assert "| a | – (fails too on 2 of 2 splits) | – |" in text


def test_times_are_rounded_to_the_step_of_a_float_of_today() -> None:
    given = flows()
    today = Flows(given.keys, given.starts, given.time * 1000 + 1_499_083_690_990_417_123,
                  given.size, given.ttl, given.flags)  # fmt: skip
    found = netml_pairs.rounded(today)
    assert 0 < np.abs(found.time - today.time).max() <= 239
    steps = np.diff(found.time) / (2**-22 * 1e9)
    assert np.abs(steps - steps.round()).max() < 0.01
    assert str(Paired(0.5, 0.5, 0.0, -0.0001, 0.2, 20)) == ".000 [.000, +.200]"


def flows() -> Flows:
    keys = np.zeros(2, KEY)
    keys["src_ip"][:, 10:12], keys["dst_ip"][:, 10:12] = 255, 255
    keys["src_ip"][:, 12], keys["dst_ip"][:, 12] = 10, 10
    keys["dst_ip"][:, 15] = 9
    keys["src_port"], keys["dst_port"], keys["proto"] = [1, 2], 80, 6
    time = np.array([10, 20, 30, 40, 50], np.int64)
    return Flows(keys, np.array([0, 2, 5]), time, np.ones(5, np.uint32), *np.ones((2, 5), np.uint8))


def test_flows_are_found_by_ends_time_and_packets() -> None:
    first, second = netml_pairs.keys_of(flows())
    assert first == ("10.0.0.0", "10.0.0.9", 1, 80, 6, 10, 2)
    assert second == ("10.0.0.0", "10.0.0.9", 2, 80, 6, 30, 3)
    assert netml_pairs.aligned([first, second], [second, first]).tolist() == [1, 0]
    with pytest.raises(SystemExit, match="other flows"):
        netml_pairs.aligned([first, second], [first])
    with pytest.raises(SystemExit, match="only netml's"):
        netml_pairs.aligned([first, second], [first, (*second[:-1], 4)])


def test_our_side_learns_what_is_not_tested_and_an_error_is_kept() -> None:
    random = np.random.default_rng(2)
    rows = np.vstack([random.normal(0, 1, (40, 3)), random.normal(9, 1, (4, 3))])
    labels = np.repeat([0, 1], [40, 4])
    tests = [[*range(20), 40, 41, 42, 43], [*range(20, 40), 40, 41, 42, 43]]
    common = netml_pairs.Common(flows(), 1.0, labels, tests)
    found, errors = netml_pairs.our_scores("KNN", rows, common)
    assert [one and one.auc for one in found] == [1.0, 1.0]
    assert errors == ()
    found, errors = netml_pairs.our_scores("KNN", rows * np.nan, common)
    assert found == (None, None)
    assert len(errors) == 2


def test_another_auc_than_netmls_ends_the_run() -> None:
    common = netml_pairs.Common(flows(), 1.0, np.array([0, 1]), [[0, 1]])
    score = netml_pairs.their_score(0, 1.0, [1.0, 2.0], common)
    assert score == Score(1.0, 1.0)
    assert netml_pairs.their_score(0, None, None, common) is None
    with pytest.raises(SystemExit, match="AUC"):
        netml_pairs.their_score(0, 0.5, [1.0, 2.0], common)


def test_the_splits_are_those_that_our_command_draws() -> None:
    learned, tested = netml_run._split(88, 7)
    assert (len(learned), len(tested)) == (58, 30)
    assert [part.tolist() for part in split(88, 0.33, 7)] == [learned, tested]


def test_netmls_times_are_taken_as_they_stood_in_the_capture() -> None:
    packets = [SimpleNamespace(time=Decimal("1499083690.990417123")), SimpleNamespace(time=0)]
    key = ("10.0.0.1", "10.0.0.2", 1, 80, 6)
    assert netml_run._flow(key, packets) == [*key, 1499083690990417123, 2]
    assert netml_run._told(ValueError("first\nsecond")) == "ValueError: first"
    assert netml_run._told(KeyError()) == "KeyError: "


def test_netmls_side_imports_nothing_of_ours() -> None:
    text = (ROOT / "scripts" / "tables" / "netml_run.py").read_text("utf-8")
    assert "from plugin" not in text
    assert "import plugin" not in text
