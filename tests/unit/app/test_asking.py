"""Faucet's page, asked in a thread."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from plugin.app.asking import Asking
from plugin.app.inbox import Inbox
from plugin.app.worker import Worker
from plugin.engine import events as ev
from tests.apps import PATIENCE, items
from tests.unit.faucet.test_transport import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "http://127.0.0.1:1"


@contextmanager
def asked(page: str) -> Iterator[tuple[Asking, Inbox]]:
    inbox = Inbox()
    one = Asking(page, inbox)
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


def test_the_page_is_read_when_it_is_asked_for(page: str) -> None:
    with asked(page) as (one, inbox):
        one.resync()
        one.resync()
        found = items(inbox, 2)
    assert [one.snapshot.event_id for one in found] == [3, 3]


def test_a_page_that_does_not_answer_is_told(page: str) -> None:
    with asked(page + "/none") as (one, inbox):
        one.resync()
        (found,) = items(inbox, 1)
    assert isinstance(found, ev.ResyncFailed)
    assert "Prometheus page cannot be read" in found.reason
