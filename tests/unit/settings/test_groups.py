from __future__ import annotations

from plugin import settings
from plugin.settings.groups import SECTIONS, TrainSettings, section_of
from plugin.settings.table import SETTINGS


def test_the_table_and_the_tuples_agree() -> None:
    for name, kind in SECTIONS.items():
        keys = [s.key for s in SETTINGS if s.key.startswith(f"{name}.")]
        assert [f"{name}.{field}" for field in kind.__annotations__] == keys
    plain = [s.key for s in SETTINGS if "." not in s.key]
    assert [*plain, *SECTIONS, "origins"] == list(settings.Settings.__annotations__)


def test_a_section_is_made_of_its_values() -> None:
    made = section_of("train", {"train.jobs": 3, "train.seed": 4, "trains": 5, "model": "x"})
    assert made == TrainSettings(jobs=3, seed=4)
