"""Hosts whose remote administration answers a device."""

from __future__ import annotations

from plugin.ml.behaviour.admin_fan_out import AdminFanOut
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import FanOutParameters
from plugin.traffic import Answered, Opened, Passed

PREFIX = bytes(10) + b"\xff\xff" + bytes((10, 0, 0))


def found(
    hosts: range, *, port: int = 445, every: float = 5, proto: int = 6, fresh: bool = True,
    refused: bool = False,
) -> list[str]:  # fmt: skip
    detector = AdminFanOut(FanOutParameters())
    told = []
    for i, host in enumerate(hosts):
        time = round(i * every * SECOND)
        opened = Opened(
            time, i, "m", proto, PREFIX + b"\x42", PREFIX + bytes([host % 256]), 5, port, fresh
        )
        told += [
            f"{one.mac} {one.finding.reasons[0]}"
            for one in detector.step(Answered(time + 1, opened, refused))
        ]
    return told


def test_many_hosts_are_named_once_an_episode() -> None:
    hosts = "10 hosts answered it on ports of remote administration"
    assert found(range(40)) == [f"m {hosts} in 300 s, the last on 445"]
    assert all(found(range(10), port=port) for port in (22, 139, 445, 3389, 5985, 5986))


def test_few_slow_or_other_sessions_are_not() -> None:
    assert found(range(9)) == []
    assert found(range(1, 2)) == []
    assert found(range(0, 256 * 40, 256)) == []  # one host, again and again
    assert found(range(40), every=40) == []
    assert found(range(40), port=443) == []
    assert found(range(40), proto=17) == []
    assert found(range(40), fresh=False) == []
    assert found(range(40), refused=True) == []
    assert list(AdminFanOut(FanOutParameters()).step(Passed(1))) == []
