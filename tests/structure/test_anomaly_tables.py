"""The page of anomaly figures: detectors, operating points, lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.signs import NAMES, SIGNS
from plugin.ml.suspicion import LEAST
from scripts.tables import anomaly_detectors as detectors
from scripts.tables import anomaly_shipped as shipped
from scripts.tables import anomaly_words as words
from scripts.tables.anomaly_figures import figures_of
from scripts.tables.anomaly_trials import Plan, trial
from tests.anomalies import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.tables.anomaly_captures import Table
    from scripts.tables.anomaly_trials import Fit

HOSTS, DOWNLOAD = NAMES.index("hosts_failed"), NAMES.index("plain_download")


@pytest.fixture
def signs() -> Table:
    """Harmless devices fail to reach up to three hosts; attacks 500, but the last downloads."""
    made = table(badness=0)
    random = np.random.default_rng(2)
    values = np.zeros((len(made.owner), len(SIGNS)))
    values[:, HOSTS] = random.integers(0, 4, len(values))
    bad = np.flatnonzero(made.attack[made.owner])
    values[bad[1::2], HOSTS] = 500
    values[bad[-2:], HOSTS] = 0
    values[bad[-1], DOWNLOAD] = 1e9
    return made._replace(values=values)


@pytest.mark.parametrize(
    "made", [detectors.suspicion, detectors.alone, detectors.accusing, detectors.weighed]
)
def test_detectors_of_signs_know_attacks_from_harmless_families_left_out(
    signs: Table, made: Callable[[Table], Fit]
) -> None:
    plan = Plan(folds=2, learns_attacks=made is detectors.weighed)
    outcome = trial(signs, made(signs), plan)
    assert np.nanmean(outcome.left) > 0.85
    assert outcome.alarms.mean() < 0.1
    assert outcome.found.mean() > 0.85


@pytest.mark.parametrize("name", ["nearest", "apart", "pca", "spread", "sos"])
def test_detectors_of_news_see_news(name: str) -> None:
    cases = table(badness=0)
    outcome = trial(cases, detectors.of_news(cases, name), Plan(folds=2))
    assert np.nanmean(outcome.seen) > 0.8


def test_what_has_a_name_ranks_first(signs: Table) -> None:
    named = np.zeros(len(signs.cases), np.bool_)
    named[-1] = named[0] = True
    outcome = trial(signs, detectors.first(signs, named, detectors.suspicion(signs)), Plan(folds=2))
    assert (outcome.left[-1, 1:] == 1).all()
    assert outcome.left[-1, 0] == 0.5, "both have one"
    assert outcome.alarms[0] == 1


def test_what_is_shipped_finds_what_is_beyond_but_no_download_alone(signs: Table) -> None:
    judged = shipped.judged(signs)
    assert judged[0].threshold == LEAST
    bad = [one for one, attack in zip(judged, signs.attack, strict=True) if attack]
    assert [one.yes for one in bad] == [True] * 11 + [False]
    assert {one.sign for one in bad[:11]} == {HOSTS}
    assert bad[0].value == 500
    assert bad[-1].sign == DOWNLOAD
    assert not any(one.yes for one in shipped.left_out(signs))


def test_a_family_that_is_left_out_sets_no_floor(signs: Table) -> None:
    values = signs.values.copy()
    values[0, HOSTS] = 1000  # one device of the first family
    cases = signs._replace(values=values)
    assert not shipped.judged(cases)[0].yes, "its own family knows it"
    left = shipped.left_out(cases)
    assert left[0].yes
    assert left[0].value == 1000
    assert not any(one.yes for one in left[1:])


def test_operating_points_differ_as_they_say(signs: Table) -> None:
    named = np.zeros(len(signs.cases), np.bool_)
    named[-1] = True
    ours, calibrated, alone, _, behaviours = shipped.points(signs, named)
    assert ours.found.value == pytest.approx(11 / 12)
    assert ours.both.value == 1
    assert alone.found.value == 1, "downloads accuse, too"
    assert calibrated.threshold < ours.threshold
    assert ours.alarms.value <= calibrated.alarms.value <= 0.05
    assert behaviours.found.value == 0
    assert ours.by_family.value <= 1
    assert behaviours.both.value == pytest.approx(1 / 12)


def test_alarms_are_counted_by_how_long_was_looked(signs: Table) -> None:
    left = shipped.left_out(signs)
    named = np.zeros(len(signs.cases), np.bool_)
    named[0] = True
    hours = np.full(len(left), 2.0)
    hours[:3] = 0.02, 0.1, 1.0
    left[1] = left[1]._replace(score=left[1].threshold)
    short, quarter, hour, longer = shipped.exposure(signs, left, named, hours)
    assert [one.captures for one in (short, quarter, hour)] == [1, 1, 1]
    assert (longer.captures, longer.hours) == (len(left) - 3, 2.0 * (len(left) - 3))
    assert (short.suspicion, short.either) == (0, 1)
    assert (quarter.suspicion, quarter.either) == (1, 1)
    assert (hour.either, longer.either) == (0, 0)


def test_a_control_ranks_by_its_column(signs: Table) -> None:
    rows = np.arange(len(signs.values))
    score = detectors.control(signs, HOSTS)(rows)
    assert score(rows[:3]).tolist() == signs.values[:3, HOSTS].tolist()


def test_the_page_has_every_attack_and_every_false_alarm(signs: Table) -> None:
    judged, left = shipped.judged(signs), shipped.left_out(signs)
    named: list[tuple[str, ...]] = [()] * len(signs.cases)
    named[3] = ("beacon",)
    named[-2] = ("syn-flood",)
    text = "\n".join(
        [
            *words.introduction(signs),
            *words.trials([("mine", figures_of(signs, trial(signs, detectors.alone(signs))))]),
            *words.points(shipped.points(signs, np.array([bool(one) for one in named]))),
            *words.by_kind(signs, judged, named),
            *words.misses(signs, judged, named),
            *words.alarms(signs, left, named),
            *words.exposure([shipped.Exposure("longer", 2, 30.0, 1, 3)]),
            *words.unsaid([("devices/u.pcap", "unknown", judged[-2])]),
            *words.pairs("| a |"),
        ]
    )
    assert "72 harmless captures in 3 families" in text
    assert "| `scan/0` | bad | suspicion | 500 hosts asked in vain at one port |" in text
    assert "| `c2/2` | bad | syn-flood |" in text
    assert "| `c2/3` | bad | **missed** | 1,000,000,000 bytes from one outside web server" in text
    assert "| `0/03` | family0 | beacon |" in text
    assert text.count("family0 | beacon") == 1
    assert "| all | 12 | 1 | 11 | 11 |" in text
    assert "| `devices/u.pcap` | unknown | yes |" in text
    assert "has hours of other offices).\n\n| a |" in text
    assert "the aim was 0.85, " in text
    assert "the aim was 0.70 at 0.05 at most, " in text
    rows = [line for line in text.splitlines() if line.startswith("| mine ")]
    assert rows[0].count("|") == 10
    assert words.pairs(None) == []


def test_what_has_a_threshold_of_its_own_keeps_it(signs: Table) -> None:
    fit = detectors.suspicion(signs)
    calibrated = trial(signs, fit, Plan(folds=2))
    assert calibrated.found[-1].all(), "a download counts to just below what ships"
    own = trial(signs, fit, Plan(folds=2, threshold=LEAST))
    assert own.found[:-1].all()
    assert not own.found[-1].any()
    assert not own.alarms.any()
