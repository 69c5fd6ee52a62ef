"""Behaviours on the live stream: found at once, and what is too much is left out and told."""

from __future__ import annotations

import pytest

from plugin.app import watching
from plugin.app.inbox import Inbox
from plugin.app.watching import Watching
from plugin.app.worker import Worker
from plugin.core.layout import PCAP_HEADER
from plugin.engine import events as ev
from plugin.ml.behaviour.parameters import ScanParameters
from plugin.offline.classify import DEFAULTS
from tests import attacks
from tests import frames as f
from tests.apps import PATIENCE


def stream(frames: list[f.Frame]) -> bytes:
    """The stream of a capture: a header, then records in ns."""
    return PCAP_HEADER + records(frames)


def records(frames: list[f.Frame]) -> bytes:
    return f.pcap(*frames)[24:]


def names(inbox: Inbox) -> list[str]:
    items = inbox.take(0)
    return [item.found.finding.name for item in items if isinstance(item, ev.Behaved)]


def later(frames: list[f.Frame], seconds: float) -> list[f.Frame]:
    return [one._replace(time=one.time + round(seconds * f.SECOND)) for one in frames]


SCAN = attacks.horizontal()


def test_a_behaviour_is_found_whatever_pieces_the_stream_comes_in() -> None:
    whole = stream(SCAN)
    record = 16 + len(SCAN[0].data)
    for cut in (24, 24 + record, 24 + 30 * record, len(whole)):
        inbox = Inbox()
        one = Watching(DEFAULTS, inbox)
        one.look(whole[:cut])
        one.look(whole[cut:])
        assert names(inbox) == ["horizontal-scan"]


def test_its_thread_finds_what_was_fed_and_ends_only_when_all_was_looked_at() -> None:
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    one.begin()
    one.feed(stream(SCAN))
    worker = Worker("watching", inbox, one.run)
    worker.stopping.set()
    worker.start()
    assert worker.stop(PATIENCE)
    assert names(inbox) == ["horizontal-scan"]
    assert one.left_out == 0


def test_what_it_cannot_keep_up_with_is_left_out_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piece = stream(SCAN)
    monkeypatch.setattr(watching, "WAITING_BYTES", len(piece) + 10)
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    one.feed(piece)
    one.feed(b"x" * 100)
    one.feed(b"x" * 50)
    assert one.left_out == 150
    (told,) = inbox.take(0)
    assert isinstance(told, ev.Noticed)
    assert told.kind == "overload"
    worker = Worker("watching", inbox, one.run)
    worker.stopping.set()
    worker.start()
    assert worker.stop(PATIENCE)
    assert names(inbox) == ["horizontal-scan"]
    one.feed(piece)  # there is room again
    assert one.left_out == 150


def test_another_capture_begins_with_a_header_of_its_own() -> None:
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    one.look(stream(SCAN))
    one.look(b"")
    one.look(stream(later(SCAN, 1000)))
    assert names(inbox) == ["horizontal-scan", "horizontal-scan"]


def test_forged_addresses_do_not_fill_the_tables_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MACS_MAX", 100)
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    packet = f.ipv4(f.udp(1, 2), 17)
    forged = [
        f.Frame(attacks.at(i / 1000), f.ethernet(packet, src=b"\x02\0\0" + i.to_bytes(3, "big")))
        for i in range(150)
    ]
    one.look(stream(forged))
    assert len(one._macs) > 100
    one.look(records(later(SCAN, 10)))
    assert len(one._macs) < 100
    assert names(inbox) == ["horizontal-scan"]


def test_other_parameters_count_from_the_next_piece_on() -> None:
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    half = len(SCAN) // 2
    one.look(stream(SCAN[:half]))
    one.use(DEFAULTS)  # the same: nothing is forgotten
    one.look(records(SCAN[half:]))
    assert names(inbox) == ["horizontal-scan"]
    one.use(DEFAULTS._replace(horizontal_scan=ScanParameters(targets=1_000)))
    one.look(records(later(SCAN, 1000)))
    assert names(inbox) == []


def test_of_a_flood_of_sessions_only_so_many_are_open_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "SESSIONS_MAX", 10)
    inbox = Inbox()
    one = Watching(DEFAULTS, inbox)
    one.look(stream(SCAN[:-1]))
    assert len(one._sessions._open) == 10  # whom the core forgets, is forgotten here too
    # What is evicted was asked in vain: it is told before the grace is over.
    assert names(inbox) == ["horizontal-scan"]
