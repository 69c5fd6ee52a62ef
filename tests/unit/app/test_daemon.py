"""The main loop: events in, commands carried out, nothing said before it is kept."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from plugin.actions import Action, Isolation, Place, Report
from plugin.app.daemon import Daemon
from plugin.app.inbox import Asked, Failed, Inbox, Signalled
from plugin.app.keeping import Keeper
from plugin.audit.chain import Entry
from plugin.audit.journal import Journal, JournalError, entries
from plugin.broker.spool import Spool
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.errors import OutputError
from plugin.events import FeedOpened
from plugin.policy.cases import DeniedOrder, Released, Transition
from plugin.registry import Limits
from tests.apps import PATIENCE, Noted
from tests.playbook import START, A, B, case, found, learned, verdict

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


class Decided(NamedTuple):
    """Something happened, and this is what the engine wants done."""

    commands: tuple[do.Command, ...]


class Scripted(Engine):
    """An engine that decides as the test says."""

    ordered: tuple[do.Command, ...] = ()

    def step(self, event: Any, now: float) -> list[do.Command]:
        return list(event.commands) if isinstance(event, Decided) else super().step(event, now)

    def order(self, told: Any, now: float) -> list[do.Command]:
        del now
        if told.actor == "nobody":
            raise DeniedOrder("nobody may not")
        return list(self.ordered)


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
        self.engine = Scripted(Options(limits=Limits(devices=2)))
        self.enforced: list[tuple[list[int], list[str]]] = []
        """Cookies, and what the journal held when they were handed on."""
        self.daemon = Daemon(
            self.inbox, self.engine, Keeper(journal, publish, self.kept.extend),
            self.noted.hands()._replace(enforce=self._enforce), dict, clock=lambda: self.now,
        )  # fmt: skip

    def _enforce(self, isolations: tuple[Isolation, ...], *_: frozenset[Any]) -> None:
        self.enforced.append(([one.cookie for one in isolations], self.kinds()))

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


def isolation(cookie: int) -> Isolation:
    return Isolation(cookie=cookie, mac=A, action=Action(kind="block"), place=Place("sw1", 1, 100))


def decided(*cookies: int) -> Decided:
    """A step of a case, and what is to stand after it; the wish comes first, to be sure."""
    step = Transition(case("isolating", cookie=cookies[-1] if cookies else 0), None, "it scans")
    wish = do.Enforce(tuple(map(isolation, cookies)), frozenset())
    return Decided((wish, do.AnnounceDecision(step)))


def test_a_decision_is_on_the_disk_before_it_is_enforced_and_told_after(loop: Loop) -> None:
    loop.happens(decided(1))
    assert loop.enforced == [([1], ["decision"])]
    (entry,) = loop.kept
    assert (entry.actor, entry.body["why"], entry.body["before"]) == ("scanners", "it scans", None)
    assert entry.body["case"]["state"] == "isolating"
    assert [type(one) for one in loop.noted.of("spoken")] == [do.AnnounceDecision]


def test_while_the_disk_is_full_nobody_new_is_isolated_and_releases_are_done(loop: Loop) -> None:
    loop.happens(decided(1))
    loop.journal.full = True
    loop.happens(decided(1, 2))
    assert [cookies for cookies, _ in loop.enforced] == [[1]]  # as it was: it is not said again
    assert len(loop.noted.of("spoken")) == 2  # the first decision, and that nothing is kept
    loop.happens(decided())
    assert [cookies for cookies, _ in loop.enforced][-1] == []
    loop.happens(decided(3))
    assert [cookies for cookies, _ in loop.enforced][-1] == []
    loop.journal.full = False
    loop.daemon.flush()
    assert loop.enforced[-1][0] == [3]
    assert loop.enforced[-1][1].count("decision") == 4


def test_what_stood_before_a_restart_stands_though_the_disk_is_full(loop: Loop) -> None:
    loop.journal.full = True
    loop.happens(ev.Restored((), (), (case(cookie=5),), START), decided(5, 6))
    assert loop.enforced[-1][0] == [5]


def test_a_stranger_that_is_adopted_stands_though_the_disk_is_full(loop: Loop) -> None:
    loop.journal.full = True
    loop.happens(ev.Reported(Report(strangers=(isolation(5),))), decided(5, 6))
    assert loop.enforced[-1][0] == [5]


def test_another_thing_that_cannot_be_kept_does_not_hold_up_decisions_that_are(
    tmp_path: Path,
) -> None:
    with (
        Refusing(tmp_path / "journal") as journal,
        Spool(tmp_path / "spool", max_bytes=3_000) as spool,
    ):
        loop = Loop(journal, tmp_path / "journal", spool.put)
        loop.happens(decided(1), *(ev.Judged(f"{n}", verdict(), None) for n in range(9)))
        assert loop.engine.holding
        assert [cookies for cookies, _ in loop.enforced] == [[1]]


def test_a_full_spool_stops_no_decision(tmp_path: Path) -> None:
    with (
        Refusing(tmp_path / "journal") as journal,
        Spool(tmp_path / "spool", max_bytes=3_000) as spool,
    ):
        loop = Loop(journal, tmp_path / "journal", spool.put)
        loop.happens(*(ev.Judged(f"{n}", verdict(), None) for n in range(9)))
        assert loop.engine.holding
        loop.happens(decided(1))
        assert [cookies for cookies, _ in loop.enforced] == [[1]]
        assert loop.enforced[0][1][-1] == "decision"
        told = [one for one in loop.noted.of("spoken") if isinstance(one, do.AnnounceDecision)]
        assert len(told) == 1


def test_an_order_is_kept_and_carried_out_when_it_is_answered(loop: Loop) -> None:
    loop.engine.ordered = decided(9).commands
    answers: list[Any] = []

    def ask(actor: str) -> None:
        try:
            order = partial(loop.daemon.ordered, Released(None, actor, ""))
            answers.append(loop.inbox.ask(order, PATIENCE))
        except (DeniedOrder, OutputError) as error:
            answers.append(error)

    for actor in ("ann", "nobody"):
        asker = threading.Thread(target=ask, args=(actor,))
        asker.start()
        while asker.is_alive():
            loop.daemon.turn(0.01)
    (step,) = answers[0]
    assert (step.case.cookie, step.before) == (9, None)
    assert loop.enforced == [([9], ["decision"])]
    assert isinstance(answers[1], DeniedOrder)
    loop.journal.full = True
    with pytest.raises(OutputError, match=r"cannot be kept: .*no space; free space"):
        loop.daemon.ordered(Released(None, "ann", ""))


def test_who_asks_finds_all_that_came_before_kept_and_handed_on(loop: Loop) -> None:
    # The writer reports strangers, then asks: the answer must find them among what is wanted.
    heard: list[list[int]] = []
    answer: Future[None] = Future()
    loop.inbox.put(decided(1))
    loop.inbox.put(Asked(lambda: heard.extend(cookies for cookies, _ in loop.enforced), answer))
    loop.daemon.turn(0)
    assert answer.done()
    assert heard == [[1]]
    assert loop.enforced == [([1], ["decision"])]
