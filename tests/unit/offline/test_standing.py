"""Who is isolated while no daemon runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import DeniedError, FaucetFileError
from plugin.faucet import files
from plugin.faucet.hook import INCLUDE
from plugin.offline.standing import Standing, standing
from tests.grounds import isolation, mac, site
from tests.isolated import journal, on_disk
from tests.services import case

CASES = (
    case(1, mac(1), cookie=1, name="desk", addresses=["10.0.0.1"]),
    case(2, mac(2), cookie=2, addresses=["10.0.0.2"]),
    case(3, mac(3), cookie=0, state="pending", addresses=[]),
    case(4, mac(4), cookie=4, state="over", addresses=[]),
)


def found(folder: Path) -> Standing:
    """The first stands in both, the second in the journal alone, another in the files alone."""
    config = on_disk(folder, site(), isolation("block", 1), isolation("block", 9))
    return standing(config, journal(folder / "journal", *CASES))


def test_who_stands_in_the_journal_and_who_in_the_files_alone(tmp_path: Path) -> None:
    one = found(tmp_path)
    assert [(case["number"], case["state"], case["name"]) for case in one.cases] == [
        (1, "isolated", "desk"), (2, "isolated", None), (3, "pending", None), (4, "over", None),
    ]  # fmt: skip
    assert [case["notes"] for case in one.cases] == [
        [], ["Faucet's files have nothing of it"], [], [],
    ]  # fmt: skip
    assert (one.caseless, one.unread) == ((mac(9),), ())


def test_whom_a_release_hits(tmp_path: Path) -> None:
    one = found(tmp_path)
    cases, caseless = one.hit(None)
    assert ([case["number"] for case in cases], caseless) == ([1, 2, 3], (mac(9),))
    cases, caseless = one.hit("desk")
    assert ([case["number"] for case in cases], caseless) == ([1], ())
    assert one.hit(mac(9)) == ([], (mac(9),))
    with pytest.raises(DeniedError, match="not isolated"):
        one.hit(mac(4))


def test_one_that_cannot_be_read_hides_the_other_from_nobody(tmp_path: Path) -> None:
    found(tmp_path)
    blind = standing(tmp_path / "none.yaml", tmp_path / "journal")
    assert [case["number"] for case in blind.cases] == [1, 2, 3, 4]
    assert blind.cases[1]["notes"] == [], "of files that were not read nothing is said"
    assert len(blind.unread) == 1
    other = standing(tmp_path / "faucet.yaml", tmp_path / "none")
    assert (other.cases, other.caseless, other.known) == ((), (mac(1), mac(9)), None)
    assert "no journal" in str(other.unread[0])


def test_an_include_that_may_not_be_read_isolates_not_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path)
    read = files.read_text

    def refused(path: Path) -> str:
        if path.name == INCLUDE:
            raise FaucetFileError("Permission denied", where=str(path))
        return read(path)

    monkeypatch.setattr(files, "read_text", refused)
    one = standing(tmp_path / "faucet.yaml", tmp_path / "journal")
    assert [str(error) for error in one.unread] == [f"{tmp_path / INCLUDE}: Permission denied"]
    assert one.cases[0]["notes"] == []
