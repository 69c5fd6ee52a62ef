from __future__ import annotations

import fcntl
import socket
import struct

import pytest

from plugin.capture import packet_socket
from plugin.capture.packet_socket import Counting, Opening, Statistics, check_interface
from plugin.errors import OptionError


class FakeSocket:
    """Answers each look at the statistics with the next of its answers."""

    def __init__(self, *answers: tuple[int, ...]) -> None:
        self.answers = [struct.pack(f"={len(a)}I", *a) for a in answers]

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert (level, option) == (packet_socket.SOL_PACKET, packet_socket.PACKET_STATISTICS)
        return self.answers.pop(0)[:size]


def test_counters_that_reading_clears_are_added_up() -> None:
    counting = Counting(FakeSocket((10, 1, 2), (5, 0, 1)), 3)  # type: ignore[arg-type] # a fake
    assert counting.read() == Statistics(10, 1, 2)
    assert counting.read() == Statistics(15, 1, 3)
    plain = Counting(FakeSocket((10, 1)), 2)  # type: ignore[arg-type] # a fake
    assert plain.read() == Statistics(10, 1, 0)


@pytest.mark.parametrize("name", ["no-such-nic", "x" * 40, "a/b"])
def test_an_interface_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(OptionError, match=r"there are: .*lo"):
        check_interface(name)


def test_the_loopback_interface_is_as_good_as_ethernet() -> None:
    check_interface("lo")


def test_an_interface_that_is_no_ethernet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = struct.pack("=16sH", b"tun0", 65534)
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: answer)
    with pytest.raises(OptionError, match="no Ethernet"):
        check_interface("lo")


def test_the_ring_holds_some_seconds_at_low_rates_and_high_ones() -> None:
    o = Opening("lo")
    assert o.blocks * o.retire_ms >= 3000, "ms until the blocks are used up when little comes"
    a_frame = 48 + 40 + o.snaplen
    assert o.blocks * o.block_size / a_frame >= 2 * 100_000, "frames: 2 s at 100,000 a second"


def test_who_may_not_capture_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(packet_socket, "check_interface", lambda _: None)
    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(Exception, match="CAP_NET_RAW"):
        packet_socket.open_socket(Opening("lo"))
