"""Faucet's page and the hook, asked in a thread."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.app import asking
from plugin.app.asking import Asking
from plugin.app.inbox import Inbox
from plugin.app.worker import Worker
from plugin.engine import events as ev
from plugin.offline.faucet import install
from tests.apps import PATIENCE, items
from tests.unit.faucet.test_transport import Page
from tests.unit.offline.test_faucet import ACLS, TEXT, planned, running

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "http://127.0.0.1:1"


@contextmanager
def asked(page: str | None, config: Path | None) -> Iterator[tuple[Asking, Inbox]]:
    inbox = Inbox()
    one = Asking(page, config, inbox)
    worker = Worker("asking", inbox, one.run)
    worker.start()
    try:
        yield one, inbox
    finally:
        assert worker.stop(PATIENCE)


@pytest.fixture
def page() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "acls.yaml").write_text(ACLS)
    (tmp_path / "faucet.yaml").write_text(TEXT)
    return tmp_path / "faucet.yaml"


def test_the_page_is_read_when_it_is_asked_for(page: str) -> None:
    with asked(page, None) as (one, inbox):
        one.resync()
        one.resync()
        found = items(inbox, 2)
    assert [one.snapshot.event_id for one in found] == [3, 3]


def test_a_page_that_does_not_answer_is_told(page: str) -> None:
    with asked(page + "/none", None) as (one, inbox):
        one.resync()
        (found,) = items(inbox, 1)
    assert isinstance(found, ev.ResyncFailed)
    assert "Prometheus page cannot be read" in found.reason


def test_the_hook_is_looked_at_again_and_again(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "COVERAGE_SECONDS", 0.0)
    with asked(NOWHERE, config) as (_, inbox):
        first = items(inbox, 1)[0]
        assert isinstance(first, ev.Covered)
        assert "not installed" in first.problems[0]
        assert install(*planned(config), running()).written
        while items(inbox, 1)[-1].problems:
            pass
        config.unlink()
        while not (gone := items(inbox, 1)[-1]).problems:
            pass
    assert str(config) in gone.problems[0]


def test_it_is_looked_at_once_in_half_a_minute(config: Path) -> None:
    with asked(NOWHERE, config) as (_, inbox):
        items(inbox, 1)
        assert inbox.take(0.5) == []
