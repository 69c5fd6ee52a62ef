"""Is a device unlike what is known of its role?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.ml import verdict
from plugin.ml.features import host
from plugin.ml.novelty.judge import Device, compare, enough, explained, judge, ratios
from plugin.ml.novelty.model import Normal
from plugin.ml.novelty.references import PULL
from plugin.ml.schema import SCHEMAS
from tests.normals import role, rows_like, tiny_normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = SCHEMAS["service-ports"].n_columns


@pytest.fixture(scope="module")
def normal() -> Normal:
    return tiny_normal()


def device(like: str = "Printer", seed: int = 99, **fields: Any) -> Device:
    row = rows_like(like, 1, seed, WIDTH)[0]
    return Device(row, 100, 10)._replace(**fields)


def test_a_device_like_its_role_is_not_novel_and_what_is_unlike_it_is(normal: Normal) -> None:
    like = judge(normal, role(), device("Printer"))
    unlike = judge(normal, role(), device("Workstation"))
    assert like is not None
    assert unlike is not None
    assert like.score < 1 <= unlike.score
    assert verdict.judge((), like).verdict == "normal"
    assert verdict.judge((), unlike).verdict == "novel"
    assert (like.name, like.threshold) == ("novelty", 1.0)


def test_a_score_just_below_the_threshold_is_not_rounded_to_it(normal: Normal) -> None:
    far = ratios(normal, "Printer", device("Workstation").row[None])[0]
    arrays = {**normal.arrays, "threshold": normal.arrays["threshold"] * far / 0.9996}
    found = judge(normal._replace(arrays=arrays), role(), device("Workstation"))
    assert found is not None
    assert verdict.judge((), found).verdict == "normal"
    assert len(found.reasons) == 1


def test_what_is_novel_names_the_features_and_what_is_usual(normal: Normal) -> None:
    found = judge(normal, role(), device("Workstation"))
    assert found is not None
    assert found.reasons[0].startswith("unlike 30 reference captures of Printer: at ")
    names = {name.replace("_", " ") for name in SCHEMAS["service-ports"].names}
    assert len(found.evidence) == 3
    for told in found.evidence:
        name, _, usual = told.partition(", usual ")
        assert name.rpartition(" ")[0] in names
        assert usual
    assert found.reasons[1] == f"unusual: {found.evidence[0]}"


def test_a_rich_feature_is_told_by_what_it_means() -> None:
    rich = tiny_normal("halia-host")
    width = SCHEMAS["halia-host"].n_columns
    row = rows_like("Workstation", 1, 9, width)[0]
    found = judge(rich, role(), Device(row, 100, 10))
    assert found is not None
    name = found.evidence[0].partition(", usual ")[0].rpartition(" ")[0].replace(" ", "_")
    meaning = host.definitions()[name].rpartition(" [")[0]
    assert found.reasons[1].startswith(f"unusual: {meaning}: ")


def test_a_logarithm_is_told_as_the_number_it_stands_for() -> None:
    rich = tiny_normal("halia-host")
    names = SCHEMAS["halia-host"].names
    row = rows_like("Printer", 1, 9, len(names))[0]
    row[names.index("sent_most_size_ftp")] = np.log10(1 + 9_999)
    found = judge(rich, role(), Device(row, 100, 10))
    assert found is not None
    assert found.reasons[1].startswith("unusual: largest IP length (bytes) of ftp packets ")
    assert found.reasons[1].endswith(": 9,999, usual 0")


def test_who_fits_no_role_is_novel_however_near(normal: Normal) -> None:
    near = judge(normal, role("unknown"), device("Printer"))
    assert near is not None
    assert near.score == 1.0
    assert len(near.reasons) == 2  # what is unusual, however near
    assert near.reasons[0].startswith("fits no known role, and is novel by that alone: ")
    assert "Printer" not in near.reasons[0]  # the role's own reason says what it is nearest to
    far = judge(normal, role("unknown"), device("Camera", 5, row=np.full(WIDTH, 3.0)))
    assert far is not None
    assert far.score > 1
    assert far.reasons[0].startswith("fits no known role, and is unlike all 63 reference captures")
    assert verdict.judge((), far).verdict == "novel"


@pytest.mark.parametrize(
    ("decision", "fields"),
    [("undetermined", {}), ("known", {"packets": 3}), ("unknown", {"sessions": 0})],
)
def test_too_little_is_not_judged(normal: Normal, decision: str, fields: dict[str, int]) -> None:
    some = device("Workstation", **fields)
    assert not enough(normal, role(decision), some)
    assert judge(normal, role(decision), some) is None
    least = normal.manifest.min_packets, normal.manifest.min_sessions
    assert enough(normal, role(), some._replace(packets=least[0], sessions=least[1]))


@pytest.mark.parametrize("label", ["Camera", "Toaster"])
def test_a_role_with_too_few_references_is_compared_with_all(normal: Normal, label: str) -> None:
    found = judge(normal, role(label=label), device("Workstation"))
    assert found is not None
    assert found.score < 1
    assert found.reasons[0] == f"too few are known as {label} to compare with them only"
    assert "all 63 reference captures" in found.reasons[1]


def test_the_own_past_and_the_site_gain_weight_as_they_come(normal: Normal) -> None:
    """A printer that has always been a bit like a workstation is less novel the longer known."""
    now = device(row=somewhat_unlike(1, 99)[0])
    scores = []
    past = somewhat_unlike(100, 7)
    for n in (0, 3, 10, 40, 100):
        found = judge(normal, role(), now._replace(own=past[:n]))
        assert found is not None
        scores.append(found.score)
    assert scores[0] == scores[1] > scores[2] > scores[3] > scores[4]
    assert scores[0] > 1 > scores[4]
    site = judge(normal, role(), now._replace(site=somewhat_unlike(100, 8)))
    assert site is not None
    assert site.score < 1
    both = compare(normal, "Printer", now._replace(site=past, own=past[:20]))
    assert [one.known.origin for one in both] == ["shipped", "site", "own"]
    assert sum(one.weight for one in both) == pytest.approx(1)
    assert both[2].weight == pytest.approx(0.5)


def somewhat_unlike(n: int, seed: int) -> NDArray[np.float32]:
    """(n, WIDTH) rows of printers that are half way to a workstation."""
    parts = [rows_like(role, n, seed, WIDTH) for role in ("Printer", "Workstation")]
    return (parts[0] + parts[1]) / np.float32(2)


@pytest.mark.parametrize(("known", "label"), [("known", "Printer"), ("unknown", "Unknown")])
def test_what_was_gathered_makes_nothing_usual_that_is_far_from_the_shipped(
    normal: Normal, known: str, label: str
) -> None:
    """A hundred forged devices, and a past of a month, are no leave to do anything."""
    far = rows_like("Printer", 101, 7, WIDTH) + np.float32(0.8)
    now = device(row=far[0], own=far[1:], site=far[1:])
    found = judge(normal, role(known, label=label), now)
    assert found is not None
    shipped = float(ratios(normal, label, far[:1])[0])
    assert found.score == round(shipped / PULL, 3) > 1
    assert any("which no window that was remembered here makes usual" in x for x in found.reasons)
    near = judge(normal, role(known, label=label), now._replace(row=somewhat_unlike(1, 5)[0]))
    assert near is not None
    assert not any("remembered here" in one for one in near.reasons)


def test_a_site_can_know_a_role_that_did_not_come_with_the_model(normal: Normal) -> None:
    site = rows_like("Camera", 30, 8, WIDTH)
    like = judge(normal, role(label="Toaster"), device("Camera", site=site))
    unlike = judge(normal, role(label="Toaster"), device("Workstation", site=site))
    assert like is not None
    assert unlike is not None
    assert like.score < 1 <= unlike.score
    assert like.reasons[0].startswith("like 30 of this site's windows of Toaster")


def test_rows_that_are_too_few_to_compare_with_explain_nothing_either(normal: Normal) -> None:
    few = rows_like("Workstation", 3, 8, WIDTH)
    now = device("Workstation", own=few, row=np.full(WIDTH, 2.0))
    assert explained(normal, "Printer", now).references == 30
    assert explained(normal, "Toaster", now).references == 63
    found = judge(normal, role(label="Toaster"), now)
    assert found is not None
    assert found == judge(normal, role(label="Toaster"), now._replace(own=None))
    least = rows_like("Workstation", normal.manifest.least, 8, WIDTH)
    assert explained(normal, "Printer", now._replace(own=least)).references == 30


def test_shipped_ratios_of_many_rows_are_those_of_each(normal: Normal) -> None:
    rows = np.concatenate(
        [rows_like("Printer", 3, 50, WIDTH), rows_like("Workstation", 2, 51, WIDTH)]
    )
    found = ratios(normal, "Printer", rows)
    assert found.shape == (5,)
    assert (found[:3] < 1).all()
    assert (found[3:] > 1).all()
    alone = judge(normal, role(), device(row=rows[1]))
    assert alone is not None
    assert alone.score == round(float(found[1]), 3)


def test_an_explanation_has_every_feature_the_strangest_first(normal: Normal) -> None:
    told = explained(normal, "Printer", device("Workstation"))
    assert (told.role, told.references, len(told.features)) == ("Printer", 30, WIDTH)
    beyond = [abs(one.beyond) for one in told.features]
    assert beyond == sorted(beyond, reverse=True)
    assert explained(normal, "Toaster", device()).role is None
    site = rows_like("Camera", 6, 8, WIDTH)
    assert explained(normal, "Printer", device(site=site)).references == 36
    assert explained(normal, "Toaster", device(site=site)).references == 6


def test_rows_that_a_detector_cannot_compare_with_are_none() -> None:
    normal = tiny_normal(detector="sos")
    width = normal.arrays["rows"].shape[1]
    row = rows_like("Printer", 1, 7, width)
    same = np.repeat(row, 30, axis=0)
    found = compare(normal, "Printer", Device(row[0], 99, 9, same, same))
    assert [one.known.origin for one in found] == ["shipped"]
    far = Device(np.zeros(width), 99, 9, same, same)
    far.row[0] = 9.0
    told = judge(normal, role(label="Toaster"), far)
    assert told is not None
    assert told.score > 1
    assert told == judge(normal, role(label="Toaster"), far._replace(site=None, own=None))


def test_who_fits_no_role_is_held_against_his_own_past_once_there_is_one(normal: Normal) -> None:
    own = rows_like("Camera", 20, 8, WIDTH)
    like = judge(normal, role("unknown"), device("Camera", own=own))
    unlike = judge(normal, role("unknown"), device("Workstation", own=own))
    few = judge(normal, role("unknown"), device("Camera", own=own[:3]))
    (past,) = compare(normal, None, device("Camera", own=own[:10]))
    assert past.known.threshold == normal.arrays["threshold"][:-1].max()  # nobody knows which
    # What the site knows of others tells nothing of a device without a role.
    others = judge(normal, role("unknown"), device("Camera", site=own))
    assert like is not None
    assert unlike is not None
    assert few is not None
    assert others is not None
    assert like.score < 1 <= unlike.score
    assert like.reasons[0].startswith("fits no known role")
    assert like.reasons[1].startswith("like 20 of its own earlier windows: at ")
    assert few.score >= 1
    assert others.score >= 1
