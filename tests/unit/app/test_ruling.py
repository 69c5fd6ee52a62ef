"""The policy's file, changed under a run: what is right is used, what is wrong is told."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from plugin.app.inbox import Inbox
from plugin.app.ruling import Ruling
from plugin.engine import events as ev
from plugin.offline.policy import load_policy
from plugin.policy.rules import EMPTY
from tests.apps import PATIENCE, items

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.policy.rules import Policy

SHORT = "halia-policy: 1\nlearning: 0\nrules: []\n"
LONG = SHORT + "caps: {devices: 3}\n"
WRONG = "halia-policy: 1\nrulez: []\n"


class Watched:
    """A policy's file, and who looks after it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.yaml"
        self.file.write_text(SHORT, encoding="utf-8")
        self.inbox = Inbox()
        self.reads: list[Path] = []
        self.ruling = Ruling(self.file, self.read, self.inbox)

    def read(self, file: Path) -> Policy:
        self.reads.append(file)
        return load_policy(file)

    def looks(self, text: str | None, times: int = 1) -> list[object]:
        """What is put in when the file holds this now, and is looked at."""
        if text is None:
            self.file.unlink()
        elif not self.file.exists() or text != self.file.read_text(encoding="utf-8"):
            self.file.write_text(text, encoding="utf-8")
        for _ in range(times):
            self.ruling.look()
        return self.inbox.take(0) if len(self.inbox) else []


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_file_that_has_not_changed_is_not_read(watched: Watched) -> None:
    assert watched.looks(SHORT, 3) == []
    assert watched.reads == []


def test_a_changed_file_is_read_once_it_is_not_written_any_more(watched: Watched) -> None:
    assert watched.looks(SHORT + "# half") == []
    (read,) = watched.looks(LONG) or watched.looks(LONG)
    assert isinstance(read, ev.PolicyRead)
    assert read.policy.caps.devices == 3
    assert watched.looks(LONG, 3) == []
    assert len(watched.reads) == 1


def test_a_wrong_file_is_told_with_its_places_and_not_used(watched: Watched) -> None:
    (told,) = watched.looks(WRONG, 2)
    assert isinstance(told, ev.Noticed)
    assert told.kind == "policy"
    assert told.text.startswith("the policy stays as it was: ")
    assert f"{watched.file}:2:1" in told.text
    assert watched.looks(WRONG, 2) == []  # told once; the engine repeats nothing either
    gone = watched.looks(None, 2)
    assert [one.kind for one in gone if isinstance(one, ev.Noticed)] == ["policy"]
    read, better = watched.looks(LONG, 2)
    assert isinstance(read, ev.PolicyRead)
    assert isinstance(better, ev.Noticed)
    assert better.kind == "policy_ok"
    assert better.text.endswith("rules: 0, enforced: none")
    (again,) = watched.looks(SHORT, 2)
    assert isinstance(again, ev.PolicyRead)


def test_another_file_is_read_when_the_settings_name_one(watched: Watched, tmp_path: Path) -> None:
    stopping = threading.Event()
    worker = threading.Thread(target=watched.ruling.run, args=(stopping,))
    worker.start()
    try:
        (tmp_path / "other.yaml").write_text(LONG, encoding="utf-8")
        watched.ruling.use(tmp_path / "other.yaml")
        (read,) = items(watched.inbox, 1)
        assert isinstance(read, ev.PolicyRead)
        assert read.policy.caps.devices == 3
        watched.ruling.use(None)
        assert items(watched.inbox, 1) == [ev.PolicyRead(EMPTY)]
    finally:
        stopping.set()
        worker.join(PATIENCE)
    assert not worker.is_alive()


def test_a_pipe_in_the_file_s_place_is_not_waited_for(watched: Watched) -> None:
    watched.file.unlink()
    os.mkfifo(watched.file)
    watched.ruling.look()
    watched.ruling.look()
    (told,) = watched.inbox.take(0)
    assert isinstance(told, ev.Noticed)
    assert told.text.endswith("policy.yaml: is no file")
    assert watched.reads == []
