"""The store follows the journal, and its troubles are told but stop nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app import projecting
from plugin.app.inbox import Inbox
from plugin.app.projecting import Projecting
from plugin.app.worker import Worker
from plugin.audit.journal import Journal
from plugin.engine import events as ev
from plugin.store import follow as store
from plugin.store.state import Store
from tests import journals
from tests.apps import PATIENCE, items
from tests.labs import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def working(one: Projecting, inbox: Inbox) -> Iterator[Worker]:
    worker = Worker("store", inbox, one.run)
    worker.start()
    try:
        yield worker
    finally:
        assert worker.stop(PATIENCE)


def position(file: Path) -> int:
    with Store(file) as store:
        return store.position()


def test_what_is_put_in_is_in_the_store_when_it_ends(tmp_path: Path) -> None:
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    journals.write(folder, journals.device(1))
    one = Projecting(file, folder, inbox)
    with working(one, inbox):
        wait_for(file.exists, "the store")
        for capture in ("a", "b", "c"):
            one.put(journals.write(folder, journals.finding(1, capture)))
    assert position(file) == 4
    assert inbox.take(0) == []
    assert one.problem is None


def test_what_is_said_while_the_store_opens_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    journals.write(folder, journals.device(1))
    one = Projecting(file, folder, inbox)

    def follow(url: Path, journal: Path, *, own: bool) -> Any:
        followed = store.follow(url, journal, own=own)
        one.put(journals.write(folder, journals.device(2)))
        return followed

    monkeypatch.setattr(projecting, "follow", follow)
    with working(one, inbox):
        wait_for(lambda: one._store, "the store")
        one.put(journals.write(folder, journals.device(3)))
    assert inbox.take(0) == []
    assert position(file) == 3


def test_a_devices_history_is_what_was_said_and_decided_as_in_the_journal(tmp_path: Path) -> None:
    folder, inbox = tmp_path / "journal", Inbox()
    written = journals.write(
        folder,
        journals.finding(1, "a"),
        journals.verdict(1, "a"),
        journals.decision(1, "isolated"),
        journals.finding(2, "b"),
        journals.decision(2, "isolated", about=2),
        journals.finding(1, None),
    )
    one = Projecting(tmp_path / "state.sqlite", folder, inbox)
    assert one.history(journals.mac(1), 2) == []  # it is not open
    with working(one, inbox):
        found = wait_for(lambda: one.history(journals.mac(1), 9), "a history")
        assert one.history(journals.mac(1), 2) == found[:2]
    assert found == [
        {"time": entry.time, "kind": entry.kind, "body": entry.body}
        for entry in (written[5], written[2], written[1], written[0])
    ]


def test_cases_are_known_also_when_they_are_over(tmp_path: Path) -> None:
    folder, inbox = tmp_path / "journal", Inbox()
    journals.write(
        folder,
        journals.decision(1, "isolated"),
        journals.decision(1, "over"),
        journals.decision(2, "isolating", about=2),
    )
    one = Projecting(tmp_path / "state.sqlite", folder, inbox)
    assert one.cases() == []  # it is not open
    with working(one, inbox):
        found = wait_for(one.cases, "cases")
    assert [(case["number"], case["state"]) for case in found] == [(1, "over"), (2, "isolating")]


def test_a_journal_that_is_still_empty_is_no_trouble(tmp_path: Path) -> None:
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    with Journal(folder) as journal:
        one = Projecting(file, folder, inbox)
        with working(one, inbox):
            wait_for(file.exists, "the store")
            one.put([journal.append(time=1.0, kind="started", actor="halia", body={})])
        assert inbox.take(0) == []
    assert position(file) == 1


def test_a_store_that_does_not_work_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "RETRY_SECONDS", 0.01)
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    written = journals.write(folder, journals.device(1))
    file.mkdir()
    one = Projecting(file, folder, inbox)
    with working(one, inbox):
        (told,) = items(inbox, 1)
        assert isinstance(told, ev.Noticed)
        assert (told.kind, told.text) == (
            "store", f"the store is behind the journal: {one.problem}"
        )  # fmt: skip
        one.put(written)
        file.rmdir()
        wait_for(lambda: one.problem is None, "the store")
        assert inbox.take(0) == []
    assert position(file) == 1


def test_a_damaged_store_is_made_anew_and_that_is_told(tmp_path: Path) -> None:
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    journals.write(folder, journals.device(1))
    file.write_bytes(b"this is no database" * 100)
    with working(Projecting(file, folder, inbox), inbox):
        (told,) = items(inbox, 1)
    assert isinstance(told, ev.Noticed)
    assert told.kind == "store"
    assert f"set aside as {file}.damaged-1; it was made anew" in told.text
    assert position(file) == 1


def test_what_could_not_wait_is_read_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "_MOST", 2)
    folder, file, inbox = tmp_path / "journal", tmp_path / "state.sqlite", Inbox()
    one = Projecting(file, folder, inbox)
    for number in range(1, 10):  # nobody takes them
        one.put(journals.write(folder, journals.device(number)))
    assert one._batches.qsize() == 2  # however long nobody does
    with working(one, inbox):
        wait_for(lambda: one._store, "the store")
        one.put(journals.write(folder, journals.device(10)))
    assert inbox.take(0) == []
    assert position(file) == 10
