"""Requests for addresses: more than any client needs."""

from __future__ import annotations

from plugin.ml.behaviour.dhcp_flood import DhcpFlood
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import DhcpFloodParameters
from plugin.traffic import Counted, Passed

EVERYBODY = bytes(10) + b"\xff\xff" + b"\xff" * 4


def found(*requests: tuple[int, int], kind: str = "dhcp") -> list[tuple[str, str]]:
    detector = DhcpFlood(DhcpFloodParameters())
    events = [Counted(time * SECOND, "m", EVERYBODY, kind, many) for time, many in requests]
    return [(one.mac, one.finding.reasons[0]) for e in events for one in detector.step(e)]


def test_too_many_are_told_once_an_episode() -> None:
    assert found((0, 30), (59, 30)) == [("m", "60 DHCP requests in 60 s")]
    assert found((0, 100), (1, 100), (2, 100)) == [("m", "100 DHCP requests in 60 s")]
    assert len(found((0, 100), (300, 100))) == 2


def test_a_client_that_repeats_itself_is_none() -> None:
    assert found(*((t, 2) for t in (0, 4, 12, 28, 60, 64, 72))) == []
    assert found((0, 59), (60, 59)) == []
    assert found((0, 1_000), kind="udp") == []
    assert list(DhcpFlood(DhcpFloodParameters()).step(Passed(1))) == []
