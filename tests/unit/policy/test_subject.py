from __future__ import annotations

from plugin.policy.subject import NOWHERE, Subject
from tests.policies import MAC, device, window


def test_packets_are_those_of_the_last_capture() -> None:
    assert device(windows=(window(1, packets=7), window(2, packets=9))).packets == 7
    assert device(windows=()).packets == 0


def test_of_a_new_device_nothing_is_said() -> None:
    new = Subject(mac=MAC)
    assert (new.place, new.role, new.behaviours, new.windows, new.captures) == (
        None, None, (), (), 0,
    )  # fmt: skip
    assert (new.twice, new.ignored, new.source) == (False, None, "halia")


def test_nowhere_is_no_uplink_and_no_gateway() -> None:
    assert NOWHERE == (0, 0, None, None, None, None)
