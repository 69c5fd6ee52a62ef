"""The main loop: events in, commands carried out, nothing said before it is kept."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.daemon import Daemon
from plugin.app.inbox import Asked, Failed, Inbox, Signalled
from plugin.app.keeping import Keeper
from plugin.audit.chain import Entry
from plugin.audit.journal import Journal, JournalError, entries
from plugin.broker.spool import Spool
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.events import FeedOpened
from plugin.registry import Limits
from tests.apps import PATIENCE, Noted
from tests.playbook import START, A, B, found, learned, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from plugin.audit.journal import Draft
    from plugin.broker.message import Message


class Refusing(Journal):
    """A journal whose disk is full, as long as it is told so."""

    full = False

    def append_all(self, drafts: Sequence[Draft]) -> list[Entry]:
        if self.full:
            raise JournalError("the journal cannot be written: no space")
        return super().append_all(drafts)


class Loop:
    """A daemon on real files, by a clock of the test's."""

    def __init__(
        self, journal: Refusing, folder: Path, publish: Callable[[Message], object] | None
    ) -> None:
        self.journal, self.folder = journal, folder
        self.now = START
        self.noted = Noted()
        self.kept: list[Entry] = []
        self.inbox = Inbox()
        self.engine = Engine(Options(limits=Limits(devices=2)))
        self.daemon = Daemon(
            self.inbox, self.engine, Keeper(journal, publish, self.kept.extend),
            self.noted.hands(), dict, clock=lambda: self.now,
        )  # fmt: skip

    def happens(self, *items: Any) -> None:
        for item in items:
            self.inbox.put(item)
        while self.daemon.turn(0):
            pass

    def kinds(self) -> list[str]:
        """What stands in the journal."""
        found = [one for one in entries(self.folder) if isinstance(one, Entry)]
        return [f"alarm {one.body['alarm']}" if one.kind == "alarm" else one.kind for one in found]


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with Refusing(tmp_path / "journal") as journal:
        yield Loop(journal, tmp_path / "journal", None)


def test_every_command_is_carried_out(loop: Loop) -> None:
    loop.happens(
        FeedOpened(source="faucet.sock"),
        learned(),
        ev.CaptureOpened(A, "one.pcap"),
        ev.Behaved(found()),
        ev.CaptureFinished("captures/one.pcap", "one.pcap", A, 3, "time"),
        ev.Judged("one.pcap", verdict(), None),
    )
    assert loop.noted.of("resync") == [None]
    assert loop.noted.of("judge") == [do.Judge("captures/one.pcap", "one.pcap", A, 3)]
    spoken = loop.noted.of("spoken")
    assert {type(one) for one in spoken} == {do.Alarm, do.AnnounceFinding, do.Announce}
    assert A in loop.noted.of("show")
    assert len(loop.noted.of("took")) == 6
    assert loop.kinds() == ["device", "finding", "alarm behaviour", "verdict"]
    assert [one.time for one in loop.kept] == [START] * 4
    loop.happens(ev.CaptureOpened(B, "b"), ev.CaptureOpened("02:00:00:00:00:0c", "c"))
    assert loop.noted.of("forget") == [B]  # only frames have shown it, and there is no room


def test_what_is_said_is_kept_first_and_captures_wait_meanwhile(loop: Loop) -> None:
    loop.journal.full = True
    loop.happens(ev.Judged("one.pcap", verdict(), None))
    assert loop.noted.of("hold") == [True]
    assert [one.kind for one in loop.noted.of("spoken")] == ["held"]  # the verdict is not
    assert "no space" in loop.noted.of("spoken")[0].text
    assert loop.engine.holding
    loop.happens(ev.Judged("two.pcap", verdict(B), None))
    assert loop.noted.of("hold") == [True]  # said once
    loop.journal.full = False
    loop.daemon.flush()
    assert loop.noted.of("hold") == [True, False]
    assert loop.engine.step(ev.Room(there=True, reason=""), START) == []  # it holds no more
    told = [one for one in loop.noted.of("spoken") if isinstance(one, do.Announce)]
    assert [one.capture for one in told] == ["one.pcap", "two.pcap"]
    loop.daemon.flush()
    assert loop.kinds() == ["verdict", "alarm held", "verdict", "alarm resumed"]
    assert len([one for one in loop.noted.of("spoken") if isinstance(one, do.Announce)]) == 2


def test_a_full_spool_holds_captures_too(tmp_path: Path) -> None:
    with (
        Refusing(tmp_path / "journal") as journal,
        Spool(tmp_path / "spool", max_bytes=10) as spool,
    ):
        loop = Loop(journal, tmp_path / "journal", spool.put)
        loop.happens(ev.Judged("one.pcap", verdict(), None))
        assert loop.noted.of("hold") == [True]
        assert "spool is full" in loop.noted.of("spoken")[0].text
        assert len(spool) == 0


def test_an_asked_question_is_answered_between_events_and_its_error_is_the_askers(
    loop: Loop,
) -> None:
    loop.happens(learned())
    answers: list[Any] = []

    def ask() -> None:
        answers.append(loop.inbox.ask(lambda: len(loop.engine), PATIENCE))
        try:
            loop.inbox.ask(lambda: {"somebody": 1}["nobody"], PATIENCE)
        except KeyError as error:
            answers.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    while asker.is_alive():
        loop.daemon.turn(0.01)
    assert answers[0] == 1
    assert isinstance(answers[1], KeyError)
    assert not [one for one in loop.noted.of("took") if isinstance(one, Asked)]


def test_a_thread_that_failed_ends_it_with_its_own_error(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.inbox.put(Failed("judging", IndexError("ours")))
    with pytest.raises(IndexError, match="ours"):
        loop.daemon.run()
    assert "thread judging has ended by a mistake" in caplog.text


def test_signals_end_it_or_have_the_settings_read_again(loop: Loop) -> None:
    before = {number: signal.getsignal(number) for number in (1, 2, 15)}
    try:
        loop.daemon.install_signals()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        loop.daemon.run()
    finally:
        for number, old in before.items():
            signal.signal(number, old)
    assert loop.daemon.stopped_by == "SIGTERM"
    assert loop.noted.of("reload") == [None]
    assert loop.noted.of("ticked")  # it never waits for the first one


def test_what_came_before_a_signal_is_still_taken(loop: Loop) -> None:
    loop.happens(learned(), Signalled(signal.SIGINT), learned(B))
    assert loop.daemon.stopped_by == "SIGINT"
    assert len(loop.engine) == 2


def test_own_entries_go_to_the_journal(loop: Loop) -> None:
    loop.daemon.say("started", version="1", pid=7)
    assert loop.kinds() == []
    loop.daemon.flush()
    assert loop.kinds() == ["started"]
    assert loop.kept[0].body == {"version": "1", "pid": 7}


def test_a_device_that_could_not_be_judged_stands_in_the_journal(loop: Loop) -> None:
    loop.happens(ev.Unjudged("one.pcap", A, "torn"), ev.Unjudged("two.pcap", A, "-", quiet=True))
    assert loop.kinds() == ["unjudged", "alarm unjudged", "unjudged"]
