"""What the daemon answers, asked from other threads as the control socket does."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from plugin.actions import Action
from plugin.app import service as services
from plugin.app.daemon import Daemon
from plugin.app.inbox import Inbox
from plugin.app.keeping import Keeper
from plugin.app.service import EngineService
from plugin.audit.journal import Journal
from plugin.engine import Engine
from plugin.engine import events as ev
from plugin.errors import DeniedError, OptionError, PeerError
from plugin.events import FeedClosed, FeedOpened, Garbage
from plugin.policy import cases as told
from plugin.store.database import StoreError
from tests.apps import Noted
from tests.playbook import START, A, B, learned, play, verdict
from tests.services import case, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GONE = "02:00:00:00:00:77"
FOUND = {"time": 1.0, "kind": "finding", "body": {}}


class Past:
    """What a test remembers."""

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem

    def history(self, mac: str, most: int) -> list[dict[str, Any]]:
        assert most > 0
        if self.problem is not None:
            raise StoreError(self.problem)
        return [FOUND] if mac == A else []

    def cases(self) -> list[dict[str, Any]]:
        if self.problem is not None:
            raise StoreError(self.problem)
        return [case(1, B, state="isolating"), case(7, state="over"), case(9, state="pending")]


class Book:
    """Decisions that a test writes."""

    def __init__(self) -> None:
        self.told: list[told.Told] = []
        self.denied: str | None = None
        self.threads: set[int] = set()
        self.known = [case(1, B), case(2, GONE, state="released", addresses=["10.0.0.77"])]

    def order(self, what: told.Told) -> list[dict[str, Any]]:
        self.threads.add(threading.get_ident())
        if self.denied is not None:
            raise told.DeniedOrder(self.denied)
        self.told.append(what)
        return [step(case(3))]

    def cases(self) -> list[dict[str, Any]]:
        return self.known

    def explain(self, mac: str) -> dict[str, Any] | None:
        return {"mac": mac} if mac == A else None

    def status(self) -> dict[str, Any]:
        return {"frozen": None}


@contextmanager
def running(
    folder: Path,
    engine: Engine,
    past: Past | None = None,
    book: Book | None = None,
    own: Callable[[str], dict[str, Any] | None] = lambda _: None,
) -> Iterator[EngineService]:
    """A service whose main thread runs."""
    inbox, stop = Inbox(), threading.Event()
    with Journal(folder / "journal") as journal:
        keeper = Keeper(journal, None, lambda _: None)
        daemon = Daemon(inbox, engine, keeper, Noted().hands(), dict)

        def turn() -> None:
            while not stop.is_set():
                daemon.turn(0.01)

        main = threading.Thread(target=turn)
        main.start()
        try:
            parts: dict[str, Any] = {"judge": {"waiting": 3}}
            yield EngineService(inbox, engine, lambda: parts, past or Past(), book or Book(), own)
        finally:
            stop.set()
            main.join()


@pytest.fixture
def engine() -> Engine:
    engine = Engine()
    play(
        engine,
        (0, FeedOpened(source="s")),
        (0, learned(A)),
        (0, learned(B, address="fd00::b")),
        (1, ev.Judged("t", verdict(A), None)),
        (1, Garbage(reason="torn", sample="x")),
        (1, ev.Covered(("the hook is not installed",))),
    )
    return engine


def test_devices_are_documents(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        found = service.devices()
    assert [(one["mac"], one["state"]) for one in found] == [(A, "ok"), (B, "unknown")]
    assert json.loads(json.dumps(found)) == found


def test_why_there_is_no_feed_is_in_the_status(tmp_path: Path, engine: Engine) -> None:
    why = "/run/event.sock: Permission denied"
    engine.step(FeedClosed(source="s", reason=why), START + 1)
    with running(tmp_path, engine) as service:
        feed = service.status()["feed"]
    assert (feed["connected"], feed["problem"]) == (False, why)


@pytest.mark.parametrize(("key", "mac"), [(A, A), ("10.0.0.1", A), ("fd00::b", B), (B, B)])
def test_a_device_is_found_by_its_mac_or_an_address(
    tmp_path: Path, engine: Engine, key: str, mac: str
) -> None:
    with running(tmp_path, engine) as service:
        found = service.device(key)
    assert found is not None
    assert found["mac"] == mac
    assert found["history"] == ([FOUND] if mac == A else [])


def test_how_much_is_known_of_its_past_stands_with_a_device(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine, own=lambda mac: {"windows": 3} if mac == A else None) as service:
        known, unknown = service.device(A), service.device(B)
    assert known is not None
    assert unknown is not None
    assert known["past"] == {"windows": 3}
    assert unknown["past"] is None


def test_a_device_that_is_not_there_is_nobody(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        assert service.device("10.0.0.99") is None
        assert service.device("02:00:00:00:00:99") is None


def test_a_store_that_cannot_be_read_only_costs_the_history(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine, Past("it is gone")) as service:
        found = service.device(A)
        assert [one["number"] for one in service.decisions(over=True)] == [1, 2]
    assert found is not None
    assert found["history"] == []


def test_the_status_names_each_part(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        status = service.status()
    assert json.loads(json.dumps(status)) == status
    assert status["devices"] == {"total": 2, "states": {"ok": 1, "unknown": 1}}
    assert status["feed"]["connected"]
    assert (status["feed"]["events"], status["feed"]["garbage"]) == (2, 1)
    assert status["feed"]["problem"] is None
    assert status["hook"] == {"problem": "the hook is not installed"}
    assert status["holding"] is False
    assert status["judge"] == {"waiting": 3}
    assert status["decisions"] == {"frozen": None}
    assert status["uptime"] >= 0


def test_a_main_thread_that_is_busy_is_told_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    monkeypatch.setattr(services, "ANSWER_SECONDS", 0.01)
    service = EngineService(Inbox(), engine, dict, Past(), Book())  # nobody takes its questions
    for ask in (service.status, service.devices, lambda: service.device(A)):
        with pytest.raises(PeerError, match="busy"):
            ask()


def test_orders_reach_the_ledger_in_the_main_thread_with_their_actor(
    tmp_path: Path, engine: Engine
) -> None:
    book = Book()
    who = {"actor": "ann", "reason": "it scans"}
    with running(tmp_path, engine, book=book) as service:
        assert service.isolate("10.0.0.1", "limit:2M", 60.0, **who) == [step(case(3))]
        service.release("10.0.0.77", **who)
        service.release(None, **who)
        service.answer(7, approve=True, **who)
        service.extend(7, 90.0, **who)
        service.thaw(**who)
    assert book.told == [
        told.Ordered(A, Action(kind="limit", rate=2000), 60.0, "ann", "it scans"),
        told.Released(GONE, "ann", "it scans"),
        told.Released(None, "ann", "it scans"),
        told.Answered(7, approve=True, actor="ann", reason="it scans"),
        told.Extended(7, 90.0, "ann", "it scans"),
        told.Thawed("ann", "it scans"),
    ]
    assert len(book.threads) == 1
    assert threading.get_ident() not in book.threads


def test_what_is_denied_says_why_and_is_in_the_log(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book()
    book.denied = "it is protected"
    caplog.set_level("INFO", "halia")
    with running(tmp_path, engine, book=book) as service:
        with pytest.raises(DeniedError, match="it is protected") as denied:
            service.isolate(A, "block", None, actor="ann", reason="x")
        assert "halia policy explain" in str(denied.value.advice)
        with pytest.raises(DeniedError, match="it is protected") as denied:
            service.thaw(actor="ann", reason="x")
        assert denied.value.advice is None, "the policy says nothing about that"
        with pytest.raises(DeniedError, match=r"no device .* is known: 10\.9\.9\.9"):
            service.release("10.9.9.9", actor="ann", reason="x")
        with pytest.raises(OptionError, match="is no action"):
            service.isolate(A, "explode", None, actor="ann", reason="x")
        with pytest.raises(DeniedError):
            service.release("x\nann wants nothing", actor="ann", reason="x")
    assert f"ann wants {A} isolated as block: denied: it is protected" in caplog.text
    assert "ann wants x\\nann wants nothing released" in caplog.text


def test_whom_a_name_means_nobody_guesses(tmp_path: Path, engine: Engine) -> None:
    book = Book()
    book.known = [case(1, GONE, addresses=["10.0.0.77"]), case(2, "02:00:00:00:00:78")]
    book.known[1]["addresses"] = ["10.0.0.77"]
    with (
        running(tmp_path, engine, book=book) as service,
        pytest.raises(DeniedError, match="could be any of 2"),
    ):
        service.release("10.0.0.77", actor="ann", reason="x")
    assert book.told == []


def test_cases_with_the_names_of_their_devices(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        one, other = service.decisions(over=False)
        assert (one["number"], one["name"]) == (1, None)
        found = [(one["number"], one["state"]) for one in service.decisions(over=True)]
    assert found == [(1, "isolated"), (2, "released"), (7, "over")]
    assert other["mac"] == GONE


def test_what_the_policy_says_of_a_device_and_what_is_decided(
    tmp_path: Path, engine: Engine
) -> None:
    book = Book()
    with running(tmp_path, engine, book=book) as service:
        book.known = [case(1, B), case(4, A)]
        assert service.explain("10.0.0.1") == {"mac": A, "case": case(4, A)}
    with running(tmp_path, engine) as service:
        assert service.explain("10.0.0.1") == {"mac": A, "case": None}
        assert service.explain("10.9.9.9") is None
