"""Packet records become events, whatever the chunks."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.core import new_engine
from plugin.sessions.live import LiveSessions
from plugin.traffic import Answered, Arp, Closed, Counted, Event, Opened, Passed
from tests import attacks
from tests import frames as f
from tests.engines import Result, make, run

pytestmark = pytest.mark.usefixtures("core")


def read(*packets: f.Frame) -> Result:
    return run(make(type(new_engine())), f.pcap(*packets))


def events(*packets: f.Frame, chunk: int = 1000) -> list[Event]:
    result = read(*packets)
    names = [row["mac"].tobytes().hex(":") for row in result.mac_rows()]
    live, rows = LiveSessions(names.__getitem__), result.packet_rows()
    parts = [rows[i : i + chunk] for i in range(0, len(rows), chunk)]
    found = [event for part in parts for event in live.packets(part)]
    if found:
        assert found[-1] == Passed(max(packet.time for packet in packets))
    return [event for event in found if not isinstance(event, Passed)]


TALK = (
    attacks.asked(0, f.IP_B, 5, 80),
    attacks.told(0.1, f.IP_B, 5, 80, f.SYN | f.ACK),
    attacks.asked(0.2, f.IP_B, 5, 80, f.ACK),
    attacks.told(0.3, f.IP_B, 5, 80, f.RST),
)


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_a_session_is_opened_and_answered_once(chunk: int) -> None:
    opened, counted, answered = sorted(events(*TALK, chunk=chunk), key=lambda e: type(e).__name__)[
        ::-1
    ]
    assert isinstance(opened, Opened)
    assert isinstance(counted, Counted)
    assert isinstance(answered, Answered)
    assert (opened.mac, opened.orig_port, opened.resp_port) == (attacks.BAD_TEXT, 5, 80)
    assert (opened.orig_ip[12:], opened.resp_ip[12:]) == (attacks.BAD_IP, f.IP_B)
    assert (answered.opened, answered.refused) == (opened, False)
    assert answered.time - opened.time == 10**8
    assert (counted.kind, counted.packets, counted.time) == ("syn", 1, attacks.START)


def test_a_capture_that_begins_with_the_answer_names_the_originator() -> None:
    (opened, answered) = events(TALK[1])
    assert isinstance(opened, Opened)
    assert isinstance(answered, Answered)
    assert (opened.mac, opened.resp_port) == (attacks.BAD_TEXT, 80)


def test_broadcasts_open_nothing_and_counts_are_by_second_and_kind() -> None:
    everybody = f.ethernet(f.ipv4(f.udp(1, 2), 17, f.IP_A, b"\xff" * 4), dst=b"\xff" * 6)
    ping = f.ethernet(f.ipv4(f.icmp(8), 1), src=attacks.BAD)
    times = (0.1, 0.9, 1.1, 1.2, 1.3)
    found = events(
        f.Frame(attacks.at(0), everybody), *(f.Frame(attacks.at(t), ping) for t in times)
    )
    assert sum(isinstance(event, Opened) for event in found) == 1
    counts = [(e.time, e.kind, e.packets) for e in found if isinstance(e, Counted)]
    second = attacks.START + f.SECOND
    assert counts == [(attacks.START, "icmp", 2), (second, "icmp", 3)]


def test_arp_is_told() -> None:
    frame = f.ethernet(f.arp(2, sha=attacks.BAD, spa=f.IP_B), 0x0806, src=f.A)
    (arp,) = events(f.Frame(1, frame))
    assert isinstance(arp, Arp)
    assert (arp.mac, arp.sender_mac) == (f.A.hex(":"), attacks.BAD_TEXT)
    assert (arp.operation, arp.sender_ip[12:]) == (2, f.IP_B)


def test_the_end_of_a_session_says_who_sent_what() -> None:
    result = read(*TALK)
    names = [row["mac"].tobytes().hex(":") for row in result.mac_rows()]
    live = LiveSessions(names.__getitem__)
    opened = next(e for e in live.packets(result.packet_rows()) if isinstance(e, Opened))
    (closed,) = live.sessions(result.session_rows())
    assert isinstance(closed, Closed)
    assert closed.opened == opened
    assert (closed.orig_packets, closed.resp_packets) == (2, 2)
    assert live.sessions(np.copy(result.session_rows()))[0].opened is None


def test_the_oldest_of_too_many_open_sessions_are_forgotten() -> None:
    result = read(*(attacks.asked(i, attacks.host(i), 5, 80) for i in range(4)))
    names = [row["mac"].tobytes().hex(":") for row in result.mac_rows()]
    live = LiveSessions(names.__getitem__, open_max=2)
    live.packets(result.packet_rows())
    assert [c.opened is not None for c in live.sessions(result.session_rows())] == [
        False, False, True, True,
    ]  # fmt: skip


def test_an_acknowledgement_shows_that_there_was_an_answer() -> None:
    (opened, _, answered) = events(TALK[0], TALK[2])
    assert answered == Answered(attacks.at(0.2), opened, refused=False)  # type: ignore[arg-type] # it is Opened
    (opened, answered, *_) = events(TALK[2], TALK[3])  # a session from before the capture
    assert answered == Answered(attacks.at(0.2), opened, refused=False)  # type: ignore[arg-type] # it is Opened


def test_of_a_flood_of_sessions_only_so_many_are_remembered_answered_or_not() -> None:
    flood = [
        frame
        for i in range(60)
        for frame in (
            attacks.asked(i / 1000, attacks.host(i), 40_000 + i, 80),
            *([attacks.told(i / 1000, attacks.host(i), 40_000 + i, 80, f.ACK)] if i % 2 else ()),
        )
    ]
    rows, live = read(*flood).packet_rows(), LiveSessions(str, open_max=7)
    for i in range(0, len(rows), 3):
        live.packets(rows[i : i + 3])
        assert len(live._open) <= 7
        assert live._answered <= set(live._open)
    assert len(live._open) == 7
    assert len(live._answered) >= 3


def test_who_was_answered_before_is_not_believed_an_acknowledgement() -> None:
    later = [
        attacks.asked(t, attacks.host(9), 6, 80, flags) for t, flags in ((1, f.SYN), (1.1, f.ACK))
    ]
    gone = [event for event in events(*TALK, *later) if isinstance(event, Answered)]
    assert [event.opened.orig_port for event in gone] == [5]
    (alone,) = (event for event in events(*later) if isinstance(event, Answered))
    assert alone.opened.orig_port == 6
    on = attacks.asked(1, attacks.host(9), 6, 80, f.ACK)
    assert [
        event.opened.orig_port for event in events(*TALK, on) if isinstance(event, Answered)
    ] == [5, 6]
