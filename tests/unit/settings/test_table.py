from __future__ import annotations

from plugin.settings.table import BY_KEY, SETTINGS


def test_keys_and_variables_are_each_of_one_setting() -> None:
    assert len(BY_KEY) == len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert BY_KEY["capture.rotate_time"].variable == "HALIA_CAPTURE_ROTATE_TIME"
    assert [s.key for s in SETTINGS if s.is_list] == [
        "mirror.ignore_vlans", "mirror.ignore_ports", "notify.states", "notify.alarms",
        "notify.mail_to", "detect.flows",
    ]  # fmt: skip


def test_a_section_stands_together() -> None:
    """The settings file is written in the order of the table: a section must not begin twice."""
    sections = [key.partition(".")[0] for key in BY_KEY]
    starts = [a for a, b in zip(sections, ["", *sections], strict=False) if a != b]
    assert len(starts) == len(set(starts))


def test_choices_are_named_where_they_are_explained() -> None:
    for setting in SETTINGS:
        assert bool(setting.choices) == (setting.kind in {"choice", "choices"}), setting.key
        assert [c for c in setting.choices if c not in setting.doc] == [], setting.key
