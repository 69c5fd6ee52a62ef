"""Sizes and rates of DNS and pings: ordinary ones, and those that carry something."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.behaviour import tunnel
from plugin.ml.behaviour.finding import SECOND, Finding
from plugin.ml.behaviour.parameters import DnsTunnelParameters, IcmpTunnelParameters
from plugin.ml.behaviour.sums import Sums
from plugin.ml.behaviour.tunnel import DnsTunnel, IcmpTunnel
from plugin.traffic import Counted, Passed

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))
OTHER = IP[:-1] + b"\x02"
Talk = tuple[int, int, int, int]
"""Packets and bytes, there and back, of a second."""


def told(detector: DnsTunnel | IcmpTunnel, kind: str, talk: list[Talk]) -> list[Finding]:
    events = [Counted(i * SECOND, "m", IP, kind, *amounts) for i, amounts in enumerate(talk)]
    return [one.finding for event in events for one in detector.step(event)]


def dns(*talk: Talk, kind: str = "dns") -> list[Finding]:
    return told(DnsTunnel(DnsTunnelParameters()), kind, list(talk))


def icmp(*talk: Talk, kind: str = "icmp") -> list[Finding]:
    return told(IcmpTunnel(IcmpTunnelParameters()), kind, list(talk))


def test_long_queries_and_large_answers_are_named_once_an_episode() -> None:
    (one,) = dns(*[(3, 600, 3, 900)] * 30)
    assert one[:3] == ("dns-tunnel", 200.0, 100.0)
    assert one.reasons == ("30 DNS queries of 200 bytes each, on average, to 10.0.0.1 in 60 s",)
    (one,) = dns(*[(3, 120, 3, 3_600)] * 30)
    assert one[:3] == ("dns-tunnel", 1200.0, 1000.0)
    assert "DNS answers of 1200 bytes" in one.reasons[0]
    assert "from 10.0.0.1" in one.reasons[0]


@pytest.mark.parametrize(
    "talk",
    [
        [(40, 40 * 45, 40, 40 * 300)] * 60,  # a busy morning
        [(1, 200, 1, 300)] * 29,  # few
        [(1, 200, 1, 300), *[(0, 0, 0, 0)] * 60] * 40,  # slow
        [(2, 198, 2, 1_022)] * 60,  # not quite
    ],
)
def test_ordinary_queries_are_not(talk: list[Talk]) -> None:
    assert dns(*talk) == []


def test_means_are_of_one_server_and_of_dns() -> None:
    detector = DnsTunnel(DnsTunnelParameters())
    events = [Counted(i * SECOND, "m", (IP, OTHER)[i % 2], "dns", 1, 200) for i in range(58)]
    assert [one for event in events for one in detector.step(event)] == []
    assert dns(*[(3, 600, 3, 900)] * 30, kind="udp") == []
    assert list(detector.step(Passed(1))) == []


def test_what_comes_back_is_what_was_sent() -> None:
    assert icmp(*[(1, 1_472, 1, 1_472)] * 60) == []
    assert icmp(*[(1, 64, 0, 0)] * 60) == []  # nobody answers
    assert icmp(*[(3, 192, 2, 128)] * 60) == []  # some are lost
    (one,) = icmp(*[(1, 64, 1, 200)] * 10)
    assert one[:3] == ("icmp-tunnel", 136.0, 8.0)
    assert one.reasons == (
        "10 pings to 10.0.0.1 in 60 s bring 64 bytes each, on average, and 200 come back",
    )
    assert icmp(*[(1, 64, 1, 200)] * 9) == []
    assert len(icmp(*[(1, 64, 1, 72)] * 10)) == 1  # at the threshold
    assert icmp(*[(1, 64, 1, 71)] * 10) == []
    assert icmp(*[(1, 64, 1, 200)] * 10, kind="udp") == []
    assert list(IcmpTunnel(IcmpTunnelParameters()).step(Passed(1))) == []


def test_a_great_deal_is_carried_whatever_the_sizes() -> None:
    (one,) = icmp(*[(50, 70_000, 50, 70_000)] * 60)
    assert one[:3] == ("icmp-tunnel", 1_120_000.0, 1_000_000.0)
    assert "carried 1,120,000 bytes" in one.reasons[0]


def test_the_rules_say_the_same_of_arrays() -> None:
    chance = np.random.default_rng(1)
    amounts = chance.integers(0, 40, (200, 4)) * np.array([1, 150, 1, 1_500])
    rules = (tunnel.long_queries, tunnel.large_answers)
    for rule in rules:
        single = []
        for row in amounts.tolist():
            sums = Sums(60)
            sums.add(Counted(0, "m", IP, "dns", *row))
            single.append(bool(rule(DnsTunnelParameters(), sums)))
        whole = Whole(*amounts.T)
        assert rule(DnsTunnelParameters(), whole).tolist() == single
        assert 0 < sum(single) < 200


class Whole:
    """Amounts as arrays."""

    def __init__(self, *amounts: np.ndarray) -> None:
        self.packets, self.payload, self.back_packets, self.back_payload = amounts
