"""Messages to the spool, entries to the journal, nothing dropped when either refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.app import keeping
from plugin.app.keeping import Keeper, Sayable
from plugin.audit.journal import Journal, JournalError, entries
from plugin.broker.message import Message
from plugin.broker.spool import Spool, SpoolFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.audit.chain import Entry
    from plugin.audit.journal import Draft


def message(number: int, size: int = 10) -> Message:
    return Message("e", "k", f"id-{number}", b"x" * size)


def verdict(number: int, *messages: Message) -> Sayable:
    return Sayable(float(number), "verdict", {"number": number}, messages)


def into(spool: Spool) -> Callable[[Message], None]:
    def publish(one: Message) -> None:
        spool.put(one)

    return publish


def numbers(folder: Path) -> list[int]:
    return [entry.body["number"] for entry in entries(folder)]  # type: ignore[union-attr]  # whole


def test_what_is_said_is_in_both_and_told_afterwards(tmp_path: Path) -> None:
    kept: list[Entry] = []
    with Journal(tmp_path / "j") as journal, Spool(tmp_path / "s", max_bytes=1 << 20) as spool:
        keeper = Keeper(journal, into(spool), kept.extend)
        keeper.say(verdict(1, message(1), message(2)))
        keeper.say(verdict(2))
        assert (len(keeper), kept) == (2, [])
        assert keeper.flush() is None
        assert (len(keeper), len(spool), [e.number for e in kept]) == (0, 2, [1, 2])
        assert keeper.flush() is None
    assert numbers(tmp_path / "j") == [1, 2]


def test_a_full_spool_keeps_the_rest_waiting_in_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal, Spool(tmp_path / "s", max_bytes=200) as spool:
        keeper = Keeper(journal, into(spool), lambda _: None)
        for number in (1, 2, 3):
            keeper.say(verdict(number, message(number, 60)))
        reason = keeper.flush()
        assert reason is not None
        assert "the spool is full" in reason
        held = len(spool)
        assert 0 < held < 3
        assert numbers(tmp_path / "j") == list(range(1, held + 1))
        assert keeper.flush() is not None
        for number in range(1, held + 1):
            spool.confirm(number)
        while keeper.flush() is not None:
            for kept in list(spool.waiting()):
                spool.confirm(kept.number)
    assert numbers(tmp_path / "j") == [1, 2, 3]


def test_what_was_half_spooled_is_not_spooled_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal, Spool(tmp_path / "s", max_bytes=300) as spool:
        keeper = Keeper(journal, into(spool), lambda _: None)
        keeper.say(verdict(1, message(1), message(2, 250)))
        keeper.say(verdict(2, message(3)))
        for _ in range(5):
            assert keeper.flush() is not None
            assert [kept.message.message_id for kept in spool.waiting()] == ["id-1"]
        spool.confirm(1)
        assert keeper.flush() is not None  # now the other verdict has no room
        assert [kept.message.message_id for kept in spool.waiting()] == ["id-2"]
        spool.confirm(2)
        assert keeper.flush() is None
        assert [kept.message.message_id for kept in spool.waiting()] == ["id-3"]
    assert numbers(tmp_path / "j") == [1, 2]


class Refusing(Journal):
    """A journal whose disk is full, as long as it is told so."""

    full = True

    def append_all(self, drafts: Sequence[Draft]) -> list[Entry]:
        if self.full:
            raise JournalError("the journal cannot be written: no space")
        return super().append_all(drafts)


def test_a_journal_that_cannot_be_written_is_tried_again_without_spooling_twice(
    tmp_path: Path,
) -> None:
    with Refusing(tmp_path / "j") as journal, Spool(tmp_path / "s", max_bytes=1 << 20) as spool:
        keeper = Keeper(journal, into(spool), lambda _: None)
        keeper.say(verdict(1, message(1)))
        assert "no space" in (keeper.flush() or "")
        assert "no space" in (keeper.flush() or "")
        assert (len(keeper), len(spool)) == (1, 1)
        journal.full = False
        assert keeper.flush() is None
    assert numbers(tmp_path / "j") == [1]


def test_while_nothing_can_be_written_only_what_can_be_told_again_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LESSER_MOST", 2)
    with Refusing(tmp_path / "j") as journal:
        keeper = Keeper(journal, None, lambda _: None)
        for number in range(4):
            keeper.say(Sayable(1.0, "device", {"number": number}))
        for number in range(10, 14):
            keeper.say(verdict(number))
        assert keeper.left_out == 2
        journal.full = False
        assert keeper.flush() is None
    assert numbers(tmp_path / "j") == [0, 1, 10, 11, 12, 13]


def test_who_did_it_stands_in_the_entry_and_what_is_owed_can_be_asked(tmp_path: Path) -> None:
    kept: list[Entry] = []
    with Journal(tmp_path / "j") as journal, Spool(tmp_path / "s", max_bytes=100) as spool:
        keeper = Keeper(journal, into(spool), kept.extend)
        keeper.say(Sayable(1.0, "decision", {}, (), "ann"))
        keeper.say(Sayable(2.0, "started", {}))
        assert (keeper.owes("decision"), keeper.owes("verdict")) == (True, False)
        keeper.say(verdict(3, message(1, 200)))
        assert keeper.flush() is not None
        assert (keeper.owes("decision"), keeper.owes("verdict")) == (False, True)
    assert [one.actor for one in kept] == ["ann", "halia"]


def test_a_decision_does_not_wait_for_a_full_spool_and_its_message_follows(tmp_path: Path) -> None:
    sent: list[str] = []
    room = [1]

    def publish(one: Message) -> None:
        if len(sent) >= room[0]:
            raise SpoolFullError("the spool is full")
        sent.append(one.message_id)

    with Journal(tmp_path / "j") as journal:
        keeper = Keeper(journal, publish, lambda _: None)
        keeper.say(verdict(1, message(1)))
        keeper.say(verdict(2, message(2)))
        for number in (3, 4):
            keeper.say(Sayable(1.0, "decision", {"number": number}, (message(number),)))
        keeper.say(verdict(5, message(5)))
        assert keeper.flush() == "the spool is full"
        assert numbers(tmp_path / "j") == [1, 3, 4]
        assert not keeper.owes("decision")
        assert len(keeper) == 4  # two verdicts, and the messages of two decisions
        assert keeper.flush() is not None
        assert numbers(tmp_path / "j") == [1, 3, 4]
        room[0] = 9
        assert keeper.flush() is None
    assert numbers(tmp_path / "j") == [1, 3, 4, 2, 5]
    assert sent == ["id-1", "id-3", "id-4", "id-2", "id-5"]
    assert len(keeper) == 0


def test_a_decision_of_which_one_message_is_spooled_owes_the_other(tmp_path: Path) -> None:
    sent: list[str] = []
    room = [1]

    def publish(one: Message) -> None:
        if len(sent) >= room[0]:
            raise SpoolFullError("the spool is full")
        sent.append(one.message_id)

    with Journal(tmp_path / "j") as journal:
        keeper = Keeper(journal, publish, lambda _: None)
        keeper.say(Sayable(1.0, "decision", {"number": 1}, (message(1), message(2))))
        keeper.say(verdict(2, message(3)))
        assert keeper.flush() is not None
        room[0] = 9
        assert keeper.flush() is None
    assert numbers(tmp_path / "j") == [1, 2]
    assert sent == ["id-1", "id-2", "id-3"]
