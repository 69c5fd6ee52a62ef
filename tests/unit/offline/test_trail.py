"""What a journal knows without a daemon, and who writes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.audit.journal import Draft, Journal, JournalHeld, segments
from plugin.errors import DeniedError, HaliaError
from plugin.offline.trail import Trail, ending, meant, remembered
from tests.isolated import journal
from tests.nobody import NOBODY
from tests.services import GHOST, LAPTOP, PRINTER, case, open_folder

CASES = (
    case(1, LAPTOP, name="ann-laptop"),
    case(2, PRINTER, state="pending", name="Printer", addresses=["10.0.0.11"]),
    case(3, GHOST, state="isolating", parent=1, addresses=[]),
    case(4, "02:00:00:00:00:09", state="over", name="old", addresses=["10.0.0.9"]),
)


def test_each_case_as_it_was_last(tmp_path: Path) -> None:
    journal(tmp_path, *CASES, CASES[0] | {"state": "releasing"})
    known = remembered(tmp_path)
    states = {number: one["state"] for number, one in known.cases.items()}
    assert states == {1: "releasing", 2: "pending", 3: "isolating", 4: "over"}
    assert {one.name for one in known.devices} == {"ann-laptop", "Printer", None, "old"}


@pytest.mark.parametrize(
    "wrong", [{"number": None}, {"number": [1]}, {"state": "caged"}, {"parent": "x"}, {"mac": 1}]
)
def test_what_cannot_be_read_hinders_nobody(tmp_path: Path, wrong: dict[str, object]) -> None:
    odd = case(5, GHOST) | wrong
    known = remembered(journal(tmp_path, CASES[0]))
    with Journal(tmp_path) as one:
        body = {"case": odd, "before": None, "why": "another version's"}
        one.append_all([Draft(3.0, "decision", "halia", body)])
        one.append_all([Draft(3.0, "decision", "halia", {**body, "case": {}})])
        one.append_all([Draft(4.0, "device", "halia", {"mac": GHOST, "addresses": 7})])
    assert remembered(tmp_path).cases == known.cases
    assert [c["number"] for c in ending(remembered(tmp_path), None)] == [1]


def test_who_is_meant(tmp_path: Path) -> None:
    known = remembered(journal(tmp_path, *CASES))
    assert meant("ANN-laptop", known, frozenset()) == LAPTOP
    assert meant("10.0.0.11", known, frozenset()) == PRINTER
    assert meant(GHOST.upper(), known, frozenset()) == GHOST
    assert meant("02-00-00-00-00-55", known, frozenset({"02:00:00:00:00:55"}))
    for device in ("old", "10.0.0.9", "02:00:00:00:00:55", "nobody"):
        with pytest.raises(DeniedError, match="is not isolated"):
            meant(device, known, frozenset())


def test_which_cases_end(tmp_path: Path) -> None:
    known = remembered(journal(tmp_path, *CASES))
    assert [one["number"] for one in ending(known, None)] == [1, 2, 3]
    assert [one["number"] for one in ending(known, LAPTOP)] == [1, 3]
    assert [one["number"] for one in ending(known, GHOST)] == [3]


def test_nobody_else_writes_it_meanwhile(tmp_path: Path) -> None:
    folder = journal(tmp_path, *CASES)
    with Trail(folder), pytest.raises(JournalHeld, match="writes this journal"):
        Journal(folder)
    with Journal(folder), pytest.raises(JournalHeld, match=f"process {os.getpid()} writes"):
        Trail(folder)
    with Trail(folder) as trail:
        trail.append([])
        trail.append([Draft(3.0, "note", "ann", {})])
    with Journal(folder):
        pass


@pytest.mark.parametrize("there", [True, False])
def test_no_journal(tmp_path: Path, *, there: bool) -> None:
    with pytest.raises(HaliaError):
        Trail(tmp_path if there else tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_not_whole_is_let_go_again(tmp_path: Path) -> None:
    folder = journal(tmp_path, *CASES)
    (file,) = segments(folder)
    file.write_bytes(file.read_bytes().replace(b"ann", b"bob"))
    for _ in range(2):
        with pytest.raises(HaliaError, match="not whole"):
            Trail(folder)


def test_root_leaves_no_file_that_its_owner_cannot_open() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as place:
        folder = journal(place / "j", *CASES)
        for file in (folder, *folder.iterdir()):
            os.chown(file, NOBODY, NOBODY)
        (folder / "journal.lock").unlink()
        with Trail(folder) as trail:
            trail.append([Draft(3.0, "note", "ann", {})])
        assert {file.stat().st_uid for file in folder.iterdir()} == {NOBODY}
    assert os.geteuid() == 0
