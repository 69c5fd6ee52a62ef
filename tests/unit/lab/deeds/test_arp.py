from __future__ import annotations

from typing import TYPE_CHECKING

import dpkt

from plugin.lab.deeds import arp
from tests.deeds import MAC, VICTIM, plan_here, raw

if TYPE_CHECKING:
    import pytest


def test_a_spoofer_tells_his_victim_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    next(arp.spoof(plan_here("arp-spoof")))
    assert sock.bound == (arp.NIC, 0)
    frame = dpkt.ethernet.Ethernet(sock.sent[0][0])
    assert (frame.src.hex(":"), frame.dst.hex(":")) == (MAC, VICTIM)
    assert (frame.data.op, frame.data.spa, frame.data.sha.hex(":")) == (
        2,
        bytes((10, 0, 0, 9)),
        MAC,
    )


def test_a_conflict_is_of_the_frame_and_who_speaks_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    next(arp.conflict(plan_here("conflict")))
    frame = dpkt.ethernet.Ethernet(sock.sent[0][0])
    assert (frame.src.hex(":"), frame.dst) == (MAC, b"\xff" * 6)
    claimed = bytes((127, 0, 0, 1))
    assert (frame.data.spa, frame.data.tpa, frame.data.sha.hex(":")) == (claimed, claimed, VICTIM)
