"""An alarm that lasts is told again, but not all the time."""

from __future__ import annotations

import pytest

from plugin.engine import alarms
from plugin.engine import commands as do
from plugin.engine.alarms import Alarms


def test_the_same_is_told_once_in_a_while_and_another_at_once() -> None:
    told = Alarms()
    disk = do.Alarm("disk_full", None, "no room")
    first = told.tell(disk, 0.0)
    body = {"alarm": "disk_full", "mac": None, "text": "no room"}
    assert first == [disk, do.Record("alarm", body)]
    assert told.tell(disk._replace(text="still no room"), 299.0) == []
    assert told.tell(disk._replace(mac="02:00:00:00:00:01"), 299.0)
    assert told.tell(disk, 300.0)
    assert told.tell(disk, 100.0), "a clock that was set back silences nothing"


def test_of_some_kinds_each_text_is_an_alarm_of_its_own() -> None:
    told = Alarms()
    assert told.tell(do.Alarm("behaviour", "m", "scan"), 0.0)
    assert told.tell(do.Alarm("behaviour", "m", "flood"), 0.0)
    assert told.tell(do.Alarm("behaviour", "m", "scan"), 1.0) == []


def test_what_is_remembered_is_bounded() -> None:
    told = Alarms()
    for number in range(alarms._KEPT + 10):
        told.tell(do.Alarm("twice", str(number), ""), 0.0)
    assert len(told._told) == alarms._KEPT


@pytest.mark.parametrize(
    ("down", "up"),
    [("feed_down", "feed_up"), ("capture_down", "capture_up"), ("held", "resumed"),
     ("switch_down", "switch_up"), ("hook", "hook_ok"), ("disk_full", "disk_ok")],
)  # fmt: skip
def test_the_last_word_is_right_however_soon_it_changes(down: str, up: str) -> None:
    told = Alarms()
    turns = [told.tell(do.Alarm(kind, None, "x"), n) for n, kind in enumerate([down, up] * 3)]
    assert all(turns)


def test_each_switch_is_one_of_its_own() -> None:
    told = Alarms()
    assert told.tell(do.Alarm("switch_down", None, "switch sw1 has left Faucet"), 0.0)
    assert told.tell(do.Alarm("switch_down", None, "switch sw2 has left Faucet"), 0.0)


def test_a_thaw_that_is_about_nobody_ends_a_breach_that_is_about_a_device() -> None:
    told = Alarms()
    breach, thaw = do.Alarm("caps", "m", "5 devices"), do.Alarm("caps_ok", None, "thawed")
    assert [bool(told.tell(one, n)) for n, one in enumerate([breach, thaw] * 3)] == [True] * 6
    assert told.tell(do.Alarm("caps_ok", None, "again"), 7.0) == []


def test_the_end_of_one_device_s_trouble_is_not_another_s() -> None:
    told = Alarms()
    told.tell(do.Alarm("proof", "m", "gone"), 0.0)
    told.tell(do.Alarm("enforcing", "m", "not written"), 0.0)
    told.tell(do.Alarm("enforcing_ok", "n", "written"), 1.0)
    assert told.tell(do.Alarm("enforcing", "m", "not written"), 2.0) == []
    assert told.tell(do.Alarm("proof", "m", "gone"), 2.0) == []
