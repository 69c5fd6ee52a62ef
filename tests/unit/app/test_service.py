"""What the daemon answers, asked from other threads as the control socket does."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app import service as services
from plugin.app.daemon import Daemon
from plugin.app.inbox import Inbox
from plugin.app.keeping import Keeper
from plugin.app.service import EngineService
from plugin.audit.journal import Journal
from plugin.engine import Engine
from plugin.engine import events as ev
from plugin.errors import PeerError
from plugin.events import FeedOpened, Garbage
from plugin.store.database import StoreError
from tests.apps import Noted
from tests.playbook import A, B, learned, play, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND = {"time": 1.0, "kind": "finding", "body": {}}


def history(mac: str, most: int) -> list[dict[str, Any]]:
    assert most > 0
    return [FOUND] if mac == A else []


@contextmanager
def running(folder: Path, engine: Engine, history: Any = history) -> Iterator[EngineService]:
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
            yield EngineService(inbox, engine, lambda: {"judge": {"waiting": 3}}, history)
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


@pytest.mark.parametrize(("key", "mac"), [(A, A), ("10.0.0.1", A), ("fd00::b", B), (B, B)])
def test_a_device_is_found_by_its_mac_or_an_address(
    tmp_path: Path, engine: Engine, key: str, mac: str
) -> None:
    with running(tmp_path, engine) as service:
        found = service.device(key)
    assert found is not None
    assert found["mac"] == mac
    assert found["history"] == ([FOUND] if mac == A else [])


def test_a_device_that_is_not_there_is_nobody(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        assert service.device("10.0.0.99") is None
        assert service.device("02:00:00:00:00:99") is None


def test_a_store_that_cannot_be_read_only_costs_the_history(tmp_path: Path, engine: Engine) -> None:
    def broken(mac: str, most: int) -> list[dict[str, Any]]:
        raise StoreError("it is gone", where=f"{mac} {most}")

    with running(tmp_path, engine, broken) as service:
        found = service.device(A)
    assert found is not None
    assert found["history"] == []


def test_the_status_names_each_part(tmp_path: Path, engine: Engine) -> None:
    with running(tmp_path, engine) as service:
        status = service.status()
    assert json.loads(json.dumps(status)) == status
    assert status["devices"] == {"total": 2, "states": {"ok": 1, "unknown": 1}}
    assert status["feed"]["connected"]
    assert (status["feed"]["events"], status["feed"]["garbage"]) == (2, 1)
    assert status["hook"] == {"problem": "the hook is not installed"}
    assert status["holding"] is False
    assert status["judge"] == {"waiting": 3}
    assert status["uptime"] >= 0


def test_a_main_thread_that_is_busy_is_told_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    monkeypatch.setattr(services, "ANSWER_SECONDS", 0.01)
    service = EngineService(Inbox(), engine, dict, history)  # nobody takes its questions
    for ask in (service.status, service.devices, lambda: service.device(A)):
        with pytest.raises(PeerError, match="busy"):
            ask()
